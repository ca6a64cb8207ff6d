"""`minutemend.read`: the bars of a lake for Python programs and notebooks, one whole bar a minute."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from minutemend.contract import Table
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, epoch_minute, format_instant
from minutemend.core.symbols import valid_symbols
from minutemend.services.lake import Lake

from mend.as_of import known_bars, known_values, parse_as_of
from mend.spans import Span, verdicts
from mend.times import parse_range

MINUTE = pa.timestamp("ms", "UTC")
_READERS = 8  # objects that are fetched at once


def read(
    source: str | os.PathLike[str] | Lake,
    symbols: str | Sequence[str] | None,
    start: str | datetime,
    end: str | datetime | None = None,
    as_of: str | datetime | None = None,
    *,
    provenance: bool = False,
    grid: bool = False,
) -> pa.Table:
    """The bars of `[start, end)`: one whole bar for each minute that has any, by the one rule (core/bars.py).

    `source` is a stage (`dev`, `prod`, `local`, `local:NAME`), the data bucket of one (`s3://BUCKET`), or a folder with
    a copy of that bucket. `symbols` is a list of them, or None for all that are stored. `start` and `end` are UTC: text
    as `mend --start` takes it, or aware datetimes on whole minutes; without `end`, a date stands for the whole of it.

    Gives an Arrow table sorted by symbol, minute: symbol (string), minute (timestamp[ms, UTC], the left edge), open,
    high, low, close, volume (double); pandas, polars and DuckDB take it without a copy. With `provenance` also source,
    repair_id, captured_at (when a worker had it in hand) and known_since (since when readers could get it). With
    `as_of` (text or an aware datetime) it is what a reader got then, bit for bit: what a backtest may know.

    With `grid` the rows are the minutes that the calendars of the followed symbols expect, no more and no fewer, and a
    column `verdict` says present, repaired, absent, failed or missing: where there is no bar, its columns are null.
    Nothing is ever filled in.

    Raises minutemend.core.errors.BadInput for a source, symbol or range that is none, for a grid where the lake knows
    no session of the range, and for an `as_of` of which the lake cannot tell.
    """
    window = _window(start, end)
    wanted = None if symbols is None else valid_symbols([symbols] if isinstance(symbols, str) else symbols)
    if wanted == ():
        raise BadInput("symbols is empty: at least one symbol would be right, or None for all of them")
    lake = source if isinstance(source, Lake) else _lake(os.fspath(source))
    if as_of is not None and grid:
        raise BadInput(
            "grid shows the verdicts of today, and as_of bars of another time: one of the two would be right"
        )
    then = None if as_of is None else parse_as_of(as_of, window=window, now=datetime.now(UTC))
    if provenance:
        bars = known_bars(lake, window, wanted, as_of=then)
    elif then is not None:
        bars = known_values(lake, window, wanted, then)
    else:
        bars = lake.read_bars(window, wanted, bare=True)
    if grid:
        bars = _on_grid(bars, _spans(lake, window, wanted))
    place = bars.schema.get_field_index("minute")
    return bars.set_column(place, pa.field("minute", MINUTE, nullable=False), bars["minute"].cast(MINUTE))


def _window(start: str | datetime, end: str | datetime | None) -> Range:
    given = [format_instant(_aware(one)) if isinstance(one, datetime) else one for one in (start, end)]
    if given[0] is None:
        raise BadInput("start is None: a date like 2013-10-04, or a time like 2013-10-04T13:30:00Z would be right")
    return parse_range(given[0], given[1], now=datetime.now(UTC))


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise BadInput(f"{instant.isoformat()} has no time zone: datetime(…, tzinfo=timezone.utc) would be right")
    return instant


def _lake(source: str) -> Lake:
    """The lake that a text names: a bucket, a folder, else a stage. Raises BadInput or Problem."""
    if source.startswith("s3://"):
        bucket, _, prefix = source[len("s3://") :].rstrip("/").partition("/")
        if not bucket or prefix:
            raise BadInput(
                f"{source} names no bucket alone: s3://BUCKET, the stage's output DataBucket, would be right"
            )
        from minutemend.adapters.s3_store import S3Store
        from minutemend.wiring.clients import Clients

        return Lake(S3Store(Clients().s3, bucket), readers=_READERS)
    folder = Path(source)
    if folder.is_dir():
        if not (folder / Table.BARS).is_dir():
            raise BadInput(
                f"{source} holds no folder {Table.BARS}/: a copy of a stage's data bucket would be right; "
                "minutemend.check reads files of other shapes"
            )
        from mend.folder_store import FolderStore

        return Lake(FolderStore(folder), readers=_READERS)
    if os.sep in source:
        raise BadInput(f"there is no folder {source}")
    from mend.stage import open_stage

    return open_stage(source).lake


def _spans(lake: Lake, window: Range, symbols: Sequence[str] | None) -> list[Span]:
    """The verdicts that make the grid. Raises BadInput where nothing is expected, or nothing of one of the symbols."""
    spans = list(verdicts(lake, window, symbols))
    followed = {one.symbol for one in lake.symbols()}
    strangers = sorted(set(symbols or ()) - followed)
    if strangers:
        raise BadInput(
            f"{', '.join(strangers)}: not followed by this lake, so that no calendar says when bars are expected; "
            "grid=False gives what is stored"
        )
    if not spans:
        raise BadInput(
            f"no minute is expected in {window}: the lake knows no session of a followed symbol there, and a grid has "
            "no rows; grid=False gives what is stored"
        )
    return spans


def _on_grid(bars: pa.Table, spans: Sequence[Span]) -> pa.Table:
    """A row for each minute of the spans, with its verdict, and its bar or nulls; sorted by symbol, minute."""
    ordered = sorted(spans)
    lengths = np.array([span.range.minutes for span in ordered], np.int64)
    row = np.repeat(np.arange(len(ordered)), lengths)
    first = np.array([epoch_minute(span.range.start) for span in ordered], np.int64)
    inside = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    minutes = first[row] + inside
    names = pa.array([span.symbol for span in ordered], pa.string()).take(pa.array(row))
    found = _places(bars, names, minutes)
    columns: dict[str, Any] = {"symbol": names, "minute": pa.array((minutes * 60_000).astype("M8[ms]"))}
    columns |= {name: bars[name].combine_chunks().take(found) for name in bars.column_names[2:]}
    columns["verdict"] = pa.array([str(span.verdict) for span in ordered], pa.string()).take(pa.array(row))
    return pa.table(columns)


def _places(bars: pa.Table, names: pa.Array, minutes: np.ndarray) -> pa.Array:
    """For each (symbol, minute) the row of `bars` (resolved: sorted, each once), or null."""
    symbols = pc.unique(bars["symbol"].combine_chunks())
    codes = [pc.fill_null(pc.index_in(column, symbols), -1) for column in (bars["symbol"].combine_chunks(), names)]
    there, wanted = (code.to_numpy().astype(np.int64) << 40 for code in codes)
    there = there + bars["minute"].to_numpy().astype("M8[m]").astype(np.int64)
    wanted = wanted + minutes
    if not len(there):
        return pa.nulls(len(wanted), pa.int64())
    at = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
    return pa.array(at, mask=there[at] != wanted)
