"""A capture worker over fakes, and the market that it asks."""

from __future__ import annotations

import json
import threading
from datetime import UTC, date, datetime

from minutemend.core.answers import Answer, AnswerKind, Source, SourceKind, VendorLimits
from minutemend.core.captures import CaptureJob
from minutemend.core.columns import Bar, Bars
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.ports import Vendor
from minutemend.services.capture import CaptureBars
from minutemend.services.worker import Received

from tests.fakes.board import FakeBoard

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
BAR = Range(OPEN, OPEN + MINUTE)
NYSE = Session("XNYS", date(2013, 10, 4), OPEN, OPEN + 390 * MINUTE)
NOW = OPEN + 2 * MINUTE
MANY = [f"S{number:03d}" for number in range(120)]


class Market(Vendor):
    """A vendor that knows every symbol, but those that a test tells it to treat otherwise."""

    name = "sim"
    source = Source(SourceKind.UNKNOWN, "sim")
    lag = None

    def __init__(self, *, symbols=1, per_minute=1000, per_second=None, together=1, pages=1):
        self.limits = VendorLimits("sim", rows=1000, symbols=symbols, per_minute=per_minute, per_second=per_second)
        self.asked = []
        self.answers = {}  # symbol -> (kind, status, retry_after)
        self.broken = ()  # symbols that make it raise, which no vendor should
        self.pages = pages
        self.threads = set()
        self._together = threading.Barrier(together, timeout=30)  # no request is answered before so many have asked

    def fetch(self, request, *, until=None):  # noqa: ARG002
        self.asked.append(request.symbols)
        self.threads.add(threading.get_ident())
        self._together.wait()
        if set(request.symbols) & set(self.broken):
            raise ValueError("token=secret")
        for symbol in request.symbols:
            if symbol in self.answers:
                kind, status, wait = self.answers[symbol]
                blames = kind is AnswerKind.GIVE_UP and status not in (401, 403) and len(request.symbols) > 1
                return Answer(request, kind, NOW, status=status, detail="no", retry_after=wait, divide=blames)
        bars = Bars.of(Bar(symbol, request.range.start, 1.0, 1.0, 1.0, 1.0, 5.0) for symbol in request.symbols)
        covered = dict.fromkeys(request.symbols, request.range)
        return Answer(request, AnswerKind.BARS, NOW, bars, covered, status=200, requests=self.pages)


def worker(lake, queue, market, **options):
    vendors = {market.name: market}
    options = {"board": FakeBoard(), "clock": lambda: NOW, "max_receives": 3, "vendors": vendors} | options
    return CaptureBars(lake=lake, queue=queue, **options)


def message(symbols=("IBM",), *, tries=0, receives=1, body=None):
    said = body if body is not None else json.dumps(CaptureJob(BAR, tuple(symbols), tries).to_message())
    return Received("m1", said, receives)


def stored(lake):
    return lake.read_bars(BAR)["symbol"].to_pylist()
