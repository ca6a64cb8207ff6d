"""Symbols, and the list of those that a stage follows: what it may hold, and what is said of what it may not."""

from __future__ import annotations

import json
from datetime import date

import pytest
from minutemend.core.errors import BadInput
from minutemend.core.symbols import MOST_BYTES, Listing, key_part, parse_listings, valid_symbol


@pytest.mark.parametrize(
    "symbol", ["IBM", "A", "BRK.B", "BTC/USDT", "^GSPC", "BTC-USD", "BF_A", "ES=F", "X:BTCUSD", "M&M.NS", "600519.SS"]
)
def test_symbols_that_files_and_vendors_use_are_symbols(symbol: str) -> None:
    assert valid_symbol(symbol) == symbol


@pytest.mark.parametrize(
    "text",
    [
        "A" * 33,
        7,
        None,
        "",
        "ibm",
        "^",
        "A/",
        "/A",
        "A B",
        "A,B",
        "A'B",
        'A"B',
        "A\\B",
        "A%2FB",
        "A\nB",
        "A;B",
        "../A",
        "A/../B",
        "A//B",
        "A?B",
        "A#B",
        "Ä",
    ],
)
def test_what_could_break_a_statement_a_key_or_a_list_is_no_symbol(text: object) -> None:
    with pytest.raises(BadInput, match="is not a symbol"):
        valid_symbol(text)


def test_a_symbol_in_a_key_is_one_segment_of_it() -> None:
    """No slash, and each symbol a name of its own; plain ones are as they ever were."""
    assert [key_part(text) for text in ("IBM", "BRK.B", "BF_A")] == ["IBM", "BRK.B", "BF_A"]
    names = {key_part(text) for text in ("BTC/USDT", "BTC-USDT", "BTC:USDT", "^GSPC", "GSPC")}
    assert len(names) == 5
    assert not any(mark in name for name in names for mark in "/^:")


def test_symbols_come_with_calendar_and_dates_sorted() -> None:
    text = '{"XNYS": ["IBM", {"symbol": "X", "listed": "2020-01-02", "delisted": "2021-01-01"}], "24/7": ["BTC/USDT"]}'
    assert parse_listings(text, name="the list") == [
        Listing("BTC/USDT", "24/7"),
        Listing("IBM", "XNYS"),
        Listing("X", "XNYS", date(2020, 1, 2), date(2021, 1, 1)),
    ]


def test_a_symbol_may_be_listed_twice_in_its_time() -> None:
    """A company goes private and comes back."""
    again = [{"symbol": "DELL", "listed": "2018-12-28"}, {"symbol": "DELL", "delisted": "2013-10-30"}]
    first, second = parse_listings(json.dumps({"XNYS": again}), name="the list")
    assert (first.delisted, second.listed) == (date(2013, 10, 30), date(2018, 12, 28))
    assert [one for one in (first, second) if one.on(date(2015, 1, 2))] == []
    assert first.on(date(2013, 10, 29))
    assert second.on(date(2018, 12, 28))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "object of calendars"),
        ("{}", "object of calendars"),
        ('{"XNYS": "IBM"}', "no list"),
        ('{"XNYS": []}', "no symbol at all"),
        ('{"XNYS": ["ibm\'; DROP TABLE"]}', "is not a symbol"),
        ('{"XNYS": ["IBM", "IBM"]}', "IBM twice"),
        ('{"XNYS": ["IBM"], "XLON": ["IBM"]}', "one calendar would be right"),
        ('{"XNYS": ["IBM"], "24/7": ["BTCUSD"], "XNYS": ["AIG"]}', "has 'XNYS' twice"),
        ('{"XNYS": [{"symbol": "X", "symbol": "Y"}]}', "has 'symbol' twice"),
        ('{"XNYS": [{"symbol": "X", "delisted": "2020-01-02"}, {"symbol": "X", "listed": "2020-01-01"}]}', "overlap"),
        ('{"XNYS": ["X", {"symbol": "X", "listed": "2020-01-01"}]}', "overlap"),
        ('{"XNYS": [{"symbol": "X", "listed": "soon"}]}', "a date like 2020-01-02"),
        ('{"XNYS": [{"symbol": "X", "listed": "2021-01-01", "delisted": "2020-01-01"}]}', "not after"),
        ('{"XNYS": [{"name": "X"}]}', "would be right"),
        ('{"XNYS": [7]}', "would be right"),
        (json.dumps({"XNYS": [f"A{number}" for number in range(20_001)]}), "at most 20,000"),
        (" " * (MOST_BYTES + 1), "at most 4,000,000"),
    ],
)
def test_a_malformed_list_is_refused_with_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_listings(text, name="the list")


def test_twenty_thousand_symbols_are_a_list() -> None:
    text = json.dumps({"XNYS": [f"A{number}" for number in range(20_000)]})
    assert len(parse_listings(text, name="the list")) == 20_000


def test_listings_are_sorted_by_their_dates_where_one_is_open() -> None:
    """A symbol that was delisted and is listed again: its first period has no beginning."""
    listings = parse_listings(
        '{"XNYS": [{"symbol": "X", "delisted": "2021-01-01"}, {"symbol": "X", "listed": "2022-01-01"}, "A"]}', name="n"
    )
    assert sorted({*listings}) == listings
    assert [one.listed for one in listings] == [None, None, date(2022, 1, 1)]
