"""Bars in files: Parquet, CSV, folders, globs and Hive partitions, checked before one of them is believed."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from minutemend.core.bars import BARS, VALUES
from minutemend.core.errors import BadInput
from minutemend.core.symbols import SYMBOL_PATTERN

SUFFIXES = (".parquet", ".csv", ".csv.gz")
_NUMBERS = {"DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT", "SMALLINT", "UBIGINT", "UINTEGER", "USMALLINT"}
_ZONE = r"(Z|[+-]\d\d(:?\d\d)?)$"


@dataclass(frozen=True, slots=True)
class Contents:
    """What the files hold. `dates` are the UTC dates with bars, `symbols` their names, both sorted; `repeated` rows
    say a minute again."""

    rows: int
    repeated: int
    symbols: tuple[str, ...]
    dates: tuple[date, ...]


class BarFiles:
    """The bars of some files, through DuckDB. Raises BadInput for whatever cannot be believed."""

    def __init__(self, paths: Sequence[str], *, symbol_column: str, minute_column: str, assume_utc: bool) -> None:
        import duckdb

        self._db = duckdb.connect()
        self._db.execute("SET TimeZone = 'UTC'")
        files = [file for path in paths for file in find(path)]
        self._read(files, {"symbol": symbol_column, "minute": minute_column}, assume_utc=assume_utc)

    def _read(self, files: list[str], named: dict[str, str], *, assume_utc: bool) -> None:
        import duckdb

        parts = []
        for kind, some in _by_kind(files).items():
            options = "union_by_name = true, hive_partitioning = true"
            source = f"read_{kind}([{', '.join(map(_quoted, some))}], {options}"
            try:
                described = self._db.execute(f"DESCRIBE SELECT * FROM {source})").fetchall()  # noqa: S608
            except duckdb.Error as broken:
                which = some[0] if len(some) == 1 else f"one of {len(some)} files"
                raise BadInput(f"{which} cannot be read as {kind}: {_first_line(broken)}") from None
            columns = {str(name): str(sql_type) for name, sql_type, *_ in described}
            if kind == "csv" and named["minute"] in columns:
                # Times stay text in CSV, so that one without a zone is not taken for UTC in silence.
                columns[named["minute"]] = "VARCHAR"
                source += f", types = {{{_quoted(named['minute'])}: 'VARCHAR'}}"
            parts.append(_selection(f"{source})", columns, named, assume_utc=assume_utc))
        self._db.execute(f"CREATE VIEW given AS {' UNION ALL '.join(parts)}")

    def check(self) -> Contents:
        """Look at every row. Raises BadInput with the first thing that is wrong, and how often it is."""
        import duckdb

        wrong = {
            "has no symbol": "symbol IS NULL",
            "has no minute": "minute IS NULL",
            "is not on a whole minute": "minute <> date_trunc('minute', minute)",
            "has a symbol that cannot be one": f"NOT regexp_full_match(symbol, {_quoted(SYMBOL_PATTERN.pattern)})",
            "lacks a price or the volume, or has NaN or infinity": " OR ".join(
                f"{name} IS NULL OR NOT isfinite({name})" for name in VALUES
            ),
            "has a price or volume below zero": " OR ".join(f"{name} < 0" for name in VALUES),
            "has its low above its high, or open or close outside them": (
                "low > least(open, close) OR high < greatest(open, close)"
            ),
        }
        counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in wrong.values())
        try:
            rows, minutes, *found = self._db.execute(
                f"SELECT count(*), count(DISTINCT (symbol, minute)), {counts} FROM given"  # noqa: S608
            ).fetchall()[0]
        except duckdb.Error as broken:
            raise BadInput(f"the files cannot be read: {_first_line(broken)}") from None
        for (what, condition), times in zip(wrong.items(), found, strict=True):
            if times:
                (row,) = self._db.execute(f"SELECT * FROM given WHERE {condition} LIMIT 1").fetchall()  # noqa: S608
                raise BadInput(f"{times} of {rows} rows: a row {what}; the first: {_plain(row)}. Nothing was loaded")
        if not rows:
            raise BadInput("the files hold no row: bars would be right")
        dates = self._db.execute("SELECT DISTINCT CAST(minute AS DATE) AS day FROM given ORDER BY day").fetchall()
        symbols = self._db.execute("SELECT DISTINCT symbol FROM given ORDER BY symbol").fetchall()
        return Contents(rows, rows - minutes, tuple(name for (name,) in symbols), tuple(day for (day,) in dates))

    def days(self, dates: Sequence[date], *, source: str, captured_at: datetime) -> Iterator[tuple[date, Any]]:
        """The bars of each UTC date, as a table of `BARS` with the provenance given; repeated minutes and all."""
        import pyarrow as pa

        stamp = captured_at.replace(tzinfo=None)
        for day in dates:
            query = f"SELECT symbol, minute, {', '.join(VALUES)} FROM given WHERE minute >= ? AND minute < ?"  # noqa: S608
            start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 (instants in the lake carry no zone)
            table = self._db.sql(query, params=[start, start + timedelta(days=1)]).to_arrow_table()
            constants = {"source": source, "repair_id": None, "captured_at": stamp}
            for name, value in constants.items():
                field = BARS.field(name)
                table = table.append_column(field, pa.array([value] * table.num_rows, field.type))
            yield day, table.select(BARS.names).cast(BARS)


def find(path: str) -> list[str]:
    """The files that a path names: itself, those of a folder at any depth, or those of a glob. Raises BadInput."""
    there = Path(path)
    if there.is_file():
        if not path.endswith(SUFFIXES):
            raise BadInput(f"{path} ends in none of {', '.join(SUFFIXES)}")
        return [path]
    found = glob.glob(path, recursive=True) if glob.has_magic(path) else glob.glob(f"{path}/**/*", recursive=True)
    files = sorted(file for file in found if file.endswith(SUFFIXES))
    if not files:
        what = "holds no file" if there.is_dir() else "is no file and no folder"
        raise BadInput(f"{path} {what} that ends in {', '.join(SUFFIXES)}")
    return files


def _by_kind(files: Sequence[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for file in files:
        kinds.setdefault("parquet" if file.endswith(".parquet") else "csv", []).append(file)
    return kinds


def _selection(source: str, columns: dict[str, str], named: dict[str, str], *, assume_utc: bool) -> str:
    """The SELECT that brings a source's columns into ours. Raises BadInput for a column that is not there or unfit."""
    there = f"there are {', '.join(columns)}"
    for ours, name in named.items():
        if name not in columns:
            raise BadInput(f"there is no column {name}: {there}; --{ours}-column names another")
    for name in VALUES:
        if name not in columns:
            raise BadInput(f"there is no column {name}: {there}")
        if not (columns[name] in _NUMBERS or columns[name].startswith("DECIMAL")):
            raise BadInput(f"the column {name} is {columns[name]}: numbers would be right")
    minute, kind = f'"{named["minute"]}"', columns[named["minute"]]
    hint = "--assume-utc says that they are UTC"
    if kind == "TIMESTAMP WITH TIME ZONE":
        instant = f"timezone('UTC', {minute})"
    elif kind.startswith("TIMESTAMP") and assume_utc:
        instant = f"CAST({minute} AS TIMESTAMP)"
    elif kind == "VARCHAR" and source.startswith("read_csv"):
        zoned = f"timezone('UTC', CAST({minute} AS TIMESTAMPTZ))"
        naive = f"CAST({minute} AS TIMESTAMP)" if assume_utc else f"error('times have no zone: {hint}')"
        instant = f"CASE WHEN regexp_matches({minute}, {_quoted(_ZONE)}) THEN {zoned} ELSE {naive} END"
    elif kind.startswith("TIMESTAMP"):
        raise BadInput(f"the times in column {named['minute']} have no zone: {hint}")
    else:
        raise BadInput(f"the column {named['minute']} is {kind}: a timestamp with its zone would be right")
    values = ", ".join(f'CAST("{name}" AS DOUBLE) AS {name}' for name in VALUES)
    symbol = f'CAST("{named["symbol"]}" AS VARCHAR)'
    return f"SELECT {symbol} AS symbol, {instant} AS minute, {values} FROM {source}"  # noqa: S608


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(broken: Exception) -> str:
    return str(broken).strip().splitlines()[0]


def _plain(row: Sequence[object]) -> str:
    return ", ".join(map(str, row))
