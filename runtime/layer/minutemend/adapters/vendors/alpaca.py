"""Alpaca: `GET /v2/stocks/bars`, many symbols a request, paged.

Documentation: https://docs.alpaca.markets/reference/stockbars (limits and oddities: docs/vendors.md).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from minutemend.adapters.vendors.base import HttpVendor, Page, Refusal
from minutemend.core.answers import Garbage, VendorRequest
from minutemend.core.minutes import EPOCH, MINUTE, Range, format_instant
from minutemend.core.rows import Rows, instants, numbers

INVALID = re.compile(r"invalid symbol: ([\w.\-]{1,40})")


class Alpaca(HttpVendor):
    """`start` and `end` are RFC 3339, both inclusive, of left edges. Bars come sorted by symbol, then time, so
    that a page may hold one symbol alone; a symbol without bars is left out."""

    name = "alpaca"

    def headers(self) -> dict[str, str]:
        key, secret = self.secret()
        return {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}

    def question(self, request: VendorRequest, page: str | None) -> tuple[str, dict[str, str]]:
        params = {
            "symbols": ",".join(self.theirs(symbol) for symbol in request.symbols),
            "timeframe": "1Min",
            "start": format_instant(request.range.start),
            "end": format_instant(request.range.end - MINUTE),
            "limit": str(self.rows),
            "adjustment": "raw",
            "feed": "sip",
            "sort": "asc",
        }
        return "/v2/stocks/bars", params | ({"page_token": page} if page else {})

    def read(self, payload: object, request: VendorRequest) -> Page:
        match payload:
            case {"bars": dict() | None as bars, "next_page_token": str() | None as token}:
                found: dict[str, object] = bars or {}
            case _:
                raise Garbage('not the documented shape {"bars": {…}, "next_page_token": …}')
        rows = [_rows(self.ours(theirs), listed) for theirs, listed in found.items()]
        return Page(rows, self._looked(request, rows, cut_off=bool(token)), token or None)

    def without_refused(self, refusal: Refusal, request: VendorRequest) -> VendorRequest | None:
        """Alpaca refuses all symbols for one that it cannot read: `{"message":"invalid symbol: BF_A"}`, HTTP 400."""
        named = INVALID.search(refusal.words) if refusal.status == 400 else None
        left = tuple(each for each in request.symbols if not named or self.theirs(each) != named[1])
        return replace(request, symbols=left) if 0 < len(left) < len(request.symbols) else None

    def _looked(self, request: VendorRequest, rows: list[Rows], *, cut_off: bool) -> dict[str, Range]:
        """How far it looked: to the end for all symbols, or, on a page that is not the last, to the end for those
        that sort before its last symbol, up to the last row for that one, and not at all for those after it."""
        if not cut_off:
            return dict.fromkeys(request.symbols, request.range)
        last = rows[-1] if rows else None
        if last is None or not len(last.at):
            return {}
        reached = EPOCH + int(last.at[-1]) // 60_000_000 * MINUTE
        if reached not in request.range:
            return {}
        before = [symbol for symbol in request.symbols if self.theirs(symbol) < self.theirs(last.symbol)]
        return dict.fromkeys(before, request.range) | {last.symbol: Range(request.range.start, reached + MINUTE)}


def _rows(symbol: str, listed: object) -> Rows:
    """One symbol's bars of a page. What cannot be read is this symbol's flaw, and no other's."""
    try:
        if not isinstance(listed, list):
            raise Garbage("its bars are no list")
        times, values = [], []
        for bar in listed:
            match bar:
                case {"t": str(text), "o": o, "h": h, "l": low, "c": c, "v": v}:
                    times.append(_instant(text))
                    values += [o, h, low, c, v]
                case _:
                    raise Garbage("a bar has not the documented fields t, o, h, l, c, v")
        at = instants(times, unit=timedelta(microseconds=1))
        return Rows(symbol, at, numbers(values).reshape(-1, 5))
    except Garbage as flaw:
        return Rows.unreadable(symbol, str(flaw))


def _instant(text: str) -> int:
    """Microseconds since 1970-01-01T00:00Z of an RFC 3339 time."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.utcoffset() is not None:
            return (instant.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        pass
    raise Garbage(f"a time is {text[:40]!r}, which is no RFC 3339 time")
