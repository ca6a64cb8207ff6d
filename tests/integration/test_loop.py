"""The whole loop on a deployed stage: what is missing is named, repaired, proven absent, or told."""

from __future__ import annotations

from minutemend.core.bars import BARS
from minutemend.core.sessions import Session

from cli.stage import Stage
from tests.integration.conftest import Market, RunAudit


def test_a_day_that_is_missing_altogether_becomes_whole(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """No bar at first; every bar of the vendor afterwards, to the last digit."""
    assert market.source.knows("IBM")
    status, state = run_audit(fresh_day.open, fresh_day.close, symbols=["IBM"])
    assert status == "SUCCEEDED", state
    bars = stage.lake.read_bars(fresh_day.range, ["IBM"])
    assert bars.schema == BARS
    assert bars.num_rows == 390
