"""A vendor that knows the truth and does not always tell it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from minutemend.core.answers import Answer, AnswerKind, Source, SourceKind, VendorLimits, VendorRequest
from minutemend.core.columns import Bar, Bars, Minutes
from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.ports.vendor import Vendor

from tests.unit.simulation.beginnings import Key, as_told, restated
from tests.unit.simulation.world import World


@dataclass(frozen=True, slots=True)
class Told:
    """One answer as it was given: the true time of it, the job that asked (None: a capture), and what it showed."""

    at: datetime
    job_id: str | None
    request: VendorRequest
    kind: AnswerKind
    observed_at: datetime
    covered: Mapping[str, Range]
    shown: frozenset[Key]

    def omits(self, symbol: str, window: Range) -> bool:
        """Whether it showed bars of the symbol, looked at all of the window, and had nothing there."""
        covered = self.covered.get(symbol)
        if self.kind is not AnswerKind.BARS or covered is None or covered.intersect(window) != window:
            return False
        mine = {minute for name, minute in self.shown if name == symbol}
        return bool(mine) and not any(minute in window for minute in mine)


class SimVendor(Vendor):
    """`told` is everything that it ever answered."""

    def __init__(
        self,
        world: World,
        name: str,
        bars: Iterable[Bar],
        limits: VendorLimits,
        *,
        source: Source,
        holes: Collection[Key] = (),
        expected: Iterable[Key] = (),
    ) -> None:
        self.name = name
        self.source = source
        self.holes = set(holes)
        self.late = timedelta(minutes=world.profile.lag)
        self.lag = self.late if world.profile.lag_known or source.kind is SourceKind.VENUE else None
        self.limits = limits
        self.told: list[Told] = []
        self._world = world
        self._bars = sorted(as_told(bar, name) for bar in bars)
        self._silent = sorted(set(expected) - {(bar.symbol, bar.minute) for bar in self._bars})

    def fetch(self, request: VendorRequest, *, until: datetime | None = None) -> Answer:  # noqa: ARG002
        world = self._world
        answer = self._answer(request)
        self.told.append(
            Told(
                at=world.now,
                job_id=world.current.job if world.current else None,
                request=request,
                kind=answer.kind,
                observed_at=answer.observed_at,
                covered=answer.covered,
                shown=frozenset((bar.symbol, bar.minute) for bar in answer.bars),
            )
        )
        world.note(f"{self.name} answers {answer.kind} for {','.join(request.symbols)} {request.range}")
        return answer

    def _answer(self, request: VendorRequest) -> Answer:
        world, how = self._world, self._world.profile
        if len(request.symbols) * request.range.minutes > self.limits.rows:
            raise world.wrong(f"{request} asks for more than the vendor's limit")
        if len(request.symbols) > self.limits.symbols:
            raise world.wrong(f"{request} asks for too many symbols")
        answer = Answer(request, AnswerKind.RETRY, world.clock())
        if world.says(how.throttling):
            wait = timedelta(seconds=world.dice.choice([1, 1, 20, 20, 200, 3600]))
            return replace(answer, status=429, retry_after=wait)
        if world.says(how.outage):
            return replace(answer, status=503)
        if world.says(how.garbage):
            return replace(answer, kind=AnswerKind.GARBAGE, status=200)
        if world.says(how.refusals):
            return replace(answer, kind=AnswerKind.GIVE_UP, status=403)
        covered = request.range
        if world.says(how.cut_short) and covered.minutes > 1:
            covered = Range(covered.start, covered.start + world.dice.randrange(1, covered.minutes) * MINUTE)
        known = [
            bar
            for bar in self._bars
            if bar.symbol in request.symbols and bar.minute in covered and self.has((bar.symbol, bar.minute))
        ]
        told = [bar for bar in known if not world.says(how.lies)]
        found = Bars.of(restated(bar) if world.says(how.restates) else bar for bar in told)
        if not len(found) or world.says(how.no_data):
            return replace(answer, kind=AnswerKind.NO_DATA, status=200)
        looked = dict.fromkeys(request.symbols, covered)
        return replace(
            answer, kind=AnswerKind.BARS, status=200, bars=found, covered=looked, stated=self._stated(request, covered)
        )

    def has(self, key: Key) -> bool:
        """Whether it has, by now, what was traded in this minute."""
        return key not in self.holes and key[1] + MINUTE + self.late <= self._world.now

    def _stated(self, request: VendorRequest, covered: Range) -> dict[str, Minutes]:
        """A venue says of a minute that it had no trade."""
        if self.source.kind is not SourceKind.VENUE:
            return {}
        # Of a minute that has not reached it yet it says so, too: the flat kline comes before the trades.
        late = {(bar.symbol, bar.minute) for bar in self._bars if bar.minute + MINUTE + self.late > self._world.now}
        said = sorted(key for key in {*self._silent, *late} if key[1] in covered and key not in self.holes)
        return {
            symbol: np.array([epoch_minute(minute) for name, minute in said if name == symbol], np.int64)
            for symbol in request.symbols
        }
