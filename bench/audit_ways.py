"""The ways to find the missing minutes of a lake, each a whole process: `python -m bench.audit_ways WAY LAKE [DAYS]`.

Every way reads the same files and counts the minutes that it found missing; it prints that count.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FIRST_YEAR = 2021  # of the benchmarks' lake; here, for a way imports nothing but what it needs itself
THREADS = 2
# The limit: read the two columns and do next to nothing with them.
BARE = "SELECT sum(length(symbol)), sum(date_diff('minute', TIMESTAMP '1970-01-01', minute)) FROM bars"


def connect(lake: Path, days: int) -> Any:
    """DuckDB over the first `days` of the lake."""
    import duckdb
    from minutemend.core.data_check_sql import ON_DUCKDB

    connection = duckdb.connect()
    connection.execute(ON_DUCKDB)
    connection.execute(f"SET TimeZone = 'UTC'; SET threads = {THREADS}; SET preserve_insertion_order = false")
    connection.execute(
        f"CREATE VIEW bars AS SELECT symbol, minute, dt FROM read_parquet('{lake}/bars/*/*.parquet', "
        f"hive_partitioning = true, hive_types = {{'dt': VARCHAR}}) WHERE dt < '{_end(days):%Y-%m-%d}'"
    )
    for table in ("sessions", "symbols", "hours"):
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{lake}/{table}.parquet')")
    return connection


def _end(days: int) -> datetime:
    return datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) + timedelta(days=days)


def _scalar(connection: Any, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0])


def ours(lake: Path, days: int) -> int:
    """`generate_data_check_query` through DuckDB, ranges in hand."""
    return int(audit(connect(lake, days), days).minutes)


def audit(connection: Any, days: int) -> Any:
    """The gaps of the first `days`: the audit's question put to DuckDB."""
    from datetime import date

    from minutemend.core.data_check import Answered, Question, check_data
    from minutemend.core.minutes import Range
    from minutemend.core.sessions import Session
    from minutemend.core.symbols import Listing

    rows = connection.execute("SELECT calendar, dt, open, close FROM sessions").fetchall()
    sessions = [
        Session(calendar, date.fromisoformat(dt), opened.replace(tzinfo=UTC), closed.replace(tzinfo=UTC))
        for calendar, dt, opened, closed in rows
    ]
    listings = [Listing(*row) for row in connection.execute("SELECT symbol, calendar FROM symbols").fetchall()]
    window = Range(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), _end(days))

    def ask(sql: str) -> Answered:
        return Answered.from_columns(connection.execute(sql).fetchnumpy())

    return check_data(ask, Question(window, listings, sessions))


def grid(lake: Path, days: int) -> int:
    """The original: every minute of every day of every symbol, EXCEPT what is there. Counts nights and holidays too.

    What it calls missing is filtered by the sessions afterwards, outside the measured idea, to check the count.
    """
    connection = connect(lake, days)
    connection.execute(
        f"""CREATE TEMP TABLE missing AS
        SELECT symbol, minute FROM symbols CROSS JOIN (
            SELECT unnest(generate_series(TIMESTAMP '{FIRST_YEAR}-01-01', TIMESTAMP '{_end(days):%Y-%m-%d}'
                          - INTERVAL 1 MINUTE, INTERVAL 1 MINUTE)) AS minute)
        EXCEPT SELECT symbol, minute FROM bars"""
    )
    return _scalar(connection, "SELECT count(*) FROM missing m JOIN sessions s ON minute >= open AND minute < close")


def calendar(lake: Path, days: int) -> int:
    """EXCEPT over the minutes of the sessions alone."""
    connection = connect(lake, days)
    sql = f"""SELECT count(*) FROM (
        SELECT symbol, minute FROM symbols CROSS JOIN (
            SELECT unnest(generate_series(open, close - INTERVAL 1 MINUTE, INTERVAL 1 MINUTE)) AS minute
            FROM sessions WHERE dt < '{_end(days):%Y-%m-%d}')
        EXCEPT SELECT symbol, minute FROM bars)"""
    return _scalar(connection, sql)


def pandas(lake: Path, days: int) -> int:
    """Reindex each symbol over the expected minutes."""
    import numpy as np
    import pandas as pd

    files = [path for path in sorted(lake.glob("bars/*/*.parquet")) if path.parent.name < f"dt={_end(days):%Y-%m-%d}"]
    frame = pd.concat([pd.read_parquet(path, columns=["symbol", "minute"], partitioning=None) for path in files])
    sessions = pd.read_parquet(lake / "sessions.parquet")
    sessions = sessions[sessions["dt"] < f"{_end(days):%Y-%m-%d}"]
    spans = zip(sessions["open"], sessions["close"], strict=True)
    expected = pd.DatetimeIndex(np.concatenate([pd.date_range(a, b, freq="min", inclusive="left") for a, b in spans]))
    missing = 0
    there = dict(tuple(frame.groupby("symbol", observed=True)["minute"]))
    for symbol in pd.read_parquet(lake / "symbols.parquet")["symbol"]:
        present = pd.Series(True, index=pd.DatetimeIndex(there[symbol])) if symbol in there else pd.Series(dtype=bool)
        missing += int(present.reindex(expected).isna().sum())
    return missing


def polars(lake: Path, days: int) -> int:
    """Anti-join of symbols x expected minutes with the bars, lazily."""
    import polars as pl

    last = f"{_end(days):%Y-%m-%d}"
    bars = pl.scan_parquet(f"{lake}/bars/*/*.parquet", hive_partitioning=True, try_parse_hive_dates=False)
    bars = bars.filter(pl.col("dt") < last).select(pl.col("symbol").cast(pl.String), "minute")
    expected = (
        pl.scan_parquet(lake / "sessions.parquet")
        .filter(pl.col("dt") < last)
        .select(pl.datetime_ranges("open", "close", interval="1m", closed="left").alias("minute"))
        .explode("minute")
        .join(pl.scan_parquet(lake / "symbols.parquet").select("symbol"), how="cross")
    )
    return int(expected.join(bars, on=["symbol", "minute"], how="anti").select(pl.len()).collect().item())


WAYS: dict[str, Callable[[Path, int], int]] = {way.__name__: way for way in (ours, grid, calendar, pandas, polars)}

if __name__ == "__main__":
    print(WAYS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3])))
