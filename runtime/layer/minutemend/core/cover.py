"""Covering missing minutes with requests of limited size: the arithmetic of the plan, on arrays.

One symbol a request: the greedy cover from the left is minimal. (The first minutes of its requests lie at least
one request's width apart, so that no two of them fit into one request, in any plan.) Several symbols a
request make it a rectangle cover, which is NP-hard: several greedy sweeps are tried and the best is taken;
`fewest` is a bound that no plan can go below.

What is missing lies on the one line of core/intervals.py: `missing` is sorted, and no range of it touches another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minutemend.core.intervals import EMPTY, LANE, Intervals, Numbers, numbers

# Minutes of a request that are kept free for neighbours of what is missing, half on either side. So a session of 25
# symbols, 390 minutes, goes into 10,000 rows; with 20 minutes it took two requests.
MARGIN = 10
_SMALL = 2000  # parts up to which every request may be of a shape of its own: that takes a second
_DONE = LANE - 1  # the first missing minute of a symbol that has none left


@dataclass(frozen=True, slots=True, eq=False)
class Requests:
    """Requests as columns: each for `[start, end)`, epoch minutes, sorted by start, end.

    `cells` say what is whose: the missing minutes of a symbol in one cell are for the request at `request`. They are
    places, sorted; each is one symbol's, a request has one at most of a symbol, and no two share a minute.
    """

    start: Numbers
    end: Numbers
    request: Numbers
    cells: Intervals

    def __len__(self) -> int:
        return len(self.start)


def width(rows: int, together: int) -> int:
    """How many minutes one request may be for, of so many symbols together: neighbours have to fit in, too, for an
    answer without bars around a minute cannot prove that it is absent."""
    wide = rows // together
    return wide - min(MARGIN, max(2, wide // 10)) if wide >= 4 else wide


def cover(missing: Intervals, *, rows: int, symbols: int) -> Requests:
    """Requests of at most `symbols` symbols and `rows` symbol-minutes, each missing minute in exactly one."""
    if not len(missing):
        return Requests(numbers([]), numbers([]), numbers([]), EMPTY)
    alone = best = _alone(missing, width(rows, 1))
    count = len(_firsts(missing))
    if min(symbols, count, rows) > 1:
        bound = _bound(missing, alone, rows=rows, symbols=symbols)
        widths = _widths(missing, rows=rows, most=min(count, symbols, rows))
        for choices in [*([together] for together in widths), *([widths] if len(missing) <= _SMALL else [])]:
            if len(best) == bound:
                break
            best = _sweep(missing, choices, rows=rows, most=len(best)) or best
    return _sorted(best)


def fewest(missing: Intervals, *, rows: int, symbols: int) -> int:
    """A number of requests that no cover can go below; for one symbol a request it is exact."""
    return _bound(missing, _alone(missing, width(rows, 1)), rows=rows, symbols=symbols) if len(missing) else 0


def _bound(missing: Intervals, alone: Requests, *, rows: int, symbols: int) -> int:
    if symbols == 1:
        return len(alone)
    by_rows = math.ceil(missing.minutes / rows)
    by_symbols = math.ceil(len(alone) / symbols)  # a request serves one step of each symbol's own cover
    return max(by_rows, by_symbols, int(np.unique(alone.cells.starts // LANE, return_counts=True)[1].max()))


def _firsts(missing: Intervals) -> Numbers:
    """The position of each symbol's first range."""
    return np.flatnonzero(np.diff(missing.starts // LANE, prepend=-1))


class _Left:
    """The missing minutes that no request covers yet, taken from the left: by symbol, in the order of their lanes."""

    def __init__(self, missing: Intervals) -> None:
        self._missing = missing
        self._before = np.concatenate([[0], np.cumsum(missing.lengths)])
        at = _firsts(missing)
        self.base = missing.starts[at] // LANE * LANE
        self._at = at  # the range that `first` lies in
        self._stop = np.append(at[1:], len(missing))  # where the ranges of the next symbol begin
        self.first = missing.starts[at] - self.base  # epoch minutes
        self._counted = self._before[at]  # minutes before `first`

    def until(self, who: Numbers, limit: Numbers | int) -> tuple[Numbers, Numbers]:
        """For each of these symbols, the position of its last range that begins before `limit` (an epoch minute beyond
        its first), and how many minutes it lacks before."""
        edge, at, starts = self.base[who] + limit, self._at[who], self._missing.starts
        further = starts[np.minimum(at + 1, len(starts) - 1)] < edge
        further &= at + 1 < self._stop[who]
        if further.any():  # a search is a walk through memory, and few of long gaps need one
            at[further] = np.searchsorted(starts, edge[further], side="left") - 1
        reached = np.minimum(self._missing.ends[at], edge) - starts[at]
        return at, self._before[at] + reached - self._counted[who]

    def take(self, who: Numbers, limit: Numbers | int, at: Numbers, lacks: Numbers) -> Intervals:
        """What these symbols lack before `limit` is covered from now on: the cells, from first to last minute. `at` and
        `lacks` are what `until` says."""
        base, edge = self.base[who], self.base[who] + limit
        cells = Intervals(base + self.first[who], np.minimum(self._missing.ends[at], edge))
        after = np.minimum(at + 1, len(self._missing) - 1)
        following = np.where(at + 1 < self._stop[who], self._missing.starts[after] - base, _DONE)
        inside = self._missing.ends[at] > edge
        self.first[who] = np.where(inside, edge - base, following)
        self._at[who] = np.where(inside, at, after)
        self._counted[who] += lacks
        return cells


def _alone(missing: Intervals, wide: int) -> Requests:
    """The minimal cover by requests of one symbol and `wide` minutes, each ending with its last missing minute."""
    left, found = _Left(missing), []
    while len(who := np.flatnonzero(left.first < _DONE)):
        limit = left.first[who] + wide
        found.append(left.take(who, limit, *left.until(who, limit)))
    cells = _joined(found)
    base = cells.starts // LANE * LANE
    return Requests(cells.starts - base, cells.ends - base, np.arange(len(cells)), cells)


def _widths(missing: Intervals, *, rows: int, most: int) -> list[int]:
    """How many symbols to ask for together, of at most `most`: few for long gaps, many for short ones; what is likely
    best first."""
    lengths, counts = np.unique(missing.lengths, return_counts=True)
    # The lengths of a gap that hold most minutes (at most four): an outage has one length for all symbols.
    longest = lengths[np.lexsort((lengths, -counts * lengths))[:4]].tolist()
    fits = [max(1, min(most, rows // (length + MARGIN))) for length in longest]
    powers = [2**power for power in range(most.bit_length()) if 2**power <= most]
    return list(dict.fromkeys([*fits, *reversed(powers), most]))


def _sweep(missing: Intervals, choices: Sequence[int], *, rows: int, most: int) -> Requests | None:
    """From the left: at the first minute not yet covered, the symbols that lack most in the time that so many
    symbols may be asked for; of several `choices` of how many, the one that covers most.

    None as soon as it cannot become shorter than `most`.
    """
    unmet = missing.minutes
    if unmet >= most * max(together * width(rows, together) for together in choices):
        return None
    left = _Left(missing)
    largest = max(together * _most_within(missing, width(rows, together)) for together in choices)
    found: list[tuple[Numbers, Numbers, Numbers, Intervals]] = []
    made = 0
    while unmet:
        if made + math.ceil(unmet / largest) >= most:
            return None
        start = int(left.first.min())
        options = [_option(left, start, together, width(rows, together)) for together in choices]
        best = max(options, key=lambda option: int(option.lacks[: option.together].sum()))
        if len(choices) == 1:  # as many as lack the very first minute are asked for now, group by group
            edges = np.arange(0, np.count_nonzero(left.first == start), best.together)
        else:
            edges = numbers([0])
        who, at, lacks = (column[: len(edges) * best.together] for column in (best.who, best.at, best.lacks))
        cells = left.take(who, best.limit, at, lacks)
        unmet -= int(lacks.sum())
        ends = np.maximum.reduceat(cells.ends - left.base[who], edges)
        request = np.repeat(np.arange(made, made + len(edges)), np.diff(edges, append=len(who)))
        found.append((np.full(len(edges), start), ends, request, cells))
        made += len(edges)
    if made >= most:  # the last groups may have been more than one
        return None
    starts, ends, request = (np.concatenate([one[column] for one in found]) for column in range(3))
    return Requests(starts, ends, request, _joined([cells for *_, cells in found]))


def _most_within(missing: Intervals, wide: int) -> int:
    """The most minutes that one symbol lacks within so many: some such window begins where a range begins."""
    before = np.concatenate([[0], np.cumsum(missing.lengths)])
    at = np.searchsorted(missing.starts, missing.starts + wide, side="left") - 1
    reached = np.minimum(missing.ends[at], missing.starts + wide) - missing.starts[at]
    return int((before[at] + reached - before[:-1]).max())


class _Option(NamedTuple):
    """Who would be asked for before `limit`, were it `together` symbols a request: the most urgent first."""

    together: int
    limit: int
    who: Numbers
    at: Numbers
    lacks: Numbers


def _option(left: _Left, start: int, together: int, wide: int) -> _Option:
    who = np.flatnonzero(left.first < start + wide)
    at, lacks = left.until(who, start + wide)
    if len(who) > together:
        # A symbol that lacks the very first minute goes along in any case: nothing before it is left.
        order = np.lexsort((-lacks, left.first[who] > start))
        who, at, lacks = who[order], at[order], lacks[order]
    return _Option(together, start + wide, who, at, lacks)


def _joined(parts: Sequence[Intervals]) -> Intervals:
    return Intervals(*(np.concatenate([getattr(one, edge) for one in parts]) for edge in ("starts", "ends")))


def _sorted(found: Requests) -> Requests:
    order = np.lexsort((found.end, found.start))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    cells = np.argsort(found.cells.starts)
    return Requests(found.start[order], found.end[order], rank[found.request[cells]], found.cells.take(cells))
