"""The audit's query: which expected minutes are neither stored nor proven absent, as one SQL text.

The same text runs on Athena (Trino) and on DuckDB, reads `bars` once, and returns ranges, not minutes.

How it is exact and fast at once. Bars are grouped by symbol and clock hour, and each half of that hour is one sum
(a "word"): the bar of minute i of its half adds `_ROW + 2**i`. All sums are whole numbers below 2**53, so float64
adds them exactly and in any order. A word tells how many rows it has (the multiples of `_ROW`) and, bit by bit,
which minutes it has. A half hour is whole exactly when its sum equals what the sessions expect; only the others are
taken apart. Their bits are right whenever there are as many as rows, for a minute that came twice carries, and a
carry makes two bits one. A word that fails that test comes back as `unclear` and is looked at closely with DISTINCT.
Rows that nobody expects (extended hours, minutes outside the window) only set bits that nobody reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

from minutemend.contract import PARTITION, Table
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
_MINUTES = ", ".join(map(str, range(60)))
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
    return _TEMPLATE.format(
        hours=_values(range(_HOURS)),
        minutes=_values(range(60)),
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
        expected_words=", ".join(f"sum({_weights(w)}[at_minute + 1]) AS e{w}" for w in range(_WORDS)),
        # Written so, DuckDB looks each weight up once for each distinct minute of a Parquet dictionary and not for
        # each row: it does that for functions of one column that cannot fail, which `+ 1` is not.
        stored_words=", ".join(
            f"{_weights(w)}[array_position(ARRAY[{_MINUTES}], minute(minute))] AS w{w}" for w in range(_WORDS)
        ),
        slot_list=", ".join(map(str, range(_SLOTS))),
        row=f"{_ROW}e0",
        slots=_SLOTS,
        # Up to the place of `_ROW` and not of the last minute alone: what its copies carry counts as well.
        halves=" + ".join(f"floor(bits / {2**i}e0)" for i in range(1, _ROW_BITS)),
    )


_TEMPLATE = """\
WITH spans AS (
    SELECT calendar, dt, open AS session_open, close AS session_close,
           greatest(open, {start}) AS span_start, least(close, {end}) AS span_end
    FROM {sessions}
    WHERE open < {end} AND close > {start}
),
span_hours AS (
    SELECT p.calendar, p.dt, p.session_open, p.session_close, p.span_start, p.span_end,
           date_trunc('hour', p.span_start) + k.k * INTERVAL '1' HOUR AS at_hour
    FROM spans p CROSS JOIN (VALUES {hours}) AS k (k)
),
slots AS (
    SELECT p.calendar, p.dt, p.session_open, p.session_close, p.span_start, p.span_end, p.at_hour, m.m AS at_minute,
           p.at_hour + m.m * INTERVAL '1' MINUTE AS slot
    FROM span_hours p CROSS JOIN (VALUES {minutes}) AS m (m)
    WHERE p.at_hour < p.span_end
      AND p.at_hour + m.m * INTERVAL '1' MINUTE >= p.span_start
      AND p.at_hour + m.m * INTERVAL '1' MINUTE < p.span_end
      AND mod(date_diff('minute', p.session_open, p.at_hour + m.m * INTERVAL '1' MINUTE), {cadence}) = 0
),
expected AS (
    SELECT calendar, dt, session_open, session_close, span_start, span_end, at_hour,
           {expected_words},
           count(*) AS bars, sum(least({cadence}, date_diff('minute', slot, session_close))) AS minutes
    FROM slots
    GROUP BY calendar, dt, session_open, session_close, span_start, span_end, at_hour
),
interested AS (
    SELECT DISTINCT symbol, calendar, listed, delisted FROM {symbols} {interested}
),
words AS (
    SELECT symbol, at_hour, sum(w0) AS s0, sum(w1) AS s1
    FROM (
        SELECT symbol, date_trunc('hour', minute) AS at_hour,
               {stored_words}
        FROM {bars}
    ) AS stored
    GROUP BY symbol, at_hour
),
-- An outer join is not reordered, and UNNEST stays behind it: no engine multiplies symbols by minutes first.
suspects AS (
    SELECT e.symbol, e.session_open, e.session_close, e.span_start, e.span_end, e.at_hour, w.s0, w.s1
    FROM (
        SELECT y.symbol, h.session_open, h.session_close, h.span_start, h.span_end, h.at_hour, h.e0, h.e1
        FROM interested y JOIN expected h ON h.calendar = y.calendar
        WHERE (y.listed IS NULL OR h.dt >= y.listed) AND (y.delisted IS NULL OR h.dt < y.delisted)
    ) AS e
    LEFT JOIN words w ON w.symbol = e.symbol AND w.at_hour = e.at_hour
    WHERE w.symbol IS NULL OR (e.e0 > 0e0 AND w.s0 <> e.e0) OR (e.e1 > 0e0 AND w.s1 <> e.e1)
),
suspect_words AS (
    SELECT symbol, session_open, session_close, span_start, span_end,
           at_hour + h.h * INTERVAL '{slots}' MINUTE AS at_word,
           coalesce(CASE WHEN h.h = 0 THEN s0 ELSE s1 END, 0e0) AS word
    FROM suspects CROSS JOIN UNNEST(ARRAY[0, 1]) AS h (h)
),
split AS (
    SELECT symbol, session_open, session_close, span_start, span_end, at_word,
           floor(word / {row}) AS stored_rows, word - {row} * floor(word / {row}) AS bits
    FROM suspect_words
),
judged AS (
    SELECT symbol, session_open, session_close, span_start, span_end, at_word, bits,
           CASE WHEN stored_rows = bits - ({halves}) THEN 'gap' ELSE 'unclear' END AS kind
    FROM split
),
missing AS (
    SELECT symbol, session_open, session_close, kind, at_word + m.m * INTERVAL '1' MINUTE AS slot
    FROM judged CROSS JOIN UNNEST(ARRAY[{slot_list}]) AS m (m)
    WHERE (kind = 'unclear' OR floor(bits / power(2, m.m)) = 2 * floor(bits / power(2, m.m + 1)))
      AND at_word + m.m * INTERVAL '1' MINUTE >= span_start
      AND at_word + m.m * INTERVAL '1' MINUTE < span_end
      AND mod(date_diff('minute', session_open, at_word + m.m * INTERVAL '1' MINUTE), {cadence}) = 0
),
events AS (
    SELECT symbol, slot, session_open, session_close, kind, CAST(NULL AS timestamp) AS absent_until
    FROM missing
    UNION ALL
    SELECT symbol, start, CAST(NULL AS timestamp), CAST(NULL AS timestamp), 'absence', "end"
    FROM {absences} {proven}
),
swept AS (
    SELECT symbol, slot, session_open, session_close, kind,
           max(absent_until) OVER (PARTITION BY symbol ORDER BY slot) AS absent_until
    FROM events
),
numbered AS (
    SELECT symbol, slot, session_open, session_close, kind,
           date_diff('minute', session_open, slot)
           - {cadence} * row_number() OVER (PARTITION BY symbol, session_open, kind ORDER BY slot) AS island
    FROM swept
    WHERE kind <> 'absence' AND (absent_until IS NULL OR absent_until <= slot)
),
ranges AS (
    SELECT kind, symbol, min(slot) AS gap_start,
           least(max(slot) + {cadence} * INTERVAL '1' MINUTE, session_close) AS gap_end,
           session_open, session_close, count(*) AS bars
    FROM numbered
    GROUP BY kind, symbol, session_open, session_close, island
)
SELECT kind, symbol, gap_start, gap_end, session_open, session_close, bars,
       date_diff('minute', gap_start, gap_end) AS minutes
FROM ranges
UNION ALL
SELECT 'total', CAST(NULL AS varchar), CAST(NULL AS timestamp), CAST(NULL AS timestamp), CAST(NULL AS timestamp),
       CAST(NULL AS timestamp), CAST(sum(h.bars) AS bigint), CAST(sum(h.minutes) AS bigint)
FROM interested y
JOIN (
    SELECT calendar, dt, sum(bars) AS bars, sum(minutes) AS minutes FROM expected GROUP BY calendar, dt
) AS h ON h.calendar = y.calendar
WHERE (y.listed IS NULL OR h.dt >= y.listed) AND (y.delisted IS NULL OR h.dt < y.delisted)
"""


def _where(*conditions: str) -> str:
    given = [condition for condition in conditions if condition]
    return f"WHERE {' AND '.join(given)}" if given else ""


def _literal(instant: datetime) -> str:
    return f"TIMESTAMP '{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"


def _values(numbers: Iterable[int]) -> str:
    return ", ".join(f"({number})" for number in numbers)


def _weights(word: int) -> str:
    """A minute's weight in one word of its hour, as an array over the 60 minutes of the hour."""
    first = word * _SLOTS
    inside = range(first, first + _SLOTS)
    return f"ARRAY[{', '.join(f'{_ROW + 2 ** (m - first) if m in inside else 0}e0' for m in range(60))}]"
