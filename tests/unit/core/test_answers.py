"""What an answer is worth: every status, every kind of garbage, and nothing believed by accident."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from minutemend.core.answers import (
    LONGEST_PAUSE,
    AnswerKind,
    Garbage,
    RawBar,
    VendorRequest,
    believable_bars,
    instant_of,
    judge,
    kind_of_status,
    number_of,
    parse_body,
    pause_asked,
)
from minutemend.core.minutes import MINUTE, Range

START = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
REQUEST = VendorRequest("finnhub", ("AIG", "IBM"), Range(START, START + 10 * MINUTE))
LATER = START + timedelta(days=1)


def raw(symbol: str = "IBM", minute: float = 0, **values: float) -> RawBar:
    """A believable row `minute` minutes into the request, with some values replaced."""
    row = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 100.0} | values
    return RawBar(symbol, START + timedelta(minutes=minute), **row)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (204, AnswerKind.GARBAGE),
        (100, AnswerKind.GARBAGE),
        (301, AnswerKind.GIVE_UP),
        (302, AnswerKind.GIVE_UP),
        (400, AnswerKind.GIVE_UP),
        (401, AnswerKind.GIVE_UP),
        (403, AnswerKind.GIVE_UP),
        (404, AnswerKind.GIVE_UP),
        (408, AnswerKind.RETRY),
        (418, AnswerKind.RETRY),
        (422, AnswerKind.GIVE_UP),
        (425, AnswerKind.RETRY),
        (429, AnswerKind.RETRY),
        (500, AnswerKind.RETRY),
        (502, AnswerKind.RETRY),
        (503, AnswerKind.RETRY),
        (504, AnswerKind.RETRY),
        (599, AnswerKind.RETRY),
    ],
)
def test_a_status_has_one_class(status: int, kind: AnswerKind | None) -> None:
    assert kind_of_status(status) is kind


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, None),
        ({"retry-after": "7"}, timedelta(seconds=7)),
        ({"retry-after": " 0 "}, timedelta(0)),
        ({"retry-after": "Sat, 05 Oct 2013 13:31:30 GMT"}, timedelta(seconds=90)),
        ({"retry-after": "Fri, 04 Oct 2013 00:00:00 GMT"}, timedelta(0)),
        ({"retry-after": "999999999999"}, LONGEST_PAUSE),
        ({"retry-after": "Sat, 05 Oct 2099 13:31:30 GMT"}, LONGEST_PAUSE),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "٣"}, None),
        ({"x-ratelimit-reset": str(int(LATER.timestamp()) + 12)}, timedelta(seconds=12)),
        ({"x-ratelimit-reset": "1"}, timedelta(0)),
        ({"x-ratelimit-reset": "tomorrow"}, None),
        ({"retry-after": "3", "x-ratelimit-reset": "99999999999"}, timedelta(seconds=3)),
    ],
)
def test_a_pause_is_read_in_seconds_as_a_date_or_as_the_reset_of_the_limit(
    headers: dict[str, str], pause: timedelta | None
) -> None:
    assert pause_asked(headers, now=LATER) == pause


@given(st.text(max_size=30))
def test_no_header_text_breaks_the_reading_of_a_pause(text: str) -> None:
    pause = pause_asked({"retry-after": text, "x-ratelimit-reset": text}, now=LATER)
    assert pause is None or timedelta(0) <= pause <= LONGEST_PAUSE


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b"<html><body>soon</body></html>", "HTML"),
        (b"  \n<!DOCTYPE html>", "HTML"),
        (b'{"s":"ok","t":[13809', "no JSON"),
        (b'{"c":[NaN]}', "NaN"),
        (b'{"c":[Infinity]}', "Infinity"),
        (b'{"c":[-Infinity]}', "Infinity"),
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
        number_of(value)


@pytest.mark.parametrize(("value", "number"), [(1, 1.0), (0, 0.0), (1.25, 1.25), (-3, -3.0)])
def test_json_integers_and_fractions_are_numbers(value: float, number: float) -> None:
    assert number_of(value) == number
    assert type(number_of(value)) is float


@pytest.mark.parametrize("value", ["1380893400", 1.5, 1380893400.0, None, True, 10**30, -(10**30)])
def test_a_time_that_is_no_whole_number_or_no_time_is_garbage(value: object) -> None:
    with pytest.raises(Garbage):
        instant_of(value, unit=timedelta(seconds=1))


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


@pytest.mark.parametrize("case", UNBELIEVABLE)
def test_one_unbelievable_row_spoils_the_whole_answer(case: str) -> None:
    """Good rows around the bad one do not save it, and none of them leaves the adapter."""
    rows, words = UNBELIEVABLE[case]
    answer = judge(REQUEST, rows, looked=REQUEST.range, observed_at=LATER)
    assert answer.kind is AnswerKind.GARBAGE
    assert answer.bars == ()
    assert answer.covered is None
    assert words in answer.detail
    around = [raw("AIG", 3), *rows, raw("AIG", 9)]
    assert judge(REQUEST, around, looked=REQUEST.range, observed_at=LATER).bars == ()


def test_believable_rows_become_bars_sorted_by_symbol_and_minute() -> None:
    rows = [raw("IBM", 0), raw("IBM", 9), raw("AIG", 3)]
    answer = judge(REQUEST, rows, looked=REQUEST.range, observed_at=LATER, requests=2)
    assert answer.kind is AnswerKind.BARS
    assert [(bar.symbol, bar.minute) for bar in answer.bars] == [
        ("AIG", START + 3 * MINUTE),
        ("IBM", START),
        ("IBM", START + 9 * MINUTE),
    ]
    assert (answer.covered, answer.status, answer.requests) == (REQUEST.range, 200, 2)


def test_a_flat_bar_of_volume_zero_is_believable() -> None:
    flat = raw(open=5.0, high=5.0, low=5.0, close=5.0, volume=0.0)
    assert len(believable_bars([flat], REQUEST)) == 1


def test_an_answer_without_rows_is_no_data_and_covers_nothing() -> None:
    answer = judge(REQUEST, [], looked=REQUEST.range, observed_at=LATER)
    assert (answer.kind, answer.covered) == (AnswerKind.NO_DATA, None)


def test_a_minute_that_had_not_ended_is_neither_a_bar_nor_covered() -> None:
    """At 13:32:59 the bar of 13:32 is still being made."""
    rows = [raw(minute=minute) for minute in range(4)]
    answer = judge(REQUEST, rows, looked=REQUEST.range, observed_at=START + timedelta(minutes=2, seconds=59))
    assert [bar.minute for bar in answer.bars] == [START, START + MINUTE]
    assert answer.covered == Range(START, START + 2 * MINUTE)


def test_nothing_has_ended_before_the_range_begins() -> None:
    answer = judge(REQUEST, [raw()], looked=REQUEST.range, observed_at=START)
    assert (answer.kind, answer.bars, answer.covered) == (AnswerKind.NO_DATA, (), None)


def test_covered_ends_where_the_vendor_stopped_looking() -> None:
    cut = Range(START, START + 2 * MINUTE)
    assert judge(REQUEST, [raw()], looked=cut, observed_at=LATER).covered == cut
    assert judge(REQUEST, [raw()], looked=None, observed_at=LATER).covered is None


PRICE = st.floats(0.0001, 1e6)
MINUTES = st.lists(st.integers(0, 9), unique=True, min_size=1).map(sorted)


@st.composite
def tables(draw: st.DrawFn) -> list[RawBar]:
    """Rows that any vendor may give for REQUEST."""
    rows = []
    for symbol in REQUEST.symbols:
        for minute in draw(MINUTES):
            low, opened, close, high = sorted(draw(st.tuples(PRICE, PRICE, PRICE, PRICE)))
            volume = draw(st.floats(0, 1e12))
            rows.append(raw(symbol, minute, open=opened, high=high, low=low, close=close, volume=volume))
    return rows


@given(tables())
def test_every_valid_table_passes_with_its_values_untouched(rows: list[RawBar]) -> None:
    bars = believable_bars(rows, REQUEST)
    assert [(b.symbol, b.minute, b.open, b.high, b.low, b.close, b.volume) for b in bars] == sorted(map(tuple, rows))


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
def test_any_single_mutation_of_a_valid_table_is_garbage(rows: list[RawBar], name: str, random: object) -> None:
    index = random.randrange(len(rows))  # type: ignore[attr-defined]
    rows[index] = MUTATIONS[name](rows[index])
    with pytest.raises(Garbage):
        believable_bars(rows, REQUEST)


@given(tables(), st.randoms(use_true_random=False))
def test_a_repeated_row_of_a_valid_table_is_garbage(rows: list[RawBar], random: object) -> None:
    index = random.randrange(len(rows))  # type: ignore[attr-defined]
    with pytest.raises(Garbage, match=r"twice|order"):
        believable_bars([*rows, rows[index]], REQUEST)
