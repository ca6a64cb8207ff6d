"""The benchmarks' lake: seeded, 500 symbols, one sorted zstd Parquet file a day, 2% of symbol-days holed.

Built once under `.build/bench` (git-ignored) and reused; a change of the recipe is a change of `RECIPE`.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from minutemend.contract import Table
from minutemend.core.hours import expected_hours
from minutemend.services.evidence_rows import row_of
from minutemend.services.tables import from_rows, hours_table

from bench.audit_ways import FIRST_YEAR

RECIPE = "2"
ROOT = Path(__file__).resolve().parent.parent / ".build" / "bench"
SEED = 20260101
HOLED = 0.02  # share of symbol-days
CALENDAR = "XNYS"
SYMBOLS = 500


@dataclass(frozen=True, slots=True)
class BenchLake:
    """A lake on disk: `bars/dt=…/day.parquet`, a file each of sessions, hours and symbols, and what was left out."""

    root: Path
    rows: int
    missing: int  # minutes


def build() -> BenchLake:
    """The lake, made when it is not there yet: 500 symbols and a year are 49M rows."""
    from mend.calendars.known import calendar_named

    root = ROOT / f"lake-{RECIPE}-{SYMBOLS}x1"
    note = root / "done.txt"
    if note.exists():
        rows, missing = (int(part) for part in note.read_text().split())
        return BenchLake(root, rows, missing)
    names = tuple(f"S{number:04d}" for number in range(SYMBOLS))
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    pq.write_table(_symbols(names), root / "symbols.parquet")
    sessions = calendar_named(CALENDAR).sessions(date(FIRST_YEAR, 1, 1), date(FIRST_YEAR, 12, 31))
    pq.write_table(from_rows(map(row_of, sessions), Table.SESSIONS), root / "sessions.parquet")
    pq.write_table(hours_table(expected_hours(sessions), made_of="these"), root / "hours.parquet")
    rng = np.random.default_rng(SEED)
    rows = missing = 0
    begun = time.monotonic()
    for number, one in enumerate(sessions):
        day = _day(rng, names, np.datetime64(one.open.replace(tzinfo=None), "m"), one.minutes)
        rows += day.num_rows
        missing += len(names) * one.minutes - day.num_rows
        folder = root / "bars" / f"dt={one.dt}"
        folder.mkdir(parents=True)
        pq.write_table(day, folder / "day.parquet", compression="zstd", row_group_size=1_000_000)
        if number % 50 == 0:
            print(f"lake: day {number} of {len(sessions)}, {time.monotonic() - begun:.0f} s", flush=True)
    note.write_text(f"{rows} {missing}")
    return BenchLake(root, rows, missing)


def _symbols(names: tuple[str, ...]) -> pa.Table:
    n = len(names)
    return pa.table(
        {
            "symbol": pa.array(names),
            "calendar": pa.array([CALENDAR] * n),
            "listed": pa.nulls(n, pa.string()),
            "delisted": pa.nulls(n, pa.string()),
        }
    )


def _day(rng: np.random.Generator, names: tuple[str, ...], opened: np.datetime64, minutes: int) -> pa.Table:
    """One day of all symbols, sorted by symbol, minute. A holed symbol-day lacks single minutes, a run, or all."""
    n = len(names)
    keep = np.ones((n, minutes), dtype=bool)
    for holed in np.flatnonzero(rng.random(n) < HOLED):
        match rng.integers(10):
            case 0:
                keep[holed] = False
            case 1 | 2 | 3:
                start = rng.integers(minutes)
                keep[holed, start : start + rng.integers(2, 90)] = False
            case _:
                keep[holed, rng.choice(minutes, size=rng.integers(1, 6), replace=False)] = False
    flat = keep.ravel()
    count = int(flat.sum())
    close = np.round(100 + np.cumsum(rng.normal(0, 0.02, (n, minutes)), axis=1), 2).ravel()[flat]
    spread = np.round(rng.random(count) * 0.05, 2)
    minute = np.tile(opened + np.arange(minutes), n)[flat].astype("datetime64[ms]")
    codes = np.repeat(np.arange(n, dtype=np.int32), minutes)[flat]
    stamp = minute + np.timedelta64(60_000, "ms")
    return pa.table(
        {
            "symbol": pa.DictionaryArray.from_arrays(codes, pa.array(names)),
            "minute": minute,
            "open": np.roll(close, 1),
            "high": close + spread,
            "low": close - spread,
            "close": close,
            "volume": rng.integers(1, 5000, count).astype(np.float64),
            "source": pa.DictionaryArray.from_arrays(np.zeros(count, dtype=np.int8), pa.array(["bench"])),
            "repair_id": pa.nulls(count, pa.string()),
            "captured_at": stamp,
        }
    )
