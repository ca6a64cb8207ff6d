"""`minutemend.check`: the audit of files for Python programs and notebooks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from minutemend.core.value_rules import Flag

from mend.check.check_files import CheckRequest, check_files
from mend.check.check_result import CheckResult


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. `totals` has the counts of `mend check --format json`, `said` what was worked out, `unread`
    the files that are broken, and why: their bars are not counted, and nothing is whole. Nor is it with `unplaced`:
    what else is lacking or of no known place, a line each.

    `gaps` has the columns symbol, start, end (UTC, half-open), minutes (of time) and bars (that are missing): an Arrow
    table where pyarrow is installed, else a dict of numpy arrays. pandas, polars and DuckDB take either. `flags`, with
    `values`, are the values that cannot be right (mend/check/values.py); None: they were not looked at.
    """

    totals: dict[str, Any]
    gaps: Any
    said: tuple[str, ...]
    whole: bool
    flags: tuple[Flag, ...] | None = None
    unread: tuple[tuple[str, str], ...] = ()
    unplaced: tuple[str, ...] = ()


def check(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    calendar: str,
    symbols: Sequence[str] | None = None,
    symbol: str | None = None,
    start: str | None = None,
    end: str | None = None,
    cadence: str | None = None,
    zone: str | None = None,
    label: str | None = None,
    symbol_column: str | None = None,
    minute_column: str | None = None,
    dates: str | None = None,
    values: bool = False,
) -> Checked:
    """Find the missing minutes in files of bars: the options are those of `mend check`, and mean the same.

    Raises minutemend.core.errors.BadInput, with what would be right, for what cannot be checked honestly.
    """
    import duckdb

    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    request = CheckRequest(
        tuple(os.fspath(one) for one in given),
        calendar,
        symbols=None if symbols is None else ",".join([symbols] if isinstance(symbols, str) else symbols),
        start=start,
        end=end,
        cadence=cadence,
        symbol=symbol,
        symbol_column=symbol_column,
        minute_column=minute_column,
        zone=zone,
        label=label,
        dates=dates,
        values=values,
    )
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        result = check_files(request, now=datetime.now(UTC), connection=connection)
    told = result.as_json()
    totals = {name: value for name, value in told.items() if not isinstance(value, (list, dict))}
    return Checked(totals, _table(result), result.said, result.whole, result.flags, result.unread, result.unplaced)


def _table(result: CheckResult) -> Any:
    instants = ([getattr(gap, edge).replace(tzinfo=None) for gap in result.gaps] for edge in ("start", "end"))
    start, end = (np.array(column, "M8[s]") for column in instants)
    columns = {
        "symbol": np.array([gap.symbol for gap in result.gaps], object),
        "start": start,
        "end": end,
        "minutes": np.array([gap.minutes for gap in result.gaps], np.int64),
        "bars": np.array(result.bars, np.int64),
    }
    try:
        import pyarrow as pa
    except ImportError:
        return columns
    utc = pa.timestamp("s", "UTC")
    types = {"symbol": pa.string(), "start": utc, "end": utc, "minutes": pa.int64(), "bars": pa.int64()}
    return pa.table({name: pa.array(columns[name]).cast(kind) for name, kind in types.items()})
