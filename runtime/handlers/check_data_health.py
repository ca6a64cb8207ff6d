"""CheckDataHealth: which expected minutes are missing, and what comes next."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from minutemend.contract import Key, Metric, Status
from minutemend.services.audit import Finding
from minutemend.wiring import compose
from minutemend.wiring.environment import CheckSettings
from minutemend.wiring.telemetry import emit, logger

# What folding, planning files and metrics take after the query, at most.
RESERVE = 30.0  # seconds


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`event`: `{input, audit_id, started_at}` at first, later the state. Returns the next state."""
    stage = compose.settings_of(CheckSettings).stage
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
    if status in (Status.READY, Status.EXHAUSTED, Status.REFUSED):
        emit(stage, {Metric.AUDITS: 1}, outcome=status)
    if status == Status.REFUSED:
        return
    expected, missing = state[Key.EXPECTED], state[Key.MISSING]
    values: dict[Metric, float] = {
        Metric.MISSING: missing,
        Metric.ABSENT: finding.absent,
    }
    if status != Status.REPAIR:  # a gap that is being repaired is not open: a backfill would alarm for its age
        values[Metric.OLDEST_GAP] = (now - finding.oldest).total_seconds() if finding.oldest else 0
    if expected:
        values[Metric.COMPLETENESS] = 100 * (expected - missing) / expected
    if finding.scanned_bytes is not None:
        values[Metric.BYTES_SCANNED] = finding.scanned_bytes
    if status in (Status.READY, Status.EXHAUSTED) and state[Key.STARTED_AT]:
        values[Metric.AUDIT_SECONDS] = (now - datetime.fromisoformat(state[Key.STARTED_AT])).total_seconds()
    emit(stage, values)
