"""Since when each bar could be read, and what was read before: kept by compaction, for readers of the past.

An object that a worker or `mend load` wrote says nothing of it: its bars are known since the store has it
(`Stored.modified`, S3's Last-Modified: whole seconds, the store's clock). Compaction writes that time beside each bar,
in the column `known_since`, and keeps what lost as `superseded/`, before it writes the winner. So the bars of both that
were known at a time are those of all objects that were there then, and `core.bars.resolve` of them is what a reader
got: readers resolve the join of what is there, and compaction adds nothing to it.

Compacted objects of an earlier commit have no such column, and their own time is that of the compaction. Their bars
count as known since then, and the objects made of them say from when on they can tell (`TELLS_FROM` in their metadata).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from minutemend.contract import Table
from minutemend.core.bars import BARS, KNOWN, lost, resolve
from minutemend.core.minutes import Range
from minutemend.ports.store import Stored
from minutemend.services.lake import Lake
from minutemend.services.tables import bars_id, concat, condition_of, decode, listed, metadata_of, naive

TELLS_FROM = b"tells_from"


@dataclass(frozen=True, slots=True)
class History:
    """Bars with since when they were known (schema KNOWN, nothing null in that column), unresolved. `tells_from`: what
    was known before is not known of all of them (None: it is)."""

    bars: pa.Table
    tells_from: datetime | None

    def compacted(self) -> pa.Table:
        """One bar a minute, as compaction writes it."""
        kept = resolve(self.bars)
        since = None if self.tells_from is None else {TELLS_FROM: self.tells_from.isoformat()}
        return kept.replace_schema_metadata(since)

    def superseded(self) -> pa.Table:
        """The others, each once."""
        return lost(self.bars)


def read_history(
    lake: Lake,
    objects: Sequence[Stored],
    window: Range | None = None,
    symbols: Sequence[str] | None = None,
    *,
    schema: pa.Schema = KNOWN,
) -> History | None:
    """What these objects of bars say, and since when: all of it, or what is in a window and of some symbols. None when
    one of them is gone."""
    condition = condition_of(window, symbols)
    parts, edges = [], []
    for stored, body in zip(objects, lake.get_all([one.key for one in objects]), strict=True):
        if body is None:
            return None
        rows = decode(body, schema, filters=condition)
        told = metadata_of(body).get(TELLS_FROM)
        if told is not None:
            edges.append(datetime.fromisoformat(told.decode()))
        elif rows["known_since"].null_count and not _as_written(stored.key, body):
            edges.append(stored.modified)
        parts.append(_filled(rows, stored.modified))
    return History(concat(parts, schema), max(edges, default=None))


def read_superseded(lake: Lake, window: Range, symbols: Sequence[str] | None = None) -> pa.Table:
    """What compaction kept of the window (schema KNOWN). List the bars first: it is written before them."""
    condition = condition_of(window, symbols)
    keys = [one.key for one in listed(lake.store, Table.SUPERSEDED, window.dates())]
    return concat([decode(body, KNOWN, filters=condition) for body in lake.get_all(keys) if body is not None], KNOWN)


def _as_written(key: str, body: bytes) -> bool:
    """Whether an object without times is one that was written as it came: its key is then made of less than that of a
    compacted one."""
    name = key.rpartition("/")[2]
    return not name.startswith("day-") and name.endswith(f"-{bars_id(decode(body, BARS))}.parquet")


def _filled(rows: pa.Table, modified: datetime) -> pa.Table:
    place = rows.schema.get_field_index("known_since")
    stamp = pa.scalar(naive(modified).replace(microsecond=0), pa.timestamp("ms"))
    return rows.set_column(place, KNOWN.field("known_since"), pc.fill_null(rows["known_since"], stamp))
