"""Bars for benchmarks: seeded random walks."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from minutemend.core.bars import BARS
from minutemend.core.intervals import Numbers


def walked(dice: np.random.Generator, symbols: int, minutes: Numbers) -> pa.Table:
    """Bars of S0000, S0001 … at these epoch minutes, as a table of BARS, sorted by symbol, minute."""
    n = symbols * len(minutes)
    walk = 100 * np.exp(np.cumsum(dice.normal(0, 5e-4, (symbols, len(minutes))), axis=1))
    close = np.round(walk, 2).ravel()
    stamps = np.tile(minutes.astype("M8[m]").astype("M8[ms]"), symbols)
    columns = {
        "symbol": np.repeat([f"S{number:04d}" for number in range(symbols)], len(minutes)),
        "minute": stamps,
        "open": np.round(close + dice.integers(-5, 6, n) / 100, 2),
        "high": np.round(close + dice.integers(5, 12, n) / 100, 2),
        "low": np.round(close - dice.integers(5, 12, n) / 100, 2),
        "close": close,
        "volume": np.round(dice.lognormal(8, 1.5, n)),
        "source": pa.repeat("alpaca", n),
        "repair_id": pa.nulls(n, pa.string()),
        "captured_at": stamps + np.timedelta64(16 * 60_000 + 1234, "ms"),
    }
    return pa.table(columns).cast(BARS)
