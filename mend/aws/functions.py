"""Lambda functions, asked from outside: what the schedules do, done by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from minutemend.core.errors import MinutemendError


class FunctionFailed(MinutemendError):
    """The function raised; the message says what."""


def invoke(functions: Any, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Run a deployed function, wait for it, and return what it returned (a JSON object). Raises FunctionFailed."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    body = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise FunctionFailed(f"{name} failed with {body[:500]}")
    said = json.loads(body)
    if not isinstance(said, dict):
        raise FunctionFailed(f"{name} returned {body[:100]}, which is no object")
    return said
