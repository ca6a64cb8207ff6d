"""RequestCaptures: the schedule of each minute. Asks for the bars that are due, inside sessions."""

from __future__ import annotations

from typing import Any

from minutemend.contract import Metric
from minutemend.core.captures import parse_scheduled_at
from minutemend.core.minutes import format_instant
from minutemend.wiring import compose, feed
from minutemend.wiring.telemetry import emit, logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
    """`event`: `{"scheduled_at": "2013-10-04T13:31:00Z"}`. Returns what was asked for."""
    stage = compose.settings_of("request_captures").stage
    done = feed.request_captures().run(parse_scheduled_at(event))
    if done.refused is not None:
        emit(stage, {Metric.SYMBOLS_REFUSED: 1})
        logger.error("the last good list of symbols stays in force", extra={"reason": done.refused})
    if done.unknown:
        emit(stage, {Metric.SESSION_DAYS: 0})
        logger.error("what to ask for is not known", extra={"reasons": list(done.unknown)})
    said = {
        "minute": format_instant(done.bar.start),
        "symbols": done.symbols,
        "dropped": list(done.dropped),
        "messages": done.messages,
    }
    logger.info("requested", extra=said)
    return said
