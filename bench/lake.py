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
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from minutemend.contract import Table
from minutemend.core.hours import expected_hours
from minutemend.core.minutes import epoch_minute
from minutemend.core.symbols import Listing
from minutemend.services.evidence_rows import row_of
from minutemend.services.tables import from_rows, hours_table

from bench.audit_ways import FIRST_YEAR
from bench.bars import walked

RECIPE = "3"
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
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    listings = [Listing(f"S{number:04d}", CALENDAR) for number in range(SYMBOLS)]
    pq.write_table(from_rows(map(row_of, listings), Table.SYMBOLS), root / "symbols.parquet")
    sessions = calendar_named(CALENDAR).sessions(date(FIRST_YEAR, 1, 1), date(FIRST_YEAR, 12, 31))
    pq.write_table(from_rows(map(row_of, sessions), Table.SESSIONS), root / "sessions.parquet")
    pq.write_table(hours_table(expected_hours(sessions), made_of="these"), root / "hours.parquet")
    rng = np.random.default_rng(SEED)
    rows = missing = 0
    begun = time.monotonic()
    for number, one in enumerate(sessions):
        minutes = epoch_minute(one.open) + np.arange(one.minutes)
        day = walked(rng, SYMBOLS, minutes).filter(pa.array(_kept(rng, one.minutes)))
        rows += day.num_rows
        missing += SYMBOLS * one.minutes - day.num_rows
        folder = root / "bars" / f"dt={one.dt}"
        folder.mkdir(parents=True)
        pq.write_table(day, folder / "day.parquet", compression="zstd", row_group_size=1_000_000)
        if number % 50 == 0:
            print(f"lake: day {number} of {len(sessions)}, {time.monotonic() - begun:.0f} s", flush=True)
    note.write_text(f"{rows} {missing}")
    return BenchLake(root, rows, missing)


def _kept(rng: np.random.Generator, minutes: int) -> npt.NDArray[np.bool_]:
    """Which bars of a day there are, symbol by symbol. A holed symbol-day lacks single minutes, a run, or all."""
    keep = np.ones((SYMBOLS, minutes), dtype=bool)
    for holed in np.flatnonzero(rng.random(SYMBOLS) < HOLED):
        match rng.integers(10):
            case 0:
                keep[holed] = False
            case 1 | 2 | 3:
                start = rng.integers(minutes)
                keep[holed, start : start + rng.integers(2, 90)] = False
            case _:
                keep[holed, rng.choice(minutes, size=rng.integers(1, 6), replace=False)] = False
    return keep.ravel()
