"""The audit's statement: which minutes of which hours are not stored. One text for Athena and DuckDB.

Bars are grouped by symbol and clock hour. The minutes of an hour are one number, its word: minute i is the bit 2**i, so
that it counts once, however often it is stored. An hour comes back when its word lacks bits that its session expects,
with those bits. `core/data_check.py` makes gaps of them.

The last row has no symbol: it counts the minutes that the statement itself took for due. The layer compares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time

from minutemend.contract import PARTITION, Table
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, hours_around
from minutemend.core.symbols import valid_symbols

RESULT_COLUMNS = ("symbol", "dt", "hour", "missing")

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,127}")
# What DuckDB has under other names. It runs before the statement.
ON_DUCKDB = """\
CREATE OR REPLACE TEMP MACRO bitwise_or_agg(word) AS bit_or(word);
CREATE OR REPLACE TEMP MACRO bitwise_and(word, other) AS word & other;
CREATE OR REPLACE TEMP MACRO bitwise_left_shift(word, places) AS word << places;
"""

STATEMENT = """\
WITH interested AS (
    SELECT DISTINCT symbol, calendar, listed, delisted FROM {symbols} {named}
),
due AS (
    SELECT y.symbol, e.dt, e.hour, e.word, e.bars
    FROM {hours} AS e JOIN interested y ON y.calendar = e.calendar
    WHERE e.hour > {start} - INTERVAL '1' HOUR AND e.hour < {end}
      AND (y.listed IS NULL OR e.dt >= y.listed) AND (y.delisted IS NULL OR e.dt < y.delisted)
),
stored AS (
    SELECT symbol, date_trunc('hour', minute) AS hour,
           bitwise_or_agg(bitwise_left_shift(CAST(1 AS bigint), CAST(minute(minute) AS integer))) AS word
    FROM {bars}
    GROUP BY symbol, date_trunc('hour', minute)
),
graded AS (
    SELECT d.symbol, d.dt, d.hour, d.word - coalesce(bitwise_and(s.word, d.word), 0) AS missing
    FROM due d LEFT JOIN stored s ON s.symbol = d.symbol AND s.hour = d.hour
)
SELECT symbol, dt, hour, missing FROM graded WHERE missing <> 0
UNION ALL
SELECT CAST(NULL AS varchar), CAST(NULL AS varchar), CAST(NULL AS timestamp), CAST(sum(bars) AS bigint) FROM due
"""


def generate_data_check_query(
    window: Range, *, symbols: Sequence[str] | None = None, database: str | None = None
) -> str:
    """The text that finds the hours of `window` that are not whole (see `RESULT_COLUMNS`).

    It reads `bars` (symbol, minute, dt), `hours` and `symbols` of `contract.COLUMNS`, in `database` when that is
    given. `symbols` narrows the symbols of interest. Hours are asked for whole: what the window cuts off them is the
    layer's to leave out. Rows off the whole minute count for nothing.
    Raises BadInput for a bad symbol or database.
    """
    if database is not None and not _IDENTIFIER.fullmatch(database):
        raise BadInput(f"the database is {database!r}: small letters, digits and _ would be right")
    names = {table: f'"{database}".{table}' if database else str(table) for table in Table}
    only = ""
    if symbols is not None:
        listed = ", ".join(f"'{symbol}'" for symbol in valid_symbols(symbols))
        if not listed:
            raise BadInput("the list of symbols is empty: at least one symbol would be right, or none given at all")
        only = f"symbol IN ({listed})"
    days = list(window.dates())
    hours = hours_around(window)
    start, end = hours.start, hours.end
    # The partitions hold the window exactly when it is whole days; a condition on every row costs a tenth of the time.
    whole_days = all(instant.time() == time(0) for instant in (start, end))
    stored = _where(
        f"{PARTITION} BETWEEN '{days[0]}' AND '{days[-1]}'",
        "" if whole_days else f"minute >= {timestamp_sql(start)} AND minute < {timestamp_sql(end)}",
        "second(minute) = 0 AND millisecond(minute) = 0",
        only,
    )
    return STATEMENT.format(
        symbols=names[Table.SYMBOLS],
        hours=names[Table.HOURS],
        bars=f"{names[Table.BARS]} {stored}",
        named=_where(only),
        start=timestamp_sql(window.start),
        end=timestamp_sql(window.end),
    )


def _where(*conditions: str) -> str:
    given = [condition for condition in conditions if condition]
    return f"WHERE {' AND '.join(given)}" if given else ""


def timestamp_sql(instant: datetime) -> str:
    """The instant as a literal of Trino and DuckDB: without zone, UTC by contract."""
    return f"TIMESTAMP '{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"
