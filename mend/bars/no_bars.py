"""Why a file holds no bars: it is foreign, and none were meant to be there; or it is broken, and some are missed."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from minutemend.core.errors import BadInput

from mend.bars.shapes import MINUTE, SYMBOL, plain, rank, value_roles

# What a file of bars is called, and hardly any other: what such a name holds is meant to be bars.
_MEANT = re.compile(
    r"(?i)\.(csv|tsv|psv|parquet|parq|pq|feather|arrows?|ipc|jsonl|ndjson|jsonlines)(\.(gz|bz2|xz|zst|zstd|zip))?$"
)
_MAY_BE = re.compile(r"(?i)\.(txt|asc|dat|json|gz|bz2|xz|zst|zstd|zip|tar|tgz)$|(^|/)[^./]+$")
_HEADER_LINES = 3  # at most


class NoBars(BadInput):
    """A file that holds no bars: foreign, or without a column that is a time."""


class Broken(NoBars):
    """A file of bars that cannot be read: cut off, empty, damaged, or of a kind that is not read here."""


class OfFile(BadInput):
    """What is wrong with one of several files, which it names."""


def no_bars(why: str, *, broken: bool) -> NoBars:
    """The one or the other."""
    return Broken(why) if broken else NoBars(why)


def meant_for_bars(name: str) -> bool:
    """Whether a file's name says that it holds a table: `AAPL.csv`, and not `README.txt`."""
    return _MEANT.search(name) is not None


def may_be_bars(name: str) -> bool:
    """Whether a file that holds nothing at all may have been meant for bars, by its name: `AAPL`, `bars.txt`."""
    return meant_for_bars(name) or _MAY_BE.search(name) is not None


def named_as_bars(columns: Sequence[str]) -> bool:
    """Whether columns have the names of a bar's: a time beside a value or a symbol, or three values."""
    names = [plain(column) for column in columns]
    values = len(value_roles(names))
    timed = any(rank(name, MINUTE) < len(MINUTE) for name in names)
    return values >= 3 or (timed and (values > 0 or any(rank(name, SYMBOL) < len(SYMBOL) for name in names)))


def without_rows(columns: Sequence[str]) -> NoBars:
    """Why a table of these columns holds none, where it has no row."""
    return no_bars("it has columns and no rows: rows of bars would be right", broken=named_as_bars(columns))


def of_text(text: str, shown: str) -> NoBars:
    """Why a text without a line that looks like a bar holds none."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return no_bars("it is empty: it holds blank lines alone", broken=may_be_bars(shown))
    right = "lines such as 2024-03-12T13:30:00Z,100.0,100.5,99.5,100.2,1200 would be right"
    if len(lines) <= _HEADER_LINES and any(named_as_bars(row) for line in lines for row in _cells(line)):
        return Broken(f"it has a header alone, and no line of it looks like a bar: {right}")
    what = f"it is text, but no line of it looks like a bar (not {lines[-1].strip()[:60]!r}): {right}"
    return no_bars(what, broken=meant_for_bars(shown) and not _is_table(lines[:100]))


def _cells(line: str) -> list[list[str]]:
    return [row for mark in ",\t;|" if len(row := next(csv.reader([line], delimiter=mark), [])) > 1]


def _is_table(lines: Sequence[str]) -> bool:
    """Whether the lines are rows of some other table, of equally many cells."""
    for mark in ",\t;|":
        widths = {line.count(mark) for line in lines}
        if len(lines) > 1 and len(widths) == 1 and widths != {0}:
            return True
    return False
