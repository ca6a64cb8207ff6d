"""Alpaca: `GET /v2/stocks/bars`, many symbols a request, paged.

Documentation: https://docs.alpaca.markets/reference/stockbars (limits and oddities: docs/vendors.md).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from minutemend.adapters.http import Reply
from minutemend.adapters.vendors.base import HttpVendor, MissingCredentials, Page
from minutemend.core.answers import Garbage, RawBar, VendorRequest, number_of
from minutemend.core.minutes import MINUTE, Range, format_instant

INVALID = re.compile(rb'"invalid symbol: ([\w.\-]{1,40})"')


class Alpaca(HttpVendor):
    """`start` and `end` are RFC 3339, both inclusive, of left edges. Bars come sorted by symbol, then time, so
    that a page may hold one symbol alone; a symbol without bars is left out."""

    name = "alpaca"
    rows = 10_000  # the page limit: an answer inside it is one request
    symbols = 200  # no limit is documented; 200 symbols make a URL of at most 5 KB

    def headers(self) -> dict[str, str]:
        match self._credentials:
            case {"key": str(key), "secret": str(secret)} if key and secret:
                return {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
        raise MissingCredentials(
            'no keys; an entry like {"alpaca": {"key": "…", "secret": "…"}} in the vendor secret would be right'
        )

    def question(self, request: VendorRequest, page: str | None) -> tuple[str, dict[str, str]]:
        params = {
            "symbols": ",".join(self.theirs(symbol) for symbol in request.symbols),
            "timeframe": "1Min",
            "start": format_instant(request.range.start),
            "end": format_instant(request.range.end - MINUTE),
            "limit": str(self.rows),
            "adjustment": "raw",
            "sort": "asc",
        }
        return "/v2/stocks/bars", params | ({"page_token": page} if page else {})

    def read(self, payload: object, request: VendorRequest) -> Page:
        match payload:
            case {"bars": dict() | None as bars, "next_page_token": str() | None as token}:
                found: dict[str, object] = bars or {}
            case _:
                raise Garbage('not the documented shape {"bars": {…}, "next_page_token": …}')
        rows = [self._row(self.ours(theirs), bar) for theirs, listed in found.items() for bar in _listed(listed)]
        return Page(rows, self._looked(request, rows) if token else request.range, token or None)

    def without_refused(self, reply: Reply, request: VendorRequest) -> VendorRequest | None:
        """Alpaca refuses all symbols for one that it cannot read: `{"message":"invalid symbol: BF_A"}`, HTTP 400."""
        named = INVALID.search(reply.body) if reply.status == 400 else None
        left = tuple(each for each in request.symbols if not named or self.theirs(each) != named[1].decode())
        return replace(request, symbols=left) if 0 < len(left) < len(request.symbols) else None

    def _looked(self, request: VendorRequest, rows: list[RawBar]) -> Range | None:
        """How far a cut-off answer reached for every symbol: up to its last row if that is of the last symbol."""
        last = max(request.symbols, key=self.theirs)
        if not rows or rows[-1].symbol != last or rows[-1].at not in request.range:
            return None
        return Range(request.range.start, rows[-1].at.replace(second=0, microsecond=0) + MINUTE)

    def _row(self, symbol: str, bar: object) -> RawBar:
        match bar:
            case {"t": str(text), "o": o, "h": h, "l": low, "c": c, "v": v}:
                return RawBar(symbol, _instant(text), *(number_of(value) for value in (o, h, low, c, v)))
        raise Garbage(f"{symbol}: a bar has not the documented fields t, o, h, l, c, v")


def _listed(listed: object) -> list[object]:
    if not isinstance(listed, list):
        raise Garbage("a symbol's bars are no list")
    return listed


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        if instant.utcoffset() is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Garbage(f"a time is {text[:40]!r}, which is no RFC 3339 time")
