"""Sets of minutes as sorted integer ranges: the one interval algebra of minutemend.

A minute is an int64, its epoch minute. A set of minutes of many symbols lies on one line: symbol number `n` and minute
`m` have the place `n * LANE + m` (`place`), so that each operation serves all symbols at once, without a loop.

Arrays in and out are numpy int64. `Intervals` are half-open, sorted, disjoint; they may touch, and an operation says
whether its result does. `tests/unit/core/test_intervals.py` holds each to an oracle of plain sets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
LANE = 1 << 32  # more than any epoch minute (2**32 is the year 10136), so that no two symbols ever touch


def numbers(values: Any) -> Numbers:
    """Any sequence of whole numbers as int64."""
    return np.asarray(values, dtype=np.int64)


def place(lane: Any, minute: Any) -> Numbers:
    """The places of minutes of symbol numbers, on the one line."""
    return numbers(lane) * LANE + numbers(minute)


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Half-open ranges `[starts, ends)`, sorted and disjoint. Two arrays of one length."""

    starts: Numbers
    ends: Numbers

    def __len__(self) -> int:
        return len(self.starts)

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Intervals)
            and np.array_equal(self.starts, other.starts)
            and np.array_equal(self.ends, other.ends)
        )

    @property
    def lengths(self) -> Numbers:
        return self.ends - self.starts

    @property
    def minutes(self) -> int:
        """How many minutes all of them hold."""
        return int(self.lengths.sum())

    def take(self, chosen: Any) -> Intervals:
        """Those at the positions (ascending), or where the mask is true."""
        return Intervals(self.starts[chosen], self.ends[chosen])

    def points(self) -> Numbers:
        """Every minute, ascending."""
        return expand(self.starts, self.lengths)

    def holding(self, points: Numbers) -> Numbers:
        """For each point the position of the range that holds it, or -1."""
        at = np.searchsorted(self.starts, points, side="right") - 1
        inside = (at >= 0) & (points < self.ends[np.maximum(at, 0)]) if len(self) else np.zeros(len(points), np.bool_)
        return np.where(inside, at, -1)

    def count_before(self, points: Numbers) -> Numbers:
        """For each point how many minutes lie before it."""
        if not len(self):
            return np.zeros(len(points), np.int64)
        before = np.concatenate([[0], np.cumsum(self.lengths)])
        at = np.searchsorted(self.starts, points, side="right") - 1
        held = np.clip(points - self.starts[np.maximum(at, 0)], 0, self.lengths[np.maximum(at, 0)])
        return numbers(np.where(at >= 0, before[np.maximum(at, 0)] + held, 0))

    def count_within(self, starts: Numbers, ends: Numbers) -> Numbers:
        """For each `[start, end)` how many minutes lie in it."""
        return numbers(self.count_before(ends) - self.count_before(starts))


EMPTY = Intervals(numbers([]), numbers([]))


def expand(starts: Numbers, counts: Numbers) -> Numbers:
    """`counts[i]` numbers from `starts[i]` on, one run after the other."""
    total = int(counts.sum())
    firsts = np.cumsum(counts) - counts
    return np.repeat(starts - firsts, counts) + np.arange(total)


def merge(starts: Any, ends: Any) -> Intervals:
    """Any ranges, in any order, overlapping or not, as the fewest: sorted, disjoint, none touching another.
    Empty ranges (end at or before start) hold nothing."""
    starts, ends = numbers(starts), numbers(ends)
    there = ends > starts
    order = np.argsort(starts[there], kind="stable")
    starts, ends = starts[there][order], ends[there][order]
    if not len(starts):
        return EMPTY
    reach = np.maximum.accumulate(ends)
    first = np.concatenate([[True], starts[1:] > reach[:-1]])
    last = np.concatenate([first[1:], [True]])
    return Intervals(starts[first], reach[last])


def runs(points: Any) -> Intervals:
    """Single minutes, in any order, repeated or not, as the fewest ranges."""
    points = numbers(points)
    return merge(points, points + 1)


def overlaps(one: Intervals, other: Intervals) -> tuple[Numbers, Numbers]:
    """Every pair of ranges that share a minute, as positions in `one` and in `other`, sorted by both."""
    first = np.searchsorted(other.ends, one.starts, side="right")
    after = np.searchsorted(other.starts, one.ends, side="left")
    counts = np.maximum(after - first, 0)
    return np.repeat(np.arange(len(one)), counts), expand(numbers(first), counts)


def intersect(one: Intervals, other: Intervals) -> tuple[Intervals, Numbers, Numbers]:
    """The minutes in both, cut wherever one of them is cut; and for each piece the positions that it came from."""
    mine, theirs = overlaps(one, other)
    starts = np.maximum(one.starts[mine], other.starts[theirs])
    ends = np.minimum(one.ends[mine], other.ends[theirs])
    return Intervals(starts, ends), mine, theirs


def subtract(one: Intervals, other: Intervals) -> tuple[Intervals, Numbers]:
    """The minutes of `one` that are not in `other`; and for each piece the position in `one` that it came from.
    Ranges of `one` that touch stay apart."""
    held, source, _ = intersect(one, other)
    # Each range is cut at its held parts: a piece before each of them, and one after the last.
    starts = np.concatenate([one.starts, held.ends])
    ends = np.concatenate([held.starts, one.ends])
    begins = np.concatenate([np.arange(len(one)), source])
    order = np.lexsort((starts, begins))
    stops = np.lexsort((ends, np.concatenate([source, np.arange(len(one))])))
    pieces = Intervals(starts[order], ends[stops])
    there = pieces.ends > pieces.starts
    return pieces.take(there), begins[order][there]


def cut(one: Intervals, edges: Any) -> tuple[Intervals, Numbers]:
    """The same minutes cut at each edge that lies inside a range; and for each piece the position that it came from."""
    edges = np.unique(numbers(edges))
    at = one.holding(edges)
    inside = (at >= 0) & (edges > one.starts[np.maximum(at, 0)]) if len(one) else np.zeros(len(edges), np.bool_)
    starts = np.sort(np.concatenate([one.starts, edges[inside]]))
    ends = np.sort(np.concatenate([one.ends, edges[inside]]))
    return Intervals(starts, ends), numbers(np.searchsorted(one.starts, starts, side="right") - 1)


def lanes(intervals: Intervals) -> tuple[Numbers, Intervals]:
    """Symbol numbers, and the same ranges as epoch minutes: what `place` put together."""
    lane = intervals.starts // LANE
    return lane, Intervals(intervals.starts - lane * LANE, intervals.ends - lane * LANE)


def on_lanes(lane: Any, parts: Iterable[Any]) -> Intervals:
    """Ranges `(starts, ends)` in epoch minutes of symbol numbers, sorted by place. They have to be disjoint."""
    starts, ends = (place(lane, part) for part in parts)
    order = np.argsort(starts, kind="stable")
    return Intervals(starts[order], ends[order])
