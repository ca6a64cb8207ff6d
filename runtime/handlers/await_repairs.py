"""WaitForRepairs and CheckProgress: leave the task token where the last worker finds it; look whether to wait on."""

from __future__ import annotations

from typing import Any

from minutemend.contract import Key
from minutemend.wiring import compose
from minutemend.wiring.telemetry import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:  # noqa: ARG001 (Lambda's signature)
    """`event`: `{audit_id, attempt, task_token}`; the answer goes by the token, not by returning.

    Without a token: the state, after a wait that timed out. Returns it with `moving`: whether to wait on.
    """
    service = compose.await_repairs()
    if Key.TASK_TOKEN in event:
        service.run(event)
        return None
    state = service.check_progress(event)
    told = (Key.AUDIT_ID, Key.ATTEMPT, Key.JOBS, Key.SETTLED, Key.WAITS, Key.MOVING)
    logger.info("waited long enough", extra={key: state[key] for key in told})
    return state
