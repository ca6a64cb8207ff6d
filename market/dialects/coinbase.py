"""Coinbase, as the simulator speaks it."""

from __future__ import annotations

from market.dialects.base import Dialect, Found, Query, Question, Refusal, start_and_end
from market.sources import Source


class Coinbase(Dialect):
    """`/products/{id}/candles`, whose path names the symbol."""

    name = "coinbase"
    routes = ("/products/{symbol}/candles",)
    error = '{"message": "Internal server error"}'

    def parse(self, query: Query, source: Source) -> Question:
        symbol = query["symbol"]
        if query.get("granularity") != "60":
            raise Refusal(400, {"message": "Unsupported granularity"})
        try:
            question = Question([symbol], *start_and_end(query))
        except (KeyError, ValueError):
            raise Refusal(400, {"message": "Invalid start or end"}) from None
        if question.end - question.first > 300:
            raise Refusal(400, {"message": "granularity too small for the requested time range"})
        if not source.knows(symbol):
            raise Refusal(404, {"message": "NotFound"})
        return question

    def render(self, question: Question, found: Found) -> object:
        """Of rows `[ms, open, high, low, close, volume]`, the newest first."""
        candles: list[object] = []
        for at, opened, high, low, close, volume in found.rows.get(question.symbols[0], [])[::-1]:
            candles.append([int(at) // 1000, low, high, opened, close, volume])  # type: ignore[call-overload]
        return candles
