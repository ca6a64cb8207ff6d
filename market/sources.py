"""Where the simulator's bars come from: held (replayed), or made on demand (generated.py). Standard library only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

VALUES = ("open", "high", "low", "close", "volume")
DAY = 1440  # minutes
Row = tuple[int, float, float, float, float, float]  # epoch minute, open, high, low, close, volume


class Source(ABC):
    """Bars of symbols by minute; a pure function of its construction."""

    @abstractmethod
    def knows(self, symbol: str) -> bool:
        """Whether the vendor has ever heard of the symbol."""

    @abstractmethod
    def rows(self, symbol: str, first: int, end: int) -> list[Row]:
        """The bars with epoch minutes in `[first, end)`, sorted; none for an unknown symbol."""


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars of one symbol: epoch minutes (int64, ascending, unique) and a column of doubles for each of VALUES."""

    minutes: array[int]
    columns: tuple[array[float], ...]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Bars:
        minutes, *columns = list(zip(*rows, strict=True)) or [()] * 6
        return cls(array("q", minutes), tuple(array("d", column) for column in columns))

    def between(self, first: int, end: int) -> list[Row]:
        """The bars with epoch minutes in `[first, end)`."""
        low, high = bisect_left(self.minutes, first), bisect_left(self.minutes, end)
        return list(zip(self.minutes[low:high], *(column[low:high] for column in self.columns), strict=True))

    def to_bytes(self) -> bytes:
        """Column after column, eight bytes a value; little-endian, as every machine is that this runs on."""
        return b"".join((self.minutes.tobytes(), *(column.tobytes() for column in self.columns)))

    @classmethod
    def from_bytes(cls, data: bytes) -> Bars:
        size = len(data) // (1 + len(VALUES))
        minutes, *columns = (data[place * size : (place + 1) * size] for place in range(1 + len(VALUES)))
        return cls(array("q", minutes), tuple(array("d", column) for column in columns))


class Continuous(Source):
    """A market as a venue tells of it that has a row for each minute: flat, without volume, at the last close, where
    nothing was traded. Not where nothing was traded for a day before, or for a day after: it was not listed then."""

    def __init__(self, market: Source) -> None:
        self._market = market

    def knows(self, symbol: str) -> bool:
        return self._market.knows(symbol)

    def rows(self, symbol: str, first: int, end: int) -> list[Row]:
        found: list[Row] = []
        traded = self._market.rows(symbol, first - DAY, end + DAY)
        for row, following in zip_longest(traded, traded[1:]):
            close, quiet = row[4], range(row[0] + 1, following[0] if following else row[0])
            found.append(row)
            found += [(minute, close, close, close, close, 0.0) for minute in quiet if len(quiet) < DAY]
        return [row for row in found if first <= row[0] < end]


class HeldBars(Source):
    """The bars that it is given, by symbol, and no others."""

    def __init__(self, bars: Mapping[str, Bars]) -> None:
        self.bars = bars

    def knows(self, symbol: str) -> bool:
        return symbol in self.bars

    def rows(self, symbol: str, first: int, end: int) -> list[Row]:
        bars = self.bars.get(symbol)
        return bars.between(first, end) if bars else []
