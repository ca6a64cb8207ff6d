"""Repair jobs: one vendor request each, with an id made from its content, and the message that carries it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from minutemend.core.answers import VendorRequest
from minutemend.core.errors import BadInput
from minutemend.core.intervals import LANE, Intervals, lanes, numbers, on_lanes
from minutemend.core.minutes import (
    MINUTE,
    Range,
    epoch_minute,
    format_instant,
    from_epoch_minute,
    parse_instant,
    parse_moment,
)
from minutemend.core.symbols import valid_symbol

_FIELDS = {"audit_id", "attempt", "vendor", "symbols", "start", "end", "gaps", "not_before"}
_NAME = re.compile(r"[\w.:-]{1,200}")
_MAY = {"rest", "backfill"}
_MOST = 1000
LONGEST_REQUEST = timedelta(days=70)  # a plan's longest: 10,000 minutes of sessions, or a month's archive


def content_id(*parts: object) -> str:
    """24 hex digits that depend on the parts alone: the same work has the same id wherever it is made."""
    text = json.dumps(parts, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class RepairJob:
    """One vendor request of one attempt of one audit, and the minutes that it is to mend.

    `gaps` lie inside the request, as places of the positions of its symbols (core/intervals.py); only their minutes
    may be written. The request may be wider: neighbours that are stored already show that the vendor knows the range.
    """

    audit_id: str
    attempt: int
    request: VendorRequest
    gaps: Intervals
    not_before: datetime | None = None  # a second observation of an absence must be apart from the first
    rest: tuple[VendorRequest, ...] = ()  # what an earlier worker could not finish; none: the whole request
    backfill: str | None = None  # the run of a backfill that it is part of

    @property
    def id(self) -> str:
        request = self.request
        return content_id(
            self.audit_id, self.attempt, request.vendor, request.symbols, str(request.range), self._gap_rows()
        )

    def gaps_of(self, symbol: str) -> Intervals:
        """The gaps of one symbol, in epoch minutes. Those of two sessions stay two where they touch."""
        base = self.request.symbols.index(symbol) * LANE
        first, after = np.searchsorted(self.gaps.starts, [base, base + LANE])
        return Intervals(self.gaps.starts[first:after] - base, self.gaps.ends[first:after] - base)

    def _gap_rows(self) -> list[list[object]]:
        """`[symbol, first epoch minute, minutes]` of each gap."""
        lane, gaps = lanes(self.gaps)
        columns = (lane.tolist(), gaps.starts.tolist(), gaps.lengths.tolist())
        return [[self.request.symbols[at], start, length] for at, start, length in zip(*columns, strict=True)]

    def to_message(self) -> dict[str, object]:
        """The SQS message body, as JSON types. Gaps are `[symbol, first epoch minute, minutes]`, the rest
        `[symbols, first epoch minute, minutes]`."""
        rest = [[list(part.symbols), epoch_minute(part.range.start), part.range.minutes] for part in self.rest]
        return {
            "audit_id": self.audit_id,
            "attempt": self.attempt,
            "vendor": self.request.vendor,
            "symbols": list(self.request.symbols),
            "start": format_instant(self.request.range.start),
            "end": format_instant(self.request.range.end),
            "gaps": self._gap_rows(),
            "not_before": format_instant(self.not_before) if self.not_before else None,
            **({"rest": rest} if rest else {}),
            **({"backfill": self.backfill} if self.backfill else {}),
        }

    @classmethod
    def from_message(cls, body: object) -> RepairJob:
        """The job of a message body. Raises BadInput that says what is malformed: such a message is poison."""
        if not isinstance(body, dict) or not _FIELDS <= set(body) <= _FIELDS | _MAY:
            raise BadInput(f"the message has to be an object with the fields {', '.join(sorted(_FIELDS))}")
        audit_id, attempt, vendor, not_before = (body[name] for name in ("audit_id", "attempt", "vendor", "not_before"))
        for name, text in (("audit_id", audit_id), ("vendor", vendor)):
            valid_name(text, name=name)
        backfill = body.get("backfill")
        if backfill is not None:
            valid_name(backfill, name="backfill")
        if type(attempt) is not int or not 0 < attempt <= _MOST:
            raise BadInput(f"attempt is {attempt!r}: a whole number from 1 would be right")
        if not isinstance(body["symbols"], list) or not body["symbols"]:
            raise BadInput("symbols has to be a list of symbols")
        request = VendorRequest(
            vendor=vendor,
            symbols=tuple(valid_symbol(symbol) for symbol in body["symbols"]),
            range=short_range(body["start"], body["end"], longest=LONGEST_REQUEST),
        )
        rows = []
        for entry in _listed(body["gaps"], name="gaps"):
            match entry:
                case [str() as symbol, int() as first, int() as minutes] if symbol in request.symbols:
                    _inside(request.range, first, minutes)
                    rows.append((request.symbols.index(symbol), first, first + minutes))
                case _:
                    raise BadInput(f"the gap {str(entry)[:80]} is not [symbol of the job, first epoch minute, minutes]")
        rest = []
        for entry in _listed(body.get("rest", []), name="rest"):
            match entry:
                case [list() as some, int() as first, int() as minutes] if some and all(
                    isinstance(symbol, str) and symbol in request.symbols for symbol in some
                ):
                    rest.append(VendorRequest(vendor, tuple(some), _inside(request.range, first, minutes)))
                case _:
                    raise BadInput(
                        f"the rest {str(entry)[:80]} is not [symbols of the job, first epoch minute, minutes]"
                    )
        return cls(
            audit_id=audit_id,
            attempt=attempt,
            request=request,
            gaps=_disjoint(rows),
            not_before=None if not_before is None else parse_moment(not_before, name="not_before"),
            rest=tuple(rest),
            backfill=backfill,
        )


def valid_name(text: object, *, name: str) -> None:
    """Raises BadInput unless `text` is a name that may stand in a key or a log line."""
    if not isinstance(text, str) or not _NAME.fullmatch(text):
        raise BadInput(f"{name} is {str(text)[:80]!r}: letters, digits and . : _ - would be right")


def short_range(start: object, end: object, *, longest: timedelta) -> Range:
    """The range between two instants of a message. Raises BadInput, also when it is longer than any of ours."""
    window = Range(parse_instant(start, name="start"), parse_instant(end, name="end"))
    if window.end - window.start > longest:
        raise BadInput(
            f"the range {window} has {window.minutes:,} minutes: at most {longest // MINUTE:,} would be right"
        )
    return window


def _listed(value: object, *, name: str) -> list[object]:
    if not isinstance(value, list):
        raise BadInput(f"{name} has to be a list")
    return value


def _disjoint(rows: list[tuple[int, int, int]]) -> Intervals:
    lane, start, end = numbers(rows).reshape(-1, 3).T
    gaps = on_lanes(lane, (start, end))
    if (gaps.starts[1:] < gaps.ends[:-1]).any():
        raise BadInput("some gaps of one symbol overlap: each minute once would be right")
    return gaps


def _inside(window: Range, first: int, minutes: int) -> Range:
    begin = epoch_minute(window.start)
    if not (begin <= first and 0 < minutes <= window.minutes and first + minutes <= begin + window.minutes):
        raise BadInput(f"the minutes [{first}, {first} + {minutes}) are outside the request {window}")
    return Range(from_epoch_minute(first), from_epoch_minute(first + minutes))
