"""What people record that no calendar package and no vendor shows: closures, special hours, breaks, halts, listings.

One JSON list holds the records, of a stage as of `mend check --closures FILE`:

    [{"kind": "closed", "calendar": "XHKG", "start": "2023-09-01", "by": "anna", "why": "typhoon Saola"},
     {"kind": "closed", "calendar": "XTKS", "start": "2020-10-01T00:00:00Z", "end": "2020-10-01T02:30:00Z", …},
     {"kind": "hours", "calendar": "XNYS", "date": "2024-07-03", "open": "…T13:30:00Z", "close": "…T17:00:00Z", …},
     {"kind": "break", "calendar": "CMES", "from": "16:00", "to": "17:00", "zone": "America/Chicago", …},
     {"kind": "halt", "symbol": "GME", "start": "…T14:05:00Z", "end": "…T14:10:00Z", …},
     {"kind": "listing", "symbol": "X", "listed": "2020-01-02", "delisted": "2021-01-01", …}]

Dates are session dates of the calendar, and every range is half-open. Without `end` a closure is of one date; `start`
and `end` of a break bound its dates when they are there; several `hours` of one date are its parts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, format_instant, parse_instant
from minutemend.core.symbols import valid_symbol

_DAY = timedelta(days=1)
RIGHT = (
    '{"kind": "closed", "calendar": "XHKG", "start": "2023-09-01", "by": "anna", "why": "typhoon Saola"} would be right'
)


class Kind(StrEnum):
    """What a record says."""

    CLOSED = "closed"
    HOURS = "hours"
    BREAK = "break"
    HALT = "halt"
    LISTING = "listing"


# For each kind the fields that it needs, and those that it may have.
_FIELDS: Mapping[Kind, tuple[frozenset[str], frozenset[str]]] = {
    Kind.CLOSED: (frozenset({"calendar", "start"}), frozenset({"end"})),
    Kind.HOURS: (frozenset({"calendar", "date", "open", "close"}), frozenset()),
    Kind.BREAK: (frozenset({"calendar", "from", "to", "zone"}), frozenset({"start", "end"})),
    Kind.HALT: (frozenset({"symbol", "start", "end"}), frozenset()),
    Kind.LISTING: (frozenset({"symbol"}), frozenset({"listed", "delisted"})),
}
_SAID = frozenset({"kind", "by", "why"})


@dataclass(frozen=True, slots=True)
class Closure:
    """One record. `of` is its calendar, or for halts and listings its symbol; `by` and `why` say who holds it true.

    `dates` bound session dates (end exclusive, None: unbounded); `span` are instants in UTC; a break has `daily`, its
    local times and their zone, instead.
    """

    kind: Kind
    of: str
    dates: tuple[date | None, date | None] = (None, None)
    span: Range | None = None
    daily: tuple[time, time, str] | None = None
    by: str = ""
    why: str = ""

    def on(self, dt: date) -> bool:
        """Whether the session date lies in `dates`."""
        first, end = self.dates
        return (first is None or first <= dt) and (end is None or dt < end)

    def as_json(self) -> dict[str, str]:
        """The record as a file holds it; `parse_closures` reads it back."""
        named = {"symbol" if self.kind in (Kind.HALT, Kind.LISTING) else "calendar": self.of}
        first, end = (edge.isoformat() if edge else None for edge in self.dates)
        told: dict[str, str | None] = {}
        if self.kind is Kind.LISTING:
            told = {"listed": first, "delisted": end}
        elif self.kind is Kind.HOURS and self.span:
            told = {"date": first, "open": format_instant(self.span.start), "close": format_instant(self.span.end)}
        elif self.span:
            told = {"start": format_instant(self.span.start), "end": format_instant(self.span.end)}
        else:
            told = {"start": first, "end": end}
        if self.daily:
            begin, until, zone = self.daily
            told.update({"from": f"{begin:%H:%M}", "to": f"{until:%H:%M}", "zone": zone})
        there = {name: value for name, value in told.items() if value is not None}
        return {"kind": str(self.kind), **named, **there, "by": self.by, "why": self.why}

    @property
    def id(self) -> str:
        """Eight hex digits over what it says, and not over its author."""
        said = {name: value for name, value in self.as_json().items() if name not in ("by", "why")}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]


def parse_closures(text: str, *, name: str) -> list[Closure]:
    """The records in `text`, each once, in the order given. `name` is the file's, for messages. Raises BadInput."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name} is no JSON ({error}): a list of records like {RIGHT}") from None
    if not isinstance(given, list):
        raise BadInput(f"{name} is no list: a list of records like {RIGHT}")
    found: dict[str, Closure] = {}
    for number, entry in enumerate(given, start=1):
        try:
            closure = parse_closure(entry)
        except BadInput as reason:
            raise BadInput(f"{name}, record {number}: {reason}") from None
        found.setdefault(closure.id, closure)
    return list(found.values())


def dump_closures(closures: Iterable[Closure]) -> str:
    """The file of these records."""
    return json.dumps([closure.as_json() for closure in closures], indent=1)


def parse_closure(entry: Any) -> Closure:
    """One record of a file. Raises BadInput."""
    if not isinstance(entry, dict) or entry.get("kind") not in list(Kind):
        raise BadInput(f"{entry!r} has no kind that is known; {', '.join(Kind)} are: {RIGHT}")
    kind = Kind(entry["kind"])
    needed, more = _FIELDS[kind]
    given = {field for field, value in entry.items() if value is not None}
    if lacking := sorted((needed | _SAID) - given):
        raise BadInput(f"a record of kind {kind} lacks {', '.join(lacking)}: who and why are part of it, as in {RIGHT}")
    if unknown := sorted(given - needed - more - _SAID):
        raise BadInput(f"a record of kind {kind} has the unknown fields {', '.join(unknown)}")
    if bad := sorted(field for field in given if not isinstance(entry[field], str) or not entry[field].strip()):
        raise BadInput(f"{bad[0]} is {entry[bad[0]]!r}: text would be right")
    said = {"by": entry["by"], "why": entry["why"]}
    if kind is Kind.HALT:
        return Closure(kind, valid_symbol(entry["symbol"]), span=_span(entry, "start", "end"), **said)
    if kind is Kind.LISTING:
        return Closure(kind, valid_symbol(entry["symbol"]), _dates(entry, "listed", "delisted"), **said)
    if kind is Kind.HOURS:
        day = _date(entry["date"], "date")
        span = _span(entry, "open", "close")
        if not day - _DAY <= span.start.date() <= span.end.date() <= day + 2 * _DAY or span.minutes > 24 * 60:
            raise BadInput(f"the hours {span} are not of the session date {day}")
        return Closure(kind, entry["calendar"], (day, day + _DAY), span, **said)
    if kind is Kind.BREAK:
        daily = (_time(entry["from"], "from"), _time(entry["to"], "to"), _zone(entry["zone"]))
        if daily[0] == daily[1]:
            raise BadInput(f"the break from {entry['from']} to {entry['to']} holds no minute")
        return Closure(kind, entry["calendar"], _dates(entry, "start", "end"), daily=daily, **said)
    if "T" in entry["start"]:
        if "end" not in given:
            raise BadInput("a closure that starts at an instant lacks its end: an instant, too, would be right")
        return Closure(kind, entry["calendar"], span=_span(entry, "start", "end"), **said)
    first = _date(entry["start"], "start")
    given_end = {"end": (first + _DAY).isoformat(), **{key: entry[key] for key in given}}
    return Closure(kind, entry["calendar"], _dates(given_end, "start", "end"), **said)


def _span(entry: Mapping[str, str], first: str, last: str) -> Range:
    return Range(parse_instant(entry[first], name=first), parse_instant(entry[last], name=last))


def _dates(entry: Mapping[str, Any], first: str, last: str) -> tuple[date | None, date | None]:
    start, end = (None if entry.get(name) is None else _date(entry[name], name) for name in (first, last))
    if start and end and start >= end:
        raise BadInput(f"{last} {end} is not after {first} {start}: the range is half-open and holds a date at least")
    return start, end


def _date(text: str, name: str) -> date:
    try:
        found = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 (a date)
    except ValueError:
        raise BadInput(f"{name} is {text!r}: a date like 2023-09-01 would be right") from None
    if not 1900 <= found.year <= 2200:
        raise BadInput(f"{name} is {text!r}: a year from 1900 to 2200 would be right")
    return found


def _time(text: str, name: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 (a time of day in the record's zone)
    except ValueError:
        raise BadInput(f"{name} is {text!r}: a local time like 16:00 would be right") from None


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        raise BadInput(f"zone is {text!r}: a time zone like America/Chicago would be right") from None
    return text
