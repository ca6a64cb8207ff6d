"""In-memory Signals that keep what was said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minutemend.ports.signals import Signals


class FakeSignals(Signals):
    """`resumed` by token, `alarms` as (subject, message), `announced` as (detail type, detail)."""

    def __init__(self) -> None:
        self.resumed: dict[str, list[dict[str, Any]]] = {}
        self.alarms: list[tuple[str, str]] = []
        self.announced: list[tuple[str, dict[str, Any]]] = []

    def resume(self, token: str, output: Mapping[str, Any]) -> None:
        self.resumed.setdefault(token, []).append(dict(output))

    def alarm(self, subject: str, message: str) -> None:
        self.alarms.append((subject, message))

    def announce(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        self.announced.append((detail_type, dict(detail)))
