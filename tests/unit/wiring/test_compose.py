"""The composition root: what a setting says reaches the adapter that it is for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from minutemend.contract import HANDLERS, READS
from minutemend.core.answers import VendorRequest
from minutemend.core.minutes import Range
from minutemend.wiring import compose, feed
from minutemend.wiring.clients import READERS, Clients
from minutemend.wiring.environment import read_environment, vendor_settings

from tests.fakes.http import FakeHttp, reply
from tests.unit.wiring.test_environment import GIVEN

SOON = timedelta(minutes=1)
COMPOSED: dict[str, Callable[[], object]] = {
    "request_captures": feed.request_captures,
    "capture_bars": feed.capture_bars,
    "check_data_health": lambda: compose.check_data_health(deadline=0.0),
    "queue_repairs": compose.queue_repairs,
    "await_repairs": compose.await_repairs,
    "process_repairs": lambda: compose.process_repairs(lease=SOON),
    "publish_hours": compose.publish,
    "report_failure": compose.report_failure,
    "review_values": lambda: compose.review_values(deadline=0.0),
    "request_rechecks": compose.request_rechecks,
}


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_service_is_composed_of_what_its_function_reads(handler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is used and not read would be missed at the first invocation."""
    read = {name: GIVEN[name] for name in READS[handler]} | {"STAGE": "dev"}
    monkeypatch.setattr(compose, "settings_of", lambda name: read_environment(name, environ=read))
    clients = Clients(region="us-east-1", endpoint="http://127.0.0.1:1", keys=("k", "s"))
    monkeypatch.setattr(compose, "clients", lambda: clients)
    monkeypatch.setattr(compose, "_credential", lambda *_: None)
    assert COMPOSED[handler]() is not None


def test_a_stage_s_symbol_mapping_reaches_the_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage follows BTCUSD; Finnhub is asked for the name that the stage's settings give it."""
    http = FakeHttp([reply({"s": "no_data"})])
    monkeypatch.setattr(compose, "_http", lambda: http)
    monkeypatch.setattr(compose, "_credential", lambda *_: "token")
    setting = (
        '[{"name": "finnhub", "url": "https://finnhub.example", "per_minute": 60, "timeout_seconds": 5, '
        '"symbols": {"BTCUSD": "COINBASE:BTC-USD"}}]'
    )
    vendor = compose.vendors(vendor_settings(setting), "secret")["finnhub"]
    start = datetime(2017, 9, 3, tzinfo=UTC)
    vendor.fetch(VendorRequest("finnhub", ("BTCUSD",), Range(start, start + timedelta(minutes=1))))
    assert http.asked[0].params["symbol"] == "COINBASE:BTC-USD"


def test_a_stage_s_share_of_the_rate_limit_reaches_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the minute always, of the second where the stage says so."""
    monkeypatch.setattr(compose, "_http", lambda: FakeHttp([]))
    monkeypatch.setattr(compose, "_credential", lambda *_: None)
    setting = (
        '[{"name": "finnhub", "url": "https://f.example", "per_minute": 60, "per_second": 15, "timeout_seconds": 5}, '
        '{"name": "alpaca", "url": "https://a.example", "per_minute": 180, "timeout_seconds": 5}]'
    )
    limits = [vendor.limits for vendor in compose.vendors(vendor_settings(setting), "secret").values()]
    assert [(one.per_minute, one.per_second) for one in limits] == [(60, 15), (180, None)]


def test_a_client_keeps_as_many_connections_as_the_lake_has_readers() -> None:
    """With fewer, botocore makes and drops one for each object that is read beyond them."""
    s3 = Clients(region="us-east-1", endpoint="http://127.0.0.1:1", keys=("k", "s")).s3
    assert s3.meta.config.max_pool_connections == READERS
