"""The lake's tables as Arrow: their schemas, made from the contract's columns, and Parquet bytes of them.

Instants are `timestamp[ms]` without zone, UTC by contract. The same table gives the same bytes (with one
version of pyarrow), so that an object's etag speaks of its content.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from minutemend.contract import PARTITION, Table
from minutemend.core.bars import BARS, VALUES, schema_of
from minutemend.core.errors import MinutemendError
from minutemend.core.hours import Hours
from minutemend.core.minutes import Range
from minutemend.ports.store import Store, Stored

# A symbol's rows lie together: a reader of one symbol skips the other row groups by their statistics.
_ROW_GROUP = 131_072
# Bytes from which it pays to let the dataset reader skip row groups; on a minute's object it takes thrice the time.
_LARGE = 500_000


SUFFIX = ".parquet"
READ_AGAIN = 5
_FEW = 3  # dates of a month that are listed one by one


class LakeUnsettled(MinutemendError):
    """Objects kept disappearing while they were read; reading again later is right."""


class LakeDamaged(MinutemendError):
    """An object of the lake is not what was written; the message names it."""


def undamaged(key: str, body: bytes | None) -> bytes | None:
    """The body of an object of Parquet. Raises LakeDamaged for one that was cut off or is something else."""
    if body is not None and key.endswith(SUFFIX) and not (len(body) > 8 and body[:4] == body[-4:] == b"PAR1"):
        raise LakeDamaged(
            f"{key} is no Parquet file any more ({len(body):,} bytes): its earlier version would be right, or "
            "deleting it, and an audit of its date"
        )
    return body


def naive(instant: datetime) -> datetime:
    """An aware instant as the lake keeps it: UTC, without zone."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def aware(instant: datetime) -> datetime:
    """An instant out of the lake as the code keeps it: aware, UTC."""
    return instant.replace(tzinfo=UTC)


def encode(table: pa.Table) -> bytes:
    """Parquet bytes, zstd. The rows stay in the order given."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=_ROW_GROUP)
    return bytes(sink.getvalue())


def decode(body: bytes, schema: pa.Schema, *, filters: pc.Expression | None = None) -> pa.Table:
    """The rows of Parquet bytes that `filters` lets through (None: all), as `schema`. A column that the object, of an
    earlier commit, does not have is null."""
    # Read as text, the names would take half the time.
    file = pq.ParquetFile(pa.BufferReader(body), read_dictionary=["symbol"] if "symbol" in schema.names else None)
    there = [name for name in schema.names if name in file.schema_arrow.names]
    if filters is not None and len(body) > _LARGE:
        found = pq.read_table(pa.BufferReader(body), columns=there, filters=filters)
    else:
        found = file.read(columns=there)
        if "symbol" in there:
            place = there.index("symbol")
            found = found.set_column(place, schema.field("symbol"), found["symbol"].cast(pa.string()))
        found = found if filters is None else found.filter(filters)
    for name in schema.names:
        if name not in there:
            found = found.append_column(name, pa.nulls(found.num_rows, schema.field(name).type))
    return found if found.schema.equals(schema) else found.select(schema.names).cast(schema)


def condition_of(window: Range | None, symbols: Sequence[str] | None) -> pc.Expression | None:
    """The `filters` of `decode` for bars of a window and of some symbols (None: any)."""
    if window is not None and all(edge.hour == edge.minute == 0 for edge in (window.start, window.end)):
        window = None  # objects lie by date: of whole dates every row is wanted
    condition = None
    if window is not None:
        start, end = (pa.scalar(naive(at), pa.timestamp("ms")) for at in (window.start, window.end))
        condition = (pc.field("minute") >= start) & (pc.field("minute") < end)
    if symbols is not None:
        wanted = pc.field("symbol").isin(list(symbols))
        condition = wanted if condition is None else condition & wanted
    return condition


def less(bars: pa.Table, others: pa.Table | None) -> pa.Table:
    """The bars (schema BARS, none of a repair) that are not among the others, whenever those were captured."""
    if others is None:
        return bars
    keys = ["symbol", "minute", "source", *VALUES]
    others = others.filter(pc.is_null(others["repair_id"])).select(keys)
    return bars.join(others, keys=keys, join_type="left anti", use_threads=False).select(bars.column_names)


def metadata_of(body: bytes) -> dict[bytes, bytes]:
    """What stands beside the columns of Parquet bytes."""
    return dict(pq.read_schema(pa.BufferReader(body)).metadata or {})


def from_rows(rows: Iterable[Mapping[str, object]], table: Table) -> pa.Table:
    """Rows (dicts of column to Python value) as a table of the lake."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema_of(table))


def hours_table(hours: Hours, *, made_of: str) -> pa.Table:
    """Hours as a table of the lake; `made_of` names the sessions."""
    columns = [pa.array(hours.calendar, pa.string()), pa.array(hours.dt, pa.string())]
    columns.append(pa.array(hours.hour * 3_600_000, pa.timestamp("ms")))
    columns += [pa.array(hours.bars), pa.array(hours.word), *[pa.nulls(len(hours), pa.int64())] * 2]
    columns.append(pa.array([made_of] * len(hours), pa.string()))
    return pa.table(columns, names=schema_of(Table.HOURS).names).cast(schema_of(Table.HOURS))


def concat(parts: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    """The parts' rows as one table; an empty one when there are no parts."""
    return pa.concat_tables(parts) if parts else schema.empty_table()


def partition(table: Table, day: date) -> str:
    """The key prefix of a table's rows of one UTC date."""
    return f"{table}/{PARTITION}={day.isoformat()}/"


def date_of(key: str) -> date | None:
    """The UTC date of whose rows an object of a table is; None for what others left there, as a console's "folders"."""
    folder, _, name = key.rpartition("/")
    try:
        return date.fromisoformat(folder.rpartition(f"/{PARTITION}=")[2]) if name.endswith(SUFFIX) else None
    except ValueError:
        return None


def listed(store: Store, table: Table, dates: Iterable[date]) -> list[Stored]:
    """The table's objects of these UTC dates, sorted by key. A month is listed at once where more than a few of its
    dates are wanted: of years, a list for each date would take minutes."""
    months: dict[str, set[date]] = defaultdict(set)
    for day in dates:
        months[f"{table}/{PARTITION}={day:%Y-%m}"].add(day)
    found: list[Stored] = []
    for month, wanted in sorted(months.items()):
        for prefix in [partition(table, day) for day in sorted(wanted)] if len(wanted) <= _FEW else [month]:
            found += [one for one in store.list(prefix) if date_of(one.key) in wanted]
    return found


def bars_id(bars: pa.Table, *, with_capture: bool = False) -> str:
    """24 hex digits over what the bars say (symbol, minute, values, source, repair id), in the order given.

    `captured_at`, and `known_since` where it is there, count only `with_capture`: a redelivered job that writes its
    bars anew writes the same object.
    """
    digest = hashlib.sha256()
    stamps = [name for name in ("captured_at", "known_since") if with_capture and name in bars.column_names]
    for name in ("minute", *VALUES, *stamps):
        column = bars[name].combine_chunks()
        digest.update(column.is_null().to_numpy(zero_copy_only=False).tobytes())
        numbers = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        digest.update(pc.fill_null(numbers, 0).to_numpy().tobytes())
    for name in ("symbol", "source", "repair_id"):
        column = bars[name].combine_chunks().dictionary_encode()
        digest.update(json.dumps(column.dictionary.to_pylist()).encode())
        digest.update(pc.fill_null(column.indices, -1).to_numpy().tobytes())
    return digest.hexdigest()[:24]


def by_span(bars: pa.Table, unit: str) -> list[tuple[datetime, pa.Table]]:
    """Bars by the UTC hour or day (`unit`) of their minute; each part sorted by symbol, minute."""
    keys = ("symbol", "minute", "repair_id", "source", *VALUES)  # all of them: one content, one order, one id
    bars = bars.select(BARS.names).cast(BARS).sort_by([(key, "ascending") for key in keys])
    spans = pc.floor_temporal(bars["minute"], unit=unit)
    return [
        (aware(span), bars.filter(pc.equal(spans, pa.scalar(span, pa.timestamp("ms")))))
        for span in sorted(pc.unique(spans).to_pylist())
    ]
