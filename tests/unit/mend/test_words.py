"""Minutes as words: moved, joined and cut as plain sets of minutes would be."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mend.bars.words import Words, expanded, words_of

MINUTES = st.lists(st.integers(0, 400), max_size=60)
BARS = st.dictionaries(st.sampled_from(["A", "B", "C"]), MINUTES.filter(bool), max_size=3)


def words(bars: dict[str, list[int]]) -> Words:
    """One row for each bar, as a scan could give them."""
    names = list(bars)
    rows = [(code, minute) for code, name in enumerate(names) for minute in bars[name]]
    code, minute = (np.array(column, np.int64) for column in (zip(*rows, strict=True) if rows else ((), ())))
    bit = np.uint64(1) << (minute % 60).astype(np.uint64)
    return Words.merged(names, code, minute // 60, bit, np.ones(len(rows), np.int64))


def bars(some: Words) -> dict[str, set[int]]:
    return {
        name: set(some.minutes(first, after).tolist())
        for name, (first, after) in zip(some.names, some.spans(), strict=True)
        if first < after
    }


@given(BARS)
def test_words_hold_each_minute_once_and_count_the_rest(given_bars: dict[str, list[int]]) -> None:
    made = words(given_bars)
    assert bars(made) == {name: set(minutes) for name, minutes in given_bars.items()}
    assert made.duplicates == sum(len(minutes) - len(set(minutes)) for minutes in given_bars.values())


@given(BARS, st.integers(-200, 200))
def test_a_shift_moves_every_minute_and_loses_no_row(given_bars: dict[str, list[int]], by: int) -> None:
    moved = words(given_bars).shifted(by)
    assert bars(moved) == {name: {minute + by for minute in minutes} for name, minutes in given_bars.items()}
    assert moved.rows.sum() == sum(map(len, given_bars.values()))
    assert (moved.rows >= np.bitwise_count(moved.bits)).all()


@given(BARS, BARS)
def test_two_are_joined_by_symbol_and_hour(one: dict[str, list[int]], other: dict[str, list[int]]) -> None:
    both = words(one).joined(words(other))
    assert bars(both) == {name: {*one.get(name, ()), *other.get(name, ())} for name in {*one, *other}}


@given(BARS, st.integers(0, 400), st.integers(1, 300))
def test_a_window_keeps_what_is_in_it(given_bars: dict[str, list[int]], start: int, length: int) -> None:
    cut = words(given_bars).between(start, start + length)
    inside = {name: {m for m in minutes if start <= m < start + length} for name, minutes in given_bars.items()}
    assert bars(cut) == {name: minutes for name, minutes in inside.items() if minutes}


@given(st.lists(st.integers(0, 10**8), unique=True))
def test_minutes_become_words_and_minutes_again(minutes: list[int]) -> None:
    ascending = np.array(sorted(minutes), np.int64)
    assert expanded(*words_of(ascending)).tolist() == ascending.tolist()
