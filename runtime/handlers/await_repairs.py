"""WaitForRepairs: leave the state machine's task token where the last worker finds it."""

from __future__ import annotations

from typing import Any

from minutemend.wiring import compose


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ARG001 (Lambda's signature)
    """`event`: `{audit_id, attempt, task_token}`. The answer goes by the token, not by returning."""
    compose.await_repairs().run(event)
