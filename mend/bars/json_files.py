"""JSON as people's tools write it, as rows of CSV: lists, records, lines, columns, and answers of vendors."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, Any

from mend.bars.json_keys import INSTANT, is_bar
from mend.bars.json_rows import DEEP, Besides, Row, is_line_record, note_pages, response, rows_within
from mend.bars.no_bars import Broken, meant_for_bars, named_as_bars, no_bars
from mend.bars.shapes import SYMBOL, among, plain
from mend.bars.unpack import HEAD, Member, room_for

_BARS = frozenset(("bars", "candles", "klines", "results"))


def as_text(member: Member, room: Path) -> tuple[Member, Besides]:
    """The rows of a JSON file, or of JSON lines, as a text, and what else it says. Raises NoBars."""
    target = room_for(room, "rows.csv")
    besides = _to_csv(member.path, target, member.shown)
    with target.open("rb") as file:
        head = file.read(HEAD).decode("utf-8", "ignore")
    return replace(member, path=str(target), kind="text", head=head[: head.rfind("\n") + 1]), besides


def _to_csv(source: str, target: Path, shown: str) -> Besides:
    try:
        rows, besides = _written(source, target, shown, "utf-8-sig")
    except UnicodeDecodeError:  # as texts of CSV are read
        rows, besides = _written(source, target, shown, "cp1252")
    if not rows:
        raise no_bars(
            "it is JSON without rows: a list of bars, or a bar in each line, would be right",
            broken=meant_for_bars(shown) or bool(besides.empty) or _was_for_bars(source),
        )
    return besides


def _written(source: str, target: Path, shown: str, encoding: str) -> tuple[int, Besides]:
    """How many rows there are, and what is said besides. A key that comes first in a later row makes it begin again."""
    columns: dict[str, None] = {}
    while True:
        known, besides = len(columns), Besides()
        with (
            _opened(source, encoding) as file,
            target.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out,
        ):
            rows, header = _write(_rows(file, shown, besides), out, columns)
        if header == len(columns) or known:
            return rows, besides


def _opened(source: str, encoding: str) -> IO[str]:
    return open(source, encoding=encoding, errors="replace" if encoding == "cp1252" else "strict")


def _write(rows: Iterable[Row], out: IO[str], columns: dict[str, None]) -> tuple[int, int]:
    """How many rows were written, and how many columns; `columns` gets the keys of all records, and `symbol` where it
    stands above rows. Raises Broken for rows of two kinds: one of them has no header."""
    writer = csv.writer(out)
    header: list[str] | None = None
    kind: type | None = None
    count = 0
    for symbol, row in rows:
        if isinstance(row, (dict, list)):
            kind = kind or type(row)
            if not isinstance(row, kind):
                raise Broken("some of its rows are objects and others lists: rows of one kind would be right")
        cells = _flat(row) if isinstance(row, dict) else {}
        if symbol and not (cells and _names_symbol(tuple(cells))):
            cells["symbol"] = symbol
        if not columns.keys() >= cells.keys():
            columns.update(dict.fromkeys(cells))
        if header is None and kind is not None:
            header = list(columns)
            if kind is dict:
                writer.writerow(header)
        if isinstance(row, dict):
            writer.writerow([_cell(cells.get(name)) for name in header or ()])
        elif isinstance(row, list):
            writer.writerow([*([symbol] if header else []), *map(_cell, row)])
        elif header is not None:  # counted with the rows that have no price
            writer.writerow([row])
        count += 1
    return count, len(header or ())


def _was_for_bars(source: str) -> bool:
    """Whether a document without rows is what a vendor or a tool writes where there are no bars."""
    try:
        return _meant(json.loads(Path(source).read_text("utf-8-sig")), DEEP)
    except ValueError:  # lines
        return False


def _meant(document: Any, deep: int) -> bool:
    """Whether it is `[]`, `{}`, empty columns, or nothing under a name for bars, if in an object."""
    if not isinstance(document, dict) or not document:
        return not document
    empty = [key for key, value in document.items() if _hollow(value, deep)]
    if named_as_bars(empty) or any(plain(key) in _BARS for key in empty) or document.get("s") == "no_data":
        return True
    return deep > 0 and any(_meant(inner, deep - 1) for inner in document.values() if inner and isinstance(inner, dict))


def _hollow(value: Any, deep: int) -> bool:
    """Whether it holds nothing, or only what does: `{"AAPL": []}`."""
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not value or (deep > 0 and bool(within) and all(_hollow(one, deep - 1) for one in within))


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """The row with what lies one level deeper in its place (`mid` of Oanda)."""
    if dict not in map(type, row.values()):
        return row
    cells: dict[str, Any] = {}
    for name, value in row.items():
        cells |= value if isinstance(value, dict) else {name: value}
    return cells


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


@lru_cache(maxsize=256)
def _names_symbol(names: tuple[str, ...]) -> bool:
    return any(among(plain(name), SYMBOL) for name in names)


def _rows(file: IO[str], shown: str, besides: Besides) -> Iterator[Row]:
    lines = (text for text in file if text.strip())
    first = next(lines, "")
    document = _parsed(first)
    second = next(lines, "")
    if document is not None and second:
        for text in chain((first, second), file):
            yield from _line(text, besides)
        return
    if document is None:
        file.seek(0)
        text = file.read()
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as broken:
            why = "it is nested too deeply" if isinstance(broken, RecursionError) else broken
            cut = shown.lower().endswith(".json") or meant_for_bars(shown) or INSTANT.search(first) is not None
            raise no_bars(f"it is no JSON: {why}", broken=cut) from None
    note_pages(document, besides)
    yield from rows_within(document, None, DEEP, besides)


def _parsed(text: str) -> Any:
    """What a line holds; None where that is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _parsed(bare) if (bare := text.strip().rstrip(",")) != text else None


def _line(text: str, besides: Besides) -> Iterator[Row]:
    row = _parsed(text)
    if row is None:
        besides.broken += text.strip() not in ("", ",", "null")
    elif is_line_record(row) and (isinstance(row, list) or not besides.more or is_bar(tuple(row), 0)):
        yield None, row  # beside responses an object without a time is one, too, and holds none
    else:
        yield from response(row, None, DEEP, besides)
