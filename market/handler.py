"""The simulator as a Lambda function behind a Function URL: `minutemend-<stage>-market`.

A request that comes by the URL is a vendor's, with a vendor's token; nothing else can be asked there. Orders (faults,
what is traded) and counts come by `lambda:InvokeFunction`, so that IAM says who may give them: client.py sends them.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from minutemend.adapters.secrets import VendorCredentials
from minutemend.core.errors import BadInput
from minutemend.wiring.clients import Clients

from market.archive import ZIP
from market.generated import GeneratedBars, Sessions
from market.market import Market
from market.sources import Source
from market.table import TableBars, TableState

SESSIONS = Path(__file__).with_name("sessions.json")
MARKET = {"seed": 7, "no_trade": 0.0005, "replay": None}  # what is traded, unless ordered otherwise


class DeployedMarket(Market):
    """The market that all processes of the function share: its orders, counts and replayed bars lie in a table."""

    state: TableState

    def __init__(self, environment: Mapping[str, str], clients: Any, *, clock: Callable[[], datetime]) -> None:
        self._table, self._clients = environment["MARKET_TABLE"], clients
        self._symbols: dict[str, list[str]] = json.loads(environment["MARKET_SYMBOLS"])  # calendar -> symbols
        self._tokens = VendorCredentials(clients.secrets, environment["MARKET_SECRET"], clock=clock)
        self._source = lru_cache(maxsize=4)(self._make_source)
        state = TableState(clients.dynamodb, self._table)
        super().__init__(self._source(**MARKET), credentials=None, clock=clock, state=state)

    def control(self, body: object) -> dict[str, object]:
        """As of every market, and `{"market": {"seed": 7, "no_trade": 0.01}}` or `{"market": {"replay": NAME}}` says
        what is traded from now on. An empty order tells the counts. Raises BadInput."""
        if not isinstance(body, dict) or "credentials" in body:
            raise BadInput("an object with any of faults, market, reset would be right; the tokens lie in the secret")
        if "market" in body:
            self.state.set_market(_ordered(body["market"]))
        rest = {name: value for name, value in body.items() if name != "market"}
        return super().control(rest) if rest else self.state.counts()

    def expected(self, vendor: str) -> object:
        known = self._tokens.of(vendor)
        return object() if known is None else known  # without an entry in the secret no token is right

    def traded(self) -> Source:
        return self._source(**{**MARKET, **self.state.market})

    def _make_source(self, *, seed: int, no_trade: float, replay: str | None) -> Source:
        if replay:
            return TableBars(self._clients.dynamodb, self._table, replay)
        return GeneratedBars(
            seed=seed,
            sessions=Sessions(json.loads(SESSIONS.read_text())),
            calendar=next(iter(self._symbols)),
            calendar_of={symbol: calendar for calendar, symbols in self._symbols.items() for symbol in symbols},
            no_trade=no_trade,
        )


def _ordered(market: object) -> dict[str, Any]:
    right = f"an object with any of {', '.join(MARKET)} would be right"
    if not isinstance(market, dict) or not set(market) <= set(MARKET):
        raise BadInput(f"market is {market!r}: {right}")
    share = market.get("no_trade", 0)
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        raise BadInput(f"no_trade is {share!r}: a share from 0 to 1 would be right")
    return market


@cache
def _market() -> DeployedMarket:
    return DeployedMarket(os.environ, Clients(), clock=lambda: datetime.now(UTC))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """An HTTP request of the Function URL, or an order: `{"control": {…}}`."""
    if "requestContext" in event:
        return _answered(event)
    try:
        return _market().control(event.get("control"))
    except (BadInput, TypeError, ValueError) as error:
        return {"error": str(error)}


def _answered(event: dict[str, Any]) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    query = event.get("queryStringParameters") or {}
    response, drop = _market().answer(event["rawPath"], query, headers)
    if drop:  # a function cannot close the connection: to who asks, a gateway that lost it is the nearest
        return {"statusCode": 502, "body": ""}
    binary = response.content_type == ZIP
    return {
        "statusCode": response.status,
        "headers": {"Content-Type": response.content_type, **response.headers},
        "body": base64.b64encode(response.body).decode() if binary else response.body.decode(),
        "isBase64Encoded": binary,
    }
