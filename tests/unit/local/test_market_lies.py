"""Vendors that lie for good: lasting holes, late backfill, lag, one bar of a session, other values, bad rows."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from minutemend.core.minutes import epoch_minute, format_instant, from_epoch_minute

from market.dialects.base import Question, look_up
from market.faults import Fault, FaultKind
from market.generated import DAY, GeneratedBars, Sessions
from market.known import Known, spoil
from market.market import Market

FRIDAY = epoch_minute(datetime(2013, 10, 4, tzinfo=UTC)) // DAY
OPEN, CLOSE = FRIDAY * DAY + 13 * 60 + 30, FRIDAY * DAY + 20 * 60
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = GeneratedBars(seed=7, sessions=Sessions({"XNYS": ([OPEN], [CLOSE])}), calendar="XNYS")
URL = "/api/v1/stock/candle"
TOKEN = {"x-finnhub-token": "any"}


def fault(**given: object) -> Fault:
    return Fault.from_json(given)


def known(*faults: Fault, symbol: str = "IBM", first: int = OPEN, end: int = CLOSE, now: datetime = NOW) -> list[int]:
    """Minutes of the session (0 is the first) that the vendor has."""
    return [row[0] - OPEN for row in Known(SOURCE, faults, now).rows(symbol, first, end)]


def at(minute: int) -> str:
    return format_instant(from_epoch_minute(OPEN + minute))


def market(*faults: Fault, now: datetime = NOW) -> Market:
    made = Market(SOURCE, credentials=None, clock=lambda: now)
    made.control({"faults": [asdict(one) for one in faults]})
    return made


def candles(made: Market, symbol: str = "IBM") -> dict[str, object]:
    query = {"symbol": symbol, "resolution": "1", "from": str(OPEN * 60), "to": str(CLOSE * 60 - 60)}
    response, dropped = made.answer(URL, query, TOKEN)
    assert not dropped
    return {"status": response.status, **json.loads(response.body)}


def test_a_lasting_hole_is_there_however_the_vendor_is_asked() -> None:
    """Named minutes and runs; the same whichever part is asked for, and for that symbol alone."""
    hole = fault(kind="missing", symbols=["IBM"], minutes=[at(3)], runs=[[at(10), at(12)], [at(388), at(400)]])
    left = [minute for minute in range(390) if minute not in (3, 10, 11, 388, 389)]
    assert known(hole) == left
    assert known(hole, first=OPEN, end=OPEN + 11) + known(hole, first=OPEN + 11) == left
    assert known(hole, symbol="AIG") == list(range(390))


def test_seeded_holes_are_whole_stretches_and_a_share_of_the_minutes() -> None:
    single = known(fault(kind="missing", rows=0.2, seed=3))
    assert 280 < len(single) < 345
    assert single == known(fault(kind="missing", rows=0.2, seed=3)) != known(fault(kind="missing", rows=0.2, seed=4))
    kept = set(known(fault(kind="missing", rows=0.2, seed=3, length=15)))
    stretches = [{OPEN + minute in {OPEN + one for one in kept} for minute in part} for part in _stretches(15)]
    assert all(len(found) == 1 for found in stretches), "a stretch is there or it is not"
    assert {True} in stretches
    assert {False} in stretches


def _stretches(length: int) -> list[list[int]]:
    parts: dict[int, list[int]] = {}
    for minute in range(390):
        parts.setdefault((OPEN + minute) // length, []).append(minute)
    return list(parts.values())


def test_a_vendor_that_stalls_at_40_lacks_the_rest_of_each_hour() -> None:
    """The session opens at :30, so minutes 0 to 9 of it are :30 to :39."""
    left = known(fault(kind="missing", past=40))
    assert left[:10] == list(range(10))
    assert left[10:50] == list(range(30, 70))


def test_what_was_missing_may_be_loaded_later_and_what_was_there_may_go() -> None:
    """`until` and `since` are instants of the vendor's clock."""
    loaded = fault(kind="missing", runs=[[at(0), at(100)]], until="2026-01-01T00:00:30Z")
    assert len(candles(market(loaded, now=NOW))["t"]) == 290  # type: ignore[arg-type]
    assert len(candles(market(loaded, now=NOW + timedelta(seconds=30)))["t"]) == 390  # type: ignore[arg-type]
    gone = fault(kind="missing", runs=[[at(0), at(100)]], since="2026-01-01T00:00:30Z")
    assert len(candles(market(gone, now=NOW))["t"]) == 390  # type: ignore[arg-type]
    assert len(candles(market(gone, now=NOW + timedelta(minutes=1)))["t"]) == 290  # type: ignore[arg-type]


def test_a_page_is_filled_with_what_the_vendor_has() -> None:
    """A hole costs an answer no rows: the limit counts those that are there."""
    there = Known(SOURCE, [fault(kind="missing", runs=[[at(0), at(100)]])], NOW)
    found = look_up(there, Question(["IBM"], OPEN, CLOSE, limit=50))
    assert [int(str(row[0])) // 60_000 - OPEN for row in found.rows["IBM"]] == list(range(100, 150))


def test_a_bar_appears_so_long_after_its_minutes_end() -> None:
    """By the clock, or as if it were another instant: a past day then ends where the vendor was."""
    at_minute_60 = from_epoch_minute(OPEN + 60)
    assert known(fault(kind="lag", seconds=0), now=at_minute_60) == list(range(60))
    assert known(fault(kind="lag", seconds=40), now=at_minute_60) == list(range(59))
    assert known(fault(kind="lag", seconds=1800, as_of=at(60)), now=NOW) == list(range(30))
    assert known(fault(kind="lag", seconds=1800), now=NOW) == list(range(390))


def test_a_vendor_with_one_bar_of_a_session_has_that_one_for_every_question() -> None:
    lie = fault(kind="one_bar", symbols=["IBM"], seed=5)
    (only,) = known(lie)
    assert known(lie, first=OPEN + only, end=OPEN + only + 1) == [only]
    assert known(lie, first=OPEN + only + 1) == []
    assert known(lie, symbol="AIG") == list(range(390))
    assert known(fault(kind="one_bar", seed=6)) != [only]


def test_restated_values_are_others_and_still_those_of_a_bar() -> None:
    """Those picked, or all; from an instant on, by `since`."""
    true = SOURCE.rows("IBM", OPEN, CLOSE)
    told = Known(SOURCE, [fault(kind="restated", minutes=[at(5)], factor=1.02)], NOW).rows("IBM", OPEN, CLOSE)
    assert [place for place, (row, other) in enumerate(zip(true, told, strict=True)) if row != other] == [5]
    _, opened, high, low, close, volume = told[5]
    assert low <= min(opened, close) <= max(opened, close) <= high
    assert volume == pytest.approx(true[5][5] * 1.02)
    every = Known(SOURCE, [fault(kind="restated")], NOW).rows("IBM", OPEN, CLOSE)
    assert all(row != other for row, other in zip(true, every, strict=True))
    later = fault(kind="restated", since="2026-01-02T00:00:00Z")
    assert candles(market(later)) == candles(market())
    assert candles(market(later, now=NOW + timedelta(days=2))) != candles(market())


def test_one_bad_row_of_one_symbol_leaves_the_others_as_they_are() -> None:
    """The row is named, and is bad whenever it is asked for."""
    query = {
        "symbols": "AIG,IBM",
        "timeframe": "1Min",
        "start": at(0),
        "end": at(9),
        "limit": "100",
    }
    headers = {"apca-api-key-id": "k", "apca-api-secret-key": "s"}

    def bars(*faults: Fault) -> dict[str, list[object]]:
        response, _ = market(*faults).answer("/v2/stocks/bars", query, headers)
        return json.loads(response.body)["bars"]  # type: ignore[no-any-return]

    true, spoilt = bars(), bars(fault(kind="inverted", symbols=["IBM"], minutes=[at(4), at(99)]))
    assert spoilt["AIG"] == true["AIG"]
    assert [place for place in range(10) if spoilt["IBM"][place] != true["IBM"][place]] == [4]


def test_spoiling_a_minute_that_was_not_asked_for_changes_nothing() -> None:
    rows: dict[str, list[list[object]]] = {"IBM": [[OPEN * 60_000, 1.0, 2.0, 0.5, 1.5, 9.0]]}
    before = {"IBM": [list(rows["IBM"][0])]}
    for kind in FaultKind:
        vendors = {"vendors": ["alpaca"]} if kind is FaultKind.WRONG_SYMBOL else {}
        spoil(fault(kind=kind, minutes=[at(7)], **vendors), rows)
    assert rows == before


def test_a_firewalls_page_and_an_error_that_says_200() -> None:
    """The page is HTML with 403; the body of 200 is the vendor's own words."""
    response, _ = market(fault(kind="waf")).answer(URL, {"symbol": "IBM"}, TOKEN)
    assert (response.status, response.content_type) == (403, "text/html")
    told = {}
    for vendor, path, headers in (
        ("finnhub", URL, TOKEN),
        ("alpaca", "/v2/stocks/bars", {"apca-api-key-id": "k", "apca-api-secret-key": "s"}),
        ("binance", "/api/v3/klines", {}),
    ):
        response, _ = market(fault(kind="error_body")).answer(path, {"symbol": "IBM"}, headers)
        assert response.status == 200
        told[vendor] = set(json.loads(response.body))
    assert told == {"finnhub": {"error"}, "alpaca": {"code", "message"}, "binance": {"code", "msg"}}


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_fault_reads_back_as_it_was_written(kind: FaultKind) -> None:
    """So that it can be kept outside the process."""
    one = fault(
        kind=kind, vendors=["alpaca"], runs=[[at(0), at(3)]], requests=2, since=at(0), retry_after=3, rows=0.5, past=0
    )
    assert Fault.from_json(json.loads(json.dumps(asdict(one)))) == one
