"""What is expected: the sessions and listings in force, with what people recorded, and how far they are known.

Pure, on plain data: a stage and `mend check` share it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from minutemend.core.closures import Closure, Kind
from minutemend.core.intervals import lanes, merge, on_lanes, place, subtract
from minutemend.core.minutes import Range, day_range, edges, format_instant, ranges_of
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

_DAY = timedelta(days=1)


def sessions_in_force(sessions: Iterable[Session], closures: Sequence[Closure]) -> list[Session]:
    """The sessions with the records of their calendars applied, sorted by calendar, open. What a record cuts in two is
    two rows with one `dt`, as a lunch break is. Records of calendars that have no session here count for nothing."""
    by_calendar: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        by_calendar[session.calendar].append(session)
    found: list[Session] = []
    for calendar, mine in by_calendar.items():
        told = [one for one in closures if one.of == calendar and one.kind not in (Kind.HALT, Kind.LISTING)]
        found += _applied(calendar, mine, told) if told else mine
    return sorted(found, key=lambda one: (one.calendar, one.open))


def listings_in_force(listings: Iterable[Listing], closures: Iterable[Closure]) -> list[Listing]:
    """The listings, those of symbols with recorded listing intervals cut to these intervals: a row for each."""
    intervals: dict[str, list[Closure]] = defaultdict(list)
    for one in closures:
        if one.kind is Kind.LISTING:
            intervals[one.of].append(one)
    found: set[Listing] = set()
    for listing in listings:
        for one in intervals.get(listing.symbol, [Closure(Kind.LISTING, listing.symbol)]):
            listed = max((edge for edge in (listing.listed, one.dates[0]) if edge), default=None)
            delisted = min((edge for edge in (listing.delisted, one.dates[1]) if edge), default=None)
            if listed is None or delisted is None or listed < delisted:
                found.add(Listing(listing.symbol, listing.calendar, listed, delisted))
    return sorted(found, key=lambda one: (one.symbol, one.calendar, one.listed or date.min))


def halts(closures: Iterable[Closure]) -> dict[str, tuple[Range, ...]]:
    """By symbol the ranges in which it was halted: merged, sorted. No minute in them is expected of it."""
    found: dict[str, list[Range]] = defaultdict(list)
    for one in closures:
        if one.kind is Kind.HALT and one.span:
            found[one.of].append(one.span)
    return {symbol: tuple(ranges_of(merge(*edges(spans)))) for symbol, spans in found.items()}


def not_expected(
    halted: Mapping[str, Sequence[Range]], listings: Iterable[Listing], sessions: Sequence[Session], window: Range
) -> list[tuple[str, Range]]:
    """The parts of sessions in `window` that a halt takes from a listed symbol: what its expected minutes are fewer by.
    Disjoint for each symbol."""
    found = set()
    for listing, session in expected_of((one for one in listings if one.symbol in halted), sessions):
        for halt in halted[listing.symbol]:
            both = session.range.intersect(halt)
            part = both and both.intersect(window)
            if part:
                found.add((listing.symbol, part))
    return sorted(found)


class InForce(NamedTuple):
    """All that says what is expected: listings, sessions of their calendars, and by symbol the halts."""

    listings: Sequence[Listing]
    sessions: Sequence[Session]
    halted: Mapping[str, Sequence[Range]]


def expected_otherwise(before: InForce, after: InForce) -> list[Range]:
    """Where other minutes of a session are expected of symbols that were followed and are: merged, sorted. On which
    dates a symbol is listed is not compared: an hour then has its row, or has none, and no row says less or more."""
    was, now = (_calendars_of(one.listings) for one in (before, after))
    followed = was.keys() & now.keys()
    moved = {calendar for symbol in followed for calendar in was[symbol] ^ now[symbol]}
    held = {one.calendar for one in before.listings} & {one.calendar for one in after.listings}
    old, new = {*before.sessions}, {*after.sessions}
    spans = [one.range for one in old ^ new if one.calendar in held]
    spans += [one.range for one in old | new if one.calendar in moved]
    for symbol in followed & (before.halted.keys() | after.halted.keys()):
        spans += {*before.halted.get(symbol, ())} ^ {*after.halted.get(symbol, ())}
    return ranges_of(merge(*edges(spans)))


def _calendars_of(listings: Iterable[Listing]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in listings:
        found[one.symbol].add(one.calendar)
    return found


def known_range(first: date, last: date, *, opened: datetime, closed: datetime) -> Range:
    """What the sessions of a calendar tell of: from the `first` one's date, or its open, to the end of the `last` one's
    date, or its close. Before and after that nothing is known, not even that nothing is expected."""
    return Range(min(day_range(first).start, opened), max(day_range(last).end, closed))


def unknown_calendars(known: Mapping[str, Range], listings: Iterable[Listing], window: Range) -> dict[str, str]:
    """By calendar why its sessions do not tell of the whole `window`, for the listings that it concerns; empty when
    all of them do. A listing that begins after the window or ended before it does not count."""
    found = {}
    first, last = window.start.date() - _DAY, window.end.date() + _DAY
    concerned = {
        one.calendar
        for one in listings
        if (one.listed is None or one.listed <= last) and (one.delisted is None or first < one.delisted)
    }
    for calendar in sorted(concerned):
        told = known.get(calendar)
        if told is None:
            found[calendar] = f"no session of {calendar} is known"
        elif window.start < told.start or told.end < window.end:
            edges = f"{format_instant(told.start)} to {format_instant(told.end)}"
            found[calendar] = f"the sessions of {calendar} are known from {edges} alone"
    return found


def expected_of(listings: Iterable[Listing], sessions: Iterable[Session]) -> Iterator[tuple[Listing, Session]]:
    """The listings, each with every session of its calendar that is expected of it."""
    by_calendar: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        by_calendar[session.calendar].append(session)
    return ((one, session) for one in listings for session in by_calendar.get(one.calendar, ()) if one.on(session.dt))


def nearest(listings: Iterable[Listing], sessions: Iterable[Session], window: Range) -> list[Session]:
    """The last session of the listings before `window` and the first one after it, where there are any."""
    listed: dict[str, list[Listing]] = defaultdict(list)
    for one in listings:
        listed[one.calendar].append(one)
    mine = [session for session in sessions if any(one.on(session.dt) for one in listed.get(session.calendar, ()))]
    before = max((one for one in mine if one.close <= window.start), key=lambda one: one.close, default=None)
    after = min((one for one in mine if one.open >= window.end), key=lambda one: one.open, default=None)
    return [one for one in (before, after) if one]


def _applied(calendar: str, sessions: Iterable[Session], told: Sequence[Closure]) -> list[Session]:
    parts: dict[date, list[Range]] = defaultdict(list)
    for session in sessions:
        parts[session.dt].append(session.range)
    special: dict[date, list[Range]] = defaultdict(list)
    for one in told:
        if one.kind is Kind.HOURS and one.span and one.dates[0]:
            special[one.dates[0]].append(one.span)
    parts.update({dt: ranges_of(merge(*edges(spans))) for dt, spans in special.items()})
    closed = [one for one in told if one.kind is Kind.CLOSED and one.span is None]
    cuts = [one.span for one in told if one.kind is Kind.CLOSED and one.span]
    breaks = [one for one in told if one.kind is Kind.BREAK]
    kept = [(dt, part) for dt, its in parts.items() if not any(one.on(dt) for one in closed) for part in its]
    # Each part is on a lane of its own, with what is taken from it.
    taken = [
        (lane, hole)
        for lane, (dt, part) in enumerate(kept)
        for hole in [*cuts, *(span for one in breaks if one.on(dt) for span in _local(one, part))]
        if hole.intersect(part)
    ]
    whole = on_lanes(range(len(kept)), edges(part for _, part in kept))
    holes = (place([lane for lane, _ in taken], edge) for edge in edges(hole for _, hole in taken))
    left, source = subtract(whole, merge(*holes))
    dates = [kept[at][0] for at in source.tolist()]
    return [Session(calendar, dt, one.start, one.end) for dt, one in zip(dates, ranges_of(lanes(left)[1]), strict=True)]


def _local(one: Closure, part: Range) -> list[Range]:
    """The break of each local date that the part touches, in UTC."""
    if one.daily is None:
        return []
    begin, until, name = one.daily
    zone = ZoneInfo(name)
    day, last = part.start.astimezone(zone).date() - _DAY, part.end.astimezone(zone).date()
    spans = []
    while day <= last:
        stop = day if begin < until else day + _DAY
        start, end = (datetime.combine(*edge, zone).astimezone(UTC) for edge in ((day, begin), (stop, until)))
        if start < end:  # a clock that is put forward may leave nothing of it
            spans.append(Range(start, end))
        day += _DAY
    return spans
