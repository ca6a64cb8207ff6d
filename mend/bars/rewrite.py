"""Files that DuckDB cannot take as they are, written as ones that it can."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb

from mend.bars.dialect import spaced
from mend.bars.no_bars import Broken
from mend.bars.unpack import DAMAGED, Member, room_for
from mend.bars.zstd_frames import zstd_lines


def tabbed(member: Member, room: Path) -> Member:
    """Columns that runs of spaces part, parted by tabs: DuckDB takes one character, once."""
    target = room_for(room, Path(member.path).name)
    flaw = None
    with target.open("w", encoding="utf-8", errors="surrogateescape") as out:
        try:
            for line in _lines(member):
                out.write("\t".join(spaced(line)) + "\n")
        except (*DAMAGED, duckdb.Error) as broken:
            flaw = Broken(f"it cannot be unpacked: {str(broken).splitlines()[0]}")
    return replace(member, path=str(target), compression="none", torn="", flaw=flaw)


def _lines(member: Member) -> Iterator[str]:
    """A text's lines. Bytes that are no UTF-8 stay what they are: DuckDB rejects their rows."""
    if member.compression == "zstd":
        with duckdb.connect() as connection:
            rows = connection.execute(zstd_lines(member.path))
            while some := rows.fetchmany(10_000):
                yield from (line or "" for (line,) in some)
        return
    opened = gzip.open if member.compression == "gzip" else open
    with opened(member.path, "rt", encoding="utf-8-sig", errors="surrogateescape") as file:
        yield from file


def as_parquet(member: Member, room: Path) -> Member:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from pyarrow import feather
    except ImportError:
        raise Broken(
            "it is an Arrow file, which pyarrow reads: install it beside minutemend (uvx --with pyarrow …)"
        ) from None
    try:
        table = feather.read_table(member.path)
    except (pa.ArrowException, OSError):
        try:
            with pa.OSFile(member.path) as file:
                table = pa.ipc.open_stream(file).read_all()
        except (pa.ArrowException, OSError) as broken:
            raise Broken(f"it cannot be read: {broken}") from None
    target = room_for(room, "arrow.parquet")
    for field in list(table.schema):  # Parquet has no such types, and no bar has such a column
        if pa.types.is_interval(field.type) or (pa.types.is_struct(field.type) and not field.type.num_fields):
            table = table.drop_columns([field.name])
    try:
        pq.write_table(table, target)
    except pa.ArrowException as broken:
        raise Broken(f"it cannot be read: {broken}") from None
    return replace(member, path=str(target), kind="parquet")
