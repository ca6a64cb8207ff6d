"""ReviewValues, on a schedule each night: which stored bars were seen with other values, which values
cannot be right, and the next look."""

from __future__ import annotations

import time
from typing import Any

from minutemend.contract import Metric
from minutemend.core.captures import parse_scheduled_at
from minutemend.wiring import compose
from minutemend.wiring.telemetry import emit, logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`event`: `{"scheduled_at": "2013-10-05T03:10:00Z"}`. Returns what was found, accepted and asked for."""
    stage = compose.settings_of("review_values").stage
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 2000
    done = compose.review_values(deadline=deadline).run(parse_scheduled_at(event), now=compose.utc_now())
    flagged = {Metric.FLAGS_FAILED: 1} if done.flags is None else {Metric.FLAGS: len(done.flags)}
    emit(stage, {Metric.REVISIONS: len(done.open), **flagged})
    if done.flags is None:
        logger.error("values were not looked at", extra={"reason": done.trouble})
    for reason in done.refused:
        logger.warning("not accepted", extra={"reason": reason})
    logger.info("reviewed", extra=done.detail())
    return done.detail()
