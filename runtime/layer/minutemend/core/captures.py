"""Captures: which minute is due, whom to ask for, and the message that carries the question."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range, format_instant, parse_instant, parse_moment
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing, valid_symbol, valid_symbols

_FIELDS = {"start", "end", "symbols", "tries"}


@dataclass(frozen=True, slots=True)
class CaptureJob:
    """A chunk of symbols to be asked for over one bar's range. `tries` counts how often it was put off."""

    range: Range
    symbols: tuple[str, ...]
    tries: int = 0

    def to_message(self) -> dict[str, object]:
        """The SQS message body, as JSON types."""
        return {
            "start": format_instant(self.range.start),
            "end": format_instant(self.range.end),
            "symbols": list(self.symbols),
            "tries": self.tries,
        }

    @classmethod
    def from_message(cls, body: object) -> CaptureJob:
        """The job of a message body. Raises BadInput that says what is malformed: such a message is poison."""
        if not isinstance(body, dict) or set(body) != _FIELDS:
            raise BadInput(f"the message has to be an object with the fields {', '.join(sorted(_FIELDS))}")
        symbols, tries = body["symbols"], body["tries"]
        if not isinstance(symbols, list) or not symbols:
            raise BadInput(f"symbols is {symbols!r}: a list of symbols would be right")
        if type(tries) is not int or tries < 0:
            raise BadInput(f"tries is {tries!r}: a whole number from 0 would be right")
        window = Range(parse_instant(body["start"], name="start"), parse_instant(body["end"], name="end"))
        return cls(window, valid_symbols(valid_symbol(symbol) for symbol in symbols), tries)


@dataclass(frozen=True, slots=True)
class DropRule:
    """The intentional flaw: this share of questions is not asked, the same ones for the same seed."""

    rate: float
    seed: int

    def drops(self, symbol: str, minute: datetime) -> bool:
        digest = hashlib.sha256(f"{self.seed}|{symbol}|{format_instant(minute)}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < self.rate * 2**64


def parse_scheduled_at(given: object) -> datetime:
    """The scheduled instant of a schedule's input, down to its minute (a rate schedule has odd seconds).

    Raises BadInput for anything but an object with `scheduled_at`, ISO time with a zone, and nothing else.
    """
    if not isinstance(given, dict) or set(given) != {"scheduled_at"}:
        raise BadInput(f'the input is {given!r}: {{"scheduled_at": "2013-10-04T13:31:00Z"}} would be right')
    return parse_moment(given["scheduled_at"], name="scheduled_at").replace(second=0, microsecond=0)


def due_bar(scheduled_at: datetime, *, settling: timedelta, cadence: timedelta = MINUTE) -> Range:
    """The bar that is due at a scheduled instant: the one that ended the settling delay before."""
    end = (scheduled_at - settling).replace(second=0, microsecond=0)
    return Range(end - cadence, end)


def due_symbols(
    bar: Range, listings: Iterable[Listing], sessions: Iterable[Session], *, cadence: timedelta = MINUTE
) -> list[str]:
    """The symbols whose calendar expects this bar, sorted: it begins inside a session, on its cadence."""
    due: dict[str, list[Session]] = {}
    for session in sessions:
        if bar.start in session.range and (bar.start - session.open) % cadence == timedelta(0):
            due.setdefault(session.calendar, []).append(session)
    return sorted(
        {
            listing.symbol
            for listing in listings
            for session in due.get(listing.calendar, ())
            if (listing.listed is None or listing.listed <= session.dt)
            and (listing.delisted is None or session.dt < listing.delisted)
        }
    )
