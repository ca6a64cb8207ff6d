"""Publishing on a deployed stage: what a repair touched is rebuilt, and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session
from minutemend.ports.store import Stored
from minutemend.services.compaction import MAX_OBJECTS

from mend.stage import Stage
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
    assert {"bars", "announced"} <= added <= {"bars", "looks", "answers", "absences", "announced"}
    rows = {row["symbol"]: row for row in stage.lake.hourly.facts(hour).to_pylist()}
    assert rows["AIG"]["minutes_present"] + rows["AIG"]["minutes_absent"] == 60
    assert rows["AAPL"]["minutes_present"] == 0  # it was not asked for: there, and marked


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


@pytest.mark.usefixtures("market")
def test_bars_that_lose_are_kept_by_compaction(stage: Stage, run_audit: RunAudit, fresh_day: Session) -> None:
    """Five objects of one date, and two bars of one minute among them: one wins, and the other is not forgotten."""
    status, state = run_audit(fresh_day.open, fresh_day.open + timedelta(minutes=30), symbols=["IBM"])
    assert status == "SUCCEEDED", state
    first = Range(fresh_day.open, fresh_day.open + timedelta(minutes=1))
    stored = stage.lake.read_bars(first, ["IBM"])
    for times in range(1, MAX_OBJECTS + 1):
        other = pc.multiply(stored["volume"], float(times + 1))
        again = stored.set_column(stored.schema.get_field_index("volume"), "volume", other)
        stage.lake.put_bars(again.set_column(again.schema.get_field_index("source"), "source", pa.array(["late"])))
    assert run_audit(fresh_day.open, fresh_day.open + timedelta(minutes=30), symbols=["IBM"])[0] == "SUCCEEDED"
    assert [*stage.lake.store.list(f"superseded/dt={fresh_day.dt}/")]
    assert stage.lake.read_bars(first, ["IBM"]).num_rows == 1
