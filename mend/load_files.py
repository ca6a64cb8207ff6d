"""Bars from files for a lake: read by the one reader, and every row looked at before the first is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
from minutemend.core.bars import BARS, VALUES
from minutemend.core.errors import BadInput
from minutemend.core.symbols import SYMBOL_PATTERN

from mend.bars.reader import BarFiles
from mend.bars.recognise import BarOptions
from mend.bars.rows import select_rows
from mend.bars.scan import scan
from mend.check import grid, zones

_MEMORY = "1GB"  # of the engine; what is more is sorted on disk
_AT_ONCE = 250_000  # rows that are handed on at once, to the end of their date


@dataclass(frozen=True, slots=True)
class Contents:
    """What the files hold. `dates` are the UTC dates with bars, `symbols` their names, both sorted; `said` is what was
    worked out, a line each."""

    rows: int
    symbols: tuple[str, ...]
    dates: tuple[date, ...]
    said: tuple[str, ...]


class LoadFiles:
    """The bars of some files, to be loaded. Use it as a context. Raises BadInput for whatever cannot be believed.

    Times that carry no zone are refused where `options` name none; so is a column that is called an end, where they
    do not say which edge names a bar. `symbols` are the only ones wanted, None for all.
    """

    def __init__(self, paths: Sequence[str], options: BarOptions, *, symbols: Sequence[str] | None = None) -> None:
        self._spilled = TemporaryDirectory(prefix="mend-load-")
        self._db = duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": self._spilled.name})
        self._db.execute("SET TimeZone = 'UTC'")
        self._zone = None if options.zone is None else zones.zone_named(options.zone, self._db)
        self._files = BarFiles(self._db, options.wanted()).open(paths, options.symbol)
        self._symbols, self._label = symbols, options.label

    def __enter__(self) -> LoadFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.__exit__()
        self._db.close()
        self._spilled.cleanup()

    def check(self) -> Contents:
        """Look at every row. Raises BadInput with the first thing that is wrong, and how often it is."""
        found = scan(self._files)
        for name, why in self._files.unread:
            raise BadInput(f"{name}: {why} (nothing was loaded; a pattern that leaves it out would load the rest)")
        cadence = grid.cadence_of(found.zoned.joined(found.naive))
        if cadence > 1:
            raise BadInput(f"these bars lie {grid.shown(cadence)} apart: a lake holds minutes, and nothing was loaded")
        if found.naive.names:
            if self._zone is None:
                raise BadInput(
                    f"{self._files.where(found.naive_files)}: times carry no zone, so they may be any minute: --zone "
                    "UTC would be right where they are UTC, or the zone that they were written in, as --zone "
                    "America/New_York"
                )
            zones.refuse_half(found.naive, self._files.where(found.naive_files))
            zones.refuse_twice(found.naive, self._zone)
        if self._label is None and any(group.reading.ends for group in self._files.groups):
            raise BadInput(
                f"{self._files.where()}: its column of times is called an end: --label right would be right where it "
                "is the end of each bar, else --label left"
            )
        rows = select_rows(self._files, zone=self._zone, symbols=self._symbols, early=int(self._label == "right"))
        self._db.execute(f"CREATE OR REPLACE VIEW given AS {rows}")
        count = self._refuse_wrong()
        if not count:
            raise BadInput("the files hold no bars of these symbols, so there is nothing to load")
        dates = self._db.execute("SELECT DISTINCT CAST(minute AS DATE) AS day FROM given ORDER BY day").fetchall()
        symbols = self._db.execute("SELECT DISTINCT symbol FROM given ORDER BY symbol").fetchall()
        said = self._files.said(found.left_out)
        return Contents(count, tuple(name for (name,) in symbols), tuple(day for (day,) in dates), said)

    def tables(self, *, source: str, captured_at: datetime) -> Iterator[Any]:
        """The bars in the order of their UTC dates, each table (schema BARS, with the provenance given) some whole
        dates of them; repeated minutes and all. The files are read once, and sorted on disk where memory ends."""
        import pyarrow as pa

        query = f"SELECT symbol, minute, {', '.join(VALUES)} FROM given ORDER BY minute"  # noqa: S608
        reader = self._db.sql(query).to_arrow_reader(_AT_ONCE)
        held = pa.Table.from_batches([], reader.schema)
        for batch in reader:
            held = pa.concat_tables([held, pa.Table.from_batches([batch])])
            minutes = held["minute"].to_numpy()
            whole = int(np.searchsorted(minutes, minutes[-1].astype("M8[D]")))  # the last date may go on
            if whole >= _AT_ONCE:
                yield _as_bars(held.slice(0, whole), source, captured_at)
                held = held.slice(whole)
        if held.num_rows:
            yield _as_bars(held, source, captured_at)

    def _refuse_wrong(self) -> int:
        """How many rows there are, none of them wrong."""
        wrong = {
            "has no symbol": "symbol IS NULL",
            "is of the year 2200 or later": "minute >= TIMESTAMP '2200-01-01'",
            "is not on a whole minute": "minute <> date_trunc('minute', minute)",
            "has a symbol that cannot be one": f"NOT regexp_full_match(symbol, '{SYMBOL_PATTERN.pattern}')",
            "lacks a price or the volume, or has NaN or infinity": " OR ".join(
                f"{name} IS NULL OR NOT isfinite({name})" for name in VALUES
            ),
            "has a price or volume below zero": " OR ".join(f"{name} < 0" for name in VALUES),
            "has its low above its high, or open or close outside them": (
                "low > least(open, close) OR high < greatest(open, close)"
            ),
        }
        counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in wrong.values())
        rows, *found = self._db.execute(f"SELECT count(*), {counts} FROM given").fetchall()[0]  # noqa: S608
        for (what, condition), times in zip(wrong.items(), found, strict=True):
            if times:
                (row,) = self._db.execute(f"SELECT * FROM given WHERE {condition} LIMIT 1").fetchall()  # noqa: S608
                first = ", ".join(map(str, row))
                raise BadInput(f"{times:,} of {rows:,} rows: a row {what}; the first: {first}. Nothing was loaded")
        return int(rows)


def _as_bars(rows: Any, source: str, captured_at: datetime) -> Any:
    import pyarrow as pa

    constants = {"source": source, "repair_id": None, "captured_at": captured_at.replace(tzinfo=None)}
    for name, value in constants.items():
        field = BARS.field(name)
        rows = rows.append_column(field, pa.repeat(pa.scalar(value, field.type), rows.num_rows))
    return rows.select(BARS.names).cast(BARS)
