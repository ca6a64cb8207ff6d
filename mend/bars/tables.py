"""What DuckDB reads files with: table functions, and names and texts as it takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mend.bars.dialect import Layout
from mend.bars.unpack import Member

FILE = "__file"  # the column with each row's file
FILES = "__files__"  # stands where the list of files comes
PADDED = "\\0"  # what no cell holds: so a cell that is empty is no null, and one that a short row lacks is
PARQUET = f"read_parquet({FILES}, filename = '{FILE}', hive_partitioning = false, union_by_name = true)"


def csv_reader(alike: Sequence[Member], layout: Layout) -> str:
    """The table function for texts of one layout; every column is text, and null where a row is too short for it."""
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(layout.width))
    delimiter = layout.delimiter.replace("\t", "\\t")
    return (
        f"read_csv({FILES}, auto_detect = false, header = false, skip = {layout.skip}, delim = '{delimiter}', "
        f"quote = '\"', escape = '\"', columns = {{{columns}}}, null_padding = true, strict_mode = false, "
        f"nullstr = '{PADDED}', store_rejects = true, compression = '{alike[0].compression}', filename = '{FILE}')"
    )


def torn(table: str, alike: Sequence[Member]) -> tuple[str, str]:
    """SQL: whether a row holds NUL bytes, and whether a quote in it runs to the end of the file. No cell of it can be
    believed."""
    cells = ", ".join(f"c{place}" for place in range(table.count(": 'VARCHAR'")))
    if not cells or not any(one.torn for one in alike):
        return "false", "false"
    return f"contains(concat({cells}), chr(0))", f"regexp_matches(concat({cells}), '[\r\n]')"


def behind(table: str, column: str) -> str:
    """The column behind one of a text's table, as SQL: null where a row ends before it. A text, never null, where there
    is none."""
    after = f"c{int(column[1:]) + 1}" if column[1:].isdigit() else ""
    return after if f"'{after}': 'VARCHAR'" in table else "''"


def beside(reader: str, name: str, values: Mapping[str, str | None]) -> str:
    """The table function with one more column, which says something of each file (by its path)."""
    pairs = ", ".join(f"({quoted_text(path)}, {quoted_text(value or '')})" for path, value in values.items())
    return f"(SELECT * FROM {reader} JOIN (VALUES {pairs}) AS of_file({FILE}, {name}) USING ({FILE}))"  # noqa: S608


def rowless_parquet(alike: Sequence[Member]) -> str:
    """The query for the paths of those files that have no rows."""
    return (
        f"SELECT file_name FROM parquet_file_metadata({listed(alike)}) "  # noqa: S608
        "GROUP BY file_name HAVING sum(num_rows) = 0"
    )


def listed(alike: Sequence[Member]) -> str:
    """The files' paths as a list of SQL; none is taken for a pattern."""
    return "[" + ", ".join(quoted_text(_literal(one.path)) for one in alike) + "]"


def _literal(path: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def name_of(column: str) -> str:
    """A column's name as SQL."""
    escaped = column.replace('"', '""')
    return f'"{escaped}"'


def quoted_text(value: str) -> str:
    """The value as a literal of SQL."""
    quoted = value.replace("'", "''")
    return f"'{quoted}'"
