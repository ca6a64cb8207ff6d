"""The night's review on a deployed stage: from a bar that was seen otherwise to the facts of its hour."""

from __future__ import annotations

import time
from datetime import timedelta

import pyarrow as pa
import pytest
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, Range, format_instant
from minutemend.core.sessions import Session

from mend.revisions import find_revisions
from mend.stage import Stage
from tests.integration.conftest import PATIENCE, RunAudit
from tests.integration.replay import invoke


@pytest.mark.usefixtures("market")
def test_dev_accepts_what_the_same_vendor_said_later_and_looks_at_the_day_again(
    stage: Stage, run_audit: RunAudit, fresh_day: Session
) -> None:
    """The policy of dev's settings. Of a vendor whose lag is not documented all symbols are looked at; what the market
    says then is what it said before, but for the bar that was accepted."""
    half_hour = Range(fresh_day.open, fresh_day.open + 30 * MINUTE)
    assert run_audit(half_hour.start, half_hour.end, symbols=["IBM"])[0] == "SUCCEEDED"
    first = Range(fresh_day.open, fresh_day.open + MINUTE)
    stored = stage.lake.read_bars(first, ["IBM"])
    seen = {"close": [stored["high"][0].as_py()], "open": [stored["low"][0].as_py()], "repair_id": ["a look"]}
    seen["captured_at"] = [(fresh_day.open + timedelta(hours=20)).replace(tzinfo=None)]
    for name, values in seen.items():
        place = stored.schema.get_field_index(name)
        stored = stored.set_column(place, stored.schema.field(name), pa.array(values, stored.schema.field(name).type))
    stage.lake.put_looks(stored)
    early = fresh_day.open - 30 * MINUTE
    bad = Bar("IBM", early, 9.0, 5.0, 8.0, 9.0, 1.0)
    stage.lake.put_bars(to_table([bad], source="a test", repair_id=None, captured_at=early))

    night = format_instant(fresh_day.open.replace(hour=3, minute=10) + timedelta(days=2))
    said = invoke(stage.clients.functions, stage.output("ReviewValuesFunction"), {"scheduled_at": night})
    assert {name: said[name] for name in ("revised", "disputed", "accepted")} == {
        "revised": 0, "disputed": 0, "accepted": 1,
    }  # fmt: skip
    assert said["flags"]["inconsistent"] == 1
    kept = [one for one in stage.lake.flags.read([early.date()]) if one.start == early]
    assert [(one.symbol, one.rule, one.said) for one in kept] == [
        ("IBM", "inconsistent", "open 9, high 5, low 8, close 9")
    ]
    now = stage.lake.read_bars(first, ["IBM"])
    assert (now["close"][0].as_py(), now["repair_id"][0].as_py()[:9]) == (seen["close"][0], "accepted:")

    run, until = f"look-{fresh_day.open:%Y%m%d}", time.monotonic() + PATIENCE
    assert said["requests"] >= 1
    while stage.board.progress(run, 1).settled < said["requests"]:
        assert time.monotonic() < until, f"{run} is not settled"
        time.sleep(0.5)
    (again,) = find_revisions(stage.lake, half_hour, ["IBM"])
    assert (again.minute, again.kind) == (first.start, "revised")
    status, state = run_audit(half_hour.start, half_hour.end, symbols=["IBM"])
    assert status == "SUCCEEDED", state
    (facts,) = [
        row for row in stage.lake.hourly.facts(half_hour).to_pylist()
        if row["symbol"] == "IBM" and row["minutes_present"]
    ][:1]  # fmt: skip
    assert facts["open"] == seen["open"][0]
