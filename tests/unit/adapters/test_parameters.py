"""The symbols parameter and the vendor secret: what they may hold, and what is said of what they may not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from minutemend.adapters.parameters import get_interested_stocks, parse_listings
from minutemend.adapters.secrets import KEEP, VendorCredentials
from minutemend.core.errors import BadInput
from minutemend.core.symbols import Listing


class StubSsm:
    def __init__(self, value: str) -> None:
        self.value = value

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803
        assert Name == "/symbols"
        return {"Parameter": {"Value": self.value}}


def test_symbols_come_with_calendar_and_dates_sorted() -> None:
    value = '{"XNYS": ["IBM", {"symbol": "X", "listed": "2020-01-02", "delisted": "2021-01-01"}], "24/7": ["BTCUSD"]}'
    assert get_interested_stocks(ssm=StubSsm(value), parameter="/symbols") == [
        Listing("BTCUSD", "24/7"),
        Listing("IBM", "XNYS"),
        Listing("X", "XNYS", date(2020, 1, 2), date(2021, 1, 1)),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no JSON"),
        ("[]", "object of calendars"),
        ("{}", "object of calendars"),
        ('{"XNYS": "IBM"}', "no list"),
        ('{"XNYS": []}', "no symbol at all"),
        ('{"XNYS": ["ibm\'; DROP TABLE"]}', "is not a symbol"),
        ('{"XNYS": ["IBM", "IBM"]}', "IBM twice"),
        ('{"XNYS": [{"symbol": "X", "listed": "soon"}]}', "a date like 2020-01-02"),
        ('{"XNYS": [{"symbol": "X", "listed": "2021-01-01", "delisted": "2020-01-01"}]}', "not after"),
        ('{"XNYS": [{"name": "X"}]}', "would be right"),
        ('{"XNYS": [7]}', "would be right"),
    ],
)
def test_a_malformed_list_is_refused_with_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_listings(text, name="the parameter")


class StubSecrets:
    def __init__(self, text: str) -> None:
        self.text, self.reads = text, 0

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803
        assert SecretId == "secret"
        self.reads += 1
        return {"SecretString": self.text}


def test_the_secret_is_read_once_and_again_when_it_is_old() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    clock = [now]
    secrets = StubSecrets('{"finnhub": "one"}')
    known = VendorCredentials(secrets, "secret", clock=lambda: clock[0])
    assert (known.of("finnhub"), known.of("alpaca"), secrets.reads) == ("one", None, 1)
    secrets.text = '{"finnhub": "two"}'
    clock[0] = now + KEEP - timedelta(seconds=1)
    assert known.of("finnhub") == "one"
    clock[0] = now + KEEP
    assert (known.of("finnhub"), secrets.reads) == ("two", 2)


def test_a_malformed_secret_is_refused_without_a_word_of_what_it_holds() -> None:
    known = VendorCredentials(StubSecrets("s3cr3t"), "secret", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(BadInput) as refused:
        known.of("finnhub")
    assert "s3cr3t" not in str(refused.value)
    assert "s3cr3t" not in repr(known)
