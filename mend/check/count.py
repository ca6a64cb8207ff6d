"""Expected against present: each symbol over its own sessions, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from minutemend.core.minutes import Range, epoch_minute

from mend.bars.words import Bits, Numbers, Words, expanded, words_of
from mend.calendars.known import Calendar
from mend.check.closures import Kept
from mend.check.grid import Slots

NOTHING_KEPT_OUT: Kept = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Holes:
    """Gaps as columns, sorted by symbol and start. `symbol` indexes the words' names; the rest are epoch minutes, but
    `bars`: how many bars each lacks. `[start, end)` lies in the session `[opened, closed)`."""

    symbol: Numbers
    start: Numbers
    end: Numbers
    bars: Numbers
    opened: Numbers
    closed: Numbers


@dataclass(frozen=True, slots=True)
class Counted:
    """Totals in bars. `edge`: missing ones before the first or after the last bar of their symbol. `parts`: for each
    symbol the session parts `[first, after)` that it was audited on; (0, 0) where its bars lie in none."""

    holes: Holes
    expected: int
    missing: int
    edge: int
    unexpected: int
    parts: list[tuple[int, int]]

    def early(self) -> list[int]:
        """The symbols that end in an earlier session than others do."""
        last = max((end for _, end in self.parts), default=0)
        return [symbol for symbol, (begin, end) in enumerate(self.parts) if begin < end < last]


def parts_of(words: Words, calendar: Calendar, window: Range | None, barren: Words) -> list[tuple[int, int]]:
    """The session parts of each symbol: those of the window, else from the session that holds its first bar (or the
    next) to the one that holds its last (or the one before), with all parts of a session that a lunch break divides.
    A row that is no bar for want of a price counts as one there: `barren`."""
    found = []
    more = _edges(barren)
    for name, own in _edges(words).items():
        if window is not None:
            low, last = epoch_minute(window.start), epoch_minute(window.end) - 1
        else:
            edges = own + more.get(name, ())
            low, last = min(edges), max(edges)
        begin = int(np.searchsorted(calendar.close, low, "right"))
        end = int(np.searchsorted(calendar.open, last, "right"))
        if begin < end and window is None:
            begin = int(np.searchsorted(calendar.day, calendar.day[begin], "left"))
            end = int(np.searchsorted(calendar.day, calendar.day[end - 1], "right"))
        found.append((begin, end) if begin < end else (0, 0))
    return found


def spanned(
    words: Words, calendar: Calendar, barren: Words, window: Range | None = None
) -> tuple[list[tuple[int, int]], int, int]:
    """The session parts of each symbol, and the first and the end of all; `(0, 0)` where there are none."""
    parts = parts_of(words, calendar, window, barren)
    spans = [(begin, end) for begin, end in parts if begin < end]
    return parts, min((begin for begin, _ in spans), default=0), max((end for _, end in spans), default=0)


def _edges(words: Words) -> dict[str, tuple[int, ...]]:
    """By symbol its first and its last minute, where it has any."""
    found: dict[str, tuple[int, ...]] = {}
    for name, (first, after) in zip(words.names, words.spans(), strict=True):
        some = words.minutes(first, first + 1), words.minutes(after - 1, after)
        found[name] = (int(some[0][0]), int(some[1][-1])) if first < after else ()
    return found


def count(
    words: Words,
    calendar: Calendar,
    slots: Slots,
    parts: list[tuple[int, int]],
    kept: Kept = NOTHING_KEPT_OUT,
) -> Counted:
    """Compare. `slots` ascend: those that are due of `parts`, and for the symbols in `kept` some of them."""
    columns: list[tuple[Numbers, ...]] = []
    expected = missing = edge = present = 0
    tables: dict[tuple[int, int], tuple[Numbers, Bits]] = {}
    for symbol, ((low, high), (begin, end)) in enumerate(zip(words.spans(), parts, strict=True)):
        first, after = (int(np.searchsorted(slots.part, one)) for one in (begin, end))
        if first >= after:
            continue
        mine = slots[first:after]
        if (only := kept.get(words.names[symbol])) is not None:
            mine = mine[only(mine)]
            hours, due = words_of(mine.start)
        else:
            if (first, after) not in tables:
                tables[first, after] = words_of(mine.start)
            hours, due = tables[first, after]
        own = words.hour[low:high]
        if low == high:  # nothing of it lies in the window
            own, present_bits = np.full(1, -1, np.int64), np.zeros(1, np.uint64)
        else:
            present_bits = words.bits[low:high]
        place = np.minimum(np.searchsorted(own, hours), len(own) - 1)
        there: Bits = np.where(own[place] == hours, present_bits[place], np.uint64(0)).astype(np.uint64)
        lacking: Bits = due & ~there
        expected += len(mine.start)
        present += int(np.bitwise_count(due & there).sum())
        holed = np.flatnonzero(lacking)
        if not len(holed):
            continue
        minutes = expanded(hours[holed], lacking[holed])
        missing += len(minutes)
        if low == high:
            edge += len(minutes)
        else:
            seen = words.minutes(low, low + 1)[0], words.minutes(high - 1, high)[-1]
            edge += int(((minutes < seen[0]) | (minutes > seen[1])).sum())
        columns.append(_runs(symbol, minutes, mine, calendar))
    holes = (
        Holes(*(np.concatenate(column) for column in zip(*columns, strict=True)))
        if columns
        else Holes(*[np.empty(0, np.int64)] * 6)
    )
    return Counted(holes, expected, missing, edge, words.bars - present, parts)


def _runs(symbol: int, minutes: Numbers, slots: Slots, calendar: Calendar) -> tuple[Numbers, ...]:
    """Missing slots (by their starts, ascending) as the longest runs within a session part."""
    place = np.searchsorted(slots.start, minutes)
    apart = slots.begin[place[1:]] != slots.end[place[:-1]]  # a halt lies between
    breaks = np.flatnonzero((np.diff(place) != 1) | (np.diff(slots.part[place]) != 0) | apart)
    firsts = place[np.r_[0, breaks + 1]]
    lasts = place[np.r_[breaks, len(place) - 1]]
    part = slots.part[firsts]
    return (
        np.full(len(firsts), symbol),
        slots.begin[firsts],
        slots.end[lasts],
        lasts - firsts + 1,
        calendar.open[part],
        calendar.close[part],
    )
