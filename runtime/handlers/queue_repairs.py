"""QueueRepairs: the gaps of the last look become jobs for the workers."""

from __future__ import annotations

from typing import Any

from minutemend.contract import Key
from minutemend.wiring import compose
from minutemend.wiring.telemetry import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
    """`event`: the state. Returns it with `attempt` one higher and the number of `jobs`."""
    state = compose.queue_repairs().run(event, now=compose.utc_now())
    logger.info("queued", extra={key: state[key] for key in (Key.AUDIT_ID, Key.ATTEMPT, Key.JOBS)})
    return state
