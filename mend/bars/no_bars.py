"""Why a file holds no bars: it is foreign, and none were meant to be there; or it is broken, and some are missed."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from minutemend.core.errors import BadInput

from mend.bars.shapes import MINUTE, SYMBOL, among, plain, value_roles
from mend.bars.times import is_number

_PACKED = "gz|bz2|xz|zst|zstd|zip|lz4|z|lzma|lz|lzo|br|sz|snappy|7z|rar"
_TABLES = "csv|tsv|psv|parquet|parq|pq|feather|arrows?|ipc|jsonl|ndjson|jsonlines"
# What a file of bars is called, and hardly any other: what such a name holds is meant to be bars.
_MEANT = re.compile(rf"(?i)\.({_TABLES})(\.({_PACKED}))?$")
_MAY_BE = re.compile(
    rf"(?i)\.(txt|asc|dat|json|tar|tgz|xlsx?|xlsb|ods|h5|hdf5?|pkl|pickle|np[yz]|orc|avro|{_PACKED})$|(^|/)[^./]+$"
)
_UNFINISHED = re.compile(
    rf"(?i)\.({_TABLES}|txt|dat|json|tar|tgz|{_PACKED})\.(part|partial|crdownload|download|filepart|incomplete|tmp)$"
)
# Names that say plainly that a file is no data: texts for people, programs, settings, pictures, checksums. An ending in
# capitals may be an exchange: 600519.SH.
_NO_DATA = re.compile(
    r"(^|/)(?i:(readme|licen[cs]e|copying|notice|authors|contributing|changelog|changes|makefile|dockerfile)[^/]*)$"
    r"|(^|/)(?i:thumbs\.db|desktop\.ini)$"
    r"|\.(md|rst|adoc|tex|pdf|docx?|pptx?|odt|rtf|html?|xhtml|xml|xsd|css|svg|png|jpe?g|gif|webp|bmp|ico|tiff?|heic|psd"
    r"|py[cdiow]?|ipynb|rmd|jl|js|ts|java|class|jar|go|rs|cc|cpp|hpp|so|dll|dylib|exe|msi|sh|bash|zsh|ps1|bat|cmd"
    r"|sql|ini|cfg|conf|toml|ya?ml|properties|env|lock|log|pid|md5|sha\d*|crc|sig|sum|checksum|url|lnk|ttf|otf|woff2?"
    r"|eml|msg|mp[34]|wav|avi|mov|mkv|webm|whl|done|ok|success)$"
)
# A way to write times that is not known has three numbers, or an hour and its minutes; what a plain number is, has not.
_LIKE_TIME = re.compile(r"\d+\D+\d+\D+\d|\d\s?[hH:]\s?\d\d")
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


def plainly_no_data(name: str) -> bool:
    """Whether a file's name says that it is no data: `README.md`, `plot.png`, `load.py`."""
    return _NO_DATA.search(name) is not None and not meant_for_bars(name)


def may_be_bars(name: str) -> bool:
    """Whether a file that holds nothing at all may have been meant for bars, by its name: `AAPL`, `bars.txt`."""
    return meant_for_bars(name) or (_MAY_BE.search(name) is not None and not plainly_no_data(name))


def unfinished(name: str) -> Broken | None:
    """What is wrong with a file that a program has not ended to write or to fetch: `AAPL.csv.part`."""
    return Broken("it is a part of a file: the whole one would be right") if _UNFINISHED.search(name) else None


def like_times(values: Sequence[str]) -> bool:
    """Whether texts may be times, written in a way that is not known: `12. Maerz 2024 9h30`."""
    filled = [value.strip() for value in values if value.strip()]
    like = [
        one for one in filled if not is_number(one) and _LIKE_TIME.search(one) and re.search(r"^[^+]*[A-Za-z :]", one)
    ]
    return len(set(like)) > 1 and len(like) >= 0.9 * len(filled)


def named_as_bars(columns: Sequence[str]) -> bool:
    """Whether columns have the names of a bar's: a time beside a value or a symbol, or three values."""
    names = [plain(column) for column in columns]
    values = len(value_roles(names))
    timed = any(among(name, MINUTE) for name in names)
    return values >= 3 or (timed and (values > 0 or any(among(name, SYMBOL) for name in names)))


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
    table = _table(lines[:100])
    timed = any(map(like_times, zip(*table, strict=True))) and not plainly_no_data(shown)
    return no_bars(what, broken=timed or (meant_for_bars(shown) and not table))


def _cells(line: str) -> list[list[str]]:
    return [row for mark in ",\t;|" if len(row := next(csv.reader([line], delimiter=mark), [])) > 1]


def _table(lines: Sequence[str]) -> list[list[str]]:
    """The rows below the first, where the lines are rows of some other table, of equally many cells."""
    for mark in ",\t;|":
        widths = {line.count(mark) for line in lines}
        if len(lines) > 1 and len(widths) == 1 and widths != {0}:
            return [line.split(mark) for line in lines[1:]]
    return []
