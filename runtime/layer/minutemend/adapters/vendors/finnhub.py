"""Finnhub: `GET /api/v1/stock/candle`, one symbol a request, paid plans only.

Documentation: https://finnhub.io/docs/api/stock-candles (limits and oddities: docs/vendors.md).
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from minutemend.adapters.vendors.base import HttpVendor, Page, epoch_seconds
from minutemend.core.answers import Garbage, VendorRequest
from minutemend.core.minutes import MINUTE
from minutemend.core.rows import Rows, instants, numbers

SECOND = timedelta(seconds=1)


class Finnhub(HttpVendor):
    """`from` and `to` are seconds, both inclusive, of left edges. A range without bars is `{"s":"no_data"}`."""

    name = "finnhub"

    def headers(self) -> dict[str, str]:
        return {"X-Finnhub-Token": self.secret()[0]}

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
                return Page([], {request.symbols[0]: request.range})
            case {"s": "ok", "t": list(t), "o": list(o), "h": list(h), "l": list(low), "c": list(c), "v": list(v)}:
                columns = [t, o, h, low, c, v]
            case _:
                raise Garbage('not the documented shape {"s": "ok", "t": […], "o": […], …}')
        if len({len(column) for column in columns}) != 1:
            raise Garbage("the columns differ in length")
        symbol, at = request.symbols[0], instants(t, unit=SECOND)
        rows = Rows(symbol, at, np.column_stack([numbers(column) for column in columns[1:]]))
        return Page([rows] if len(at) else [], {symbol: request.range})
