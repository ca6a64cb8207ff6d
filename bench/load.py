"""`mend load` of ten million rows from Parquet, beside `awswrangler.s3.to_parquet` of the same on the same local S3.

`python -m bench load` runs it. Both are whole processes, imports and reading with them, and write one partition a date.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from minutemend.core.bars import BARE
from minutemend.core.minutes import Range, from_epoch_minute

from bench.bars import walked
from bench.process import MEND, took
from bench.stage import stage
from bench.table import Figure

ROWS, SYMBOLS = 10_023_000, 100  # 257 days of 390 minutes
FIRST = 27_600_000 // 1440 * 1440 + 870  # the first day's open, an epoch minute
THEIRS = """
import sys, awswrangler, pandas
frame = pandas.read_parquet(sys.argv[1])
frame["dt"] = frame["minute"].dt.strftime("%Y-%m-%d")
options = dict(dataset=True, partition_cols=["dt"], compression="zstd", mode="overwrite_partitions")
awswrangler.s3.to_parquet(frame, sys.argv[2], **options)
"""


def run() -> Iterator[Figure]:
    """Every figure, in the order in which a person reads them."""
    with tempfile.TemporaryDirectory() as folder, stage() as (opened, _, held):
        days = write(Path(folder))
        mend = [MEND, "load", folder, "--stage", opened.option, "--zone", "UTC"]
        bucket = f"s3://{opened.output('ResultsBucket')}/athena/theirs/"
        other, first = took([sys.executable, "-c", THEIRS, folder, bucket], held.environment), took(mend)
        written = objects(opened)
        again = took(mend)
        beside = f"{first.seconds:.1f} s, {ROWS / first.seconds:,.0f} rows a second; awswrangler {other.seconds:.1f} s"
        yield Figure(
            f"load {ROWS:,} rows from Parquet: time to awswrangler's", first.seconds / other.seconds, "x", beside, 1
        )
        beside = f"{first.megabytes:,.0f} MB; awswrangler {other.megabytes:,.0f} MB"
        yield Figure("the same: peak memory to awswrangler's", first.megabytes / other.megabytes, "x", beside)
        missing = ROWS - sum(opened.lake.read_bars(day).num_rows for day in days)
        yield Figure("the same: rows that are not there", missing, "", f"of {ROWS:,}", 0)
        changed = len(written ^ objects(opened))
        yield Figure(
            "loaded once more: objects that change", changed, "", f"of {len(written):,}; {again.seconds:.1f} s", 0
        )


def write(folder: Path) -> list[Range]:
    """The bars of 100 symbols as Parquet, a file for each 64 days; the days."""
    dice = np.random.default_rng(20261129)
    each = ROWS // (SYMBOLS * 390)
    for first in range(0, each, 64):
        days = np.arange(first, min(first + 64, each))
        minutes = (FIRST + 1440 * days[:, None] + np.arange(390)).ravel()
        bars = walked(dice, SYMBOLS, minutes).select(BARE.names)
        pq.write_table(bars, folder / f"{first:04}.parquet")
    return [Range(*(from_epoch_minute(FIRST + 1440 * day + edge) for edge in (0, 390))) for day in range(each)]


def objects(opened: Any) -> set[tuple[str, str]]:
    """Key and etag of every object of bars."""
    return {(one.key, one.etag) for one in opened.lake.store.list("bars/")}
