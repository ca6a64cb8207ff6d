"""A Vendor over bars in memory, which can be told what to answer instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from minutemend.core.answers import Answer, AnswerKind, Source, SourceKind, VendorLimits, VendorRequest
from minutemend.core.columns import Bar, Bars
from minutemend.ports.vendor import Vendor

Misbehaviour = Callable[[VendorRequest, datetime], Answer | None]


class FakeVendor(Vendor):
    """`asked` are the requests it got. `misbehave` may answer in its place; None lets the truth through."""

    def __init__(
        self,
        bars: Iterable[Bar],
        *,
        clock: Callable[[], datetime],
        name: str = "fake",
        limits: VendorLimits = VendorLimits("fake", rows=500, symbols=1, per_minute=10_000),  # noqa: B008 (frozen)
        source: Source = Source(SourceKind.UNKNOWN, "fake"),  # noqa: B008 (frozen)
        lag: timedelta | None = None,
    ) -> None:
        self.name = name
        self.source, self.lag = source, lag
        self.limits = limits
        self.bars = {(bar.symbol, bar.minute): bar for bar in bars}
        self.asked: list[VendorRequest] = []
        self.misbehave: Misbehaviour = lambda _request, _now: None
        self._clock = clock

    def fetch(self, request: VendorRequest, *, until: datetime | None = None) -> Answer:  # noqa: ARG002
        self.asked.append(request)
        now = self._clock()
        assert len(request.symbols) <= self.limits.symbols
        assert len(request.symbols) * request.range.minutes <= self.limits.rows
        answer = self.misbehave(request, now)
        if answer is not None:
            return answer
        found = Bars.of(
            bar for (symbol, minute), bar in self.bars.items() if symbol in request.symbols and minute in request.range
        )
        if not len(found):
            return Answer(request, AnswerKind.NO_DATA, now, status=200, detail="no_data")
        covered = dict.fromkeys(request.symbols, request.range)
        return Answer(request, AnswerKind.BARS, now, bars=found, covered=covered, status=200)
