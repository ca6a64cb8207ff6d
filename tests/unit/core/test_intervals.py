"""The interval algebra against plain sets of minutes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.core.intervals import (
    EMPTY,
    LANE,
    Intervals,
    cut,
    expand,
    intersect,
    lanes,
    merge,
    numbers,
    on_lanes,
    overlaps,
    place,
    runs,
    subtract,
)

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(-2, 12)), max_size=12)


def given_ranges(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [start for start, _ in pairs], [start + length for start, length in pairs]


def held(pairs: list[tuple[int, int]]) -> set[int]:
    return {minute for start, length in pairs for minute in range(start, start + length)}


def disjoint(pairs: list[tuple[int, int]]) -> Intervals:
    """The pairs' minutes as ranges that may touch: cut at each start."""
    whole = merge(*given_ranges(pairs))
    return cut(whole, [start for start, _ in pairs])[0]


def minutes(intervals: Intervals) -> set[int]:
    return set(intervals.points().tolist())


def is_sorted(intervals: Intervals, *, apart: bool = False) -> bool:
    gaps = intervals.starts[1:] - intervals.ends[:-1]
    return bool((intervals.lengths > 0).all() and (gaps >= (1 if apart else 0)).all())


@given(RANGES)
def test_merging_keeps_the_minutes_and_leaves_no_two_that_touch(pairs: list[tuple[int, int]]) -> None:
    found = merge(*given_ranges(pairs))
    assert minutes(found) == held(pairs)
    assert is_sorted(found, apart=True)
    assert found.minutes == len(held(pairs))
    assert runs(list(held(pairs))) == found


@given(RANGES, RANGES)
def test_subtracting_says_whose_piece_is_left(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    one, other = disjoint(first), disjoint(second)
    left, source = subtract(one, other)
    assert minutes(left) == held(first) - held(second)
    assert is_sorted(left)
    assert ((one.starts[source] <= left.starts) & (left.ends <= one.ends[source])).all()


@given(RANGES, RANGES)
def test_an_intersection_is_cut_where_either_is(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    one, other = disjoint(first), disjoint(second)
    both, mine, theirs = intersect(one, other)
    assert minutes(both) == held(first) & held(second)
    assert is_sorted(both)
    for piece in range(len(both)):
        span = range(int(both.starts[piece]), int(both.ends[piece]))
        assert set(span) == set(range(int(one.starts[mine[piece]]), int(one.ends[mine[piece]]))) & set(
            range(int(other.starts[theirs[piece]]), int(other.ends[theirs[piece]]))
        )
    pairs = list(zip(*(part.tolist() for part in overlaps(one, other)), strict=True))
    assert pairs == sorted(set(pairs))


@given(RANGES, RANGES)
def test_a_cut(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    one = disjoint(first)
    edges = [start for start, _ in second]
    pieces, source = cut(one, edges)
    assert minutes(pieces) == held(first)
    assert not any(start < edge < end for start, end in zip(pieces.starts, pieces.ends, strict=True) for edge in edges)
    assert ((one.starts[source] <= pieces.starts) & (pieces.ends <= one.ends[source])).all()


@given(RANGES, st.lists(st.integers(-5, 80), max_size=20))
def test_points_are_found_and_counted(pairs: list[tuple[int, int]], points: list[int]) -> None:
    one = disjoint(pairs)
    for point, at, before in zip(
        points, one.holding(numbers(points)).tolist(), one.count_before(numbers(points)).tolist(), strict=True
    ):
        assert (at >= 0) == (point in held(pairs))
        assert at < 0 or one.starts[at] <= point < one.ends[at]
        assert before == sum(minute < point for minute in held(pairs))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 40), st.integers(1, 5)), max_size=10))
def test_many_symbols_lie_on_one_line_and_never_touch(rows: list[tuple[int, int, int]]) -> None:
    lane, starts, lengths = (list(part) for part in zip(*rows, strict=True)) if rows else ([], [], [])
    places = place(lane, starts)
    found = merge(places, places + numbers(lengths))
    symbol, ranges = lanes(found)
    got = {(int(n), m) for n, a, b in zip(symbol, ranges.starts, ranges.ends, strict=True) for m in range(a, b)}
    assert got == {(n, m) for n, start, length in rows for m in range(start, start + length)}
    assert on_lanes(symbol, (ranges.starts, ranges.ends)) == found


def test_nothing_is_nothing() -> None:
    assert subtract(EMPTY, runs([1, 2]))[0] == EMPTY
    assert subtract(runs([1, 2]), EMPTY)[0] == runs([2, 1, 1])
    assert intersect(EMPTY, EMPTY)[0] == EMPTY
    assert expand(numbers([]), numbers([])).tolist() == []
    assert EMPTY.holding(numbers([1])).tolist() == [-1]
    assert np.datetime64("9999-01-01", "m").astype(np.int64) < LANE
