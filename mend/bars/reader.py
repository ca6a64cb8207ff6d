"""Files of bars as SELECTs of one form: who, when, and which prices, with what was worked out said in words."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
from minutemend.core.errors import BadInput

from mend.bars import dialect, json_files, rewrite, wide
from mend.bars.json_rows import Besides
from mend.bars.names import day_of, said_by, symbols_of
from mend.bars.no_bars import Broken, NoBars, OfFile, of_text, without_rows
from mend.bars.paths import Found, find_files, unopened
from mend.bars.recognise import Reading, Wanted, recognise
from mend.bars.series import kept_apart
from mend.bars.tables import FILE, FILES, PARQUET, beside, csv_reader, listed, name_of, quoted_text, rowless_parquet
from mend.bars.time_columns import Column, written_as_digits
from mend.bars.unpack import Member, members
from mend.console import count
from mend.start import leaving

_NOBODYS = "neither a column, the header nor its name says whose bars these are"


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are read alike, in one go: `reader` is a table function, `reading` what its rows mean.

    `symbols` has the symbol of each file (as DuckDB names it) where no column says it.
    """

    table: str  # the table function, with FILES where their list comes
    reading: Reading
    members: tuple[Member, ...]
    symbols: dict[str, str | None]

    @property
    def reader(self) -> str:
        """SQL to select from."""
        return self.table.replace(FILES, listed(self.members))

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
    unread: list[tuple[str, str]] = field(default_factory=list)  # those of them whose bars are not counted: broken ones
    documents: dict[Member, Besides] = field(default_factory=dict)  # those of JSON, and what they say besides rows
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

    def where(self, some: Sequence[str] = ()) -> str:
        """The files in a few words, for messages; or some of them."""
        shown = sorted({*some} or {member.shown for member in self.members})
        return f"{shown[0]} and {count(len(shown) - 1, 'more file')}" if len(shown) > 1 else shown[0]

    def said(self, left_out: dict[str, int]) -> tuple[str, ...]:
        """What was worked out, a line each; `left_out` counts the rows that are no bars, by why."""
        lines = [f"time: {one}" for one in dict.fromkeys(group.reading.said for group in self.groups)]
        by_name = sorted({name for group in self.groups for name in group.symbols.values() if name})
        if by_name:
            more = f" and {len(by_name) - 3:,} more" if len(by_name) > 3 else ""
            lines.append(f"symbol: {', '.join(by_name[:3])}{more}, by no column")
        lines += [f"left out: {count:,} row{'s' if count != 1 else ''} {why}" for why, count in left_out.items()]
        first = [*self.unread, *(one for one in self.skipped if one not in self.unread)]
        lines += [f"skipped: {name}: {why}" for name, why in first[:5]]
        if len(first) > 5:
            lines.append(f"skipped: {count(len(first) - 5, 'more file')} without bars")
        return tuple(lines)

    def open(self, paths: Sequence[str], symbol: str | None) -> BarFiles:
        """Find and recognise the files. Raises BadInput where none holds bars, or one that is named by itself."""
        room = Path(self._room.name)
        texts: dict[tuple[str, str], list[Member]] = {}
        parquet: list[Member] = []
        for found in find_files(paths):
            try:
                if found.flaw is not None:
                    raise found.flaw
                for member in members(found, room):
                    self._sort(member, texts, parquet, room)
            except NoBars as flaw:
                self.skip(found, flaw)
            except OSError as problem:
                self.skip(found, unopened(problem))
        for alike in texts.values():
            self._try(alike, symbol, self._text_groups)
        for alike in self._same_columns(parquet):
            self._try(alike, symbol, self._parquet_groups)
        if symbol is None:
            self.groups = kept_apart(self.groups)
        if not self.groups:
            raise self.nothing()
        return self

    def nothing(self) -> BadInput:
        """The refusal of files of which none holds bars."""
        named = "; ".join(f"{name}: {why}" for name, why in self.skipped[:3])
        more = f"; and {count(len(self.skipped) - 3, 'more file')}" if len(self.skipped) > 3 else ""
        return BadInput(f"no bars in {named}{more}")

    def _sort(
        self, member: Member, texts: dict[tuple[str, str], list[Member]], parquet: list[Member], room: Path
    ) -> None:
        if member.flaw is not None:
            self.skip(member, member.flaw)
            return
        if member.kind == "parquet":
            parquet.append(member)
            return
        if member.kind == "arrow":
            parquet.append(rewrite.as_parquet(member, room))
            return
        if member.kind == "json":
            member, besides = json_files.as_text(member, room)
            self.documents[member] = besides
        texts.setdefault((member.compression, dialect.signature(member.head)), []).append(member)

    def skip(self, found: Found | Member, flaw: NoBars) -> None:
        """Leave a file out, whose bars are missed where it is broken. Raises BadInput for one that was named itself."""
        name = found.path if isinstance(found, Found) else found.shown
        if found.asked:
            raise BadInput(f"{name}: {flaw}")
        self.skipped.append((name, str(flaw)))
        if isinstance(flaw, Broken):
            self.unread.append((name, str(flaw)))

    def _try(
        self, alike: list[Member], symbol: str | None, recognised: Callable[[list[Member], str | None], list[Group]]
    ) -> None:
        try:
            self.groups += recognised(alike, symbol)
        except NoBars as flaw:
            for member in alike:
                self.skip(member, flaw)
        except OfFile as problem:
            raise BadInput(str(problem)) from None
        except duckdb.Error as broken:
            if len(alike) > 1:  # one that breaks off costs itself alone
                middle = len(alike) // 2
                self._try(alike[:middle], symbol, recognised)
                self._try(alike[middle:], symbol, recognised)
            else:
                self.skip(alike[0], unreadable(broken))
        except BadInput as problem:
            raise BadInput(f"{alike[0].shown}: {problem}") from None

    def _text_groups(self, alike: list[Member], symbol: str | None) -> list[Group]:
        layout = dialect.layout_of(alike[0].head)
        if layout is None:
            raise of_text(alike[0].head, alike[0].shown)
        if layout.delimiter == " ":
            alike = [rewrite.tabbed(member, Path(self._room.name)) for member in alike]
            layout = replace(layout, delimiter="\t")
        columns = [
            Column(name, f"c{place}", "VARCHAR", tuple(row[place] for row in layout.sample))
            for place, name in enumerate(layout.names or [""] * layout.width)
        ]
        symbol, line = symbol or layout.banner or None, layout.symbols if layout.names else None
        return self._groups(columns, csv_reader(alike, layout), alike, symbol, line=line)

    def _groups(
        self, columns: list[Column], reader: str, alike: list[Member], symbol: str | None, *, line: Sequence[str] | None
    ) -> list[Group]:
        """The columns as one table, or one for each symbol; `line` is a header's line of symbols, None without one."""
        headed = line is not None
        owned = None if self.wanted.symbol_column else wide.by_header(columns, line or ())
        if owned is None:
            reading = self._ordered(columns, reader, alike, headed=headed)
            owned = wide.by_name(columns, reading, symbol, alike[0].shown) if headed and not reading.symbol else None
            if owned is None:
                return [self._group(reader, reading, alike, symbol)]
        return self._wide(*owned, reader, alike, symbol)

    def _wide(
        self, owners: list[str], columns: list[Column], reader: str, alike: list[Member], symbol: str | None
    ) -> list[Group]:
        """Columns that belong to symbols, and some to all (`""`): those of each are read as a table of its own."""
        groups = []
        names = sorted({one for one in owners if one})
        for name in names:
            own = [column for column, one in zip(columns, owners, strict=True) if one in ("", name)]
            reading = self._ordered(own, reader, alike, headed=True)
            groups.append(self._group(reader, reading, alike, symbol if symbol and len(names) == 1 else name))
        return groups

    def _parquet_groups(self, alike: list[Member], symbol: str | None) -> list[Group]:
        describe = f"DESCRIBE SELECT * FROM {PARQUET.replace(FILES, listed(alike))}"  # noqa: S608
        described = self.connection.execute(describe).fetchall()
        names = [(str(name), str(kind)) for name, kind, *_ in described if name != FILE]
        rowless = {path for (path,) in self.connection.execute(rowless_parquet(alike)).fetchall()}
        for member in (one for one in alike if one.path in rowless):
            self.skip(member, without_rows([name for name, _ in names]))
        alike = [one for one in alike if one.path not in rowless]
        if not alike:
            return []
        shown = ", ".join(f"CAST({name_of(name)} AS VARCHAR)" for name, _ in names)
        first = f"read_parquet({quoted_text(alike[0].path)}, hive_partitioning = false)"
        sample = self.connection.execute(f"SELECT {shown} FROM {first} LIMIT 200").fetchall()  # noqa: S608
        columns = []
        for place, (name, kind) in enumerate(names):
            values = tuple("" if row[place] is None else str(row[place]) for row in sample)
            text = kind.startswith("ENUM") or ("INT" in kind and written_as_digits(name, values))
            sql = f"CAST({name_of(name)} AS VARCHAR)" if text else name_of(name)
            columns.append(Column(name, sql, "VARCHAR" if text else kind, values))
        return self._groups(columns, PARQUET, alike, symbol, line=())

    def _same_columns(self, parquet: list[Member]) -> Iterable[list[Member]]:
        """Parquet files by their columns: those of one kind are read in one go."""
        kinds: dict[str, list[Member]] = {}
        for member in parquet:
            try:
                rows = self.connection.execute(
                    f"SELECT name, type, logical_type FROM parquet_schema({quoted_text(member.path)})"  # noqa: S608
                ).fetchall()
            except duckdb.Error as broken:
                self.skip(member, unreadable(broken))
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
            f"SELECT {reading.check} FROM {reader.replace(FILES, listed(alike))}"  # noqa: S608
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
        named = symbols_of([one.shown for one in alike], upper=reading.upper)
        symbols = {one.path: symbol or named[one.shown] for one in alike}
        unnamed = [one for one in alike if symbols[one.path] is None]
        if len(unnamed) == len(alike):
            raise OfFile(f"{unnamed[0].shown}: {_NOBODYS}: {said_by(unnamed[0].shown)}")
        for one in unnamed:
            self.skip(one, Broken(f"{_NOBODYS}: another name of the file would be right"))
        alike = [one for one in alike if symbols[one.path] is not None]
        if reading.file_day:
            undated = [one.shown for one in alike if day_of(one.shown) is None]
            if undated:
                raise NoBars(f"{undated[0]} holds times of day, and its name no date")
            reader = beside(reader, "__day", {one.path: day_of(one.shown) for one in alike})
        return Group(reader, reading, tuple(alike), symbols)


def unreadable(broken: duckdb.Error) -> Broken:
    """What DuckDB could not read, in one line."""
    return Broken(f"it cannot be read: {str(broken).strip().splitlines()[0]}")
