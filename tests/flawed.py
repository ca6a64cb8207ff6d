"""A lake whose bars ring every rule of values, by seed: sessions with and without a break, over midnight, around the
clock; bars around sessions, minutes twice, nulls, and values that are no numbers."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
from minutemend.core.bars import BARS
from minutemend.core.minutes import MINUTE
from minutemend.core.symbols import Listing
from minutemend.services.lake import Lake

from tests.lakes import CALENDARS, SESSIONS

PRICES = ("open", "high", "low", "close")


def write_flawed(lake: Lake, seed: int) -> None:
    """Two symbols of each calendar, and one that is not followed."""
    rng = np.random.default_rng(seed)
    lake.calendars.put(SESSIONS)
    followed = {f"{name.replace('/', 'X')}{n}": name for name in CALENDARS for n in range(2)}
    lake.put_symbols([Listing(symbol, calendar) for symbol, calendar in followed.items()])
    for symbol, calendar in (*followed.items(), ("STRANGER", "XNYS")):
        bars = _flawed(rng, symbol, calendar)
        lake.put_bars(bars)
        others = bars.take(pa.array(np.sort(rng.choice(bars.num_rows, 9, replace=False))))
        close = pa.array(np.asarray(others["close"].fill_null(5.0)) + rng.integers(0, 2, 9) / 100)
        others = others.set_column(5, "close", close).set_column(7, "source", pa.array(["other"] * 9))
        lake.put_bars(others)


def _flawed(rng: np.random.Generator, symbol: str, calendar: str) -> pa.Table:
    sessions = [one for one in SESSIONS if one.calendar == calendar]
    around = range(-9, 12)
    minutes = sorted({one.open + n * MINUTE for one in sessions for n in (*around, *range(one.minutes), one.minutes)})
    minutes = [one for one in minutes if rng.random() > rng.choice([0.0, 0.1])]
    n = len(minutes)
    steps = rng.integers(-3, 4, n) * (rng.random(n) < rng.choice([0.2, 0.95]))
    close = np.round(rng.choice([9.0, 100.0]) + np.cumsum(steps) / 100, 2)
    values = {"open": close + rng.integers(-2, 3, n) / 100, "high": close + 0.03, "low": close - 0.03, "close": close}
    values["volume"] = rng.integers(500, 1500, n).astype(float)
    _break(rng, values, n)
    for one in sessions[1:]:  # a step at an open
        later = np.array([minute >= one.open for minute in minutes])
        _times(values, later, rng.choice([1.0, 0.5, 3.0, 80.0]))
        values["volume"][later] *= rng.choice([1.0, 100.0])
    lacking = {name: rng.random(n) < (0.01 if name != "close" else 0) for name in values}
    columns = [pa.array(column, mask=lacking[name]) for name, column in values.items()]
    provenance = [["one"] * n, [None] * n, [datetime(2024, 4, 1)] * n]  # noqa: DTZ001 (the lake's own form)
    instants = [minute.replace(tzinfo=None) for minute in minutes]
    return pa.table([[symbol] * n, instants, *columns, *provenance], schema=BARS)


def _break(rng: np.random.Generator, values: dict[str, np.ndarray], n: int) -> None:
    """Ten faults of one bar, of a run, or of all that follows."""
    for _ in range(10):
        first, length, kind = int(rng.integers(1, n - 60)), int(rng.integers(2, 60)), int(rng.integers(0, 7))
        run = slice(first, first + length)
        if kind == 0:
            _times(values, slice(first, first + 1), rng.choice([0.97, 1.03, 100.0]))
        elif kind == 1:
            _times(values, slice(first, None), rng.choice([0.2, 4.0]))
        elif kind in {2, 3}:
            for name in (*PRICES, *(["volume"] if kind == 3 else [])):
                values[name][run] = values[name][first - 1]
        elif kind == 4:
            for name in PRICES:
                values[name][run] = values["close"][first - 1]
            values["volume"][run] = 0
        elif kind == 5:
            values[rng.choice(PRICES)][first] = rng.choice([0.0, -1.0, 500.0, np.nan, np.inf])
        else:
            values["volume"][first] = rng.choice([-1.0, np.nan])


def _times(values: dict[str, np.ndarray], rows: slice | np.ndarray, factor: float) -> None:
    for name in PRICES:
        values[name][rows] *= factor
