"""Files of bars as SELECTs of one form: who, when, and which prices, with what was worked out said in words."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
from minutemend.core.errors import BadInput

from mend.bars import dialect, json_files, wide
from mend.bars.dialect import Layout
from mend.bars.names import day_of, symbol_of
from mend.bars.paths import Found, find_files
from mend.bars.recognise import NoBars, Reading, Wanted, recognise
from mend.bars.time_columns import Column, written_as_digits
from mend.bars.unpack import Member, as_parquet, members, tabbed
from mend.start import leaving

FILE = "__file"
FILES = "__files__"


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are read alike, in one go: `reader` is a table function, `reading` what its rows mean.

    `symbols` has the symbol of each file (as DuckDB names it) where no column says it.
    """

    table: str  # the table function, with FILES where their list comes
    reading: Reading
    members: tuple[Member, ...]
    symbols: dict[str, str | None]
    also: str = ""  # a condition on the rows

    @property
    def reader(self) -> str:
        """SQL to select from."""
        return self.table.replace(FILES, _listed(self.members))

    def halves(self) -> tuple[Group, Group]:
        """The same in two parts: a file that breaks off costs itself alone."""
        middle = len(self.members) // 2
        return replace(self, members=self.members[:middle]), replace(self, members=self.members[middle:])


@dataclass(slots=True)
class BarFiles:
    """The files that some paths name, recognised. Use it as a context: what it unpacked goes away at its end."""

    connection: duckdb.DuckDBPyConnection
    wanted: Wanted
    groups: list[Group] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # files that hold no bars, and why
    _room: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="minutemend-", ignore_cleanup_errors=True)
    )

    def __post_init__(self) -> None:
        leaving.append(self._room.cleanup)

    def __enter__(self) -> BarFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._room.cleanup()
        leaving.remove(self._room.cleanup)

    @property
    def members(self) -> list[Member]:
        """Every file (or file in an archive) that is read."""
        return [member for group in self.groups for member in group.members]

    def where(self) -> str:
        """The files in a few words, for messages."""
        shown = sorted({member.shown for member in self.members})
        return shown[0] if len(shown) == 1 else f"{shown[0]} and {len(shown) - 1:,} more files"

    def said(self, left_out: dict[str, int]) -> tuple[str, ...]:
        """What was worked out, a line each; `left_out` counts the rows that are no bars, by why."""
        lines = [f"time: {one}" for one in dict.fromkeys(group.reading.said for group in self.groups)]
        by_name = sorted({name for group in self.groups for name in group.symbols.values() if name})
        if by_name:
            more = f" and {len(by_name) - 3:,} more" if len(by_name) > 3 else ""
            lines.append(f"symbol: {', '.join(by_name[:3])}{more}, not by a column")
        lines += [f"left out: {count:,} row{'s' if count != 1 else ''} {why}" for why, count in left_out.items()]
        lines += [f"skipped: {name}: {why}" for name, why in self.skipped[:5]]
        if len(self.skipped) > 5:
            lines.append(f"skipped: {len(self.skipped) - 5:,} more files without bars")
        return tuple(lines)

    def open(self, paths: Sequence[str], symbol: str | None) -> BarFiles:
        """Find and recognise the files. Raises BadInput where none holds bars, or one that is named by itself."""
        room = Path(self._room.name)
        texts: dict[tuple[str, str], list[Member]] = {}
        parquet: list[Member] = []
        for found in find_files(paths):
            try:
                for member in members(found, room):
                    self._sort(member, texts, parquet, room)
            except NoBars as foreign:
                self.skip(found, str(foreign))
            except OSError as unreadable:
                self.skip(found, f"it cannot be read: {unreadable.strerror or unreadable}")
        for alike in texts.values():
            self._try(alike, lambda alike=alike: self._text_groups(alike, symbol))
        for alike in self._same_columns(parquet):
            self._try(alike, lambda alike=alike: self._parquet_groups(alike, symbol))
        if not self.groups:
            listed = "; ".join(f"{name}: {why}" for name, why in self.skipped[:3])
            more = f"; and {len(self.skipped) - 3:,} more files" if len(self.skipped) > 3 else ""
            raise BadInput(f"no bars in {listed}{more}")
        return self

    def _sort(
        self, member: Member, texts: dict[tuple[str, str], list[Member]], parquet: list[Member], room: Path
    ) -> None:
        if member.kind == "parquet":
            parquet.append(member)
            return
        if member.kind == "arrow":
            parquet.append(as_parquet(member, room))
            return
        if member.kind == "json":
            target = room / f"{len(list(room.iterdir()))}.csv"
            json_files.to_csv(member.path, target)
            head = target.read_bytes()[: 1 << 16].decode("utf-8", "ignore")
            member = replace(member, path=str(target), kind="text", head=head[: head.rfind("\n") + 1])
        texts.setdefault((member.compression, dialect.signature(member.head)), []).append(member)

    def skip(self, found: Found | Member, why: str) -> None:
        name = found.path if isinstance(found, Found) else found.shown
        if found.asked:
            raise BadInput(f"{name}: {why}")
        self.skipped.append((name, why))

    def _try(self, alike: Sequence[Member], recognised: object) -> None:
        try:
            self.groups += recognised()  # type: ignore[operator]
        except NoBars as foreign:
            for member in alike:
                self.skip(member, str(foreign))
        except duckdb.Error as broken:
            for member in alike:
                self.skip(member, f"it cannot be read: {str(broken).strip().splitlines()[0]}")
        except BadInput as problem:
            raise BadInput(f"{alike[0].shown}: {problem}") from None

    def _text_groups(self, alike: list[Member], symbol: str | None) -> list[Group]:
        layout = dialect.layout_of(alike[0].head)
        if layout is None:
            last = alike[0].head.strip().rpartition("\n")[2]
            raise NoBars(
                f"it is text, but no line of it looks like a bar (not {last[:60]!r}): lines such as "
                "2024-03-12T13:30:00Z,100.0,100.5,99.5,100.2,1200 would be right"
            )
        if layout.delimiter == " ":
            alike = [tabbed(member, Path(self._room.name)) for member in alike]
            layout = replace(layout, delimiter="\t")
        columns = [
            Column(
                layout.names[place] if layout.names else "",
                f"c{place}",
                "VARCHAR",
                tuple(row[place] for row in layout.sample),
            )
            for place in range(layout.width)
        ]
        reader = _csv_reader(alike, layout)
        headed = bool(layout.names)
        reading = self._ordered(columns, reader, alike, headed=headed)
        if reading.symbol is None and headed:
            owned = wide.by_line(columns, layout.symbols)
            owned = owned or wide.by_name(columns, reading, symbol, alike[0].shown)
            if owned is not None:
                return self._wide(*owned, reader, alike, symbol)
        return [self._group(reader, reading, alike, symbol or layout.banner or None)]

    def _wide(
        self, owners: list[str], columns: list[Column], reader: str, alike: list[Member], symbol: str | None
    ) -> list[Group]:
        """Columns that belong to symbols, and some to all (`""`): those of each are read as a table of its own."""
        groups = []
        names = sorted({one for one in owners if one})
        for name in names:
            own = [column for column, one in zip(columns, owners, strict=True) if one in ("", name)]
            reading = self._ordered(own, reader, alike, headed=True)
            group = self._group(reader, reading, alike, symbol if symbol and len(names) == 1 else name)
            groups.append(replace(group, also=reading.priced if len(names) > 1 else ""))
        return groups

    def _parquet_groups(self, alike: list[Member], symbol: str | None) -> list[Group]:
        reader = f"read_parquet({FILES}, filename = '{FILE}', hive_partitioning = false, union_by_name = true)"
        described = self.connection.execute(
            f"DESCRIBE SELECT * FROM {reader.replace(FILES, _listed(alike))}"  # noqa: S608
        ).fetchall()
        names = [(str(name), str(kind)) for name, kind, *_ in described if name != FILE]
        shown = ", ".join(f"CAST({_name(name)} AS VARCHAR)" for name, _ in names)
        first = f"read_parquet('{_quoted(alike[0].path)}', hive_partitioning = false)"
        sample = self.connection.execute(f"SELECT {shown} FROM {first} LIMIT 200").fetchall()  # noqa: S608
        columns = []
        for place, (name, kind) in enumerate(names):
            values = tuple("" if row[place] is None else str(row[place]) for row in sample)
            text = kind.startswith("ENUM") or ("INT" in kind and written_as_digits(name, values))
            sql = f"CAST({_name(name)} AS VARCHAR)" if text else _name(name)
            columns.append(Column(name, sql, "VARCHAR" if text else kind, values))
        owned = wide.by_pair(columns)
        if owned is None:
            reading = self._ordered(columns, reader, alike, headed=True)
            owned = None if reading.symbol else wide.by_name(columns, reading, symbol, alike[0].shown)
            if owned is None:
                return [self._group(reader, reading, alike, symbol)]
        return self._wide(*owned, reader, alike, symbol)

    def _same_columns(self, parquet: list[Member]) -> Iterable[list[Member]]:
        """Parquet files by their columns: those of one kind are read in one go."""
        kinds: dict[str, list[Member]] = {}
        for member in parquet:
            try:
                rows = self.connection.execute(
                    f"SELECT name, type, logical_type FROM parquet_schema('{_quoted(member.path)}')"  # noqa: S608
                ).fetchall()
            except duckdb.Error as broken:
                self.skip(member, f"it cannot be read: {str(broken).strip().splitlines()[0]}")
                continue
            kinds.setdefault(repr(sorted(map(str, rows[1:]))), []).append(member)
        return kinds.values()

    def _ordered(self, columns: list[Column], reader: str, alike: list[Member], *, headed: bool) -> Reading:
        """The reading; where dates may be day first or month first, all the files decide, or nothing does."""
        path = alike[0].shown
        reading = recognise(columns, wanted=self.wanted, path=path, headed=headed)
        if reading.check is None or self.wanted.day_first is not None:
            return reading
        first, second, year = self.connection.execute(
            f"SELECT {reading.check} FROM {reader.replace(FILES, _listed(alike))}"  # noqa: S608
        ).fetchall()[0]
        if year:
            raise BadInput(
                "its dates, like 24-03-25, may begin with the day, or have the year first: years of four digits would "
                "be right, or --dates day-first"
            )
        if (first or 0) <= 12 and (second or 0) <= 12:
            raise BadInput(
                "its dates may be written day first or month first, and no day in it is past the 12th: "
                "--dates month-first or --dates day-first would say it"
            )
        day_first = (first or 0) > 12
        return recognise(columns, wanted=replace(self.wanted, day_first=day_first), path=path, headed=headed)

    def _group(self, reader: str, reading: Reading, alike: Sequence[Member], symbol: str | None) -> Group:
        if reading.symbol is not None:
            return Group(reader, reading, tuple(alike), {})
        symbols = {one.path: symbol or symbol_of(one.shown, upper=reading.upper) for one in alike}
        unnamed = [one.shown for one in alike if symbols[one.path] is None]
        if unnamed:
            raise BadInput(
                f"neither a column, the header nor the name of {unnamed[0]} says whose bars these are: "
                "--symbol NAME would say it, or --symbol-column NAME"
            )
        if reading.file_day:
            undated = [one.shown for one in alike if day_of(one.shown) is None]
            if undated:
                raise NoBars(f"{undated[0]} holds times of day, and its name no date")
            days = ", ".join(f"('{_quoted(one.path)}', '{day_of(one.shown)}')" for one in alike)
            reader = f"(SELECT * FROM {reader} JOIN (VALUES {days}) AS days({FILE}, __day) USING ({FILE}))"  # noqa: S608
        return Group(reader, reading, tuple(alike), symbols)


def _csv_reader(alike: Sequence[Member], layout: Layout) -> str:
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(layout.width))
    quote = '"' if any('"' in member.head for member in alike[:20]) else ""
    delimiter = layout.delimiter.replace("\t", "\\t")
    return (
        f"read_csv({FILES}, auto_detect = false, header = false, skip = {layout.skip}, delim = '{delimiter}', "
        f"quote = '{quote}', escape = '{quote}', columns = {{{columns}}}, null_padding = true, strict_mode = false, "
        f"store_rejects = true, compression = '{alike[0].compression}', filename = '{FILE}')"
    )


def _listed(alike: Sequence[Member]) -> str:
    return "[" + ", ".join(f"'{_quoted(_literal(one.path))}'" for one in alike) + "]"


def _literal(path: str) -> str:
    """A path that DuckDB does not take for a pattern."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _name(column: str) -> str:
    escaped = column.replace('"', '""')
    return f'"{escaped}"'


def _quoted(text: str) -> str:
    return text.replace("'", "''")
