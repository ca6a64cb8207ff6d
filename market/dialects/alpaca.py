"""Alpaca, as the simulator speaks it."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

from minutemend.core.minutes import EPOCH, format_instant

from market.dialects.base import Dialect, Found, Headers, Query, Question, Refusal, start_and_end
from market.sources import Source


class Alpaca(Dialect):
    """`/v2/stocks/bars`, many symbols, paged."""

    name = "alpaca"
    routes = ("/v2/stocks/bars",)
    asks_by = "symbols"
    error = '{"code": 50010000, "message": "internal server error occurred"}'

    def check(self, headers: Headers, query: Query, expected: object) -> None:  # noqa: ARG002
        key, secret = headers.get("apca-api-key-id"), headers.get("apca-api-secret-key")
        if not key or not secret:
            raise Refusal(401, {"message": "unauthorized."})
        if expected is not None and {"key": key, "secret": secret} != expected:
            raise Refusal(403, {"message": "forbidden."})

    def parse(self, query: Query, source: Source) -> Question:  # noqa: ARG002
        symbols = sorted(set(filter(None, query.get("symbols", "").split(","))))
        if not symbols or query.get("timeframe") != "1Min":
            raise Refusal(400, {"message": "symbols and timeframe=1Min are needed"})
        for symbol in symbols:
            if not symbol.replace(".", "").isalnum():  # one that it cannot read costs all the others their answer
                raise Refusal(400, {"message": f"invalid symbol: {symbol}"})
        try:
            first, end = start_and_end(query)
            limit = int(query.get("limit", "1000"))
            token = _token(query["page_token"]) if query.get("page_token") else None
        except (KeyError, ValueError):
            raise Refusal(400, {"message": "invalid start, end, limit or page_token"}) from None
        if not 1 <= limit <= 10_000:
            raise Refusal(400, {"message": "limit is from 1 to 10000"})
        return Question(symbols, first, end, limit, token)

    def render(self, question: Question, found: Found) -> object:  # noqa: ARG002
        bars = {symbol: [self._bar(row) for row in rows] for symbol, rows in found.rows.items() if rows}
        token = base64.urlsafe_b64encode(json.dumps(found.token).encode()).decode() if found.token else None
        return {"bars": bars, "next_page_token": token}

    def _bar(self, row: list[object]) -> dict[str, object]:
        at, opened, high, low, close, volume = row
        instant = EPOCH + timedelta(milliseconds=int(at))  # type: ignore[call-overload]
        whole = int(volume) if isinstance(volume, float) and volume.is_integer() else volume
        return {
            "c": close,
            "h": high,
            "l": low,
            "n": 1,
            "o": opened,
            "t": format_instant(instant),
            "v": whole,
            "vw": close,
        }


def _token(text: str) -> tuple[str, int]:
    symbol, minute = json.loads(base64.urlsafe_b64decode(text))
    return str(symbol), int(minute)
