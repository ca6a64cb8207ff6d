"""The list of interested symbols: the newest one, or the last good one, never half of one."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from minutemend.contract import SYMBOL_LISTS_PREFIX
from minutemend.core.closures import parse_closure
from minutemend.core.errors import BadInput
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.services.interest import TAKEN_OVER, get_interested_stocks, set_interested_stocks, symbol_lists
from minutemend.services.lake import Lake

from tests.fakes.store import FakeStore

NOW = datetime(2026, 1, 5, tzinfo=UTC)
OPEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
FIRST = '{"XNYS": ["IBM"]}'


@pytest.fixture
def lake() -> Lake:
    lake = Lake(FakeStore())
    lake.calendars.put([Session(name, OPEN.date(), OPEN, OPEN + timedelta(hours=6)) for name in ("XNYS", "24/7")])
    return lake


def never() -> str:
    raise AssertionError("the parameter is asked for no more")


def followed(lake: Lake) -> list[str]:
    interest = get_interested_stocks(lake, never)
    assert interest.refused is None
    assert lake.symbols() == list(interest.listings)
    return [one.symbol for one in interest.listings]


def test_the_parameter_of_a_stage_of_before_is_taken_over_once(lake: Lake) -> None:
    """Its lake has a mirror already. From then on the lists in S3 count alone."""
    lake.put_symbols([Listing("IBM", "XNYS"), Listing("OLD", "XNYS")])
    assert get_interested_stocks(lake, lambda: FIRST).listings == (Listing("IBM", "XNYS"),)
    assert symbol_lists(lake) == [TAKEN_OVER]
    assert followed(lake) == ["IBM"]
    set_interested_stocks(lake, '{"24/7": ["BTC/USDT"]}', now=NOW)
    assert followed(lake) == ["BTC/USDT"]


def test_the_list_that_was_set_last_counts_and_all_are_kept(lake: Lake) -> None:
    for minute, symbol in enumerate(("AAA", "BBB", "CCC")):
        set_interested_stocks(lake, json.dumps({"XNYS": [symbol]}), now=NOW + timedelta(minutes=minute))
        assert followed(lake) == [symbol]
    assert len(symbol_lists(lake)) == 3


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"", "is no JSON"),
        (b'{"24/8": ["IBM"]}', "names 24/8, of which this stage knows no session"),
        (b'{"XNYS": ["IBM"], "XNYS": ["AIG"]}', "has 'XNYS' twice"),
    ],
)
def test_a_list_that_cannot_be_believed_never_becomes_the_good_one(lake: Lake, body: bytes, says: str) -> None:
    """Not at once, and not as what a later malformed one falls back to."""
    set_interested_stocks(lake, FIRST, now=NOW)
    assert followed(lake) == ["IBM"]
    for number in range(2):
        lake.store.put(f"{SYMBOL_LISTS_PREFIX}2027-{number}.json", body)
        interest = get_interested_stocks(lake, never)
        assert interest.listings == (Listing("IBM", "XNYS"),)
        assert says in (interest.refused or "")
        assert lake.symbols() == [Listing("IBM", "XNYS")]
    with pytest.raises(BadInput, match=r"JSON|24/8|twice"):
        set_interested_stocks(lake, body.decode(errors="replace"), now=NOW)
    assert len(symbol_lists(lake)) == 3


def test_deleted_lists_and_a_deleted_parameter_leave_the_last_good_one(lake: Lake) -> None:
    """And say so; the parameter of long ago does not come back."""
    set_interested_stocks(lake, '{"XNYS": ["AIG"]}', now=NOW)
    assert followed(lake) == ["AIG"]
    lake.store.delete(symbol_lists(lake))
    interest = get_interested_stocks(lake, lambda: FIRST)
    assert [one.symbol for one in interest.listings] == ["AIG"]
    assert "were deleted" in (interest.refused or "")

    before = Lake(FakeStore())
    before.put_symbols([Listing("IBM", "XNYS")])
    interest = get_interested_stocks(before, lambda: None)
    assert [one.symbol for one in interest.listings] == ["IBM"]
    assert "no parameter" in (interest.refused or "")


def test_without_a_list_that_ever_was_good_there_is_nothing_to_fall_back_to() -> None:
    for first in (None, "{"):
        with pytest.raises(BadInput):
            get_interested_stocks(Lake(FakeStore()), lambda first=first: first)


def test_looking_alone_writes_nothing(lake: Lake) -> None:
    """`mend status` and `mend symbols show` may be run by people who may not write."""
    puts = list(lake.store.puts)  # type: ignore[attr-defined]
    assert get_interested_stocks(lake, lambda: FIRST, write=False).listings == (Listing("IBM", "XNYS"),)
    assert lake.store.puts == puts  # type: ignore[attr-defined]


def test_a_list_that_is_in_force_is_not_read_again_each_minute(lake: Lake) -> None:
    """Nor written: 20,000 symbols are parsed when they change."""
    set_interested_stocks(lake, FIRST, now=NOW)
    assert followed(lake) == ["IBM"]
    puts = list(lake.store.puts)  # type: ignore[attr-defined]
    read: list[str] = []
    get = lake.store.get
    lake.store.get = lambda key: (read.append(key), get(key))[1]  # type: ignore[method-assign]
    assert get_interested_stocks(lake, never).refused is None
    assert read == ["symbols/symbols.parquet"]
    assert lake.store.puts == puts  # type: ignore[attr-defined]


def test_recorded_listings_cut_the_list(lake: Lake) -> None:
    """At the next look, and back again."""
    set_interested_stocks(lake, FIRST, now=NOW)
    told = [
        parse_closure({"kind": "listing", "symbol": "IBM", "by": "anna", "why": "moved", **one})
        for one in ({"delisted": "2020-01-02"}, {"listed": "2021-01-04"})
    ]
    lake.calendars.change_closures(lambda _: told)
    assert followed(lake) == ["IBM", "IBM"]
    assert [one.delisted for one in lake.symbols()] == [date(2020, 1, 2), None]
    lake.calendars.change_closures(lambda _: [])
    assert followed(lake) == ["IBM"]


def test_malformed_closures_leave_the_last_good_list_and_are_said(lake: Lake) -> None:
    set_interested_stocks(lake, FIRST, now=NOW)
    assert followed(lake) == ["IBM"]
    lake.store.put("settings/closures.json", b"[{}]")
    interest = get_interested_stocks(lake, never)
    assert interest.listings == (Listing("IBM", "XNYS"),)
    assert "closures.json, record 1" in (interest.refused or "")
