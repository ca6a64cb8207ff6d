"""Captures: which minute is due, whom to ask for, and the message that carries the question."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from minutemend.core.errors import BadInput
from minutemend.core.in_force import expected_of
from minutemend.core.jobs import short_range, valid_name
from minutemend.core.minutes import MINUTE, Range, format_instant, parse_moment
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing, valid_symbols

_FIELDS = {"start", "end", "symbols", "tries"}
_LATER_FIELDS = {"since", "unseen", "vendor"}  # of messages of later versions
LONGEST = timedelta(days=1)  # a capture is of one bar
_MOST = 1000


@dataclass(frozen=True, slots=True)
class CaptureJob:
    """A chunk of symbols to be asked for over one bar's range.

    `tries` counts how often the vendor was asked in vain, `unseen` how often it answered without a bar of these
    symbols, `since` is when they were first asked for (None: an old message, or not yet), `vendor` who is asked.
    """

    range: Range
    symbols: tuple[str, ...]
    tries: int = 0
    unseen: int = 0
    since: datetime | None = None
    vendor: str | None = None  # None: the stage's first

    def to_message(self) -> dict[str, object]:
        """The SQS message body, as JSON types."""
        return {
            "start": format_instant(self.range.start),
            "end": format_instant(self.range.end),
            "symbols": list(self.symbols),
            "tries": self.tries,
            **({"unseen": self.unseen} if self.unseen else {}),
            **({"since": format_instant(self.since)} if self.since else {}),
            **({"vendor": self.vendor} if self.vendor else {}),
        }

    @classmethod
    def from_message(cls, body: object) -> CaptureJob:
        """The job of a message body. Raises BadInput that says what is malformed: such a message is poison."""
        if not isinstance(body, dict) or not _FIELDS <= set(body) <= _FIELDS | _LATER_FIELDS:
            raise BadInput(f"the message has to be an object with the fields {', '.join(sorted(_FIELDS))}")
        symbols, since, vendor = body["symbols"], body.get("since"), body.get("vendor")
        if not isinstance(symbols, list) or not symbols:
            raise BadInput(f"symbols is {symbols!r}: a list of symbols would be right")
        if vendor is not None:
            valid_name(vendor, name="vendor")
        for name in ("tries", "unseen"):
            count = body.get(name, 0)
            if type(count) is not int or not 0 <= count <= _MOST:
                raise BadInput(f"{name} is {str(count)[:40]!r}: a whole number from 0 to {_MOST} would be right")
        return cls(
            short_range(body["start"], body["end"], longest=LONGEST),
            valid_symbols(symbols),
            body["tries"],
            body.get("unseen", 0),
            None if since is None else parse_moment(since, name="since"),
            vendor,
        )


@dataclass(frozen=True, slots=True)
class DropRule:
    """The intentional flaw: this share of questions is not asked, the same ones for the same seed."""

    rate: float
    seed: int

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise BadInput(f"the flaw's rate is {self.rate}: a share from 0 to 1 would be right")

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


def due_bar(scheduled_at: datetime, *, settling: timedelta) -> Range:
    """The minute that is due at a scheduled instant: the one that ended the settling delay before."""
    end = (scheduled_at - settling).replace(second=0, microsecond=0)
    return Range(end - MINUTE, end)


def due_symbols(
    bar: Range, listings: Iterable[Listing], sessions: Iterable[Session], *, halted: Collection[str] = ()
) -> list[str]:
    """The symbols whose calendar expects this minute and that are not `halted`, sorted."""
    due = expected_of(listings, (session for session in sessions if bar.start in session.range))
    return sorted({listing.symbol for listing, _ in due} - set(halted))
