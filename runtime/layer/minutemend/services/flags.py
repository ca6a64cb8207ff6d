"""The table `flags`: bars whose values cannot be right, as the nights found them. A flag is never a verdict.

    flags/dt=2013-10-04/<content id>.parquet   flags that begin on that UTC date

What is kept already is not written again, so each flag has one row: since when it is known. A flag that no longer
holds, because its bars were restated or filled since, stays as what was found then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from minutemend.contract import PARTITION, Table
from minutemend.core.bars import schema_of
from minutemend.core.data_check_sql import timestamp_sql
from minutemend.core.errors import MinutemendError
from minutemend.core.jobs import content_id
from minutemend.core.minutes import Range
from minutemend.core.value_rules import Flag, flags_of
from minutemend.core.value_rules_sql import flags_sql
from minutemend.ports.store import Store, StoreConflict
from minutemend.services import evidence_rows as rows
from minutemend.services.tables import decode, encode, from_rows, listed, partition
from minutemend.views import resolved_sql

BEFORE = timedelta(days=4)  # read before what is judged: the session before shows a split, over a long weekend too
MOST_ROWS = 50_000  # of a night: a longer list helps no person, and a night's memory has an end

# A session that the hours read do not hold whole is left for the night that does: half of one is not what is usual.
_GIVEN = """\
SELECT b.symbol, b.minute, s.part, b.open, b.high, b.low, b.close, b.volume
FROM (
{bars}
) AS b
JOIN (SELECT DISTINCT symbol, calendar FROM {symbols}) AS y ON y.symbol = b.symbol
LEFT JOIN (
    SELECT h.calendar, h.hour, numbered.part, numbered.opens, numbered.closes
    FROM {hours} AS h JOIN (
        SELECT calendar, dt, open AS opens, close AS closes,
               row_number() OVER (PARTITION BY calendar ORDER BY open) AS part
        FROM {sessions} WHERE open >= {start} AND close <= {end}
    ) AS numbered ON numbered.calendar = h.calendar AND numbered.dt = h.dt
) AS s ON s.calendar = y.calendar AND s.hour = date_trunc('hour', b.minute)
    AND b.minute >= s.opens AND b.minute < s.closes"""


def lake_flags_sql(window: Range) -> str:
    """The text that finds where a rule rings in a lake, over the whole UTC dates of `window` and BEFORE it: columns as
    `RESULT_COLUMNS`. It reads `bars`, `symbols`, `hours` and `sessions` twice each. One bar a minute counts, as
    `bars_resolved` has it; rows off the whole minute and symbols of no interest count for nothing. More than MOST_ROWS
    rows are more than `flags_in` takes."""
    start, end = window.start - BEFORE, window.end
    stored = f"{PARTITION} BETWEEN '{start.date()}' AND '{(end - timedelta(days=1)).date()}'"
    given = _GIVEN.format(
        bars=resolved_sql(Table.BARS, where=f"{stored} AND second(minute) = 0 AND millisecond(minute) = 0"),
        symbols=Table.SYMBOLS,
        hours=Table.HOURS,
        sessions=Table.SESSIONS,
        start=timestamp_sql(start),
        end=timestamp_sql(end),
    )
    return f"{flags_sql(given)}LIMIT {MOST_ROWS + 1}"


class TooManyFlags(MinutemendError):
    """So many bars ring that no table of them helps: a feed that fills its minutes, or a calendar that is not its."""


def flags_in(rows: Iterable[Sequence[Any]], window: Range) -> list[Flag]:
    """The flags in the rows of `lake_flags_sql` that begin in `window`, sorted. Raises TooManyFlags."""
    rows = list(rows)
    if len(rows) > MOST_ROWS:
        raise TooManyFlags(
            f"rules ring at more than {MOST_ROWS:,} bars of {window}: `mend verdicts --values` for one symbol of these "
            "dates would show at which"
        )
    return [one for one in flags_of(rows) if one.start in window]


@dataclass(frozen=True, slots=True, order=True)
class KeptFlag(Flag):
    """A flag, and when a night first found it (UTC)."""

    found_at: datetime


class Flags:
    """Reads and writes the table. `get_all` fetches objects, many at once."""

    def __init__(self, store: Store, get_all: Callable[[list[str]], list[bytes | None]]) -> None:
        self._store = store
        self._get_all = get_all

    def read(self, dates: Iterable[date]) -> list[KeptFlag]:
        """The flags that begin on these UTC dates, sorted, each once."""
        keys = [stored.key for stored in listed(self._store, Table.FLAGS, dates)]
        tables = [decode(body, schema_of(Table.FLAGS)) for body in self._get_all(keys) if body is not None]
        found = [one for table in tables for one in rows.items_of(KeptFlag, table.to_pylist())]
        newest_first = sorted(found, key=lambda one: one.found_at, reverse=True)
        return sorted({one.id: one for one in newest_first}.values())

    def keep(self, flags: Iterable[Flag], *, now: datetime) -> list[KeptFlag]:
        """Write those that are not kept yet, one object for each date. Returns all of them as they are kept, sorted.
        Again, nothing is written."""
        given = {one.id: one for one in flags}
        dates = {one.start.date() for one in given.values()}
        kept = {one.id for one in self.read(dates)}
        new: dict[date, list[KeptFlag]] = defaultdict(list)
        for one in sorted(given.values()):
            if one.id not in kept:
                new[one.start.date()].append(KeptFlag(**asdict(one), found_at=now))
        for day, group in new.items():
            key = f"{partition(Table.FLAGS, day)}{content_id(*(one.id for one in group))}.parquet"
            with suppress(StoreConflict):  # another try of this night has written them
                self._store.put(key, encode(from_rows(map(rows.row_of, group), Table.FLAGS)), if_absent=True)
        return [one for one in self.read(dates) if one.id in given]
