"""CheckDataHealth: which expected minutes are missing, and what comes next."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from minutemend.contract import Key, Metric, Status
from minutemend.services.check_data_health import Checked
from minutemend.wiring import compose
from minutemend.wiring.telemetry import emit, logger

# What folding, planning files and metrics take after the query, at most.
RESERVE = 30.0  # seconds


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`event`: `{input, audit_id, started_at}` at first, later the state. Returns the next state."""
    stage = compose.settings_of("check_data_health").stage
    left = context.get_remaining_time_in_millis() / 1000
    now = compose.utc_now()
    service = compose.check_data_health(deadline=time.monotonic() + max(left - RESERVE, left / 2))
    checked = service.check(event, now=now)
    logger.info("looked", extra={"found": checked.state, "symbols_refused": checked.symbols_refused})
    _measure(stage, checked, now)
    return checked.state


def _measure(stage: str, checked: Checked, now: datetime) -> None:
    state, status = checked.state, checked.state[Key.STATUS]
    if checked.symbols_refused is not None:
        emit(stage, {Metric.SYMBOLS_REFUSED: 1})
    if checked.session_days is not None:
        emit(stage, {Metric.SESSION_DAYS: checked.session_days})
    if status in (Status.REFUSED, Status.NOTHING, Status.STOPPED):
        return
    expected, missing = state[Key.EXPECTED], state[Key.MISSING]
    values: dict[Metric, float] = {Metric.MISSING: missing}
    if checked.absent:  # a metric is billed for each hour in which it is written
        values[Metric.ABSENT] = checked.absent
    if status != Status.REPAIR:  # a gap that is being repaired is not open: a backfill would alarm for its age
        values[Metric.OLDEST_GAP] = (now - checked.oldest).total_seconds() if checked.oldest else 0
    if expected:
        values[Metric.COMPLETENESS] = 100 * (expected - missing) / expected
    emit(stage, values)
