"""Binance: `GET /api/v3/klines`, one symbol and at most 1,000 rows a request, no key.

Documentation: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints
(limits and oddities: docs/vendors.md). With an archive in its settings whole days of the past come as files
(binance_archive.py), and the API answers for the rest.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from minutemend.adapters.http import BodyTooLarge, NoReply
from minutemend.adapters.vendors import binance_archive
from minutemend.adapters.vendors.base import WORDS_KEPT, HttpVendor, Page, epoch_seconds
from minutemend.adapters.vendors.binance_archive import File
from minutemend.core.answers import Answer, AnswerKind, Garbage, VendorRequest
from minutemend.core.minutes import Range
from minutemend.core.rows import Rows, answer_of, decimal, instants, whole_numbers

MILLISECOND = timedelta(milliseconds=1)


class _NotThere(Garbage):
    """The archive has not this file, or not yet."""


class Binance(HttpVendor):
    """`startTime` and `endTime` are milliseconds, both inclusive, of open times. Prices and volumes are text.

    A kline of no trades (its ninth field) repeats the price before it (binance/binance-public-data issue 153: "Kline
    always generate even if there is no trade"): that is an invented bar, and the venue's statement of no trade.
    """

    name = "binance"

    def question(self, request: VendorRequest, page: str | None) -> tuple[str, dict[str, str]]:  # noqa: ARG002
        return "/api/v3/klines", {
            "symbol": self.theirs(request.symbols[0]),
            "interval": "1m",
            "startTime": str(epoch_seconds(request.range.start) * 1000),
            "endTime": str(epoch_seconds(request.range.end) * 1000 - 1),
            "limit": str(self.rows),
        }

    def fetch(self, request: VendorRequest, *, until: datetime | None = None) -> Answer:
        """One file or one page of the API, and the rest of the question as `left`. A file that is late, missing or
        cannot be believed is said, and the API is asked in its place."""
        if self._archive is None or self._unaskable(request) is not None:
            return super().fetch(request, until=until)
        symbol, now, spent, said = self.theirs(request.symbols[0]), self._clock(), 0, ""
        file = binance_archive.file_for(symbol, request.range, now=now)
        while file is not None:
            if file.path not in self._unusable:
                asked = replace(request, range=file.part)
                try:
                    rows, requests = self._file(file, request.symbols[0])
                except (Garbage, NoReply, BodyTooLarge) as why:
                    self._unusable[file.path] = str(why)
                    spent += 1 if isinstance(why, _NotThere) else 2
                else:
                    spent += requests
                    looked = {request.symbols[0]: file.part}
                    answer = answer_of(asked, [rows], looked=looked, observed_at=self._clock(), requests=spent)
                    if answer.kind is not AnswerKind.GARBAGE:
                        told = f"{file.name}.zip: {answer.detail}{said}"
                        return self._with_rest(self._named(replace(answer, detail=told)), request)
                    self._unusable[file.path] = answer.detail
            said = f"; {file.name}.zip: {self._unusable[file.path]}"
            file = binance_archive.by_day(file, symbol, now=now)
        part = replace(request, range=binance_archive.until_next(request.range, rows=self.rows))
        answer = super().fetch(part, until=until)
        answer = replace(answer, requests=answer.requests + spent, detail=(answer.detail + said)[:WORDS_KEPT])
        if answer.kind in (AnswerKind.GIVE_UP, AnswerKind.RETRY):  # of all of it: what follows would fare no better
            return replace(answer, request=request)
        return self._with_rest(answer, request)

    def _file(self, file: File, symbol: str) -> tuple[Rows, int]:
        """The rows of a file of the archive, and how many requests it took. Raises Garbage, NoReply, BodyTooLarge."""
        got = []
        for path in (f"{file.path}.CHECKSUM", file.path):
            reply = self._http.get(f"{self._archive}{path}", params={}, headers={}, timeout=self._timeout)
            if reply.status != 200:
                raise _NotThere(f"HTTP {reply.status}" if reply.status != 404 else "it is not there")
            got.append(reply.body)
        return binance_archive.read(got[1], got[0], file, symbol), 2

    def _with_rest(self, answer: Answer, request: VendorRequest) -> Answer:
        """The answer's part, and what follows it as `left`."""
        end = answer.request.range.end
        rest = () if end >= request.range.end else (replace(request, range=Range(end, request.range.end)),)
        left = tuple(one for one in answer.left if one.range.start < end)
        return replace(answer, left=(*left, *rest))

    def read(self, payload: object, request: VendorRequest) -> Page:
        if not isinstance(payload, list):
            raise Garbage("not the documented shape [[openTime, open, high, low, close, volume, …], …]")
        times, decimals, trades = [], [], []
        for kline in payload:
            match kline:
                case [at, opened, high, low, close, volume, _, _, int() as count, *_]:
                    times.append(at)
                    decimals.append([decimal(value) for value in (opened, high, low, close, volume)])
                    trades.append(count)
                case _:
                    raise Garbage("a kline has not the documented nine fields and more")
        at = instants(times, unit=MILLISECOND)
        symbol = request.symbols[0]
        rows = Rows(symbol, at, np.array(decimals).reshape(-1, 5), whole_numbers(trades))
        return Page([rows] if len(at) else [], {symbol: request.range})
