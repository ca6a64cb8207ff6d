"""Whether a vendor's budget carries the capture of the symbols that are followed."""

from __future__ import annotations

from datetime import date

import pytest
from minutemend.contract import VendorSettings
from minutemend.core.symbols import Listing

from mend.captures import by_calendar, capture_requests, too_many

FINNHUB = VendorSettings("finnhub", url="https://vendor", per_minute=60, calendars=("XNYS",))
ALPACA = VendorSettings("alpaca", url="https://vendor", per_minute=200)


@pytest.mark.parametrize(
    ("vendors", "followed", "said"),
    [
        ([FINNHUB], {"XNYS": 60}, []),
        ([FINNHUB], {"XNYS": 61}, ["finnhub takes 1 symbol a request of the capture: 61 requests each minute"]),
        ([ALPACA], {"XNYS": 10_000}, []),
        ([ALPACA], {"XNYS": 10_001}, ["alpaca takes 50 symbols a request of the capture: 201 requests each minute"]),
        ([FINNHUB, ALPACA], {"XNYS": 60, "24/7": 200}, []),
        ([FINNHUB, ALPACA], {"XNYS": 100, "24/7": 11_000}, ["finnhub takes 1 symbol", "alpaca takes 50 symbols"]),
        ([FINNHUB], {}, []),
    ],
)
def test_a_budget_that_is_too_small_is_told(
    vendors: list[VendorSettings], followed: dict[str, int], said: list[str]
) -> None:
    """Alpaca takes 200 symbols a request, but a capture's message holds 50."""
    found = too_many(vendors, followed)
    assert len(found) == len(said)
    assert all(one.startswith(words) for one, words in zip(found, said, strict=True))
    assert all("this stage may make" in one for one in found)


def test_a_symbol_that_was_listed_twice_is_captured_once() -> None:
    twice = [Listing("A", "XNYS", None, date(2020, 1, 1)), Listing("A", "XNYS", date(2021, 1, 1), None)]
    assert by_calendar([*twice, Listing("B", "24/7")]) == {"24/7": 1, "XNYS": 1}
    assert capture_requests(51, 200) == 2
