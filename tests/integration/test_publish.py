"""Publishing on a deployed stage: what a repair touched is rebuilt, and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session
from minutemend.ports.store import Stored

from cli.stage import Stage
from tests.integration.conftest import RunAudit


def objects(stage: Stage) -> dict[str, Stored]:
    """Every object of the data bucket, with its etag and when it was written."""
    return {stored.key: stored for stored in stage.lake.store.list("")}


def retired(stage: Stage) -> set[str]:
    """The keys that compaction has replaced, and that any publisher may delete when they are due."""
    store = stage.lake.store
    manifests = [stored.key for stored in store.list("retired/")]
    return {*manifests, *(key for name in manifests for key, _ in json.loads(store.get(name) or b"[]"))}


@pytest.mark.usefixtures("market")
def test_a_repair_of_an_old_hour_rewrites_the_facts_of_that_hour_alone(
    stage: Stage, run_audit: RunAudit, fresh_day: Session
) -> None:
    """A published, compacted day; one hour of another symbol is repaired in it: every other object stays."""
    status, state = run_audit(fresh_day.open, fresh_day.close, symbols=["IBM"])
    assert status == "SUCCEEDED", state
    before, going = objects(stage), retired(stage)
    start = fresh_day.open.replace(minute=0) + timedelta(hours=2)
    hour = Range(start, start + timedelta(hours=1))
    status, state = run_audit(hour.start, hour.end, symbols=["AIG"])
    assert status == "SUCCEEDED", state
    after = objects(stage)

    facts = f"hourly/dt={hour.start:%Y-%m-%d}/{hour.start:%H}.parquet"
    assert {key for key in before if key in after and after[key] != before[key]} == {facts}
    assert set(before) - set(after) <= going
    added = {key.partition("/")[0] for key in set(after) - set(before)}
    assert {"bars", "announced"} <= added <= {"bars", "answers", "absences", "announced"}
    rows = {row["symbol"]: row for row in stage.lake.hour_facts(hour).to_pylist()}
    assert rows["AIG"]["minutes_present"] + rows["AIG"]["minutes_absent"] == 60
    assert rows["AAPL"]["minutes_present"] == 0  # nobody asked for it: there, and marked


@pytest.mark.usefixtures("market")
def test_a_second_audit_of_a_whole_range_writes_nothing(stage: Stage, run_audit: RunAudit, fresh_day: Session) -> None:
    """Neither bars nor facts nor another announcement."""
    hour = Range(fresh_day.open, fresh_day.open + timedelta(minutes=30))
    assert run_audit(hour.start, hour.end, symbols=["IBM"])[0] == "SUCCEEDED"
    before, going = objects(stage), retired(stage)
    assert run_audit(hour.start, hour.end, symbols=["IBM"])[0] == "SUCCEEDED"
    after = objects(stage)
    assert {key: stored for key, stored in before.items() if key not in going} == {
        key: stored for key, stored in after.items() if key not in going
    }
