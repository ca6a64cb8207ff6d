"""A night's rechecks on a deployed stage, as their schedule starts them: the backfill's machine, its step, audits."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from minutemend.contract import RECHECKS_KEY
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant, from_epoch_minute
from minutemend.core.revocations import Revocation
from minutemend.core.sessions import Session
from minutemend.core.verdicts import RULE, Absence

from mend.aws import executions
from mend.stage import Stage
from tests.integration.conftest import PATIENCE, Market, RunAudit

LATER = timedelta(days=2)


@pytest.fixture
def only(stage: Stage, fresh_day: Session) -> Iterator[None]:
    """Of all dates that other tests left proofs of, this one's alone is due."""
    store = stage.lake.store
    before = store.get(RECHECKS_KEY)
    found = (one.key.partition("dt=")[2][:10] for table in ("absences/", "failures/") for one in store.list(table))
    at = format_instant((datetime.now(UTC) + LATER + timedelta(days=1)).replace(microsecond=0))
    store.put(RECHECKS_KEY, json.dumps({day: [at, None] for day in found if day != str(fresh_day.dt)}).encode())
    yield
    if before is None:
        store.delete([RECHECKS_KEY])
    else:
        store.put(RECHECKS_KEY, before)


def _night(stage: Stage) -> str:
    """Run the schedule's execution to its end; its name."""
    machine, name = stage.clients.stepfunctions, f"night-{uuid.uuid4().hex[:8]}"
    given = {"scheduled_at": format_instant((datetime.now(UTC) + LATER).replace(second=0, microsecond=0))}
    arn = executions.start(machine, stage.output("BackfillMachineArn"), given, name=name)
    until = time.monotonic() + PATIENCE
    while (ended := executions.describe(machine, arn)).status == "RUNNING":
        assert time.monotonic() < until, "the night does not end"
        time.sleep(0.5)
    assert ended.status == "SUCCEEDED", (ended.error, ended.cause)
    return name


@pytest.mark.usefixtures("only")
def test_a_night_repairs_what_the_vendor_has_by_now_and_is_quiet_about_what_it_still_lacks(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """IBM's minute was proven by one vendor nine days ago, and is there now. AAPL's hole is suspected since today: by
    the audit's own clock it is not due, and no second alarm is sent of it."""
    half = Range(fresh_day.open, fresh_day.open + 30 * MINUTE)
    minute = Range(half.start + 7 * MINUTE, half.start + 8 * MINUTE)
    hole = [format_instant(half.start + n * MINUTE) for n in range(10, 20)]
    rows = market.source.rows("IBM", epoch_minute(half.start), epoch_minute(half.end))
    kept = [Bar("IBM", from_epoch_minute(at), *values) for at, *values in rows if at != epoch_minute(minute.start)]
    stage.lake.put_bars(to_table(kept, source="loaded", repair_id=None, captured_at=datetime(2026, 1, 1, tzinfo=UTC)))
    long_ago = (datetime.now(UTC) - timedelta(days=9)).replace(microsecond=0)
    evidence = json.dumps([{"vendor": "finnhub"}])
    stage.lake.put_absences([Absence("IBM", minute, "no_trade", evidence, 2, long_ago, "two_looks", 0.5, RULE)])
    other = Range(minute.end, minute.end + MINUTE)
    stage.lake.put_revocations([Revocation("IBM", other, "a test", "no proof of this one counts", datetime.now(UTC))])
    market.faults({"kind": "missing", "symbols": ["AAPL"], "minutes": hole})
    status, _ = run_audit(half.start, half.end, symbols=["AAPL", "IBM"])
    assert status == "FAILED"
    reasons = {(one.symbol, one.reason) for one in stage.lake.failures(half)}
    assert reasons == {("AAPL", "vendor_hole_suspected")}
    told = len(stage.lake.store.list(f"failures/dt={fresh_day.dt}/"))
    assert stage.lake.read_bars(minute, ["IBM"]).num_rows == 0, "what is proven is asked of no vendor"
    market.faults()

    begun = datetime.now(UTC) - timedelta(minutes=5)
    name = _night(stage)
    audit = executions.describe(
        stage.clients.stepfunctions,
        executions.execution_arn(stage.output("StateMachineArn"), f"recheck-{name}-00000"),
    )
    assert audit.status == "SUCCEEDED", audit
    assert (audit.output or {})["status"] == "known"
    assert stage.lake.read_bars(minute, ["IBM"])["repair_id"].null_count == 0
    assert len(stage.lake.store.list(f"failures/dt={fresh_day.dt}/")) == told
    [facts] = [one for one in stage.lake.hourly.facts(minute).to_pylist() if one["symbol"] == "IBM"]
    assert (facts["minutes_absent"], facts["minutes_present"]) == (0, 30)

    asked = market.counts()["requests"]
    again = _night(stage)
    found = executions.named(
        stage.clients.stepfunctions, stage.output("StateMachineArn"), prefix=f"recheck-{again}", since=begun
    )
    assert (list(found), market.counts()["requests"]) == ([], asked), "it was asked, and is not due before the week"


def test_a_bar_beside_what_an_audit_asked_for_ends_a_proof_of_another_hour(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """IBM's eighth minute is said to be absent. The answer for the second quarter shows it; the next look at the first
    one revokes the proof, and the minute is repaired."""
    quarters = [Range(fresh_day.open + n * 15 * MINUTE, fresh_day.open + (n + 1) * 15 * MINUTE) for n in (0, 1)]
    lost = [fresh_day.open + n * MINUTE for n in (7, 20)]
    rows = market.source.rows("IBM", epoch_minute(quarters[0].start), epoch_minute(quarters[1].end))
    kept = [Bar("IBM", from_epoch_minute(at), *values) for at, *values in rows if from_epoch_minute(at) not in lost]
    stage.lake.put_bars(to_table(kept, source="loaded", repair_id=None, captured_at=datetime(2026, 1, 1, tzinfo=UTC)))
    minute, before = Range(lost[0], lost[0] + MINUTE), (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)
    evidence = json.dumps([{"vendor": "finnhub"}])
    stage.lake.put_absences([Absence("IBM", minute, "no_trade", evidence, 2, before, "two_looks", 0.5, RULE)])
    for quarter in (quarters[1], quarters[0]):
        status, _ = run_audit(quarter.start, quarter.end, symbols=["IBM"])
        assert status == "SUCCEEDED"
    assert stage.lake.read_bars(minute, ["IBM"])["repair_id"].null_count == 0
    (one,) = stage.lake.revocations(minute)
    assert (one.symbol, one.range, one.who) == ("IBM", minute, "minutemend")
