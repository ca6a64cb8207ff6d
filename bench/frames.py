"""Results to frames: SQL text in, pandas frame out, beside awswrangler and PyAthena, on one HTTP stub.

Each way is one call that submits, waits, fetches and makes the frame; imports and clients are made before. The
ways take turns, and a row's figure is the best of its turns: the machine's noise only ever adds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pandas as pd

from bench.athena_stub import BUCKET, COLUMNS
from bench.table import Figure, render

SIZES = {1_000: 25, 100_000: 25, 1_000_000: 9}  # rows -> turns
LIMITS = {1_000: 1.0, 100_000: 1.0, 1_000_000: 1.2}  # of our fastest to the fastest of theirs, UNLOAD and all
OURS = "minutemend"
STAGING = f"s3://{BUCKET}/athena/"
Way = Callable[[str], pd.DataFrame]


@contextmanager
def stub() -> Iterator[str]:
    """The URL of a running stub, a process of its own."""
    command = [sys.executable, "-m", "bench.athena_stub", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


def ways(url: str) -> dict[str, Way]:
    """Every way by its name."""
    os.environ.update(
        AWS_ENDPOINT_URL=url,
        AWS_ENDPOINT_URL_S3=url,
        AWS_ACCESS_KEY_ID="stub",
        AWS_SECRET_ACCESS_KEY="stub",  # noqa: S106
        AWS_DEFAULT_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true",
    )
    return {**_minutemend(), **_awswrangler(), **_pyathena(url)}


def _minutemend() -> dict[str, Way]:
    from minutemend.adapters.athena import get_athena_query_results, run_athena_query

    athena, s3 = boto3.client("athena"), boto3.client("s3")
    turns = iter(range(10**9))

    def run(sql: str, **options: Any) -> pd.DataFrame:
        done = run_athena_query(
            sql,
            athena=athena,
            workgroup="primary",
            database="lake",
            token=f"turn {next(turns)}",
            deadline=time.monotonic() + 60,
            **options,
        )
        return get_athena_query_results(done, athena=athena, s3=s3)

    return {OURS: run, f"{OURS} UNLOAD": lambda sql: run(sql, unload_to=f"s3://{BUCKET}/unload/")}


def _awswrangler() -> dict[str, Way]:
    import awswrangler as wr

    session = boto3.Session()
    common: dict[str, Any] = {
        "database": "lake",
        "ctas_approach": False,
        "boto3_session": session,
        "workgroup": "primary",
        "athena_query_wait_polling_delay": 0.05,
    }

    def regular(sql: str) -> pd.DataFrame:
        return wr.athena.read_sql_query(sql, s3_output=STAGING, **common)

    def unload(sql: str) -> pd.DataFrame:
        folder = f"s3://{BUCKET}/unload/{time.monotonic_ns()}/"
        return wr.athena.read_sql_query(sql, s3_output=folder, unload_approach=True, **common)

    return {"awswrangler": regular, "awswrangler UNLOAD": unload}


def _pyathena(url: str) -> dict[str, Way]:
    from pyarrow import fs
    from pyathena import connect
    from pyathena.arrow.cursor import ArrowCursor
    from pyathena.arrow.result_set import AthenaArrowResultSetMetadataReader as ArrowReader
    from pyathena.cursor import Cursor
    from pyathena.pandas.cursor import PandasCursor

    # Arrow's own S3 client takes the stub's address as an argument alone, and PyAthena has no way to pass one.
    there = {"endpoint_override": url, "region": "us-east-1", "access_key": "stub", "secret_key": "stub"}
    ArrowReader._create_s3_file_system = lambda _: fs.S3FileSystem(**there)  # type: ignore[method-assign]
    connection = connect(s3_staging_dir=STAGING, region_name="us-east-1", schema_name="lake", poll_interval=0.05)

    def plain(sql: str) -> pd.DataFrame:
        cursor = connection.cursor(Cursor).execute(sql)
        return pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description or ()])

    def pandas(sql: str, **options: Any) -> pd.DataFrame:
        return connection.cursor(PandasCursor, **options).execute(sql).as_pandas()

    def arrow(sql: str, **options: Any) -> pd.DataFrame:
        return connection.cursor(ArrowCursor, **options).execute(sql).as_arrow().to_pandas()

    return {
        "PyAthena": plain,
        "PyAthena Pandas": pandas,
        "PyAthena Arrow": arrow,
        "PyAthena Pandas UNLOAD": lambda sql: pandas(sql, unload=True),
        "PyAthena Arrow UNLOAD": lambda sql: arrow(sql, unload=True),
    }


def measure(rows: int, turns: int, ways: dict[str, Way]) -> dict[str, float]:
    """Best seconds of each way for that many rows. Every frame is checked once before anything is measured."""
    names = ", ".join(name for name, _ in COLUMNS)
    sql = f"SELECT {names} FROM bars /* rows={rows} */"
    contest = {name: way for name, way in ways.items() if name != "PyAthena" or rows <= 1_000}
    whole = contest[OURS](sql)
    for name, way in contest.items():
        _check(name, way(sql), whole, rows)
    best = dict.fromkeys(contest, float("inf"))
    for _ in range(turns):
        for name, way in contest.items():
            begun = time.perf_counter()
            way(sql)
            best[name] = min(best[name], time.perf_counter() - begun)
    return best


def _check(name: str, frame: pd.DataFrame, ours: pd.DataFrame, rows: int) -> None:
    """The way did the whole work: all rows, typed columns, the same sums."""
    assert len(frame) == len(ours) == rows, f"{name}: {len(frame)} rows"
    assert list(frame.columns) == [column for column, _ in COLUMNS], f"{name}: {list(frame.columns)}"
    for column in ("close", "volume"):
        assert abs(frame[column].astype(float).sum() - ours[column].astype(float).sum()) < 1e-3, f"{name}: {column}"
    ends = [pd.Timestamp(frame["minute"].max()).tz_localize(None), ours["minute"].max().tz_localize(None)]
    assert ends[0] == ends[1], f"{name}: {ends}"


def run() -> list[Figure]:
    """Every way at every size, and how ours stands to the fastest of theirs."""
    found = []
    with stub() as url:
        contest = ways(url)
        for rows, turns in SIZES.items():
            best = measure(rows, turns, contest)
            ours, theirs = (
                min(((seconds, name) for name, seconds in best.items() if name.startswith(OURS) is mine), default=None)
                for mine in (True, False)
            )
            assert ours is not None
            assert theirs is not None
            for name, seconds in sorted(best.items(), key=lambda item: item[1]):
                ratio = f"{seconds / ours[0]:.2f} times our fastest"
                found.append(Figure(f"{rows:,} rows to a frame: {name}", seconds * 1000, "ms", ratio))
            stands = f"{ours[1]} over {theirs[1]}"
            found.append(Figure(f"{rows:,} rows to a frame", ours[0] / theirs[0], "x", stands, limit=LIMITS[rows]))
    return found


if __name__ == "__main__":
    print(render(run()))
