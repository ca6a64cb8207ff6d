"""Reading a lake, reading it as of a time, and comparing it with a full second look.

python -m bench values
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from minutemend.core.bars import BARE, BARS, KNOWN, VALUES
from minutemend.services.lake import Lake
from minutemend.views import comparison

from bench.memory import MemoryStore
from bench.process import Took, took
from bench.publish import OPEN, day_of_bars
from bench.table import Figure
from mend.reading import read

SYMBOLS, DAYS, TURNS = 500, 252, 15
DAY = OPEN.date()


def run() -> Sequence[Figure]:
    """The figures, each way in turn with the others."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_reading(Path(folder)), *_comparing(Path(folder))]


def _timed(ways: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Median seconds of each way; the ways take turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begun)
    return {name: median(seconds) for name, seconds in times.items()}


def _reading(folder: Path) -> list[Figure]:
    known = pa.scalar(OPEN.replace(tzinfo=None) + timedelta(hours=12), pa.timestamp("ms"))
    bars = day_of_bars(SYMBOLS)
    store = MemoryStore()
    Lake(store).put_compacted(
        bars.append_column(KNOWN.field("known_since"), pa.repeat(known, bars.num_rows)), day=DAY, hour=None
    )
    (key,) = (stored.key for stored in store.list("bars/"))
    (folder / key).parent.mkdir(parents=True)
    (folder / key).write_bytes(store.get(key) or b"")

    def bare() -> pa.Table:
        files = ds.dataset(folder / "bars", partitioning="hive")
        return files.to_table(columns=BARE.names, filter=pc.field("dt") == DAY.isoformat())

    times = _timed(
        {
            "bare": bare,
            "read": lambda: read(folder, None, DAY.isoformat()),
            "as_of": lambda: read(folder, None, DAY.isoformat(), as_of=(DAY + timedelta(days=3)).isoformat()),
        },
        TURNS,
    )
    assert read(folder, None, DAY.isoformat()).num_rows == bare().num_rows
    told = f"{bars.num_rows:,} rows; median of {TURNS} turns"
    return [
        Figure("the same rows by pyarrow.dataset", 1000 * times["bare"], "ms", told),
        Figure("minutemend.read of a day", times["read"] / times["bare"], "x", "over pyarrow.dataset", 1.2),
        Figure("the same as of a time", times["as_of"] / times["bare"], "x", "over pyarrow.dataset", 1.5),
    ]


def _comparing(folder: Path) -> list[Figure]:
    """A full second look at a year, in which 2 % of the bars say otherwise: the statement of `mend revisions`, date by
    date as it asks it. Each turn is a process of its own."""
    random = np.random.default_rng(7)
    first = day_of_bars(SYMBOLS)
    for number in range(DAYS):
        later = pc.add(first["minute"], pa.scalar(timedelta(days=number), pa.duration("ms")))
        bars = first.set_column(1, BARS.field("minute"), later.cast(BARS.field("minute").type))
        restated = np.where(random.random(bars.num_rows) < 0.02, 0.5, 0.0) + bars["close"].to_numpy()
        for name, table in (("stored", bars), ("seen", bars.set_column(5, BARS.field("close"), pa.array(restated)))):
            (folder / name).mkdir(exist_ok=True)
            pq.write_table(table, folder / name / f"{number:03}.parquet", compression="zstd")
    ways: dict[str, list[Took]] = {"scan": [], "compare": []}
    for _ in range(2):
        for name, turns in ways.items():
            turns.append(took([sys.executable, "-m", "bench.values", name, str(folder)]))
    scan, compare = (median(one.seconds for one in turns) for turns in ways.values())
    told = f"{DAYS} days of {SYMBOLS} symbols, {DAYS * first.num_rows:,} bars on each side"
    peak = max(one.megabytes for one in ways["compare"])
    return [
        Figure("bare scan of both sides", scan, "s", told),
        Figure("a full second look compared", compare / scan, "x", "over the bare scan", 10),
        Figure("the same: peak memory", peak, "MB", "the whole process", 1000),
    ]


def scan(folder: Path) -> None:
    """Read what is compared."""
    sums = ", ".join(f"sum({value})" for value in VALUES)
    for name in ("stored", "seen"):
        files = f"read_parquet('{folder / name}/*.parquet')"
        duckdb.execute(f"SELECT sum(length(symbol)), sum(epoch_ms(minute)), {sums} FROM {files}").fetchall()


def compare(folder: Path) -> None:
    """Compare each date."""
    for file in sorted((folder / "stored").iterdir()):
        for name in ("stored", "seen"):
            duckdb.execute(f"CREATE OR REPLACE VIEW {name} AS FROM read_parquet('{folder / name / file.name}')")
        assert duckdb.execute(comparison()).to_arrow_table().num_rows > 0


if __name__ == "__main__":
    {"scan": scan, "compare": compare}[sys.argv[1]](Path(sys.argv[2]))
