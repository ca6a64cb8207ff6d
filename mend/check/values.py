"""The value rules on a laptop: the sessions in which the bars lie, and the layer's statement over both."""

from __future__ import annotations

import duckdb
from minutemend.core.minutes import Range
from minutemend.core.value_rules import Flag, flags_of
from minutemend.core.value_rules_sql import flags_sql

from mend.calendars.known import Calendar

_PARTS = """\
CREATE OR REPLACE TEMP TABLE parts AS
SELECT part, make_timestamp(opened * 60000000) AS opened, make_timestamp(closed * 60000000) AS closed
FROM (SELECT unnest(range(len(?))) AS part, unnest(?::BIGINT[]) AS opened, unnest(?::BIGINT[]) AS closed)"""
_GIVEN = """\
SELECT symbol, minute, CASE WHEN minute < closed THEN part END AS part, open, high, low, close, volume
FROM (SELECT * REPLACE (date_trunc('minute', minute) AS minute) FROM ({rows}) AS bars) AS bars
     ASOF LEFT JOIN parts ON minute >= opened"""


def find_flags(
    db: duckdb.DuckDBPyConnection,
    rows: str,
    calendar: Calendar,
    *,
    cadence: int = 1,
    window: Range | None = None,
) -> tuple[Flag, ...]:
    """The flags of the rows (a SELECT of symbol, minute, open, high, low, close, volume; any of the values may be
    null), sorted; with `window`, those that begin in it."""
    opened, closed = calendar.open.tolist(), calendar.close.tolist()
    db.execute(_PARTS, [opened, opened, closed])
    found = flags_of(db.execute(flags_sql(_GIVEN.format(rows=rows))).fetchall(), cadence=cadence)
    return tuple(flag for flag in found if window is None or flag.start in window)
