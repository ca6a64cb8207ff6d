"""What a vendor knows of the market when faults make it lie: less, later, with other values or impossible ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from minutemend.core.minutes import parse_moment

from market.faults import Fault, FaultKind, uniform
from market.sources import DAY, Row, Source

Rows = dict[str, list[list[object]]]  # symbol -> [epoch milliseconds, open, high, low, close, volume]


class Known(Source):
    """The market less what these faults keep from the vendor, whatever is asked and however often."""

    def __init__(self, market: Source, faults: Sequence[Fault], now: datetime) -> None:
        self._market, self._now = market, now
        self._faults = [(fault, fault.picker()) for fault in faults if fault.kind in _LYING]

    def knows(self, symbol: str) -> bool:
        return self._market.knows(symbol)

    def rows(self, symbol: str, first: int, end: int) -> list[Row]:
        found = self._market.rows(symbol, first, end)
        for fault, picked in self._faults:
            if not fault.concerns(symbol):
                continue
            match fault.kind:
                case FaultKind.MISSING:
                    found = [row for row in found if not picked(symbol, row[0])]
                case FaultKind.LAG:
                    moment = parse_moment(fault.as_of, name="as_of") if fault.as_of else self._now
                    last = (moment.timestamp() - fault.seconds) // 60
                    found = [row for row in found if row[0] < last]
                case FaultKind.ONE_BAR:
                    kept = {self._one_of(symbol, day, fault.seed) for day in {row[0] // DAY for row in found}}
                    found = [row for row in found if row[0] in kept]
                case FaultKind.RESTATED:
                    every = not fault.picks_rows
                    found = [_restated(row, fault) if every or picked(symbol, row[0]) else row for row in found]
        return found

    def _one_of(self, symbol: str, day: int, seed: int) -> int:
        """The minute of the one bar that the vendor has of a UTC day (epoch day)."""
        there = self._market.rows(symbol, day * DAY, (day + 1) * DAY)
        return there[int(uniform(seed, symbol, day) * len(there))][0]


_LYING = (FaultKind.MISSING, FaultKind.LAG, FaultKind.ONE_BAR, FaultKind.RESTATED)


def _restated(row: Row, fault: Fault) -> Row:
    minute, *values = row
    *prices, volume = (value * fault.factor for value in values)
    opened, high, low, close = (round(price, 4) for price in prices)  # rounding keeps their order
    return (minute, opened, high, low, close, round(volume, 5))


def spoil(fault: Fault, rows: Rows) -> None:
    """Make rows unbelievable, in place: those that the fault picks; else the first of the first symbol that has rows
    and that the fault concerns. What is done to an answer as a whole is done to that symbol's rows."""
    symbols = [symbol for symbol, listed in rows.items() if listed and fault.concerns(symbol)]
    if not fault.picks_rows:
        if symbols:
            _spoil(fault.kind, rows, symbols[0], 0)
        return
    picked = fault.picker()
    for symbol in symbols if fault.kind not in _LYING else ():
        places = [place for place, row in enumerate(rows[symbol]) if picked(symbol, int(_number(row[0])) // 60_000)]
        if fault.kind in (FaultKind.UNSORTED, FaultKind.WRONG_SYMBOL):
            places = places[:1]  # of these there is one a symbol
        for place in reversed(places):  # a duplicate moves those after it
            _spoil(fault.kind, rows, symbol, place)


def _spoil(kind: FaultKind, rows: Rows, symbol: str, place: int) -> None:
    listed = rows[symbol]
    at, opened, high, low, close, volume = listed[place]
    changed: Mapping[FaultKind, list[object]] = {
        FaultKind.NAN: [at, float("nan"), high, low, close, volume],
        FaultKind.INVERTED: [at, opened, _number(low) - 1.0, _number(high) + 1.0, close, volume],
        FaultKind.NEGATIVE: [at, opened, high, -_number(low), close, volume],
        FaultKind.OUT_OF_RANGE: [int(_number(at)) - 7 * 86_400_000, opened, high, low, close, volume],
        FaultKind.OFF_MINUTE: [int(_number(at)) + 30_000, opened, high, low, close, volume],
        FaultKind.STRINGS: [at, opened, high, low, str(close), volume],
    }
    match kind:
        case FaultKind.DUPLICATE:
            listed.insert(place, listed[place])
        case FaultKind.UNSORTED:
            listed.insert(0, listed.pop())
        case FaultKind.WRONG_SYMBOL:
            rows["WRONG"] = rows.pop(symbol)
        case kind if kind in changed:
            listed[place] = changed[kind]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
