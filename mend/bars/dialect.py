"""The head of a text file: which characters part its columns, where its rows begin, and what its header says."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mend.bars.shapes import MINUTE, SYMBOL, among, plain, rank, value_roles
from mend.bars.times import LOOKS_TIMED, epoch_unit, forms, is_number

DELIMITERS = ",\t;|~^\x01 "
_BROKEN_CELL = re.compile(r'(?<![^,;\t|\n])"[^"]*\n[^"]*"(?=[,;\t|\n])')  # over lines: Excel's Alt+Enter in a header
_SPACED = re.compile(r'"[^"]*"|\S+')
_ROWS = 400  # of a head that are looked at
# A line above the header that says whose bars these are: `# Symbol: AAPL`, `Security,AAPL US Equity`.
_BANNER = re.compile(
    r"(?i)[#\s\"]*(?:symbol|ticker|security|instrument)\"?\s*[:=,;\t]\s*\"?([^,;:=|\t\"]*[a-z0-9][^,;:=|\t\"]*?)\"?[,;\t\s]*"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text file is read. `skip` lines come before the rows; `names` are the header's, empty where it has none.

    `symbols`: for a header with a line of symbols, the symbol of each column (yfinance); else empty. `banner`: the
    symbol that a line above the header says, or "".
    """

    delimiter: str
    skip: int
    width: int
    names: tuple[str, ...]
    symbols: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    banner: str = ""


def signature(text: str) -> str:
    """The same for files that can be read alike: what stands above the rows as it is, and the first row's pattern."""
    above = []
    for line in text.split("\n", 60)[:60]:
        if LOOKS_TIMED.search(line) and not line.startswith("#"):
            runs = re.sub(r"\d{8,}", lambda run: f"#{len(run[0])}", line.rstrip())
            above.append(re.sub(r"[A-Za-z]+", "a", re.sub(r"\d+", "0", runs)))
            break
        above.append(line.rstrip())
    return "\n".join(above)


def layout_of(text: str) -> Layout | None:
    """The layout of a text file by its head (whole lines); None where no line begins to look like a bar."""
    # DuckDB skips a row of several lines as one.
    lines = _BROKEN_CELL.sub(lambda cell: cell[0].replace("\n", " "), text).splitlines()[:_ROWS]
    best: tuple[float, int, str] | None = None
    for delimiter in DELIMITERS:
        if delimiter == " " and best is not None and best[0] >= 2:
            break  # spaces part a date from its time before they part columns
        rows = _split(lines[-200:], delimiter)
        width = _common([len(row) for row in rows])
        if width < 2:
            continue
        alike = [row for row in rows if len(row) == width]
        clean = sum(_clean(row) for row in alike[-40:]) / len(alike[-40:])
        score = (clean * len(alike) / len(rows), -DELIMITERS.index(delimiter), delimiter)
        if best is None or score > best:
            best = score
    if best is None:
        return None
    delimiter = best[2]
    rows = _split(lines, delimiter)
    width = _common([len(row) for row in rows[-200:]])
    first = next((n for n, row in enumerate(rows) if _is_row(row, width) or _is_cut(row, width)), None)
    if first is None:
        return None
    sample = tuple(tuple(row) for row in rows[first:] if len(row) == width)
    ended = not any(row[-1].strip() for row in sample)  # rows end with a delimiter, and the header may not
    names, symbols = _header([row for row in rows[:first] if _may_head(row, width)], width, ended=ended)
    banners = [found[1] for line in lines[:first] if width > 2 and (found := _BANNER.fullmatch(line))]
    return Layout(delimiter, first, width, names, symbols, sample, banners[0] if banners else "")


def _split(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    if delimiter == " ":
        return [spaced(line) for line in lines if "\t" not in line]
    return [row for line in lines for row in (next(csv.reader([line], delimiter=delimiter), []),)]


def spaced(line: str) -> list[str]:
    """The cells of a line that runs of spaces part; what is quoted is one."""
    return [cell.strip('"') for cell in _SPACED.findall(line)] if '"' in line else line.split()


def _common(widths: Sequence[int]) -> int:
    return max(set(widths), key=lambda width: (widths.count(width), width)) if widths else 0


def _clean(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) and (is_number(cell) or _is_time(cell)) for cell in row)


def _is_time(cell: str) -> bool:
    return bool(LOOKS_TIMED.search(cell)) and any(form.fits(cell) for form in forms())


def _is_row(row: Sequence[str], width: int) -> bool:
    """Whether it can be a bar: some cell is a time, a date or an epoch, or all but a symbol are numbers."""
    if len(row) != width or row[0].startswith("#"):
        return False
    filled = [cell for cell in row if cell.strip()]
    return _timed(filled) or (len(filled) > 4 and sum(map(is_number, filled)) >= len(filled) - 1)


def _timed(filled: Sequence[str]) -> bool:
    return any(_is_time(cell) or epoch_unit([cell]) for cell in filled)


def _is_cut(row: Sequence[str], width: int) -> bool:
    """Whether it can be a bar that lacks its last cell."""
    timed = len(row) == width - 1 and _timed([cell for cell in row if cell.strip()])
    return timed and any(map(is_number, row)) and _clean(row) >= width - 2 and not row[0].startswith("#")


def _may_head(row: Sequence[str], width: int) -> bool:
    return width - 1 <= len(row) <= width and any(letter.isalnum() for cell in row for letter in cell)


def _header(rows: Sequence[Sequence[str]], width: int, *, ended: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns' names, and their symbols where one of the header's lines holds them."""
    if not rows:
        return (), ()
    full = []
    for row in rows:
        cells, lacking = [cell.strip().lstrip("\ufeff#").strip() for cell in row], [""] * (width - len(row))
        full.append([*cells, *lacking] if ended else [*lacking, *cells])
    named = max(full, key=_known)
    columns = list(named)
    for row in full:
        # The first column of a header of several lines is named in any of them.
        if rank(plain(row[0]), MINUTE) < rank(plain(columns[0]), MINUTE):
            columns[0] = row[0]
    others = [row for row in full if row is not named and sum(bool(cell) for cell in row[1:]) >= max(1, width - 2)]
    symbols = next((row for row in others if among(plain(row[0]), SYMBOL) or not row[0]), None)
    return tuple(columns), tuple(symbols) if symbols else ()


def _known(row: Sequence[str]) -> tuple[int, int]:
    names = [plain(cell) for cell in row]
    known = len(value_roles(names)) + sum(among(name, MINUTE) or among(name, SYMBOL) for name in names)
    return known, sum(bool(name) for name in names)
