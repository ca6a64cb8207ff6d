"""The audit's statement: which hours are not stored as their sessions expect them. One text for Athena and DuckDB.

Bars are grouped by symbol and clock hour, and the weights of the hour's bars are summed: the bar of minute i weighs
2**i, so that the sum (a word) has a bit for each minute. Decimals are exact in any order. A minute that came twice
carries, and a carry makes one bit of two rows: a word with as many bits as rows tells exactly which minutes it has, and
the layer asks `closely` about any other. A session with as many whole hours as it is due comes back not at all;
any other with all its hours, or once with nulls when nothing of it is stored. `core/data_check.py` makes gaps of them.

The last row has no symbol: it counts the hours that the statement itself took for due. The layer compares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time

from minutemend.contract import PARTITION, Table
from minutemend.core.errors import BadInput
from minutemend.core.hours import SLOTS
from minutemend.core.minutes import Range, hours_around
from minutemend.core.symbols import valid_symbols

RESULT_COLUMNS = ("symbol", "dt", "hour", "stored", "word")

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,127}")
_WEIGHTS = f"ARRAY[{', '.join(f'{2**minute}.' for minute in range(SLOTS))}]"

STATEMENT = """\
WITH interested AS (
    SELECT DISTINCT symbol, calendar, listed, delisted FROM {symbols} {named}
),
expected AS (
    SELECT * FROM {hours} WHERE hour > {start} - INTERVAL '1' HOUR AND hour < {end}
),
-- Each session of each symbol, with the hours that it is due.
due AS (
    SELECT y.symbol, e.dt, e.hours
    FROM (SELECT calendar, dt, count(*) AS hours FROM expected GROUP BY calendar, dt) AS e
    JOIN interested y ON y.calendar = e.calendar
    WHERE (y.listed IS NULL OR e.dt >= y.listed) AND (y.delisted IS NULL OR e.dt < y.delisted)
),
sums AS (
    SELECT symbol, date_trunc('hour', minute) AS hour, count(*) AS stored,
           TRY_CAST(sum({weights}[minute(minute) + 1]) AS bigint) AS word
    FROM {bars}
    GROUP BY symbol, date_trunc('hour', minute)
),
-- An hour is whole when each of its bars is there once; bars around the session do not count.
graded AS (
    SELECT s.symbol, e.dt, s.hour, s.stored, s.word,
           sum(CASE WHEN s.stored = e.bars AND s.word = e.word THEN 1
                    WHEN s.stored > e.bars AND s.stored = length(replace(to_base(s.word, 2), '0', ''))
                         AND mod(s.word, e.high) - mod(s.word, e.low) = e.word THEN 1
                    ELSE 0 END) OVER (PARTITION BY s.symbol, e.dt) AS wholes
    FROM sums s
    JOIN (SELECT DISTINCT symbol, calendar FROM interested) AS y ON y.symbol = s.symbol
    JOIN expected e ON e.calendar = y.calendar AND e.hour = s.hour
)
SELECT d.symbol, d.dt, g.hour, g.stored, g.word
FROM due d LEFT JOIN graded g ON g.symbol = d.symbol AND g.dt = d.dt
WHERE g.symbol IS NULL OR g.wholes < d.hours
UNION ALL
SELECT CAST(NULL AS varchar), CAST(NULL AS varchar), CAST(NULL AS timestamp), CAST(sum(hours) AS bigint), 0 FROM due
"""


def generate_data_check_query(
    window: Range, *, symbols: Sequence[str] | None = None, database: str | None = None, closely: bool = False
) -> str:
    """The text that finds the hours of `window` that are not whole (see `RESULT_COLUMNS`).

    It reads `bars` (symbol, minute, dt), `hours` and `symbols` of `contract.COLUMNS`, in `database` when that is
    given. `symbols` narrows the symbols of interest. Hours are asked for whole: what the window cuts off them is the
    layer's to leave out. With `closely` every minute is counted once, whatever the lake holds. Rows off the whole
    minute count for nothing.
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
    bars = f"{names[Table.BARS]} {stored}"
    return STATEMENT.format(
        symbols=names[Table.SYMBOLS],
        hours=names[Table.HOURS],
        bars=f"(SELECT DISTINCT symbol, minute FROM {bars}) AS looked" if closely else bars,  # noqa: S608
        named=_where(only),
        start=timestamp_sql(window.start),
        end=timestamp_sql(window.end),
        weights=_WEIGHTS,
    )


def _where(*conditions: str) -> str:
    given = [condition for condition in conditions if condition]
    return f"WHERE {' AND '.join(given)}" if given else ""


def timestamp_sql(instant: datetime) -> str:
    """The instant as a literal of Trino and DuckDB: without zone, UTC by contract."""
    return f"TIMESTAMP '{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"
