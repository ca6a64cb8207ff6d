"""What the services say to the world: resume the state machine, alarm a person, announce a range."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class Signals(ABC):
    """Outgoing words."""

    @abstractmethod
    def resume(self, token: str, output: Mapping[str, Any]) -> None:
        """Let the waiting execution go on. A token that is used up or timed out does not matter."""

    @abstractmethod
    def alarm(self, subject: str, message: str) -> None:
        """A message on the alarm topic, for a person (subject: at most 100 characters of ASCII)."""

    @abstractmethod
    def announce(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """An event on the bus, source `minutemend`."""
