"""The vendors' APIs as the simulator speaks them: what each route asks, what it answers, how it refuses."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import unquote

from minutemend.core.minutes import EPOCH, epoch_minute, format_instant

from market.known import Rows
from market.sources import Source

MONTH = 30 * 1440  # minutes: Finnhub gives a month of intraday bars at most
Query = Mapping[str, str]
Headers = Mapping[str, str]  # names in lower case


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer of the simulator."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Refusal(Exception):
    """The vendor refuses; the status and the body are those of the real one."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.response = Response(status, json.dumps(body).encode())


@dataclass(slots=True)
class Question:
    """What a request asks: epoch minutes `[first, end)` of symbols, at most `limit` rows, after a page token."""

    symbols: list[str]
    first: int
    end: int
    limit: int = 1_000_000
    token: tuple[str, int] | None = None


@dataclass(slots=True)
class Found:
    """The rows for a question, and where the next page begins."""

    rows: Rows
    token: tuple[str, int] | None = None


def look_up(source: Source, question: Question) -> Found:
    """The rows in order of symbol, then time, cut at the limit."""
    found: Rows = {}
    left = question.limit
    for symbol in question.symbols:
        first = question.first
        if question.token:
            if symbol < question.token[0]:
                continue
            first = question.token[1] if symbol == question.token[0] else first
        rows = source.rows(symbol, first, question.end) if first < question.end else []
        if rows and left == 0:
            return Found(found, (symbol, rows[0][0]))
        found[symbol] = [[minute * 60_000, *values] for minute, *values in rows[:left]]
        if len(rows) > left:
            return Found(found, (symbol, rows[left][0]))
        left -= len(rows)
    return Found(found)


class Finnhub:
    """`/api/v1/stock/candle` (crypto pairs likewise) and `/api/v1/quote`."""

    name = "finnhub"
    error: Mapping[str, object] = {"error": "API limit reached. Please try again later. Remaining Limit: 0"}

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

    def quote(self, source: Source, symbol: str, now: datetime) -> object:
        """The state of the last day with a bar, up to `now`; zeros when there is none within ten days."""
        today, minute = epoch_minute(now) // 1440, epoch_minute(now)
        days = [source.rows(symbol, day * 1440, min(minute, (day + 1) * 1440)) for day in range(today - 10, today + 1)]
        traded = [day for day in days if day]
        if not traded:
            return dict.fromkeys(("c", "d", "dp", "h", "l", "o", "pc", "t"), 0)
        last = traded[-1]
        before = traded[-2] if len(traded) > 1 else last
        close, previous = last[-1][4], before[-1][4]
        return {
            "c": close,
            "d": round(close - previous, 4),
            "dp": round(100 * (close / previous - 1), 4),
            "h": max(row[2] for row in last),
            "l": min(row[3] for row in last),
            "o": last[0][1],
            "pc": previous,
            "t": last[-1][0] * 60,
        }


class Alpaca:
    """`/v2/stocks/bars`, many symbols, paged."""

    name = "alpaca"
    error: Mapping[str, object] = {"code": 50010000, "message": "internal server error occurred"}

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
            first, last = (datetime.fromisoformat(query[name]) for name in ("start", "end"))
            limit = int(query.get("limit", "1000"))
            token = _token(query["page_token"]) if query.get("page_token") else None
        except (KeyError, ValueError):
            raise Refusal(400, {"message": "invalid start, end, limit or page_token"}) from None
        if not 1 <= limit <= 10_000:
            raise Refusal(400, {"message": "limit is from 1 to 10000"})
        start = -(-(_aware(first) - EPOCH) // timedelta(minutes=1))
        return Question(symbols, start, epoch_minute(_aware(last)) + 1, limit, token)

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


class Binance:
    """`/api/v3/klines`: a kline for each minute, of 0 trades where nothing was traded."""

    name = "binance"
    error: Mapping[str, object] = {
        "code": -1001,
        "msg": "Internal error; unable to process your request.",
    }

    def check(self, headers: Headers, query: Query, expected: object) -> None:
        """Public data: nothing to check."""

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
        return [self.kline(row) for row in found.rows.get(question.symbols[0], [])]

    def kline(self, row: list[object]) -> list[object]:
        at, *values = row
        trades = 1 if values[4] else 0
        closes_at = int(at) + 59_999  # type: ignore[call-overload]
        none = "0.00000000"
        return [at, *(_decimal(value) for value in values), closes_at, none, trades, none, none, "0"]


class Coinbase:
    """`/products/{id}/candles`, whose path names the symbol."""

    name = "coinbase"
    error: Mapping[str, object] = {"message": "Internal server error"}

    def check(self, headers: Headers, query: Query, expected: object) -> None:
        """Public data: nothing to check."""

    def parse(self, query: Query, source: Source) -> Question:
        symbol = query["symbol"]
        if query.get("granularity") != "60":
            raise Refusal(400, {"message": "Unsupported granularity"})
        try:
            first, last = (_aware(datetime.fromisoformat(query[name])) for name in ("start", "end"))
        except (KeyError, ValueError):
            raise Refusal(400, {"message": "Invalid start or end"}) from None
        question = Question([symbol], -(-(first - EPOCH) // timedelta(minutes=1)), epoch_minute(last) + 1)
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


def _decimal(value: object) -> object:
    """A float as Binance's decimal text, every digit of it; a spoiled value (text) as a bare number."""
    if isinstance(value, str):
        return float(value)
    whole, _, fraction = format(Decimal(repr(value)), "f").partition(".")
    return f"{whole}.{fraction:0<8}"


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _token(text: str) -> tuple[str, int]:
    symbol, minute = json.loads(base64.urlsafe_b64decode(text))
    return str(symbol), int(minute)


BINANCE = Binance()
Dialect = Finnhub | Alpaca | Binance | Coinbase
ROUTES: dict[str, Dialect] = {
    "/api/v1/stock/candle": Finnhub(),
    "/api/v1/crypto/candle": Finnhub(),
    "/v2/stocks/bars": Alpaca(),
    "/api/v3/klines": BINANCE,
}
# Routes whose path names the symbol, as what comes before it and after it.
NAMING: dict[tuple[str, str], Dialect] = {("/products/", "/candles"): Coinbase()}
QUOTE = "/api/v1/quote"


def route(path: str) -> tuple[Dialect | None, Query]:
    """Who answers a path, and the symbol that it names, as a parameter."""
    for (before, after), dialect in NAMING.items():
        if path.startswith(before) and path.endswith(after) and len(path) > len(before) + len(after):
            return dialect, {"symbol": unquote(path[len(before) : -len(after)])}
    return ROUTES.get(path) or (Finnhub() if path == QUOTE else None), {}
