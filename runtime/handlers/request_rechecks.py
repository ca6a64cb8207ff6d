"""RequestRechecks, the first step of a night's run of the backfill's machine: what is due to be asked again."""

from __future__ import annotations

from typing import Any

from minutemend.core.captures import parse_scheduled_at
from minutemend.wiring import compose
from minutemend.wiring.telemetry import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
    """`event`: `{"run": "…", "scheduled_at": "2013-10-05T04:40:00Z"}`. Returns the `key` of the windows, if any."""
    scheduled_at = parse_scheduled_at({key: value for key, value in event.items() if key != "run"})
    done = compose.request_rechecks().run(event.get("run", ""), scheduled_at)
    logger.info("asked again", extra=done)
    return done
