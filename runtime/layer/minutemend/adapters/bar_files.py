"""Files of bars that somebody has: found, looked at, and made readable as the audit's `bars`.

Parquet, CSV, folders, globs and Hive partitions, with a column for the symbol and one for the minute. Whatever
cannot be audited honestly is refused as BadInput, before anything is counted.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from minutemend.adapters.duckdb_lake import quoted
from minutemend.contract import PARTITION
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range

PARQUET = (".parquet", ".pq", ".parq")
CSV = (".csv", ".csv.gz", ".csv.zst", ".tsv", ".txt")
_MAGIC = b"PAR1"
# Wider than what the lake accepts, as files elsewhere name symbols BTC/USDT or brk.b; no quote, no semicolon.
_SYMBOL = re.compile(r"[\w.\-/:^=+ ]{1,40}")
_ZONED = r"(Z|z|[+-]\d\d(:?\d\d)?)$"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the files hold of one symbol: first and last minute (aware, UTC), and rows."""

    symbol: str
    first: datetime
    last: datetime
    rows: int


def find_files(paths: Sequence[str]) -> list[str]:
    """The files that paths, folders and globs name, sorted, each once. Raises BadInput for what is not there."""
    found: set[str] = set()
    for path in paths:
        if Path(path).is_dir():
            inside = [one for one in Path(path).rglob("*") if one.is_file() and _is_data(one, Path(path))]
            if not inside:
                raise BadInput(f"{path} is a folder without Parquet or CSV files ({', '.join(PARQUET + CSV)})")
            found.update(map(str, inside))
        elif Path(path).is_file():
            found.add(path)
        elif matches := [one for one in glob.glob(path, recursive=True) if Path(one).is_file()]:
            found.update(matches)
        else:
            what = "nothing matches" if glob.has_magic(path) else "there is no file or folder"
            raise BadInput(f"{what} {path}")
    for name in found:
        _refuse_broken(Path(name))
    return sorted(found)


def _is_data(path: Path, root: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
    return not hidden and path.name.lower().endswith(PARQUET + CSV)


def _is_csv(name: str) -> bool:
    return name.lower().endswith(CSV)


def _refuse_broken(path: Path) -> None:
    """What DuckDB would say less clearly: an empty file, a Parquet file that is none, or one cut short."""
    size = path.stat().st_size
    if size == 0:
        raise BadInput(f"{path} is empty (0 bytes): a Parquet or CSV file with bars would be right")
    if _is_csv(path.name):
        return
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(-min(size, 4), 2)
        tail = file.read(4)
    if head != _MAGIC:
        raise BadInput(f"{path} is not a Parquet file (it begins with {head!r}); a CSV file's name ends in .csv")
    if tail != _MAGIC or size < 12:
        raise BadInput(f"{path} is a truncated Parquet file ({size:,} bytes, and no footer): write or fetch it again")


class BarFiles:
    """Files as one SELECT of symbol, minute (UTC, without zone) and dt, and what they hold.

    `zone` is the time zone of times that carry none; without it such times are refused, except in files of
    minutemend's own lake, which are UTC by contract. Raises BadInput.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        paths: Sequence[str],
        *,
        symbol_column: str = "symbol",
        minute_column: str = "minute",
        zone: str | None = None,
    ) -> None:
        self._connection = connection
        self._symbol, self._minute, self._zone = symbol_column, minute_column, zone
        self.files = find_files(paths)
        connection.execute("SET TimeZone = 'UTC'")
        csv = [name for name in self.files if _is_csv(name)]
        parquet = [name for name in self.files if not _is_csv(name)]
        kinds = [self._select(names, is_csv) for names, is_csv in ((parquet, False), (csv, True)) if names]
        self.select = " UNION ALL ".join(kinds)

    def seen(self) -> list[Seen]:
        """One row for each symbol, sorted. Raises BadInput for rows that no audit can count."""
        try:
            rows = self._connection.execute(
                f"""
                SELECT symbol, min(minute), max(minute), count(*), count(minute),
                       count(*) FILTER (WHERE microsecond(minute) <> 0),
                       min(minute) FILTER (WHERE microsecond(minute) <> 0)
                FROM ({self.select}) AS bars GROUP BY symbol ORDER BY symbol"""  # noqa: S608 (quoted names)
            ).fetchall()
        except duckdb.Error as error:
            raise BadInput(f"{self._where()} cannot be read: {_first_line(error)}") from error
        if not rows:
            raise BadInput(f"{self._where()}: no bars in it, so there is nothing to audit")
        found = []
        for symbol, first, last, count, timed, off, example in rows:
            if symbol is None or timed < count:
                which = self._symbol if symbol is None else self._minute
                raise BadInput(f"{self._where()}: {count if symbol is None else count - timed:,} rows have no {which}")
            if not _SYMBOL.fullmatch(symbol):
                raise BadInput(
                    f"{self._where()}: {symbol!r} is not a symbol: letters, digits and . - _ / : ^ = + would be right"
                )
            if off:
                raise BadInput(
                    f"{self._where()}: {off:,} times of {symbol} are off the minute, the first is {example}Z: "
                    "the left edge of each bar, on a whole minute, would be right"
                )
            found.append(Seen(symbol, first.replace(tzinfo=UTC), last.replace(tzinfo=UTC), count))
        return found

    def select_in(self, window: Range) -> str:
        """The same SELECT for the minutes of a window: Parquet's own statistics then skip what lies outside."""
        start, end = (f"TIMESTAMP '{at:%Y-%m-%d %H:%M:%S}'" for at in (window.start, window.end))
        return f"SELECT * FROM ({self.select}) AS bars WHERE minute >= {start} AND minute < {end}"  # noqa: S608

    def _where(self) -> str:
        return self.files[0] if len(self.files) == 1 else f"{self.files[0]} and {len(self.files) - 1:,} more files"

    def _select(self, names: Sequence[str], is_csv: bool) -> str:
        listed = ", ".join(f"'{quoted(name)}'" for name in names)
        files = f"[{listed}]"
        hive = any("=" in part for name in names for part in Path(name).parent.parts)
        options = f", hive_partitioning = {str(hive).lower()}, hive_types_autocast = false"
        reader = f"read_csv({files}, all_varchar = true{options})" if is_csv else f"read_parquet({files}{options})"
        try:
            described = self._connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()  # noqa: S608
        except duckdb.Error as error:
            raise BadInput(f"{self._where()} cannot be read: {_first_line(error)}") from error
        types = {row[0]: row[1] for row in described}
        self._refuse_missing(types)
        minute = self._instant(types, reader, is_csv)
        # In the lake's own layout dt is the UTC date of the minute; what dt means elsewhere nobody knows.
        own = PARTITION in types and {"captured_at", "repair_id"} <= types.keys()
        dt = PARTITION if own else f"CAST(CAST({minute} AS DATE) AS VARCHAR)"
        symbol = f"CAST({_name(self._symbol)} AS VARCHAR)"
        return f"SELECT {symbol} AS symbol, {minute} AS minute, {dt} AS {PARTITION} FROM {reader}"  # noqa: S608

    def _refuse_missing(self, types: Iterable[str]) -> None:
        there = list(types)
        wanted = ((self._symbol, "--symbol-column"), (self._minute, "--minute-column"))
        lacking = [(column, option) for column, option in wanted if column not in there]
        if lacking:
            raise BadInput(
                f"{self._where()} has no column {' and no column '.join(column for column, _ in lacking)}; "
                f"it has {', '.join(there)}: name the right one with {' and '.join(option for _, option in lacking)}"
            )

    def _instant(self, types: dict[str, str], reader: str, is_csv: bool) -> str:
        """The SQL expression of the minute as a UTC timestamp without zone."""
        column, kind = _name(self._minute), types[self._minute]
        if is_csv:
            return self._csv_instant(column, reader)
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"make_timestamp(epoch_us({column}))"
        if not kind.startswith("TIMESTAMP"):
            raise BadInput(
                f"{self._where()}: the column {self._minute} is {'text' if kind == 'VARCHAR' else kind}: "
                "timestamps with a time zone would be right (pandas: pd.to_datetime(..., utc=True))"
            )
        if {"captured_at", "repair_id"} <= types.keys():
            return f"CAST({column} AS TIMESTAMP)"
        return self._naive(f"CAST({column} AS TIMESTAMP)", "timestamps")

    def _csv_instant(self, column: str, reader: str) -> str:
        row = self._connection.execute(
            f"""SELECT count(*) FILTER (WHERE TRY_CAST({column} AS TIMESTAMPTZ) IS NULL),
                       min({column}) FILTER (WHERE TRY_CAST({column} AS TIMESTAMPTZ) IS NULL),
                       count(*) FILTER (WHERE NOT regexp_matches({column}, '{_ZONED}'))
                FROM {reader}"""  # noqa: S608 (quoted names)
        ).fetchone()
        wrong, example, naive = row or (0, None, 0)
        if wrong:
            raise BadInput(
                f"{self._where()}: {wrong:,} values of {self._minute} are no times, such as {example!r}: "
                "2013-10-04T13:30:00Z would be right"
            )
        if naive:
            return self._naive(f"CAST({column} AS TIMESTAMP)", f"{naive:,} times")
        return f"make_timestamp(epoch_us(CAST({column} AS TIMESTAMPTZ)))"

    def _naive(self, expression: str, what: str) -> str:
        if self._zone is None:
            raise BadInput(
                f"{self._where()}: the {what} in {self._minute} carry no time zone, so that nobody can say which "
                "minutes they are: add --zone UTC, or the zone that they were written in, as --zone America/New_York"
            )
        if self._zone == "UTC":
            return expression
        return f"make_timestamp(epoch_us(timezone('{quoted(self._zone)}', {expression})))"


def _name(column: str) -> str:
    escaped = column.replace('"', '""')
    return f'"{escaped}"'


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
