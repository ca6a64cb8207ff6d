"""Seeded, realistic bars for any symbol and minute, computed on demand: nothing is stored, nothing depends on
what was asked before. Standard library only: as a function of its own the simulator wants no layer.

The logarithm of a price is a sum of noises with periods of 1 to 1024 days (which wanders like a geometric walk,
yet any day can be had without the days before it), and over a day's sessions a Brownian bridge from one midnight
to the next. Volume and movement are U-shaped over a session, as on an exchange.
"""

from __future__ import annotations

import hashlib
import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache

from market.sources import DAY, Bars, Row, Source

PERIODS = (1, 4, 16, 64, 256, 1024)  # days
DAYS_KEPT = 6_000  # symbol-days: a day of 5,000 symbols and more. 19 KB each, around the clock 69 KB
AROUND_THE_CLOCK = "24/7"


class Sessions:
    """When each calendar trades: opens and closes as epoch minutes, ascending. 24/7 needs none."""

    def __init__(self, calendars: Mapping[str, tuple[Sequence[int], Sequence[int]]]) -> None:
        self._calendars = calendars

    def on(self, calendar: str, day: int) -> list[tuple[int, int]]:
        """The sessions that touch a UTC day (epoch day): `[open, close)`. None on a calendar that it does not know."""
        if calendar == AROUND_THE_CLOCK:
            return [(day * DAY, (day + 1) * DAY)]
        opens, closes = self._calendars.get(calendar, ((), ()))
        low, high = bisect_right(closes, day * DAY), bisect_left(opens, (day + 1) * DAY)
        return list(zip(opens[low:high], closes[low:high], strict=True))


class GeneratedBars(Source):
    """Bars for every symbol there could be, or for `symbols` alone.

    `calendar_of` maps symbols to calendars; all others trade on `calendar`. `no_trade` is the share of minutes
    without a trade, the same ones for the same seed.
    """

    def __init__(
        self,
        *,
        seed: int,
        sessions: Sessions,
        calendar: str,
        calendar_of: Mapping[str, str] | None = None,
        symbols: frozenset[str] | None = None,
        no_trade: float = 0.0,
        days_kept: int = DAYS_KEPT,
    ) -> None:
        self._sessions = sessions
        self._calendar = calendar
        self._calendar_of = dict(calendar_of or {})
        self._symbols = symbols
        self._seed = seed
        self._no_trade = no_trade
        self._day = lru_cache(maxsize=days_kept)(self._make_day)

    def knows(self, symbol: str) -> bool:
        return self._symbols is None or symbol in self._symbols

    def rows(self, symbol: str, first: int, end: int) -> list[Row]:
        if not self.knows(symbol):
            return []
        found: list[Row] = []
        for day in range(first // DAY, (end - 1) // DAY + 1):
            found += self._day(symbol, day).between(first, end)
        return found

    def _make_day(self, symbol: str, day: int) -> Bars:
        calendar = self._calendar_of.get(symbol, self._calendar)
        return day_bars(self._seed, symbol, day, self._sessions.on(calendar, day), no_trade=self._no_trade)


def day_bars(seed: int, symbol: str, day: int, sessions: list[tuple[int, int]], *, no_trade: float = 0.0) -> Bars:
    """The bars of one symbol on one UTC day (epoch day), in the minutes that belong to a session.

    Prices are multiples of a cent (of a hundredth of a cent below 1), `low <= open, close <= high`; volumes are
    whole, or have five decimals where sessions last all day, as coins have.
    """
    places: dict[int, float] = {}  # minute -> -1 at a session's open, 1 at its close
    for opened, closed in sessions:
        for minute in range(max(opened, day * DAY), min(closed, (day + 1) * DAY)):
            places[minute] = 2 * (minute - opened) / max(closed - opened - 1, 1) - 1
    if not places:
        return Bars.of([])
    base, daily, typical = _character(seed, symbol)
    start, end = (_anchor(seed, symbol, which, base=base, daily=daily) for which in (day, day + 1))
    chance = random.Random(_number(seed, symbol, "day", day))  # noqa: S311 (a market, not a secret)
    shapes = [0.6 + 1.4 * place**2 for place in places.values()]
    step = daily / math.sqrt(DAY)
    walked = [0.0]
    for shape in shapes:
        walked.append(walked[-1] + chance.gauss(0, 1) * shape * step)
    drift = (end - start - walked[-1]) / len(places)
    path = [math.exp(start + drift * number + wandered) for number, wandered in enumerate(walked)]
    decimals = 2 if base > 2 else 4
    all_day = any(closed - opened >= DAY for opened, closed in sessions)
    rows: list[Row] = []
    for number, (minute, shape) in enumerate(zip(places, shapes, strict=True)):
        first = round(path[number] * math.exp(step / 2 * chance.gauss(0, 1)), decimals)
        last = round(path[number + 1], decimals)
        high, low = max(first, last), min(first, last)
        high = max(round(high * (1 + abs(chance.gauss(0, 1)) * step / 2), decimals), high)
        low = min(round(low * (1 - abs(chance.gauss(0, 1)) * step / 2), decimals), low)
        volume = typical * shape * math.exp(0.6 * chance.gauss(0, 1))
        volume = max(round(volume / 1000, 5), 0.00001) if all_day else max(float(round(volume)), 1.0)
        if chance.random() >= no_trade:
            rows.append((minute, first, high, low, last, volume))
    return Bars.of(rows)


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()[:8], "big")


def _uniform(*parts: object) -> float:
    return (_number(*parts) + 0.5) / 2**64


def _character(seed: int, symbol: str) -> tuple[float, float, float]:
    """A symbol's usual price (8 to 800), daily movement (0.8% to 2.5%) and volume a minute (500 to 50,000)."""
    price = 8 * 100 ** _uniform(seed, symbol, "price")
    daily = 0.008 + 0.017 * _uniform(seed, symbol, "daily")
    return price, daily, 500 * 100 ** _uniform(seed, symbol, "volume")


def _anchor(seed: int, symbol: str, day: int, *, base: float, daily: float) -> float:
    """The logarithm of the price at the midnight that begins a day."""
    level = math.log(base)
    for period in PERIODS:
        node, rest = divmod(day, period)
        left, right = (_uniform(seed, symbol, period, which) * 2 - 1 for which in (node, node + 1))
        level += daily * math.sqrt(period) * 0.7 * (left + (right - left) * rest / period)
    return level
