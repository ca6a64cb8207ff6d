"""A Vendor over bars in memory, which can be told what to answer instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from minutemend.core.answers import Answer, AnswerKind, VendorRequest
from minutemend.core.bars import Bar
from minutemend.ports.vendor import Limits, Vendor

Misbehaviour = Callable[[VendorRequest, datetime], Answer | None]


class FakeVendor(Vendor):
    """`asked` are the requests it got. `misbehave` may answer in its place; None lets the truth through."""

    def __init__(
        self,
        bars: Iterable[Bar],
        *,
        clock: Callable[[], datetime],
        name: str = "fake",
        limits: Limits = Limits(rows=500, symbols=1, per_minute=10_000),  # noqa: B008 (frozen)
    ) -> None:
        self.name = name
        self.limits = limits
        self.bars = {(bar.symbol, bar.minute): bar for bar in bars}
        self.asked: list[VendorRequest] = []
        self.misbehave: Misbehaviour = lambda _request, _now: None
        self._clock = clock

    def fetch(self, request: VendorRequest) -> Answer:
        self.asked.append(request)
        now = self._clock()
        assert len(request.symbols) <= self.limits.symbols
        assert len(request.symbols) * request.range.minutes <= self.limits.rows
        answer = self.misbehave(request, now)
        if answer is not None:
            return answer
        found = tuple(
            sorted(
                bar
                for (symbol, minute), bar in self.bars.items()
                if symbol in request.symbols and minute in request.range
            )
        )
        if not found:
            return Answer(request, AnswerKind.NO_DATA, now, status=200, detail="no_data")
        return Answer(request, AnswerKind.BARS, now, bars=found, covered=request.range, status=200)
