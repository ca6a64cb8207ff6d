"""The cover: every missing minute in exactly one request, inside the limits, and as few requests as can be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import example, given, settings
from hypothesis import strategies as st
from minutemend.core.cover import MARGIN, Requests, cover, fewest, width
from minutemend.core.intervals import LANE, Intervals, lanes, merge, numbers, overlaps, place

from bench.bound import at_least
from tests.unit.core.plain_cover import Asked, plain_cover

Missing = dict[str, list[tuple[int, int]]]


def parts_of(minutes: set[int]) -> list[tuple[int, int]]:
    """The same minutes as sorted disjoint ranges."""
    starts = sorted(minute for minute in minutes if minute - 1 not in minutes)
    ends = sorted(minute + 1 for minute in minutes if minute + 1 not in minutes)
    return list(zip(starts, ends, strict=True))


def missing(longest: int, symbols: int) -> st.SearchStrategy[Missing]:
    names = [chr(ord("A") + n) for n in range(symbols)]
    one = st.sets(st.integers(0, longest), max_size=longest).map(parts_of)
    return st.fixed_dictionaries(dict.fromkeys(names, one))


def line(given_missing: Missing) -> Intervals:
    """The same, each symbol on the lane of its position by name."""
    rows = [(n, *part) for n, name in enumerate(sorted(given_missing)) for part in given_missing[name]]
    lane, start, end = numbers(rows).reshape(-1, 3).T
    return merge(place(lane, start), place(lane, end))


def asked(given_missing: Missing, found: Requests) -> list[Asked]:
    """Each request, with the minutes that it is to bring by symbol."""
    missing_line, names = line(given_missing), sorted(given_missing)
    brought: list[dict[str, set[int]]] = [{} for _ in range(len(found))]
    for cell, part in zip(*overlaps(found.cells, missing_line), strict=True):
        lane = int(found.cells.starts[cell] // LANE)
        start = max(found.cells.starts[cell], missing_line.starts[part]) - lane * LANE
        end = min(found.cells.ends[cell], missing_line.ends[part]) - lane * LANE
        brought[found.request[cell]].setdefault(names[lane], set()).update(range(int(start), int(end)))
    edges = zip(found.start.tolist(), found.end.tolist(), brought, strict=True)
    return sorted((Asked(*one) for one in edges), key=Asked.order)


def cells(requests: list[Asked]) -> list[tuple[str, int]]:
    return [(symbol, minute) for one in requests for symbol, minutes in one.minutes.items() for minute in minutes]


def wanted(given_missing: Missing) -> list[tuple[str, int]]:
    return [(symbol, n) for symbol, parts in given_missing.items() for start, end in parts for n in range(start, end)]


@given(missing(200, 5), st.integers(1, 60), st.integers(1, 6))
@settings(max_examples=120, deadline=None)
def test_each_missing_minute_is_in_exactly_one_request_within_the_limits(
    given_missing: Missing, rows: int, symbols: int
) -> None:
    found = cover(line(given_missing), rows=rows, symbols=symbols)
    requests = asked(given_missing, found)
    assert sorted(cells(requests)) == sorted(wanted(given_missing))
    assert len(found.cells) == len({(request, lane) for request, lane in cells_of(found)})
    for request in requests:
        assert len(request.minutes) <= symbols
        assert len(request.minutes) * (request.end - request.start) <= rows
        assert request.start == min(map(min, request.minutes.values()))
        assert request.end == max(map(max, request.minutes.values())) + 1


def cells_of(found: Requests) -> Iterator[tuple[int, int]]:
    return zip(found.request.tolist(), lanes(found.cells)[0].tolist(), strict=True)


LAST_STEP_OF_TWO = {  # the last step of the sweep by two makes two requests: then it is no shorter than one by one
    "A": [(0, 7), (18, 27), (30, 40)],
    "B": [(0, 6), (8, 24), (25, 27), (29, 37)],
    "C": [(0, 2), (4, 33), (35, 41)],
    "D": [(0, 30), (31, 34), (38, 41)],
}


@example(LAST_STEP_OF_TWO, 66, 3)
@given(missing(120, 6), st.integers(1, 120), st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_the_requests_are_those_of_the_greedy_sweeps_made_one_by_one(
    given_missing: Missing, rows: int, symbols: int
) -> None:
    found = asked(given_missing, cover(line(given_missing), rows=rows, symbols=symbols))
    assert found == plain_cover(given_missing, rows=rows, symbols=symbols)


@given(missing(200, 4), st.integers(1, 60))
@settings(max_examples=80, deadline=None)
def test_one_symbol_a_request_reaches_the_bound(given_missing: Missing, rows: int) -> None:
    assert len(cover(line(given_missing), rows=rows, symbols=1)) == fewest(line(given_missing), rows=rows, symbols=1)


@given(missing(9, 1), st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_one_symbol_a_request_is_minimal_by_trying_everything(given_missing: Missing, rows: int) -> None:
    assert len(cover(line(given_missing), rows=rows, symbols=1)) == by_trying_everything(given_missing, rows, 1)


@given(missing(5, 3), st.integers(1, 8), st.integers(2, 3))
@settings(max_examples=150, deadline=None, derandomize=True)  # a heuristic: it is held to these cases
def test_several_symbols_a_request_are_near_the_minimum_and_never_below_the_bound(
    given_missing: Missing, rows: int, symbols: int
) -> None:
    found = len(cover(line(given_missing), rows=rows, symbols=symbols))
    best = by_trying_everything(given_missing, rows, symbols)
    assert fewest(line(given_missing), rows=rows, symbols=symbols) <= best <= found
    assert at_least(line(given_missing), rows=rows, symbols=symbols) <= best
    assert found <= best + 1


def test_an_outage_of_all_symbols_fills_every_request_but_for_its_neighbours() -> None:
    outage = {f"S{n:03d}": [(0, 390)] for n in range(500)}
    assert fewest(line(outage), rows=10_000, symbols=100) == 20
    assert len(cover(line(outage), rows=10_000, symbols=100)) == 20  # 25 symbols, and 10 minutes besides, a request


def test_an_outage_that_cannot_be_cut_to_fit_needs_one_request_more_than_its_rows_and_the_plan_is_the_least() -> None:
    """500 symbols, 60 minutes, 200 symbols and 10,000 rows a request: 3 by the rows, 3 by the symbols. But the first
    minute of 500 symbols is in three requests at least, and so is the last; were there three in all, each would hold
    both, be 60 minutes wide, and have room for 166 symbols."""
    outage = {f"S{n:03d}": [(0, 60)] for n in range(500)}
    assert fewest(line(outage), rows=10_000, symbols=200) == 3
    assert len(cover(line(outage), rows=10_000, symbols=200)) == 4


def test_two_gaps_of_different_days_share_a_request_where_it_reaches() -> None:
    two = {"A": [(0, 1), (1440, 1441)]}
    assert len(cover(line(two), rows=1441 + MARGIN, symbols=1)) == 1
    assert len(cover(line(two), rows=1440 + MARGIN, symbols=1)) == 2


def test_nothing_missing_needs_no_request() -> None:
    assert len(cover(line({}), rows=10, symbols=1)) == 0
    assert fewest(line({}), rows=10, symbols=1) == 0


def by_trying_everything(given_missing: Missing, rows: int, symbols: int) -> int:
    """The true minimum, by search over the requests that are as large as they may be with room for neighbours."""
    goal = frozenset(wanted(given_missing))
    if not goal:
        return 0
    minutes = sorted({minute for _, minute in goal})
    names = sorted({symbol for symbol, _ in goal})
    candidates = set()
    for together in range(1, min(symbols, len(names), rows) + 1):
        for chosen in itertools.combinations(names, together):
            for first in minutes:
                inside = range(first, first + width(rows, together))
                candidates.add(frozenset((s, m) for s, m in goal if s in chosen and m in inside))
    biggest = [one for one in candidates if not any(one < other for other in candidates)]
    reached = {frozenset[tuple[str, int]]()}
    for count in itertools.count(1):
        first_open = {state: min(goal - state) for state in reached}
        reached = {state | one for state in reached for one in biggest if first_open[state] in one}
        if goal in reached:
            return count
    raise AssertionError
