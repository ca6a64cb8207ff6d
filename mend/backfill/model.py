"""What a backfill was asked, and how far it is: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from minutemend.core.minutes import Range, format_instant, parse_instant

from mend.backfill.windows import Window


class State(StrEnum):
    """What became of a window."""

    WHOLE = "whole"
    NOT_WHOLE = "not whole"
    RUNNING = "running"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a backfill was asked."""

    range: Range
    symbols: tuple[str, ...] | None
    attempts: int
    oldest_first: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "start": format_instant(self.range.start),
            "end": format_instant(self.range.end),
            "symbols": None if self.symbols is None else list(self.symbols),
            "attempts": self.attempts,
            "oldest_first": self.oldest_first,
        }


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill and the newest run of it, from 1."""

    id: str
    run: int
    begun: datetime
    asked: Asked

    @property
    def run_name(self) -> str:
        """The name of the run's execution; its windows' audits have it before their number."""
        return f"{self.id}-{self.run}"

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "run": self.run, "begun": format_instant(self.begun), **self.asked.as_json()}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Backfill:
        """The backfill of `as_json`."""
        symbols = given["symbols"]
        asked = Asked(
            Range(parse_instant(given["start"], name="start"), parse_instant(given["end"], name="end")),
            None if symbols is None else tuple(symbols),
            given["attempts"],
            given["oldest_first"],
        )
        return cls(given["id"], given["run"], datetime.fromisoformat(given["begun"]), asked)


@dataclass(frozen=True, slots=True)
class Part:
    """A window with what became of it. `found` minutes were missing at its first look, `missing` are at its last."""

    number: int
    window: Window
    state: State
    found: int = 0
    missing: int = 0
    requests: int = 0
    left: int = 0  # requests of the running attempt that are not settled
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """How far a backfill is. `status` is its run's: RUNNING, SUCCEEDED, FAILED, ABORTED, or None (not started)."""

    backfill: Backfill
    status: str | None
    parts: tuple[Part, ...]
    requests_left: int
    time_left: timedelta

    def count(self, state: State) -> int:
        return sum(part.state is state for part in self.parts)

    @property
    def running(self) -> bool:
        return self.status == "RUNNING"

    @property
    def not_whole(self) -> list[Part]:
        return [part for part in self.parts if part.state is State.NOT_WHOLE]

    @property
    def settled(self) -> int:
        """Minutes that were missing and are repaired, or proven absent."""
        return sum(part.found - part.missing for part in self.parts)
