"""Binance: `GET /api/v3/klines`, one symbol and at most 1,000 rows a request, no key.

Documentation: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints
(limits and oddities: docs/vendors.md).
"""

from __future__ import annotations

import re
from datetime import timedelta

from minutemend.adapters.vendors.base import HttpVendor, Page, epoch_seconds
from minutemend.core.answers import Garbage, RawBar, VendorRequest, instant_of, number_of
from minutemend.core.minutes import MINUTE, Range

MILLISECOND = timedelta(milliseconds=1)
DECIMAL = re.compile(r"\d{1,30}(?:\.\d{1,30})?")


class Binance(HttpVendor):
    """`startTime` and `endTime` are milliseconds, both inclusive, of open times. Prices and volumes are text.

    A kline of no trades (its ninth field) repeats the price before it: that is an invented bar, so the row is
    taken as an omission (binance/binance-public-data issue 153: "Kline always generate even if there is no trade").
    """

    name = "binance"
    rows = 1000
    symbols = 1

    def headers(self) -> dict[str, str]:
        return {}

    def question(self, request: VendorRequest, page: str | None) -> tuple[str, dict[str, str]]:  # noqa: ARG002
        return "/api/v3/klines", {
            "symbol": self.theirs(request.symbols[0]),
            "interval": "1m",
            "startTime": str(epoch_seconds(request.range.start) * 1000),
            "endTime": str(epoch_seconds(request.range.end) * 1000 - 1),
            "limit": str(self.rows),
        }

    def read(self, payload: object, request: VendorRequest) -> Page:
        if not isinstance(payload, list):
            raise Garbage("not the documented shape [[openTime, open, high, low, close, volume, …], …]")
        traded: list[RawBar] = []
        looked = request.range
        for kline in payload:
            match kline:
                case [at, opened, high, low, close, volume, _, _, int() as trades, *_]:
                    values = (_decimal(value) for value in (opened, high, low, close, volume))
                    row = RawBar(request.symbols[0], instant_of(at, unit=MILLISECOND), *values)
                case _:
                    raise Garbage("a kline has not the documented nine fields and more")
            if trades:
                traded.append(row)
        if len(payload) >= self.rows and looked.start <= row.at < looked.end - MINUTE:
            looked = Range(looked.start, row.at.replace(second=0, microsecond=0) + MINUTE)
        return Page(traded, looked)


def _decimal(value: object) -> float:
    """A decimal as text, as the nearest float64. Binance writes no sign and no exponent."""
    if not isinstance(value, str) or not DECIMAL.fullmatch(value):
        raise Garbage(f"a value is {str(value)[:40]!r}, which is no decimal as text")
    return number_of(float(value))
