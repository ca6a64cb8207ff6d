"""Holes of many shapes for a day of bars: what the demonstration and the tests take out of the lake."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

from minutemend.core.intervals import merge
from minutemend.core.minutes import MINUTE, Range, edges, ranges_of


def seeded_holes(session: Range, symbols: Sequence[str], *, seed: int) -> dict[str, tuple[Range, ...]]:
    """For each symbol the minutes of the session to take out, as sorted ranges apart; the same for the same seed.

    Of every day some symbols stay whole, one is missing altogether, and the others lack a shape each: scattered single
    minutes, one or two runs, the first and the last minute, an hour, everything before or after a moment, every other
    minute of a while.
    """
    chance = random.Random(seed)  # noqa: S311 (a seeded day, not a secret)
    shapes = [_singles, _runs, _edges, _hour, _late_start, _singles, _every_other, _early_end, _whole, _none, _none]
    names = sorted(symbols)
    order = chance.sample(names, len(names))
    found = {symbol: shapes[place % len(shapes)](session, chance) for place, symbol in enumerate(order)}
    return {symbol: tuple(ranges_of(merge(*edges(found[symbol])))) for symbol in names}


def _at(session: Range, first: int, minutes: int = 1) -> Range:
    start = session.start + first * MINUTE
    return Range(start, min(start + minutes * MINUTE, session.end))


def _singles(session: Range, chance: random.Random) -> list[Range]:
    return [_at(session, first) for first in chance.sample(range(session.minutes), 9)]


def _runs(session: Range, chance: random.Random) -> list[Range]:
    return [_at(session, chance.randrange(session.minutes - 50), chance.randrange(5, 45)) for _ in range(2)]


def _edges(session: Range, chance: random.Random) -> list[Range]:  # noqa: ARG001 (one shape alone needs no chance)
    return [_at(session, 0), _at(session, session.minutes - 1)]


def _hour(session: Range, chance: random.Random) -> list[Range]:
    start = session.start.replace(minute=0) + timedelta(hours=chance.randrange(1, session.minutes // 60))
    whole = Range(start, start + timedelta(hours=1)).intersect(session)
    return [whole] if whole else []


def _late_start(session: Range, chance: random.Random) -> list[Range]:
    return [_at(session, 0, chance.randrange(10, 40))]


def _early_end(session: Range, chance: random.Random) -> list[Range]:
    return [Range(session.end - chance.randrange(10, 40) * MINUTE, session.end)]


def _every_other(session: Range, chance: random.Random) -> list[Range]:
    first = chance.randrange(session.minutes - 80)
    return [_at(session, first + step) for step in range(0, 60, 2)]


def _whole(session: Range, chance: random.Random) -> list[Range]:  # noqa: ARG001
    return [session]


def _none(session: Range, chance: random.Random) -> list[Range]:  # noqa: ARG001
    return []
