"""The audit's query: which expected minutes are neither stored nor proven absent, as one SQL text.

The same text runs on Athena (Trino) and on DuckDB, reads `bars` once, and returns ranges, not minutes.

How it is exact and fast at once. Bars are grouped by symbol and clock hour, and each half of that hour is one sum
(a "word"): the bar of minute i of its half adds `_ROW + 2**i`. All sums are whole numbers below 2**53, so float64
adds them exactly and in any order. A word tells how many rows it has (the multiples of `_ROW`) and, bit by bit,
which minutes it has. A half hour is whole exactly when its sum equals what the sessions expect; only the others are
taken apart. Their bits are right whenever there are as many as rows, for a minute that came twice carries, and a
carry makes two bits one. A word that fails that test comes back as `unclear` and is looked at closely with DISTINCT.
Rows that nobody expects (extended hours, minutes outside the window) only set bits that nobody reads.

What is expected meets what is stored session by session, not hour by hour: the hours of a session that are whole
become one number with a bit for each (`seen`), beside a row for each hour that is not; what is missing from that
number was not stored at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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

_WORDS = 2  # in an hour
_SLOTS = 60 // _WORDS  # minutes in a word
# Above 30 * 2**29, so that rows that are too many never pass for minutes that are too few, nor the other way; and
# small enough that 100,000 rows of one word stay below 2**53. Words of more rows than that are unclear.
_ROW_BITS = 36
_ROW = 2**_ROW_BITS
_HOURS = 26  # a session lasts at most 24 hours, which touch 25 clock hours when it opens inside one
_FIRST = 1  # of the minutes that have a weight of their own
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,127}")


def generate_data_check_query(
    window: Range,
    *,
    symbols: Sequence[str] | None = None,
    cadence: int = 1,
    database: str | None = None,
    closely: bool = False,
    aligned: bool = False,
) -> str:
    """The SQL text that finds the gaps of `window` (see `RESULT_COLUMNS`).

    It reads the tables `bars` (symbol, minute, dt), `sessions`, `symbols` and `absences` of `contract.COLUMNS`, in
    `database` when that is given. `symbols` narrows the symbols of interest; `cadence` is in minutes and divides 60,
    and a session expects a bar at its open and every `cadence` minutes until its close. With `closely` every minute
    is counted once whatever the lake holds: slow, for the few symbols and hours that came back `unclear`.
    Rows off the whole minute count for nothing; who has seen that there are none says `aligned` and saves the look.
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
        "" if aligned else "second(minute) = 0 AND millisecond(minute) = 0",
        only,
    )
    # An absence lies under the date of its minutes; a session that crosses midnight may have begun the day before.
    proven = _where(
        f"{PARTITION} BETWEEN '{days[0] - day}' AND '{days[-1] + day}'",
        f'start < {_literal(window.end)} AND "end" > {_literal(window.start)}',
        only,
    )
    return STATEMENT.format(
        halves=_values(range(_HOURS * _WORDS)),
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
        step=f"{2**cadence - 1}e0",
        first_word=_weights(0),
        second_word=_weights(1),
        hour_list=", ".join(map(str, range(_HOURS))),
        slot_list=", ".join(map(str, range(_SLOTS))),
        row=f"{_ROW}e0",
        first_minute=f"{_ROW + 2**_FIRST}e0",
        first_minute_once=f"{_ROW + 1}e0",
        slots=_SLOTS,
        # Up to the place of `_ROW` and not of the last minute alone: what its copies carry counts as well.
        halvings=" + ".join(f"floor(bits / {2**i}e0)" for i in range(1, _ROW_BITS)),
    )


def _where(*conditions: str) -> str:
    given = [condition for condition in conditions if condition]
    return f"WHERE {' AND '.join(given)}" if given else ""


def _literal(instant: datetime) -> str:
    return f"TIMESTAMP '{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"


def _values(numbers: Iterable[int]) -> str:
    return ", ".join(f"({number})" for number in numbers)


def _weights(word: int) -> str:
    """A minute's weight in one word of its hour, as an array over the minutes 1 to 59; minute 0 is taken for 1."""
    first = word * _SLOTS
    inside = range(first, first + _SLOTS)
    return f"ARRAY[{', '.join(f'{_ROW + 2 ** (m - first) if m in inside else 0}e0' for m in range(_FIRST, 60))}]"
