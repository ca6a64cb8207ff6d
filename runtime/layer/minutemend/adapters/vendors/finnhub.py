"""Finnhub: `GET /api/v1/stock/candle`, one symbol a request, paid plans only. Copy this file for a new vendor.

Documentation: https://finnhub.io/docs/api/stock-candles (limits and oddities: docs/vendors.md).
"""

from __future__ import annotations

from datetime import timedelta

from minutemend.adapters.vendors.base import HttpVendor, MissingCredentials, Page, epoch_seconds
from minutemend.core.answers import Garbage, RawBar, VendorRequest, instant_of, number_of
from minutemend.core.minutes import MINUTE, Range

SECOND = timedelta(seconds=1)


class Finnhub(HttpVendor):
    """`from` and `to` are seconds, both inclusive, of left edges. A range without bars is `{"s":"no_data"}`."""

    name = "finnhub"
    # Documented as a month of intraday bars at most; a user got 2,953 of a longer range, the newest ones
    # (finnhubio/Finnhub-API issue 491). Two days of 24/7 are safe, and hold seven XNYS sessions.
    rows = 2880
    symbols = 1

    def headers(self) -> dict[str, str]:
        token = self._credentials
        if not isinstance(token, str) or not token:
            raise MissingCredentials('no token; an entry like {"finnhub": "TOKEN"} in the vendor secret would be right')
        return {"X-Finnhub-Token": token}

    def question(self, request: VendorRequest, page: str | None) -> tuple[str, dict[str, str]]:  # noqa: ARG002
        symbol = self.theirs(request.symbols[0])
        # Finnhub names pairs with their venue, BINANCE:BTCUSDT, and keeps them apart from stocks.
        path = "/api/v1/crypto/candle" if ":" in symbol else "/api/v1/stock/candle"
        return path, {
            "symbol": symbol,
            "resolution": "1",
            "from": str(epoch_seconds(request.range.start)),
            "to": str(epoch_seconds(request.range.end - MINUTE)),
        }

    def read(self, payload: object, request: VendorRequest) -> Page:
        match payload:
            case {"s": "no_data"}:
                return Page([], request.range)
            case {"s": "ok", "t": list(t), "o": list(o), "h": list(h), "l": list(low), "c": list(c), "v": list(v)}:
                columns = [t, o, h, low, c, v]
            case _:
                raise Garbage('not the documented shape {"s": "ok", "t": […], "o": […], …}')
        if len({len(column) for column in columns}) != 1:
            raise Garbage("the columns differ in length")
        symbol = request.symbols[0]
        rows = [
            RawBar(symbol, instant_of(at, unit=SECOND), *(number_of(value) for value in values))
            for at, *values in zip(*columns, strict=True)
        ]
        looked = request.range
        if len(rows) >= self.rows and looked.start < rows[0].at < looked.end:
            looked = Range(rows[0].at.replace(second=0, microsecond=0), looked.end)  # it cuts off the oldest
        return Page(rows, looked)
