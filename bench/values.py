"""Reading a lake, reading it as of a time, and comparing it with a full second look.

python -m bench values
"""

from __future__ import annotations

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
from bench.publish import OPEN, day_of_bars
from bench.table import Figure
from mend.reading import read

SYMBOLS, DAYS, TURNS = 500, 20, 15
DAY = OPEN.date()


def run() -> Sequence[Figure]:
    """The figures, each way in turn with the others."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_reading(Path(folder)), *_comparing(Path(folder))]


def _timed(ways: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Median seconds of each way; the ways take turns."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            took[name].append(time.perf_counter() - begun)
    return {name: median(seconds) for name, seconds in took.items()}


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

    took = _timed(
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
        Figure("the same rows by pyarrow.dataset", 1000 * took["bare"], "ms", told),
        Figure("minutemend.read of a day", took["read"] / took["bare"], "x", "over pyarrow.dataset", 1.2),
        Figure("the same as of a time", took["as_of"] / took["bare"], "x", "over pyarrow.dataset", 1.5),
    ]


def _comparing(folder: Path) -> list[Figure]:
    """A full second look at some weeks, in which 2 % of the bars say otherwise: the statement of `mend revisions`."""
    random = np.random.default_rng(7)
    for number in range(DAYS):
        bars = day_of_bars(SYMBOLS)
        later = pc.add(bars["minute"], pa.scalar(timedelta(days=number), pa.duration("ms")))
        bars = bars.set_column(1, BARS.field("minute"), later.cast(BARS.field("minute").type))
        restated = np.where(random.random(bars.num_rows) < 0.02, 0.5, 0.0) + bars["close"].to_numpy()
        for name, table in (("stored", bars), ("seen", bars.set_column(5, BARS.field("close"), pa.array(restated)))):
            (folder / name).mkdir(exist_ok=True)
            pq.write_table(table, folder / name / f"{number:02}.parquet", compression="zstd")
    db = duckdb.connect()
    for name in ("stored", "seen"):
        db.execute(f"CREATE VIEW {name} AS FROM read_parquet('{folder / name}/*.parquet')")
    sums = ", ".join(f"sum({value})" for value in VALUES)
    scan = f"SELECT sum(length(symbol)), sum(epoch_ms(minute)), {sums} FROM"
    took = _timed(
        {
            "scan": lambda: [db.execute(f"{scan} {name}").fetchall() for name in ("stored", "seen")],
            "compare": lambda: db.execute(comparison()).fetchnumpy(),
        },
        5,
    )
    told = f"{DAYS} days of {SYMBOLS} symbols, {DAYS * SYMBOLS * 390:,} bars on each side"
    return [
        Figure("bare scan of both sides", took["scan"], "s", told),
        Figure("a full second look compared", took["compare"] / took["scan"], "x", "over the bare scan", 10),
    ]
