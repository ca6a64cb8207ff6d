"""The audit's question put to DuckDB: the same statement as Athena's, over files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from minutemend.contract import COLUMNS, Table
from minutemend.core.data_check import Answered, DataCheck, Question, check_data, hours_around, parts
from minutemend.core.data_check_sql import timestamp_sql
from minutemend.core.gaps import Gaps
from minutemend.core.hours import SLOTS, Hours, expected_hours
from minutemend.core.minutes import Range, from_epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

AT_ONCE = 200_000  # symbol-days: some 240 MB; a year of 500 symbols is one part
_TYPES = {"string": "VARCHAR", "int": "INTEGER", "bigint": "BIGINT", "timestamp": "TIMESTAMP", "double": "DOUBLE"}


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in a range, expected or not: rows, and distinct (symbol, minute) pairs."""

    rows: int
    pairs: int


class DuckDbLake:
    """The tables that the statement reads, in one DuckDB connection.

    `bars` is a SELECT of symbol, minute (UTC, without zone) and dt; `cadence` is in minutes.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        bars: str,
        listings: Sequence[Listing],
        sessions: Sequence[Session],
        cadence: int = 1,
        threads: int = 0,
    ) -> None:
        self.connection = connection
        self._listings, self.sessions, self._cadence = listings, list(sessions), cadence
        connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        if threads:
            connection.execute(f"SET threads = {threads}")
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {Table.BARS} AS {bars}")
        put_rows(connection, Table.SYMBOLS, _listing_columns(listings))
        put_rows(connection, Table.HOURS, hour_columns(expected_hours(sessions, cadence=cadence)))

    def check(self, window: Range, symbols: Sequence[str] | None = None) -> DataCheck:
        """Gaps and totals of the window; where it is long, part by part, so that memory does not grow with it."""
        count = len(symbols) if symbols is not None else len(self._listings)
        found = [self._check(part, symbols) for part in parts(window, max(1, AT_ONCE // max(1, count)))]
        return DataCheck(
            Gaps.joined(one.gaps for one in found),
            *(
                sum(getattr(one, name) for one in found)
                for name in ("expected_bars", "expected_minutes", "present_bars")
            ),
        )

    def stored(self, window: Range) -> Stored:
        """How much lies in the window for the symbols of interest. Rows off the whole minute are not counted."""
        start, end = (timestamp_sql(instant) for instant in (window.start, window.end))
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

    def _check(self, window: Range, symbols: Sequence[str] | None) -> DataCheck:
        around = hours_around(window)
        sessions = [one for one in self.sessions if one.open < around.end and one.close > around.start]
        return check_data(self._ask, Question(window, self._listings, sessions, symbols, self._cadence))

    def _ask(self, sql: str) -> Answered:
        return Answered.from_columns(self.connection.execute(sql).fetchnumpy())


def put_rows(connection: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[Sequence[Any]]) -> None:
    """Make the temporary table of these columns, as `contract.COLUMNS` has them."""
    fields = ", ".join(f'"{name}" {_TYPES[kind]}' for name, kind in COLUMNS[table])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({fields})")
    values = ", ".join(f"unnest(?::{_TYPES[kind]}[])" for _, kind in COLUMNS[table])
    connection.execute(f"INSERT INTO {table} SELECT {values}", [list(column) for column in columns])


def hour_columns(hours: Hours) -> list[list[Any]]:
    """The rows of the `hours` table, by column, as Python values; instants are naive, in UTC."""
    begin = [from_epoch_minute(hour * SLOTS).replace(tzinfo=None) for hour in hours.hour.tolist()]
    numbers = (column.tolist() for column in (hours.bars, hours.word, hours.low, hours.high))
    return [list(hours.calendar), hours.dt, begin, *numbers, ["these"] * len(hours)]


def quoted(text: str) -> str:
    """The text for the inside of a single-quoted SQL literal (DuckDB takes no parameters in a view)."""
    return text.replace("'", "''")


def _listing_columns(listings: Sequence[Listing]) -> list[list[Any]]:
    dates = ((one.listed, one.delisted) for one in listings)
    texts = [[day.isoformat() if day else None for day in pair] for pair in dates]
    return [
        [one.symbol for one in listings],
        [one.calendar for one in listings],
        [listed for listed, _ in texts],
        [delisted for _, delisted in texts],
    ]
