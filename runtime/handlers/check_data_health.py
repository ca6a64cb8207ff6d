"""CheckDataHealth: which expected minutes are missing, and what comes next."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from minutemend.contract import Key, Metric, Status
from minutemend.services.audit import Finding
from minutemend.wiring import compose
from minutemend.wiring.telemetry import emit, logger

# What folding, planning files and metrics take after the query, at most.
RESERVE = 30.0  # seconds


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`event`: `{input, audit_id, started_at}` at first, later the state. Returns the next state."""
    stage = compose.settings_of("check_data_health").stage
    left = context.get_remaining_time_in_millis() / 1000
    now = compose.utc_now()
    service = compose.audit(deadline=time.monotonic() + max(left - RESERVE, left / 2))
    finding = service.check(event, now=now)
    logger.info("looked", extra={"found": finding.state, "symbols_refused": finding.symbols_refused})
    _measure(stage, finding, now)
    return finding.state


def _measure(stage: str, finding: Finding, now: datetime) -> None:
    state, status = finding.state, finding.state[Key.STATUS]
    if finding.symbols_refused is not None:
        emit(stage, {Metric.SYMBOLS_REFUSED: 1})
    if finding.session_days is not None:
        emit(stage, {Metric.SESSION_DAYS: finding.session_days})
    if status in (Status.REFUSED, Status.NOTHING, Status.STOPPED):
        return
    expected, missing = state[Key.EXPECTED], state[Key.MISSING]
    values: dict[Metric, float] = {Metric.MISSING: missing}
    if finding.absent:  # a metric is billed for each hour in which it is written
        values[Metric.ABSENT] = finding.absent
    if status != Status.REPAIR:  # a gap that is being repaired is not open: a backfill would alarm for its age
        values[Metric.OLDEST_GAP] = (now - finding.oldest).total_seconds() if finding.oldest else 0
    if expected:
        values[Metric.COMPLETENESS] = 100 * (expected - missing) / expected
    emit(stage, values)
