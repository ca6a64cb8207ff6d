"""Finnhub, as the simulator speaks it."""

from __future__ import annotations

from market.dialects.base import Dialect, Found, Headers, Query, Question, Refusal
from market.sources import Source

MONTH = 30 * 1440  # minutes: it gives a month of intraday bars at most


class Finnhub(Dialect):
    """`/api/v1/stock/candle`, and crypto pairs likewise."""

    name = "finnhub"
    routes = ("/api/v1/stock/candle", "/api/v1/crypto/candle")
    error = '{"error": "API limit reached. Please try again later. Remaining Limit: 0"}'

    def check(self, headers: Headers, query: Query, expected: object) -> None:
        token = headers.get("x-finnhub-token") or query.get("token")
        if not token:
            raise Refusal(401, {"error": "Please use an API key."})
        if expected is not None and token != expected:
            raise Refusal(401, {"error": "Invalid API key."})

    def parse(self, query: Query, source: Source) -> Question:  # noqa: ARG002
        try:
            symbol, first, last = query["symbol"], int(query["from"]), int(query["to"])
        except (KeyError, ValueError):
            raise Refusal(422, {"error": "Wrong parameters: symbol, resolution, from and to are needed."}) from None
        if query.get("resolution") != "1":
            raise Refusal(422, {"error": "Only resolution 1 is simulated."})
        end = last // 60 + 1
        return Question([symbol], max(-(-first // 60), end - MONTH), end)

    def render(self, question: Question, found: Found) -> object:
        rows = found.rows.get(question.symbols[0], [])
        if not rows:
            return {"s": "no_data"}
        at, opens, highs, lows, closes, volumes = zip(*rows, strict=True)
        seconds = [int(each) // 1000 for each in at]
        return {"c": closes, "h": highs, "l": lows, "o": opens, "s": "ok", "t": seconds, "v": volumes}
