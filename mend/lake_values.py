"""What is doubted of a lake's values: bars that cannot be right (core/value_rules.py), and bars that disagree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import numpy as np
from minutemend.core.minutes import MINUTE, Range, day_range, epoch_minute
from minutemend.core.value_rules import Flag
from minutemend.services.flags import BEFORE
from minutemend.services.lake import Lake

from mend.calendars.known import Calendar
from mend.check.values import find_flags
from mend.revisions import find_revisions

_AT_ONCE = 7  # days, so that memory does not grow with the window


def doubted(lake: Lake, window: Range, symbols: Sequence[str] | None = None) -> Iterator[Flag]:
    """The flags of what is stored in `window`, and the open revisions as flags (`revised`, `disputed`), week by week,
    each sorted."""
    calendars: dict[str, list[str]] = {}
    for listing in lake.symbols():
        if symbols is None or listing.symbol in symbols:
            calendars.setdefault(listing.calendar, []).append(listing.symbol)
    days = list(window.dates())
    for first in range(0, len(days), _AT_ONCE):
        part = Range(day_range(days[first]).start, day_range(days[first : first + _AT_ONCE][-1]).end).intersect(window)
        if part is None:
            continue
        found = [
            Flag(one.symbol, one.minute, one.minute + MINUTE, one.kind, 1, _said(one.vendor, one.seen, one.stored))
            for one in find_revisions(lake, part, symbols)
        ]
        around = Range(part.start - BEFORE, part.end)
        for calendar, names in calendars.items():
            found += _flags(lake, around, part, calendar, names)
        yield from sorted(found)


def _flags(lake: Lake, around: Range, window: Range, calendar: str, symbols: list[str]) -> Sequence[Flag]:
    bars = lake.read_bars(around, symbols, bare=True)
    sessions = sorted(lake.calendars.sessions(around, {calendar}), key=lambda one: one.open)
    edges = np.array([[epoch_minute(one.open), epoch_minute(one.close)] for one in sessions], np.int64).reshape(-1, 2)
    if not bars.num_rows:
        return ()
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.register("stored", bars)
        known = Calendar(calendar, "UTC", edges[:, 0] // 1440, edges[:, 0], edges[:, 1])
        return find_flags(db, "SELECT symbol, minute, open, high, low, close, volume FROM stored", known, window=window)


def _said(vendor: str, seen: Sequence[float | None], stored: Sequence[float | None]) -> str:
    said, kept = (" ".join("none" if value is None else f"{value:g}" for value in bar) for bar in (seen, stored))
    return f"{vendor} says {said}; stored is {kept}"
