"""The audit's query: which expected minutes are neither stored nor proven absent, as one SQL text.

The same text runs on Athena (Trino) and on DuckDB, reads `bars` once, and returns ranges, not minutes.

How it is exact and fast at once. Bars are grouped by symbol and clock hour, and the weights of the hour's bars are
summed: the bar of minute i weighs 2**i, so that the sum (a "word") has a bit for each minute. Decimals of 18 digits
hold the weights and of 38 the sums, so they are exact in any order. Beside it the rows are counted. A minute that
came twice carries, and a carry makes one bit of two rows: a word with as many bits as rows tells exactly which
minutes it has, and is whole when those are what the sessions expect; only the others are taken apart. A word with
fewer bits than rows comes back as `unclear` and is looked at closely with DISTINCT. Rows that nobody expects (extended
hours, minutes outside the window) only set bits that nobody reads.

What is expected meets what is stored session by session, not hour by hour: the hours of a session that are whole
become one number with a bit for each (`seen`), beside a row for each hour that is not; what is missing from that
number was not stored at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from minutemend.contract import PARTITION, Table
from minutemend.core.data_check_statement import STATEMENT
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range
from minutemend.core.symbols import valid_symbols

# The result's columns. `kind` is `gap`, `unclear` (ask again, closely) or `total` (one row, symbol and times null).
# `bars` counts expected bars of the cadence, `minutes` the time that they stand for; at 1m both are the same.
RESULT_COLUMNS = ("kind", "symbol", "gap_start", "gap_end", "session_open", "session_close", "bars", "minutes")
CADENCES = tuple(minutes for minutes in range(1, 61) if 60 % minutes == 0)

_SLOTS = 60  # minutes in a word
_HOURS = 26  # a session lasts at most 24 hours, which touch 25 clock hours when it opens inside one
_FIRST = 1  # the first minute that has a weight of its own
_MANY = 2**26  # rows of minute 0 that float64 counts as a fraction, beside as many others as whole numbers
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,127}")


def generate_data_check_query(
    window: Range,
    *,
    symbols: Sequence[str] | None = None,
    cadence: int = 1,
    database: str | None = None,
    closely: bool = False,
) -> str:
    """The SQL text that finds the gaps of `window` (see `RESULT_COLUMNS`).

    It reads the tables `bars` (symbol, minute, dt), `sessions`, `symbols` and `absences` of `contract.COLUMNS`, in
    `database` when that is given. `symbols` narrows the symbols of interest; `cadence` is in minutes and divides 60,
    and a session expects a bar at its open and every `cadence` minutes until its close. With `closely` every minute
    is counted once whatever the lake holds: slow, for the few symbols and hours that came back `unclear`.
    Rows off the whole minute count for nothing.
    Raises BadInput for a bad symbol, cadence or database.
    """
    if cadence not in CADENCES:
        raise BadInput(f"the cadence is {cadence!r}: one of {', '.join(map(str, CADENCES))} minutes would be right")
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
    day = timedelta(days=1)
    # The partitions hold the window exactly when it is whole days; a condition on every row costs a tenth of the time.
    whole_days = all(instant.time() == time(0) for instant in (window.start, window.end))
    stored = _where(
        f"{PARTITION} BETWEEN '{days[0]}' AND '{days[-1]}'",
        "" if whole_days else f"minute >= {_literal(window.start)} AND minute < {_literal(window.end)}",
        "second(minute) = 0 AND millisecond(minute) = 0",
        only,
    )
    # An absence lies under the date of its minutes; a session that crosses midnight may have begun the day before.
    proven = _where(
        f"{PARTITION} BETWEEN '{days[0] - day}' AND '{days[-1] + day}'",
        f'start < {_literal(window.end)} AND "end" > {_literal(window.start)}',
        only,
    )
    return STATEMENT.format(
        sessions=names[Table.SESSIONS],
        symbols=names[Table.SYMBOLS],
        absences=names[Table.ABSENCES],
        bars=f"(SELECT DISTINCT symbol, minute FROM {names[Table.BARS]} {stored}) AS looked"  # noqa: S608
        if closely
        else f"{names[Table.BARS]} {stored}",
        interested=_where(only),
        proven=proven,
        start=_literal(window.start),
        end=_literal(window.end),
        cadence=cadence,
        every_slot=sum(2**minute for minute in range(0, _SLOTS, cadence)),
        weights=f"ARRAY[{', '.join(f'{2**minute}.' for minute in range(_FIRST, _SLOTS))}]",
        excess=2**_FIRST - 1,
        little=repr(1 / _MANY),
        many=_MANY,
        hour_bits=", ".join(f"{2**hour}e0" for hour in range(_HOURS)),
        minute_bits=", ".join(f"{2**minute}" for minute in range(_SLOTS)),
    )


def _where(*conditions: str) -> str:
    given = [condition for condition in conditions if condition]
    return f"WHERE {' AND '.join(given)}" if given else ""


def _literal(instant: datetime) -> str:
    return f"TIMESTAMP '{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"
