"""Bars in columns: how an answer of many rows travels, as arrays rather than an object for each minute.

Needs numpy alone. `core.bars.to_table` makes an Arrow table of them, with their provenance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from minutemend.core.minutes import epoch_minute, from_epoch_minute

VALUES = ("open", "high", "low", "close", "volume")
Minutes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Bar:
    """One bar as a vendor gives it: prices in the symbol's currency, volume in shares or coins."""

    symbol: str
    minute: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars sorted by symbol, minute, no minute twice.

    `names` are the symbols, sorted; `codes` (int32) are indices into them, one a row; `minutes` (int64) are epoch
    minutes, UTC, of left edges; `values` (float64, rows by 5) are open, high, low, close, volume. `len` counts rows,
    iterating gives each row as a `Bar` (for tests and people: it makes an object a row).
    """

    names: tuple[str, ...]
    codes: NDArray[np.int32]
    minutes: Minutes
    values: NDArray[np.float64]

    @classmethod
    def of(cls, bars: Iterable[Bar]) -> Bars:
        """The columns of single bars, which may come in any order."""
        rows = sorted(bars)
        names = tuple(sorted({row.symbol for row in rows}))
        place = {name: code for code, name in enumerate(names)}
        return cls(
            names,
            np.array([place[row.symbol] for row in rows], dtype=np.int32),
            np.array([epoch_minute(row.minute) for row in rows], dtype=np.int64),
            np.array([[getattr(row, name) for name in VALUES] for row in rows], dtype=np.float64).reshape(-1, 5),
        )

    @classmethod
    def joined(cls, parts: Mapping[str, tuple[Minutes, NDArray[np.float64]]]) -> Bars:
        """The columns of each symbol's sorted minutes and values."""
        names = tuple(sorted(parts))
        if not names:
            return NO_BARS
        lengths = [len(parts[name][0]) for name in names]
        return cls(
            names,
            np.repeat(np.arange(len(names), dtype=np.int32), lengths),
            np.concatenate([parts[name][0] for name in names]),
            np.concatenate([parts[name][1] for name in names]),
        )

    def minutes_of(self, symbol: str) -> Minutes:
        """The epoch minutes of one symbol's bars, sorted; none when it has no bar."""
        if symbol not in self.names:
            return self.minutes[:0]
        code = self.names.index(symbol)
        first, last = np.searchsorted(self.codes, [code, code + 1])
        return self.minutes[first:last]

    def where(self, kept: NDArray[np.bool_]) -> Bars:
        """The rows for which `kept` (one a row) is true."""
        return Bars(self.names, self.codes[kept], self.minutes[kept], self.values[kept])

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Bar]:
        for code, minute, values in zip(self.codes, self.minutes, self.values.tolist(), strict=True):
            yield Bar(self.names[code], from_epoch_minute(minute), *values)


NO_BARS = Bars((), np.empty(0, np.int32), np.empty(0, np.int64), np.empty((0, len(VALUES))))
