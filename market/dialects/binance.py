"""Binance, as the simulator speaks it."""

from __future__ import annotations

from market.dialects.base import Dialect, Found, Query, Question, Refusal, decimal_text
from market.sources import Source


class Binance(Dialect):
    """`/api/v3/klines`: a kline for each minute, of 0 trades where nothing was traded."""

    name = "binance"
    routes = ("/api/v3/klines",)
    continuous = True
    error = '{"code": -1001, "msg": "Internal error; unable to process your request."}'

    def parse(self, query: Query, source: Source) -> Question:
        try:
            symbol, first, last = query["symbol"], int(query["startTime"]), int(query["endTime"])
            limit = int(query.get("limit", "500"))
        except (KeyError, ValueError):
            raise Refusal(400, {"code": -1102, "msg": "Mandatory parameter was not sent or malformed."}) from None
        if query.get("interval") != "1m":
            raise Refusal(400, {"code": -1120, "msg": "Invalid interval."})
        if not source.knows(symbol):
            raise Refusal(400, {"code": -1121, "msg": "Invalid symbol."})
        return Question([symbol], -(-first // 60_000), last // 60_000 + 1, max(1, min(limit, 1000)))

    def render(self, question: Question, found: Found) -> object:
        return [kline(row) for row in found.rows.get(question.symbols[0], [])]


def kline(row: list[object]) -> list[object]:
    """A row `[ms, open, high, low, close, volume]` as a kline; one without volume has 0 trades."""
    at, *values = row
    trades = 1 if values[4] else 0
    closes_at = int(at) + 59_999  # type: ignore[call-overload]
    none = "0.00000000"
    return [at, *(decimal_text(value) for value in values), closes_at, none, trades, none, none, "0"]
