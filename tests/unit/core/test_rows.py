"""What rows are worth: every kind of garbage, symbol by symbol, and nothing believed by accident."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minutemend.core.answers import AnswerKind, Garbage, VendorRequest
from minutemend.core.minutes import EPOCH, MINUTE, Range
from minutemend.core.rows import Rows, answer_of, instants, numbers, parse_body, whole_numbers

START = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
REQUEST = VendorRequest("finnhub", ("AIG", "IBM"), Range(START, START + 10 * MINUTE))
LATER = START + timedelta(days=1)
LOOKED = dict.fromkeys(REQUEST.symbols, REQUEST.range)


class Raw(NamedTuple):
    """One row of one symbol, for a test to write down."""

    symbol: str
    at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


def rows(*raws: Raw) -> list[Rows]:
    """Each row as an answer's part of its own, in this order."""
    micro = timedelta(microseconds=1)
    return [Rows(one.symbol, np.array([(one.at - EPOCH) // micro]), np.array([one[2:]])) for one in raws]


def raw(symbol: str = "IBM", minute: float = 0, **values: float) -> Raw:
    """A believable row `minute` minutes into the request, with some values replaced."""
    row = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 100.0} | values
    return Raw(symbol, START + timedelta(minutes=minute), **row)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b"<html><body>soon</body></html>", "HTML"),
        (b"  \n<!DOCTYPE html>", "HTML"),
        (b'{"s":"ok","t":[13809', "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"{} {}", "no JSON"),
    ],
)
def test_a_body_that_is_no_json_is_garbage(body: bytes, words: str) -> None:
    with pytest.raises(Garbage, match=words):
        parse_body(body)


def test_a_body_that_is_json_keeps_every_digit() -> None:
    assert parse_body(b'{"c": [0.1, 172.30000000000001]}') == {"c": [0.1, 172.30000000000001]}


@pytest.mark.parametrize("value", ["1.5", None, True, [], {}, math.nan, math.inf, -math.inf, 10**400])
def test_what_is_no_finite_number_is_garbage(value: object) -> None:
    with pytest.raises(Garbage):
        numbers([1.5, value])


def test_json_integers_and_fractions_are_numbers() -> None:
    assert numbers([1, 0, 1.25, -3, 172.30000000000001]).tolist() == [1.0, 0.0, 1.25, -3.0, 172.30000000000001]


@pytest.mark.parametrize("value", ["1380893400", 1.5, 1380893400.0, None, True, 10**30, -(10**30), 10**17])
def test_a_time_that_is_no_whole_number_or_no_time_is_garbage(value: object) -> None:
    with pytest.raises(Garbage):
        instants([1380893400, value], unit=timedelta(seconds=1))


def test_a_count_that_is_no_whole_number_is_garbage() -> None:
    assert whole_numbers([0, 17]).tolist() == [0, 17]
    with pytest.raises(Garbage, match="which is no whole number"):
        whole_numbers([1, 1.0])


UNBELIEVABLE = {
    "wrong symbol": ([raw("MSFT")], "not asked for"),
    "before the range": ([raw(minute=-1)], "outside the range"),
    "at the range's end": ([raw(minute=10)], "outside the range"),
    "off the minute": ([raw(minute=0.5)], "whole minute"),
    "off by a microsecond": ([raw(minute=1 / 60_000_000)], "whole minute"),
    "repeated": ([raw(minute=1), raw(minute=1)], "comes twice"),
    "repeated, of another symbol between": ([raw(minute=1), raw("AIG"), raw(minute=1)], "comes twice"),
    "unsorted": ([raw(minute=2), raw(minute=1)], "out of order"),
    "NaN price": ([raw(close=math.nan)], "not finite"),
    "NaN volume": ([raw(volume=math.nan)], "not finite"),
    "infinite price": ([raw(high=math.inf)], "not finite"),
    "infinite volume": ([raw(volume=math.inf)], "not finite"),
    "negative price": ([raw(low=-9.0)], "not above zero"),
    "no price": ([raw(low=0.0)], "not above zero"),
    "negative volume": ([raw(volume=-1.0)], "negative"),
    "low above high": ([raw(low=11.0, high=9.0)], "do not enclose"),
    "open above high": ([raw(open=11.5)], "do not enclose"),
    "open below low": ([raw(open=8.5)], "do not enclose"),
    "close above high": ([raw(close=11.5)], "do not enclose"),
    "close below low": ([raw(close=8.5)], "do not enclose"),
}


@pytest.mark.parametrize("case", [name for name in UNBELIEVABLE if name != "wrong symbol"])
def test_one_unbelievable_row_spoils_its_own_symbol_and_no_other(case: str) -> None:
    """No good row around the bad one is believed, and the line names the row; the other symbol's rows stay."""
    bad, words = UNBELIEVABLE[case]
    mine = [row for row in bad if row.symbol == "IBM"]
    answer = answer_of(REQUEST, rows(raw("AIG", 3), *mine, raw("AIG", 9)), looked=LOOKED, observed_at=LATER)
    assert (answer.kind, {bar.symbol for bar in answer.bars}) == (AnswerKind.BARS, {"AIG"})
    assert (len(answer.bars), answer.covered) == (2, {"AIG": REQUEST.range})
    assert list(answer.distrusted) == ["IBM"]
    assert words in answer.distrusted["IBM"]
    assert words in answer.detail
    assert answer.said_of("IBM") == (AnswerKind.GARBAGE, answer.distrusted["IBM"])
    assert answer.said_of("AIG")[0] is AnswerKind.BARS
    one = VendorRequest("finnhub", ("IBM",), REQUEST.range)
    alone = answer_of(one, rows(*mine), looked=LOOKED, observed_at=LATER)
    assert (alone.kind, len(alone.bars), alone.covered) == (AnswerKind.GARBAGE, 0, {})
    assert words in alone.detail


def test_rows_of_a_symbol_that_was_not_asked_for_are_the_flaw_of_those_that_got_none() -> None:
    answer = answer_of(REQUEST, rows(raw("AIG", 1), raw("MSFT", 1)), looked=LOOKED, observed_at=LATER)
    assert (answer.kind, answer.distrusted) == (AnswerKind.BARS, {"IBM": "MSFT: this symbol was not asked for"})
    nothing = answer_of(REQUEST, rows(raw("MSFT", 1)), looked=LOOKED, observed_at=LATER)
    assert (nothing.kind, len(nothing.bars)) == (AnswerKind.GARBAGE, 0)


def test_a_symbol_without_a_row_in_an_answer_with_bars_of_others_has_no_data() -> None:
    answer = answer_of(REQUEST, rows(raw("AIG", 1)), looked=LOOKED, observed_at=LATER)
    assert answer.said_of("IBM")[0] is AnswerKind.NO_DATA


def test_believable_rows_become_bars_sorted_by_symbol_and_minute() -> None:
    found = rows(raw("IBM", 0), raw("IBM", 9), raw("AIG", 3))
    answer = answer_of(REQUEST, found, looked=LOOKED, observed_at=LATER, requests=2)
    assert answer.kind is AnswerKind.BARS
    assert [(bar.symbol, bar.minute) for bar in answer.bars] == [
        ("AIG", START + 3 * MINUTE),
        ("IBM", START),
        ("IBM", START + 9 * MINUTE),
    ]
    assert (answer.covered, answer.status, answer.requests) == (LOOKED, 200, 2)


def test_a_flat_bar_of_volume_zero_is_believable() -> None:
    flat = raw(open=5.0, high=5.0, low=5.0, close=5.0, volume=0.0)
    assert len(answer_of(REQUEST, rows(flat), looked=LOOKED, observed_at=LATER).bars) == 1


def test_an_answer_without_rows_is_no_data_and_covers_nothing() -> None:
    answer = answer_of(REQUEST, [], looked=LOOKED, observed_at=LATER)
    assert (answer.kind, answer.covered) == (AnswerKind.NO_DATA, {})


def test_a_minute_that_had_not_ended_is_neither_a_bar_nor_covered() -> None:
    """At 13:32:59 the bar of 13:32 is still being made."""
    found = rows(*(raw(minute=minute) for minute in range(4)))
    answer = answer_of(REQUEST, found, looked=LOOKED, observed_at=START + timedelta(minutes=2, seconds=59))
    assert [bar.minute for bar in answer.bars] == [START, START + MINUTE]
    assert answer.covered == dict.fromkeys(REQUEST.symbols, Range(START, START + 2 * MINUTE))


def test_nothing_has_ended_before_the_range_begins() -> None:
    answer = answer_of(REQUEST, rows(raw()), looked=LOOKED, observed_at=START)
    assert (answer.kind, len(answer.bars), answer.covered) == (AnswerKind.NO_DATA, 0, {})


def test_covered_ends_where_the_vendor_stopped_looking() -> None:
    cut = Range(START, START + 2 * MINUTE)
    assert answer_of(REQUEST, rows(raw()), looked={"IBM": cut}, observed_at=LATER).covered == {"IBM": cut}
    assert answer_of(REQUEST, rows(raw()), looked={}, observed_at=LATER).covered == {}


PRICE = st.floats(0.0001, 1e6)
MINUTES = st.lists(st.integers(0, 9), unique=True, min_size=1).map(sorted)


@st.composite
def tables(draw: st.DrawFn) -> list[Raw]:
    """Rows that any vendor may give for REQUEST."""
    found = []
    for symbol in REQUEST.symbols:
        for minute in draw(MINUTES):
            low, opened, close, high = sorted(draw(st.tuples(PRICE, PRICE, PRICE, PRICE)))
            volume = draw(st.floats(0, 1e12))
            found.append(raw(symbol, minute, open=opened, high=high, low=low, close=close, volume=volume))
    return found


@given(tables())
def test_every_valid_table_passes_with_its_values_untouched(table: list[Raw]) -> None:
    bars = answer_of(REQUEST, rows(*table), looked=LOOKED, observed_at=LATER).bars
    assert [(b.symbol, b.minute, b.open, b.high, b.low, b.close, b.volume) for b in bars] == sorted(map(tuple, table))


MUTATIONS = {
    "symbol": lambda row: row._replace(symbol="ZZZ"),
    "seconds": lambda row: row._replace(at=row.at + timedelta(seconds=1)),
    "earlier": lambda row: row._replace(at=row.at - timedelta(minutes=10)),
    "later": lambda row: row._replace(at=row.at + timedelta(minutes=10)),
    "nan": lambda row: row._replace(close=math.nan),
    "infinite": lambda row: row._replace(volume=math.inf),
    "negative": lambda row: row._replace(low=-row.low),
    "inverted": lambda row: row._replace(low=row.high + 1.0, high=row.low),
    "open": lambda row: row._replace(open=row.high * 2 + 1),
    "close": lambda row: row._replace(close=row.low / 2),
    "volume": lambda row: row._replace(volume=-1.0),
}


@given(tables(), st.sampled_from(sorted(MUTATIONS)), st.randoms(use_true_random=False))
def test_no_single_mutation_of_a_valid_table_is_believed(table: list[Raw], name: str, random: object) -> None:
    """The mutated symbol is distrusted; where its name is what changed, the row is dropped."""
    index = random.randrange(len(table))  # type: ignore[attr-defined]
    symbol = table[index].symbol
    true = {tuple(row) for row in table}
    table[index] = MUTATIONS[name](table[index])
    answer = answer_of(REQUEST, rows(*table), looked=LOOKED, observed_at=LATER)
    assert name == "symbol" or list(answer.distrusted) == [symbol]
    assert {(b.symbol, b.minute, b.open, b.high, b.low, b.close, b.volume) for b in answer.bars} <= true


@given(tables(), st.randoms(use_true_random=False))
def test_a_repeated_row_of_a_valid_table_is_not_believed(table: list[Raw], random: object) -> None:
    index = random.randrange(len(table))  # type: ignore[attr-defined]
    answer = answer_of(REQUEST, rows(*table, table[index]), looked=LOOKED, observed_at=LATER)
    assert any(words in answer.distrusted[table[index].symbol] for words in ("twice", "order"))


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_constant_that_is_no_json_is_the_flaw_of_its_own_symbol(constant: str) -> None:
    """It comes through the parser, so that one symbol's NaN does not cost two hundred their bars."""
    (value,) = parse_body(f"[{constant}]".encode())  # type: ignore[misc]
    with pytest.raises(Garbage, match="not finite"):
        numbers([value])


def test_what_a_cut_off_answer_did_not_look_at_is_left() -> None:
    """AIG to its end, IBM in part, SPY not at all; minutes that have not ended do not count."""
    request = VendorRequest("alpaca", ("AIG", "IBM", "SPY"), REQUEST.range)
    looked = {"AIG": REQUEST.range, "IBM": Range(START, START + 4 * MINUTE)}
    answer = answer_of(request, rows(raw("AIG", 0), raw("IBM", 3)), looked=looked, observed_at=LATER)
    rest = Range(START + 4 * MINUTE, REQUEST.range.end)
    assert answer.left == (VendorRequest("alpaca", ("IBM",), rest), VendorRequest("alpaca", ("SPY",), REQUEST.range))
    assert answer.looked_for() == ["AIG", "IBM"]
    early = answer_of(request, rows(raw("AIG", 0), raw("IBM", 3)), looked=looked, observed_at=START + 4 * MINUTE)
    assert [one.symbols for one in early.left] == [("SPY",)]


def test_a_whole_answer_leaves_nothing() -> None:
    for found in ([raw()], [], [raw(low=99.0)]):
        assert answer_of(REQUEST, rows(*found), looked=LOOKED, observed_at=LATER).left == ()
