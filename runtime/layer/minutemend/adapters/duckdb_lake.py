"""The audit's question put to DuckDB: the same SQL text as Athena's, over files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import pairwise
from typing import Any

import duckdb

from minutemend.contract import COLUMNS, PARTITION, UNPARTITIONED, Table
from minutemend.core.data_check import Columns, DataCheck, check_data
from minutemend.core.minutes import Range
from minutemend.core.symbols import Listing

AT_ONCE = 200_000  # symbol-days: some 240 MB; a year of 500 symbols is one part
_TYPES = {"string": "VARCHAR", "int": "INTEGER", "timestamp": "TIMESTAMP", "double": "DOUBLE"}


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in a range, expected or not: rows, and distinct (symbol, minute) pairs."""

    rows: int
    pairs: int


class DuckDbLake:
    """The tables that the audit reads, as views of one DuckDB connection. Tables not given are empty.

    Each of `views` is a SELECT with the columns of its table in `contract.COLUMNS` (`bars` needs symbol, minute
    and dt alone). `cadence` is in minutes.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        views: dict[Table, str],
        cadence: int = 1,
        threads: int = 0,
    ) -> None:
        self.connection = connection
        self._cadence = cadence
        connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        if threads:
            connection.execute(f"SET threads = {threads}")
        for table in (Table.BARS, Table.SESSIONS, Table.SYMBOLS, Table.ABSENCES):
            connection.execute(f"CREATE OR REPLACE VIEW {table} AS {views.get(table) or _empty(table)}")

    def check(self, window: Range, symbols: Sequence[str] | None = None) -> DataCheck:
        """Gaps and totals of the window; where it is long, part by part, so that memory does not grow with it."""
        row = self.connection.execute(f"SELECT count(*) FROM {Table.SYMBOLS}").fetchone()  # noqa: S608
        count = len(symbols) if symbols is not None else row[0] if row else 0
        days = max(1, AT_ONCE // max(1, count))
        return DataCheck.joined(
            check_data(self._ask, part, symbols=symbols, cadence=self._cadence) for part in parts(window, days)
        )

    def stored(self, window: Range) -> Stored:
        """How much lies in the window for the symbols of interest. Rows off the whole minute are not counted."""
        start, end = (_literal(instant) for instant in (window.start, window.end))
        row = self.connection.execute(
            f"""
            SELECT coalesce(sum(n), 0), coalesce(sum(pairs), 0) FROM (
                SELECT count(*) AS n, bit_count(bit_or(CAST(1 AS UBIGINT) << CAST(minute(minute) AS UBIGINT))) AS pairs
                FROM {Table.BARS}
                WHERE minute >= {start} AND minute < {end} AND microsecond(minute) = 0
                  AND symbol IN (SELECT symbol FROM {Table.SYMBOLS})
                GROUP BY symbol, date_trunc('hour', minute)
            )"""  # noqa: S608 (table names and instants of our own)
        ).fetchone()
        return Stored(*(int(number) for number in row or (0, 0)))

    def _ask(self, sql: str) -> Columns:
        result = self.connection.execute(sql)
        names = [column[0] for column in result.description]
        return dict(zip(names, zip(*result.fetchall(), strict=True), strict=True))  # one row at least: the totals


def parts(window: Range, days: int) -> list[Range]:
    """The window cut at midnights (UTC) into as few parts of at most so many dates as there can be, about as long."""
    dates = list(window.dates())
    longest = math.ceil(len(dates) / math.ceil(len(dates) / days))
    cuts = [datetime.combine(date, time(), UTC) for date in dates[longest::longest]]
    return [Range(start, end) for start, end in pairwise([window.start, *cuts, window.end])]


def parquet_table(table: Table, files: str, *, hive: bool = True) -> str:
    """The SELECT over Parquet files (a glob) in the lake's own layout, for `views`."""
    partitioned = table not in UNPARTITIONED and hive
    names = ", ".join(f'"{name}"' for name, _ in (*COLUMNS[table], *([(PARTITION, "string")] if partitioned else [])))
    options = f", hive_partitioning = true, hive_types = {{'{PARTITION}': VARCHAR}}" if partitioned else ""
    return f"SELECT {names} FROM read_parquet('{quoted(files)}'{options})"  # noqa: S608


def put_symbols(connection: duckdb.DuckDBPyConnection, listings: Iterable[Listing]) -> str:
    """Keep the symbols of interest in the connection; the SELECT for `views`."""
    rows: list[list[Any]] = [
        [one.symbol, one.calendar, *(day.isoformat() if day else None for day in (one.listed, one.delisted))]
        for one in listings
    ]
    columns = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in COLUMNS[Table.SYMBOLS])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE given_symbols ({columns})")
    connection.execute(
        "INSERT INTO given_symbols SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), "
        "unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
        [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []],
    )
    return "SELECT * FROM given_symbols"


def quoted(text: str) -> str:
    """The text for the inside of a single-quoted SQL literal (DuckDB takes no parameters in a view)."""
    return text.replace("'", "''")


def _empty(table: Table) -> str:
    columns = [*COLUMNS[table], *([(PARTITION, "string")] if table not in UNPARTITIONED else [])]
    nulls = ", ".join(f'CAST(NULL AS {_TYPES[kind]}) AS "{name}"' for name, kind in columns)
    return f"SELECT {nulls} WHERE false"


def _literal(instant: datetime) -> str:
    return f"TIMESTAMP '{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"
