"""A vendor that knows the truth and does not always tell it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from minutemend.core.answers import Answer, AnswerKind, VendorRequest
from minutemend.core.bars import Bar
from minutemend.core.minutes import MINUTE, Range
from minutemend.ports.vendor import Limits, Vendor

from tests.unit.simulation.world import World


@dataclass(frozen=True, slots=True)
class Told:
    """One answer as it was given, with the true time."""

    at: datetime
    answer: Answer


class SimVendor(Vendor):
    """`told` is everything that it ever answered."""

    def __init__(self, world: World, name: str, bars: Iterable[Bar], limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self.told: list[Told] = []
        self._world = world
        self._bars = sorted(bars)

    def fetch(self, request: VendorRequest) -> Answer:
        answer = self._answer(request)
        self.told.append(Told(self._world.now, answer))
        self._world.note(f"{self.name} answers {answer.kind} for {','.join(request.symbols)} {request.range}")
        return answer

    def _answer(self, request: VendorRequest) -> Answer:
        world, how = self._world, self._world.profile
        if len(request.symbols) * request.range.minutes > self.limits.rows:
            raise AssertionError(f"{request} asks for more than the vendor's limit")
        if len(request.symbols) > self.limits.symbols:
            raise AssertionError(f"{request} asks for too many symbols")
        answer = Answer(request, AnswerKind.RETRY, world.clock())
        if world.says(how.throttling):
            wait = timedelta(seconds=world.dice.choice([1, 20, 200]))
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
        known = [bar for bar in self._bars if bar.symbol in request.symbols and bar.minute in covered]
        found = tuple(bar for bar in known if not world.says(how.lies))
        if not found or world.says(how.no_data):
            return replace(answer, kind=AnswerKind.NO_DATA, status=200)
        return replace(answer, kind=AnswerKind.BARS, status=200, bars=found, covered=covered)
