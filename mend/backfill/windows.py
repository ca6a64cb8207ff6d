"""A backfill's windows: the ordinary audits into which a range of years and any number of symbols is cut.

A window begins and ends with sessions of one calendar, lies within one month of their dates, and expects at most
`contract.WINDOW_MINUTES`. All symbols of a session are in one window where they fit: its hours are then published once.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from minutemend.contract import MOST_WINDOWS, WINDOW_MINUTES, WINDOW_SYMBOL_BYTES
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, format_instant, parse_instant
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing


@dataclass(frozen=True, slots=True)
class Window:
    """One audit's part: its range, its symbols (None: every symbol of interest), and how many minutes it expects."""

    range: Range
    symbols: tuple[str, ...] | None
    expected: int

    def as_json(self) -> dict[str, Any]:
        return {
            "start": format_instant(self.range.start),
            "end": format_instant(self.range.end),
            "symbols": None if self.symbols is None else list(self.symbols),
            "expected": self.expected,
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Window:
        """The window of `as_json`."""
        window = Range(parse_instant(given["start"], name="start"), parse_instant(given["end"], name="end"))
        return cls(window, None if given["symbols"] is None else tuple(given["symbols"]), given["expected"])


def cut(
    listings: Sequence[Listing],
    sessions: Iterable[Session],
    window: Range,
    *,
    whole_list: bool,
    oldest_first: bool = False,
    most: int = WINDOW_MINUTES,
) -> list[Window]:
    """The windows of `window` for the `listings`, newest first. Each expected minute is in exactly one of them.

    `sessions` are those of the listings' calendars; `whole_list` says that the listings are all that the stage follows,
    so that their names need not be sent along. Raises BadInput for more windows than a backfill may have.
    """
    by_calendar: dict[str, list[Listing]] = defaultdict(list)
    for one in listings:
        by_calendar[one.calendar].append(one)
    days: dict[str, list[tuple[date, Range, int]]] = defaultdict(list)
    ordered = sorted(sessions, key=lambda one: (one.calendar, one.dt, one.open))
    for (calendar, dt), parts in groupby(ordered, key=lambda one: (one.calendar, one.dt)):
        inside = [both for one in parts if (both := one.range.intersect(window)) is not None]
        if inside and calendar in by_calendar:
            span = Range(inside[0].start, inside[-1].end)
            days[calendar].append((dt, span, sum(part.minutes for part in inside)))
    found: list[Window] = []
    for calendar, its_days in days.items():
        longest = max(minutes for _, _, minutes in its_days)
        nameless = whole_list and len(by_calendar) == 1
        for piece, named in _pieces(by_calendar[calendar], nameless=nameless, most=max(1, most // longest)):
            found += _in_time(piece, its_days, named=named, most=most)
    if len(found) > MOST_WINDOWS:
        raise BadInput(
            f"the backfill of {window} would have {len(found):,} windows: at most {MOST_WINDOWS:,} would be right, "
            "by a shorter range or fewer symbols"
        )
    return sorted(found, key=lambda one: (one.range.start, one.symbols or ()), reverse=not oldest_first)


def _pieces(listings: Sequence[Listing], *, nameless: bool, most: int) -> Iterator[tuple[list[Listing], bool]]:
    """The listings in parts whose names fit into a state and of which one session fits into a window; and whether the
    names are needed."""
    by_symbol: dict[str, list[Listing]] = defaultdict(list)
    for one in listings:
        by_symbol[one.symbol].append(one)
    names = sorted(by_symbol)
    if nameless and len(names) <= most:
        yield list(listings), False
        return
    parts = max(-(-len(json.dumps(names)) // WINDOW_SYMBOL_BYTES), -(-len(names) // most))
    size = -(-len(names) // parts)
    for first in range(0, len(names), size):
        yield [one for name in names[first : first + size] for one in by_symbol[name]], True


def _in_time(
    listings: Sequence[Listing], days: Sequence[tuple[date, Range, int]], *, named: bool, most: int
) -> Iterator[Window]:
    """Windows of whole sessions, each of one month, as long as their minutes allow."""
    begun = sorted(one.listed or date.min for one in listings)
    ended = sorted(one.delisted or date.max for one in listings)
    for _, month in groupby(days, key=lambda day: (day[0].year, day[0].month)):
        taken: list[tuple[date, Range]] = []
        minutes = 0
        for dt, span, long in month:
            expected = (bisect_right(begun, dt) - bisect_right(ended, dt)) * long
            if not expected:
                continue
            if taken and minutes + expected > most:
                yield _window(listings, taken, minutes, named=named)
                taken, minutes = [], 0
            taken.append((dt, span))
            minutes += expected
        if taken:
            yield _window(listings, taken, minutes, named=named)


def _window(listings: Sequence[Listing], days: Sequence[tuple[date, Range]], minutes: int, *, named: bool) -> Window:
    window = Range(min(span.start for _, span in days), max(span.end for _, span in days))
    symbols = tuple(sorted({one.symbol for one in listings if any(one.on(dt) for dt, _ in days)})) if named else None
    return Window(window, symbols, minutes)
