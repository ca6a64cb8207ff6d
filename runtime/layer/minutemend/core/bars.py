"""Bars: what one is, how many travel together, and which of two wins.

One bar travels as a `Bar`, many as an Arrow table of `BARS`. In the lake every instant is a timestamp
without zone that is UTC by contract: Athena's `timestamp` has no zone, and DuckDB then reads the same type.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

BARS = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("minute", pa.timestamp("ms"), nullable=False),  # left edge, UTC
        pa.field("open", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("close", pa.float64()),
        pa.field("volume", pa.float64()),
        pa.field("source", pa.string()),  # the vendor's name, or what `mend load` was told
        pa.field("repair_id", pa.string()),  # the repair job; null for a captured or loaded bar
        pa.field("captured_at", pa.timestamp("ms")),  # when our worker had it in hand, UTC
    ]
)
VALUES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, order=True)
class Bar:
    """One bar as a vendor gives it: prices in the symbol's currency, volume in shares or coins."""

    symbol: str
    minute: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


def to_table(bars: Iterable[Bar], *, source: str, repair_id: str | None, captured_at: datetime) -> pa.Table:
    """Bars with their provenance, as a table of `BARS` sorted by symbol, minute."""
    rows = sorted(bars)
    n = len(rows)
    stamp = captured_at.astimezone(UTC).replace(tzinfo=None)
    columns = {
        "symbol": [bar.symbol for bar in rows],
        "minute": [bar.minute.astimezone(UTC).replace(tzinfo=None) for bar in rows],
        **{name: [getattr(bar, name) for bar in rows] for name in VALUES},
        "source": [source] * n,
        "repair_id": [repair_id] * n,
        "captured_at": [stamp] * n,
    }
    return pa.table(columns, schema=BARS)


def resolve(bars: pa.Table) -> pa.Table:
    """One whole bar for each (symbol, minute), sorted by symbol, minute. The one precedence rule:

    1. a captured or loaded bar (no repair id) before a repaired one: a repair fills holes, it corrects nothing;
    2. then the one that was captured first: what a reader may have seen stays;
    3. then the smaller repair id, source, and values, so that every reader decides alike.

    Losing bars are dropped whole; fields of two bars are never mixed.
    """
    if _is_resolved(bars):
        return bars.select(BARS.names)  # as compaction leaves a date; sorting by every column takes far longer
    order = bars.append_column("repaired", bars["repair_id"].is_valid())
    keys = ["symbol", "minute", "repaired", "captured_at", "repair_id", "source", *VALUES]
    order = order.sort_by([(key, "ascending") for key in keys])
    symbol, minute = order["symbol"].combine_chunks(), order["minute"].combine_chunks()
    import pyarrow.compute as pc

    n = order.num_rows
    repeats = pc.and_(
        pc.equal(symbol.slice(1), symbol.slice(0, n - 1)), pc.equal(minute.slice(1), minute.slice(0, n - 1))
    )
    first = pa.concat_arrays([pa.array([True]), pc.invert(repeats)])
    return order.filter(first).select(BARS.names)


def _is_resolved(bars: pa.Table) -> bool:
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
