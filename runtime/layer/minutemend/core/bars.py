"""Bars: what one is, how many travel together, and which of two wins.

Bars travel as columns (`core.columns.Bars`), with their provenance as an Arrow table of `BARS`. In the lake every
instant is a timestamp without zone that is UTC by contract: Athena's `timestamp` has no zone, and DuckDB then reads
the same type.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from minutemend.contract import ACCEPTED, COLUMNS, Table
from minutemend.core.columns import VALUES, Bar, Bars

__all__ = ["BARE", "BARS", "KNOWN", "VALUES", "Bar", "is_resolved", "lost", "resolve", "schema_of", "to_table"]

_ARROW = {"string": pa.string(), "timestamp": pa.timestamp("ms"), "double": pa.float64()}
_ARROW |= {"int": pa.int32(), "bigint": pa.int64()}


def schema_of(table: Table) -> pa.Schema:
    """The Arrow schema of a lake table, without the partition column `dt`."""
    return pa.schema([pa.field(name, _ARROW[kind]) for name, kind in COLUMNS[table]])


BARS = pa.schema([one.with_nullable(one.name not in ("symbol", "minute")) for one in schema_of(Table.BARS)])

# As compaction and readers of the past have them: with since when readers could get the bar, UTC, to the second.
KNOWN = BARS.append(pa.field("known_since", pa.timestamp("ms")))
BARE = pa.schema([BARS.field(name) for name in ("symbol", "minute", *VALUES)])  # without the provenance


def to_table(bars: Bars | Iterable[Bar], *, source: str, repair_id: str | None, captured_at: datetime) -> pa.Table:
    """Bars with their provenance, as a table of `BARS` sorted by symbol, minute."""
    rows = bars if isinstance(bars, Bars) else Bars.of(bars)
    n = len(rows)
    stamp = captured_at.astimezone(UTC).replace(tzinfo=None)
    columns = {
        "symbol": pa.array(rows.names, pa.string()).take(pa.array(rows.codes)),
        "minute": pa.array((rows.minutes * 60_000).astype("M8[ms]")),
        **{name: pa.array(np.ascontiguousarray(rows.values[:, at])) for at, name in enumerate(VALUES)},
        "source": pa.repeat(source, n),
        "repair_id": pa.array([repair_id] * n, pa.string()),
        "captured_at": pa.repeat(pa.scalar(stamp, pa.timestamp("ms")), n),
    }
    return pa.table(columns, schema=BARS)


def resolve(bars: pa.Table) -> pa.Table:
    """One whole bar for each (symbol, minute), sorted by symbol, minute. The one precedence rule:

    1. a bar that a person accepted in another's place, the one that was accepted last: its repair id says so;
    2. then the one that was captured first: what a reader may have seen stays, whatever comes late;
    3. of one moment, a captured or loaded bar (no repair id) before a repaired one;
    4. then the smaller repair id, source, and values, so that every reader decides alike.

    Losing bars are dropped whole; fields of two bars are never mixed. Columns beside BARS stay; of one bar that comes
    several times that row stays that was known first.
    """
    columns = bars.column_names
    if is_resolved(bars):
        return bars  # as compaction leaves a date; sorting by every column takes far longer
    order = bars.append_column("repaired", bars["repair_id"].is_valid()).append_column("accepted", _accepted(bars))
    keys = ["symbol", "minute", "accepted", "captured_at", "repaired", "repair_id", "source", *VALUES]
    keys += ["known_since"] if "known_since" in columns else []
    order = order.sort_by([(key, "ascending") for key in keys])
    symbol, minute = order["symbol"].combine_chunks(), order["minute"].combine_chunks()
    import pyarrow.compute as pc

    n = order.num_rows
    repeats = pc.and_(
        pc.equal(symbol.slice(1), symbol.slice(0, n - 1)), pc.equal(minute.slice(1), minute.slice(0, n - 1))
    )
    first = pa.concat_arrays([pa.array([True]), pc.invert(repeats)])
    return order.filter(first).select(columns)


def _accepted(bars: pa.Table) -> pa.ChunkedArray:
    """Zero for a bar that was not accepted in another's place; else the lower, the later it was (its `captured_at`)."""
    import pyarrow.compute as pc

    so = pc.fill_null(pc.starts_with(bars["repair_id"], ACCEPTED), False)
    return pc.if_else(so, pc.negate(pc.fill_null(bars["captured_at"].cast(pa.int64()), 0)), 0)


def lost(bars: pa.Table) -> pa.Table:
    """The bars (KNOWN, none of `known_since` null) that `resolve` leaves out, each once, with since when it was known
    first; sorted by every column."""
    if is_resolved(bars):
        return bars.slice(0, 0)
    minutes = bars.group_by(["symbol", "minute"]).aggregate([([], "count_all")])
    if minutes.num_rows == bars.num_rows:
        return bars.slice(0, 0)
    import pyarrow.compute as pc

    twice = minutes.filter(pc.greater(minutes["count_all"], 1))
    bars = bars.join(twice.select(["symbol", "minute"]), ["symbol", "minute"], join_type="left semi")
    each = bars.group_by(BARS.names).aggregate([("known_since", "min")]).rename_columns(KNOWN.names)
    rows = pa.array(np.arange(each.num_rows))
    won = resolve(each.append_column("row", rows))["row"]
    left = each.filter(pc.invert(pc.is_in(rows, value_set=won.combine_chunks())))
    return left.sort_by([(name, "ascending") for name in KNOWN.names]).cast(KNOWN)


def is_resolved(bars: pa.Table) -> bool:
    """Whether each row comes after the one before it, by symbol and minute: then no two are of one minute."""
    if bars.num_rows < 2:
        return True
    import pyarrow.compute as pc

    (symbol, before), (minute, earlier) = (
        (column.slice(1), column.slice(0, len(column) - 1))
        for column in (bars["symbol"].combine_chunks(), bars["minute"].combine_chunks())
    )
    same_symbol = pc.and_(pc.equal(symbol, before), pc.greater(minute, earlier))
    return bool(pc.all(pc.or_(pc.greater(symbol, before), same_symbol), skip_nulls=False).as_py())
