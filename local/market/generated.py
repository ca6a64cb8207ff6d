"""Seeded, realistic bars for any symbol and minute, computed on demand: nothing is stored, nothing depends on
what was asked before.

The logarithm of a price is a sum of noises with periods of 1 to 1024 days (which wanders like a geometric walk,
yet any day can be had without the days before it), and inside a day a Brownian bridge from one midnight to the
next. Volume and movement are U-shaped over a session, as on an exchange.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from local.market.sources import Bars, Row, Source

DAY = 1440  # minutes
PERIODS = (1, 4, 16, 64, 256, 1024)  # days
DAYS_KEPT = 600  # symbol-days: a day of 500 symbols. 19 KB each, around the clock 69 KB


class Sessions:
    """When each calendar trades, as epoch minutes; taken from the sessions that the lake itself is audited by."""

    def __init__(self, calendars: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
        self._calendars = calendars

    @classmethod
    def of(cls, names: set[str], *, first: str, last: str) -> Sessions:
        """The sessions of exchange calendars in `[first, last]` (YYYY-MM-DD). Raises BadInput for unknown names."""
        from minutemend.adapters.exchange_sessions import session_table

        calendars = {}
        for name in names:
            table = session_table([name], first=first, last=last)
            opens, closes = (table[column].to_numpy().astype("M8[m]").astype(np.int64) for column in ("open", "close"))
            calendars[name] = (opens, closes)
        return cls(calendars)

    def on(self, calendar: str, day: int) -> list[tuple[int, int]]:
        """The parts of sessions on a UTC day (epoch day), as minutes of the session: `[open, close)`."""
        opens, closes = self._calendars[calendar]
        low = int(np.searchsorted(closes, day * DAY, side="right"))
        high = int(np.searchsorted(opens, (day + 1) * DAY, side="left"))
        return list(zip(opens[low:high].tolist(), closes[low:high].tolist(), strict=True))


class GeneratedBars(Source):
    """Bars for every symbol there could be, or for `symbols` alone.

    `calendar_of` maps symbols to calendars; all others trade on `calendar`. `no_trade` is the share of minutes
    in which nobody trades, the same ones for the same seed.
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
    ) -> None:
        self._sessions = sessions
        self._calendar = calendar
        self._calendar_of = dict(calendar_of or {})
        self._symbols = symbols
        self._seed = seed
        self._no_trade = no_trade
        self._day = lru_cache(maxsize=DAYS_KEPT)(self._make_day)

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
    minutes = np.arange(day * DAY, (day + 1) * DAY)
    inside = np.zeros(DAY, dtype=bool)
    place = np.zeros(DAY)  # -1 at a session's open, 1 at its close
    for opened, closed in sessions:
        here = (minutes >= opened) & (minutes < closed)
        inside |= here
        place[here] = 2 * (minutes[here] - opened) / max(closed - opened - 1, 1) - 1
    if not inside.any():
        return Bars(np.empty(0, np.int64), np.empty((0, 5)))
    base, daily, typical = _character(seed, symbol)
    start, end = (_anchor(seed, symbol, which, base=base, daily=daily) for which in (day, day + 1))
    random = np.random.default_rng(_number(seed, symbol, "day", day))
    shape = 0.6 + 1.4 * place**2
    steps = random.standard_normal(DAY) * shape * daily / np.sqrt(DAY)
    walked = np.concatenate(([0.0], np.cumsum(steps)))
    along = np.linspace(0, 1, DAY + 1)
    path = np.exp(start + (end - start) * along + walked - walked[-1] * along)
    decimals = 2 if base > 2 else 4
    flicker = daily / np.sqrt(DAY) / 2
    opens = np.round(path[:-1] * np.exp(flicker * random.standard_normal(DAY)), decimals)
    closes = np.round(path[1:], decimals)
    reach = np.abs(random.standard_normal((2, DAY))) * flicker
    highs = np.maximum(np.round(np.maximum(opens, closes) * (1 + reach[0]), decimals), np.maximum(opens, closes))
    lows = np.minimum(np.round(np.minimum(opens, closes) * (1 - reach[1]), decimals), np.minimum(opens, closes))
    volumes = typical * shape * np.exp(0.6 * random.standard_normal(DAY))
    all_day = any(closed - opened >= DAY for opened, closed in sessions)
    volumes = np.maximum(np.round(volumes / 1000, 5), 0.00001) if all_day else np.maximum(np.round(volumes), 1.0)
    kept = inside & (random.random(DAY) >= no_trade)
    return Bars(minutes[kept], np.column_stack((opens, highs, lows, closes, volumes))[kept])


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
    level = float(np.log(base))
    for period in PERIODS:
        node, rest = divmod(day, period)
        left, right = (_uniform(seed, symbol, period, which) * 2 - 1 for which in (node, node + 1))
        level += daily * float(np.sqrt(period)) * 0.7 * (left + (right - left) * rest / period)
    return level
