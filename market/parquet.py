"""Parquet files of minute bars as a market to replay."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from minutemend.core.errors import BadInput

from market.sources import VALUES, Bars, HeldBars


def read_bars(paths: Iterable[Path | str]) -> HeldBars:
    """The bars of Parquet files with the columns symbol, minute (a timestamp, UTC), and VALUES.

    Raises BadInput for a file that cannot be read, lacks a column, or holds a minute twice or off the minute.
    """
    table = pa.concat_tables([_read(Path(path)) for path in paths]).sort_by(
        [("symbol", "ascending"), ("minute", "ascending")]
    )
    symbols = table["symbol"].to_numpy()
    milliseconds = table["minute"].to_numpy()
    if np.any(milliseconds % 60_000):
        raise BadInput("the simulator's Parquet files hold times that are not on a whole minute")
    minutes = milliseconds // 60_000
    if np.any((symbols[1:] == symbols[:-1]) & (minutes[1:] == minutes[:-1])):
        raise BadInput("the simulator's Parquet files hold a minute of a symbol twice")
    columns = [table[name].to_numpy() for name in VALUES]
    names, starts = np.unique(symbols, return_index=True)
    bars = {}
    for name, start, end in zip(names, starts, [*starts[1:], len(symbols)], strict=True):
        held = array("q", minutes[start:end].tobytes())
        bars[str(name)] = Bars(held, tuple(array("d", column[start:end].tobytes()) for column in columns))
    return HeldBars(bars)


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
