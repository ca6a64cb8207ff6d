"""Coinbase Exchange: `GET /products/{id}/candles`, one symbol and at most 300 rows a request, no key.

Documentation: https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-candles
(limits and oddities: docs/vendors.md).
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import numpy as np

from minutemend.adapters.vendors.base import HttpVendor, Page
from minutemend.core.answers import Garbage, VendorRequest
from minutemend.core.minutes import MINUTE, format_instant
from minutemend.core.rows import Rows, instants, numbers

SECOND = timedelta(seconds=1)


class Coinbase(HttpVendor):
    """`start` and `end` are RFC 3339, both inclusive, of left edges. Candles are `[time, low, high, open, close,
    volume]`, the newest first, and none for a minute without a trade; "some of those candles may precede your declared
    start value", so those are left out as not asked for."""

    name = "coinbase"
    strays = True

    def question(self, request: VendorRequest, page: str | None) -> tuple[str, dict[str, str]]:  # noqa: ARG002
        return f"/products/{quote(self.theirs(request.symbols[0]), safe='')}/candles", {
            "granularity": "60",
            "start": format_instant(request.range.start),
            "end": format_instant(request.range.end - MINUTE),
        }

    def read(self, payload: object, request: VendorRequest) -> Page:
        if not isinstance(payload, list) or not all(isinstance(row, list) and len(row) == 6 for row in payload):
            raise Garbage("not the documented shape [[time, low, high, open, close, volume], …]")
        at = instants([row[0] for row in payload], unit=SECOND)[::-1]
        low, high, opened, close, volume = (numbers(row[column] for row in payload) for column in range(1, 6))
        values = np.column_stack([opened, high, low, close, volume])[::-1]
        return Page([Rows(request.symbols[0], at, values)] if len(at) else [], {request.symbols[0]: request.range})
