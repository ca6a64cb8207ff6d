"""Hourly facts: what downstream jobs read. Complete, or marked as incomplete, never silently short.

One row for each symbol and UTC hour in which the symbol's calendar expects a minute. Only expected minutes
count: extended hours and strays of a feed are in the bars, not in the facts. open is the first, close the last
bar's that is present, high and low the extremes, volume the sum. Where no minute is present they are null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from minutemend.contract import Table
from minutemend.core.bars import schema_of
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

FACTS = schema_of(Table.HOURLY)
_MINUTES = 60
_NO_HALTS: Mapping[str, Sequence[Range]] = MappingProxyType({})
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Values = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What an hour expects. `symbols` are sorted; `flags` is bool[symbol, minute of the hour]."""

    hour: datetime
    symbols: tuple[str, ...]
    flags: Flags


def expected_minutes(
    hour: datetime,
    listings: Iterable[Listing],
    sessions: Iterable[Session],
    *,
    halted: Mapping[str, Sequence[Range]] = _NO_HALTS,
) -> Expected:
    """The minutes of the hour that the listings' sessions expect, without those in which a symbol was `halted`."""
    by_calendar: dict[str, list[tuple[Session, slice]]] = {}
    for session in sessions:
        minutes = _minutes(hour, session.range)
        if minutes.start < minutes.stop:
            by_calendar.setdefault(session.calendar, []).append((session, minutes))
    rows: dict[str, Flags] = {}
    for listing in listings:
        for session, minutes in by_calendar.get(listing.calendar, ()):
            if listing.on(session.dt):
                rows.setdefault(listing.symbol, np.zeros(_MINUTES, np.bool_))[minutes] = True
    for symbol in halted.keys() & rows.keys():
        for halt in halted[symbol]:
            rows[symbol][_minutes(hour, halt)] = False
    symbols = tuple(sorted(symbol for symbol, row in rows.items() if row.any()))
    flags = np.array([rows[symbol] for symbol in symbols], np.bool_).reshape(len(symbols), _MINUTES)
    return Expected(hour, symbols, flags)


def within(expected: Expected, window: Range) -> Expected:
    """What the hour expects in `window`."""
    flags, minutes = np.zeros_like(expected.flags), _minutes(expected.hour, window)
    flags[:, minutes] = expected.flags[:, minutes]
    return Expected(expected.hour, expected.symbols, flags)


def missing_minutes(facts: pa.Table) -> dict[str, int]:
    """By symbol the minutes of an hour's facts that are neither present nor proven absent, where there are any."""
    expected, present, absent = (facts[f"minutes_{name}"].to_numpy() for name in ("expected", "present", "absent"))
    lacks = (expected - present - absent).tolist()
    return {symbol: int(count) for symbol, count in zip(facts["symbol"].to_pylist(), lacks, strict=True) if count}


def hour_facts(expected: Expected, bars: pa.Table, absent: Iterable[tuple[str, Range]]) -> pa.Table:
    """The facts (schema FACTS, sorted by symbol) of one hour.

    `bars` are resolved (schema core.bars.BARS) and of this hour alone; `absent` are proven ranges, of any
    time. A minute that is stored counts as present, whatever was proven of it before.
    """
    index = {symbol: row for row, symbol in enumerate(expected.symbols)}
    names = bars["symbol"].combine_chunks().dictionary_encode()
    place = np.array([*(index.get(name, -1) for name in names.dictionary.to_pylist()), -1], np.int64)
    row = place[names.indices.to_numpy()]
    minute = (bars["minute"].cast(pa.int64()).to_numpy() // 60_000) % _MINUTES
    # Of what is stored, what is expected; still sorted by symbol, minute. (Row -1 is somebody's: mask it first.)
    counts = np.flatnonzero((row >= 0) & expected.flags[row, minute]) if expected.symbols else np.empty(0, np.int64)
    row, minute = row[counts], minute[counts]
    present = np.zeros(expected.flags.shape, np.bool_)
    present[row, minute] = True
    held, first = np.unique(row, return_index=True)  # the symbols with a bar, and where theirs begin
    last = np.append(first[1:], len(row))[: len(first)] - 1

    def fact(name: str, of: Callable[[Values], Values]) -> pa.Array:
        column = np.full(len(expected.symbols), np.nan)
        column[held] = of(bars[name].to_numpy()[counts])
        return pa.array(column, from_pandas=True)  # NaN is null: no bar

    proven = _absent(expected, index, absent) & expected.flags & ~present
    start = expected.hour.astimezone(UTC).replace(tzinfo=None)
    return pa.table(
        {
            "symbol": pa.array(expected.symbols, pa.string()),
            "hour": pa.array([start] * len(expected.symbols), pa.timestamp("ms")),
            "open": fact("open", lambda values: values[first]),
            "high": fact("high", lambda values: np.maximum.reduceat(values, first) if len(first) else values),
            "low": fact("low", lambda values: np.minimum.reduceat(values, first) if len(first) else values),
            "close": fact("close", lambda values: values[last]),
            # In minute order, pairwise: what pandas does with sorted groups, so that the facts equal a direct
            # pandas aggregation to the last digit (DataFrameGroupBy.sum, pandas/core/groupby/ops.py, 3.1).
            "volume": fact("volume", lambda values: np.add.reduceat(values, first) if len(first) else values),
            "minutes_present": pa.array(present.sum(axis=1), pa.int32()),
            "minutes_expected": pa.array(expected.flags.sum(axis=1), pa.int32()),
            "minutes_absent": pa.array(proven.sum(axis=1), pa.int32()),
        },
        schema=FACTS,
    )


def changed_symbols(before: pa.Table, after: pa.Table) -> list[str]:
    """The symbols whose rows differ between two facts of one hour, sorted."""
    if before.equals(after):
        return []
    old, new = ({row["symbol"]: row for row in facts.to_pylist()} for facts in (before, after))
    return sorted(symbol for symbol in old.keys() | new.keys() if old.get(symbol) != new.get(symbol))


def keep_unlisted(before: pa.Table, after: pa.Table, listed: Sequence[str]) -> pa.Table:
    """`after`, with the rows of `before` whose symbols are no longer followed: their facts stay as they were."""
    known = set(listed)
    kept = before.filter(pa.array([symbol not in known for symbol in before["symbol"].to_pylist()], pa.bool_()))
    return pa.concat_tables([after, kept]).sort_by("symbol") if kept.num_rows else after


def _absent(expected: Expected, index: dict[str, int], absent: Iterable[tuple[str, Range]]) -> Flags:
    flags, end = np.zeros(expected.flags.shape, np.bool_), expected.hour + _MINUTES * MINUTE
    for symbol, proven in absent:
        if proven.start < end and expected.hour < proven.end and symbol in index:
            flags[index[symbol], _minutes(expected.hour, proven)] = True
    return flags


def _minutes(hour: datetime, span: Range) -> slice:
    """Which minutes of the hour lie in the range."""
    first, end = ((edge - hour) // MINUTE for edge in (span.start, span.end))
    return slice(max(first, 0), max(min(end, _MINUTES), 0))
