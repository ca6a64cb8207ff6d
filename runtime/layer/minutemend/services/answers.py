"""The table `answers`: what repair jobs learned, the evidence of absence.

    answers/dt=…/<job id>-<symbols>-<HHMM>.parquet   what one repair job learned, from a minute of the date on
    answers/dt=…/day-<content id>.parquet            all that was learned of a date (compacted)

A job that is done again replaces what it said. So of two rows of one job, symbol and start the newest counts,
wherever it is read from: whether objects were compacted makes no difference to any reader of `read`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minutemend.contract import Table
from minutemend.core.bars import schema_of
from minutemend.core.jobs import content_id
from minutemend.core.minutes import Range
from minutemend.core.symbols import key_part
from minutemend.core.verdicts import Observation
from minutemend.ports.store import Store, StoreConflict
from minutemend.services import evidence_rows as rows
from minutemend.services.tables import (
    READ_AGAIN,
    LakeUnsettled,
    concat,
    decode,
    encode,
    from_rows,
    listed,
    partition,
)

_SCHEMA = schema_of(Table.ANSWERS)
_ONE = ("symbol", "start", "job_id")  # of one job, symbol and start the newest row counts
_ORDER = (*_ONE, "observed_at", *(name for name in _SCHEMA.names if name not in (*_ONE, "observed_at")))


class Answers:
    """Reads and writes the table. `get_all` fetches objects, many at once."""

    def __init__(self, store: Store, get_all: Callable[[list[str]], list[bytes | None]]) -> None:
        self._store = store
        self._get_all = get_all

    def put(self, observations: Iterable[Observation]) -> list[str]:
        """Write what jobs learned: one object for each job, date, set of symbols and beginning of the range (a job may
        be done in parts); a redelivery replaces it."""
        grouped: dict[tuple[date, str, datetime], list[Observation]] = defaultdict(list)
        for observation in observations:
            for day, part in rows.by_date(observation):
                grouped[day, part.job_id, part.range.start].append(part)
        keys = []
        for (day, job_id, start), group in sorted(grouped.items()):
            symbols = sorted({item.symbol for item in group})
            tag = key_part(symbols[0]) if len(symbols) == 1 else f"{len(symbols)}symbols_{content_id(*symbols)}"
            key = f"{partition(Table.ANSWERS, day)}{job_id}-{tag}-{start:%H%M}.parquet"
            table = from_rows(map(rows.row_of, sorted(group, key=_order)), Table.ANSWERS)
            self._store.put(key, encode(table))
            keys.append(key)
        return keys

    def put_compacted(self, table: pa.Table, day: date) -> str:
        """Write all rows of a date, as `rows_of` gives them, and return the key, which is made of what they say."""
        told = [table[name].to_pylist() for name in table.column_names]
        key = f"{partition(Table.ANSWERS, day)}day-{content_id(*told)}.parquet"
        with suppress(StoreConflict):
            self._store.put(key, encode(table), if_absent=True)
        return key

    def rows_of(self, keys: Iterable[str], symbols: Sequence[str] | None = None) -> pa.Table | None:
        """The rows of the objects (of those symbols), each job's newest; None when an object is gone."""
        wanted = None if symbols is None else pc.field("symbol").isin(list(symbols))
        bodies = self._get_all(list(keys))
        if any(body is None for body in bodies):
            return None
        return _newest(concat([decode(body, _SCHEMA, filters=wanted) for body in bodies if body is not None], _SCHEMA))

    def read(self, dates: Iterable[date], symbols: Sequence[str] | None = None) -> list[Observation]:
        """What was learned of the minutes of these UTC dates, sorted by symbol, range, time. Raises LakeUnsettled when
        compaction, five times over, took objects away between listing and reading."""
        days = sorted(set(dates))
        for _ in range(READ_AGAIN):
            found = self.rows_of([stored.key for stored in listed(self._store, Table.ANSWERS, days)], symbols)
            if found is not None:
                return sorted(rows.items_of(Observation, found.to_pylist()), key=_order)
        raise LakeUnsettled(f"the answers of {days[0]} to {days[-1]} were rewritten {READ_AGAIN} times while read")


def _newest(table: pa.Table) -> pa.Table:
    """Of the rows of one job, symbol and start the newest, sorted. Two that are as new: always the same one."""
    table = table.sort_by([(name, "ascending") for name in _ORDER]).combine_chunks()
    if table.num_rows < 2:
        return table
    columns = (table[name] for name in _ONE)
    changes = [pc.not_equal(column.slice(0, len(column) - 1), column.slice(1)).to_numpy() for column in columns]
    return table.filter(pa.array(np.append(np.any(changes, axis=0), True)))


def _order(item: Observation) -> tuple[str, Range, datetime, str]:
    return item.symbol, item.range, item.observed_at, item.job_id
