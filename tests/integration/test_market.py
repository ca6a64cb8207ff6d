"""The market stack as the stage has it: a vendor over HTTPS, with a token, its state shared by all its processes."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3
from minutemend.adapters.http import UrllibHttp
from minutemend.adapters.vendors import adapter_of
from minutemend.contract import VendorSettings
from minutemend.core.answers import AnswerKind, VendorRequest
from minutemend.core.columns import VALUES
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant
from minutemend.core.sessions import Session
from minutemend.ports.vendor import Vendor

from mend.stage import Stage
from tests.integration.conftest import Market


@pytest.fixture(scope="module")
def token(stage: Stage) -> str:
    """What the workers ask with: the entry of the stage's vendor secret."""
    secret = stage.clients.secrets.get_secret_value(SecretId=stage.output("VendorSecret"))
    return str(json.loads(secret["SecretString"])["finnhub"])


@pytest.fixture
def vendor(market: Market, token: str) -> Vendor:
    """The workers' own client."""
    return _vendor(market, token)


def _vendor(market: Market, token: str) -> Vendor:
    return adapter_of("finnhub")(
        VendorSettings("finnhub", url=market.url, per_minute=6000, timeout=timedelta(seconds=20)),
        credentials=token,
        http=UrllibHttp(),
        clock=lambda: datetime.now(UTC),
    )


def _window(day: Session, minutes: int = 60) -> Range:
    return Range(day.open, day.open + minutes * MINUTE)


def test_the_deployed_simulator_has_the_bars_that_a_test_computes(
    market: Market, vendor: Vendor, fresh_day: Session
) -> None:
    """To the last digit: its code runs on another machine, from the same seed and the same sessions."""
    bars = vendor.fetch(VendorRequest("finnhub", ("IBM",), fresh_day.range)).bars
    first, end = epoch_minute(fresh_day.open), epoch_minute(fresh_day.close)
    told = [(epoch_minute(bar.minute), *(getattr(bar, name) for name in VALUES)) for bar in bars]
    assert told == market.source.rows("IBM", first, end)
    assert len(told) == 390


def test_without_the_token_nothing_is_answered_and_nothing_is_counted(market: Market, fresh_day: Session) -> None:
    """Also not the counts, or an order: those want leave to invoke the function."""
    refused = _vendor(market, "another").fetch(VendorRequest("finnhub", ("IBM",), _window(fresh_day)))
    assert (refused.kind, refused.status) == (AnswerKind.GIVE_UP, 401)
    order = json.dumps({"control": {"faults": [{"kind": "html"}]}})
    for method, path in (("GET", "/control"), ("POST", "/control"), ("POST", "/")):
        answer = urllib3.request(method, market.url + path, body=order if method == "POST" else None, retries=False)
        assert answer.status == 404
    assert (market.counts()["requests"], market.counts()["faults"]) == (0, [])


def test_a_fault_for_a_number_of_requests_strikes_just_so_many_of_those_at_the_same_time(
    market: Market, vendor: Vendor, fresh_day: Session
) -> None:
    """The processes of the function share one count."""
    market.faults({"kind": "status", "status": 503, "requests": 3})
    request = VendorRequest("finnhub", ("IBM",), _window(fresh_day))
    with ThreadPoolExecutor(4) as pool:
        kinds = Counter(pool.map(lambda _: vendor.fetch(request).status, range(12)))
    assert kinds == {503: 3, 200: 9}
    counts = market.counts()
    assert (counts["requests"], counts["symbols"]) == (12, {"IBM": 12})
    assert counts["statuses"] == {"503": 3, "200": 9}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "drop"}, (AnswerKind.RETRY, 502)),
        ({"kind": "rate_limit", "per_minute": 0}, (AnswerKind.RETRY, 429)),
        ({"kind": "truncated"}, (AnswerKind.GARBAGE, 200)),
        ({"kind": "html"}, (AnswerKind.GARBAGE, 200)),
    ],
)
def test_faults_come_through_the_function_url(
    market: Market, vendor: Vendor, fresh_day: Session, fault: dict[str, Any], expected: tuple[AnswerKind, int]
) -> None:
    """A connection cannot be dropped there; a gateway that lost it is the nearest."""
    market.faults(fault)
    answer = vendor.fetch(VendorRequest("finnhub", ("IBM",), _window(fresh_day)))
    assert (answer.kind, answer.status) == expected


def test_a_lasting_hole_is_loaded_at_its_time(market: Market, vendor: Vendor, fresh_day: Session) -> None:
    """And orders replace one another, whichever process met the last request."""
    window = _window(fresh_day)
    hole = [format_instant(fresh_day.open + n * MINUTE) for n in (10, 30)]
    request = VendorRequest("finnhub", ("IBM",), window)
    market.faults({"kind": "missing", "runs": [hole], "until": "2099-01-01T00:00:00Z"})
    assert [len(vendor.fetch(request).bars) for _ in range(2)] == [40, 40]
    market.faults({"kind": "missing", "runs": [hole], "until": "2026-01-01T00:00:00Z"})
    assert len(vendor.fetch(request).bars) == 60


def test_an_order_that_means_nothing_is_refused_in_the_simulators_words(market: Market) -> None:
    for order, words in (
        ({"faults": [{"kind": "meteor"}]}, "'meteor' is no fault"),
        ({"market": {"no_trade": 2}}, "no_trade is 2: a share from 0 to 1"),
        ({"market": {"moon": 1}}, "any of seed, no_trade, replay"),
        ({"credentials": {}}, "the tokens lie in the secret"),
    ):
        with pytest.raises(BadInput, match=words):
            market.client.order(**order)
    assert market.counts()["faults"] == []
