"""Where the simulator's bars come from: any Parquet file, or made on demand (generated.py)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from minutemend.core.errors import BadInput

VALUES = ("open", "high", "low", "close", "volume")
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
    """The bars of one symbol: epoch minutes (int64, ascending, unique) and float64 values, one row a bar."""

    minutes: np.ndarray
    values: np.ndarray  # (bars, 5) in the order of VALUES

    def between(self, first: int, end: int) -> list[Row]:
        """The bars with epoch minutes in `[first, end)`."""
        low, high = np.searchsorted(self.minutes, (first, end))
        return [
            (minute, *values)
            for minute, values in zip(self.minutes[low:high].tolist(), self.values[low:high].tolist(), strict=True)
        ]


class ParquetBars(Source):
    """The bars of Parquet files with the columns symbol, minute (a timestamp, UTC), and VALUES.

    Raises BadInput for a file that cannot be read, lacks a column, or holds a minute twice or off the minute.
    """

    def __init__(self, paths: Iterable[Path | str]) -> None:
        table = pa.concat_tables([_read(Path(path)) for path in paths]).sort_by(
            [("symbol", "ascending"), ("minute", "ascending")]
        )
        symbols = table["symbol"].to_numpy()
        milliseconds = table["minute"].to_numpy()
        values = np.column_stack([table[name].to_numpy() for name in VALUES])
        if np.any(milliseconds % 60_000):
            raise BadInput("the simulator's Parquet files hold times that are not on a whole minute")
        minutes = milliseconds // 60_000
        if np.any((symbols[1:] == symbols[:-1]) & (minutes[1:] == minutes[:-1])):
            raise BadInput("the simulator's Parquet files hold a minute of a symbol twice")
        names, starts = np.unique(symbols, return_index=True)
        ends = [*starts[1:], len(symbols)]
        self._bars = {
            str(name): Bars(minutes[start:end], values[start:end])
            for name, start, end in zip(names, starts, ends, strict=True)
        }

    def knows(self, symbol: str) -> bool:
        return symbol in self._bars

    def rows(self, symbol: str, first: int, end: int) -> list[Row]:
        bars = self._bars.get(symbol)
        return bars.between(first, end) if bars else []


def _read(path: Path) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"{path} cannot be read as Parquet ({error}): a file of minute bars would be right") from None
    lacking = [name for name in ("symbol", "minute", *VALUES) if name not in table.column_names]
    if lacking:
        raise BadInput(f"{path} has no column {', '.join(lacking)}; it has {', '.join(table.column_names)}")
    columns = {
        "symbol": table["symbol"].cast(pa.string()),
        "minute": table["minute"].cast(pa.timestamp("ms", table.schema.field("minute").type.tz)).cast(pa.int64()),
        **{name: table[name].cast(pa.float64()) for name in VALUES},
    }
    return pa.table(columns)
