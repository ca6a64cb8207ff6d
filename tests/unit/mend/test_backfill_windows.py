"""A backfill's windows: each expected minute in exactly one, none larger than an audit may be."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.contract import WINDOW_MINUTES, WINDOW_SYMBOL_BYTES
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

from mend.backfill.windows import Window, cut

FIRST = date(2024, 1, 1)
YEARS = Range(datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


def session(day: int, *, calendar: str = "XNYS", opens: int = 14, minutes: int = 390) -> Session:
    begin = datetime.combine(FIRST + timedelta(days=day), time(opens), UTC)
    return Session(calendar, FIRST + timedelta(days=day), begin, begin + timedelta(minutes=minutes))


def symbols(count: int, **more: date) -> list[Listing]:
    return [Listing(f"S{number}", "XNYS", **more) for number in range(count)]


def test_a_window_is_a_month_of_sessions_newest_first_and_needs_no_names() -> None:
    days = [session(day) for day in range(91)]  # January to March
    windows = cut(symbols(3), days, YEARS, whole_list=True)
    assert [one.range.start.month for one in windows] == [3, 2, 1]
    assert [one.symbols for one in windows] == [None] * 3
    assert windows[2].range == Range(days[0].open, days[30].close)
    assert [one.expected for one in windows] == [3 * 390 * days for days in (31, 29, 31)]
    assert cut(symbols(3), days, YEARS, whole_list=True, oldest_first=True) == windows[::-1]


def test_names_are_sent_along_where_a_window_is_not_everything() -> None:
    days = [session(0), session(0, calendar="24/7", opens=0, minutes=1440)]
    assert [one.symbols for one in cut(symbols(1), days, YEARS, whole_list=False)] == [("S0",)]
    both = cut([*symbols(1), Listing("BTC/USDT", "24/7")], days, YEARS, whole_list=True)
    assert {one.symbols for one in both} == {("S0",), ("BTC/USDT",)}


def test_the_edges_of_the_range_cut_sessions() -> None:
    days = [session(0), session(1)]
    half = Range(days[0].open + timedelta(minutes=100), days[1].open + timedelta(minutes=10))
    [one] = cut(symbols(2), days, half, whole_list=True)
    assert (one.range, one.expected) == (half, 2 * (290 + 10))


def test_a_lunch_break_is_inside_a_window() -> None:
    parts = [session(0, minutes=60), session(0, opens=16, minutes=60)]
    [one] = cut(symbols(1), parts, YEARS, whole_list=True)
    assert (one.range, one.expected) == (Range(parts[0].open, parts[1].close), 120)


def test_a_symbol_is_in_no_window_of_a_time_when_it_was_not_listed() -> None:
    """A vendor whose history begins later is told so by the listings, and is not asked for what was before."""
    days = [session(day) for day in range(60)]
    late = Listing("LATE", "XNYS", listed=date(2024, 2, 10))
    gone = Listing("GONE", "XNYS", delisted=date(2024, 1, 11))
    windows = cut([late, gone], days, YEARS, whole_list=False)
    assert [(one.symbols, one.expected) for one in windows] == [(("LATE",), 20 * 390), (("GONE",), 10 * 390)]
    assert windows[0].range.start == days[40].open


def test_thousands_of_symbols_fit_the_state_by_name() -> None:
    windows = cut(symbols(20_000), [session(day) for day in range(5)], YEARS, whole_list=False)
    assert all(len(json.dumps(one.symbols)) < 1.1 * WINDOW_SYMBOL_BYTES for one in windows)
    assert all(one.expected <= WINDOW_MINUTES for one in windows)
    assert sum(one.expected for one in windows) == 20_000 * 5 * 390


def test_more_windows_than_a_backfill_may_have_are_refused() -> None:
    with pytest.raises(BadInput, match="windows: at most 20,000 would be right"):
        cut(symbols(6), [session(day) for day in range(4000)], YEARS, whole_list=True, most=400)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 70), st.integers(1, 30), st.integers(0, 1)), min_size=1, max_size=25),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70), st.integers(0, 1)), min_size=1, max_size=6),
    st.integers(1, 200),
    st.booleans(),
    st.tuples(st.integers(0, 70), st.integers(1, 70)),
)
def test_each_expected_minute_is_in_exactly_one_window(
    days: list[tuple[int, int, int]],
    listed: list[tuple[int, int, int]],
    most: int,
    whole_list: bool,
    span: tuple[int, int],
) -> None:
    """Held against sets of minutes, whatever is cut where."""
    names = ("XNYS", "24/7")
    sessions = {
        (day, which): session(day, calendar=names[which], minutes=minutes) for day, minutes, which in days
    }.values()
    listings = [
        Listing(f"S{n}", names[which], FIRST + timedelta(days=first), FIRST + timedelta(days=first + long + 1))
        for n, (first, long, which) in enumerate(listed)
    ]
    start = datetime.combine(FIRST + timedelta(days=span[0]), time(14, 7), UTC)
    window = Range(start, start + timedelta(days=span[1]))

    def minutes_of(listing: Listing, inside: Range) -> Counter[tuple[str, datetime]]:
        parts = [
            one.range.intersect(inside)
            for one in sessions
            if one.calendar == listing.calendar and listing.on(one.dt) and one.range.intersect(inside)
        ]
        return Counter(
            (listing.symbol, part.start + timedelta(minutes=n)) for part in parts if part for n in range(part.minutes)
        )

    expected: Counter[tuple[str, datetime]] = Counter()
    for listing in listings:
        expected += minutes_of(listing, window)
    found: Counter[tuple[str, datetime]] = Counter()
    windows = cut(listings, sessions, window, whole_list=whole_list, most=most)
    for one in windows:
        mine = [listing for listing in listings if one.symbols is None or listing.symbol in one.symbols]
        inside = sum((minutes_of(listing, one.range) for listing in mine), Counter())
        assert sum(inside.values()) == one.expected
        assert one.expected <= most or len({listing.symbol for listing in mine}) == 1
        found += inside
    assert found == expected
    assert [Window.from_json(json.loads(json.dumps(one.as_json()))) for one in windows] == windows
