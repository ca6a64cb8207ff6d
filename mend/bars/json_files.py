"""JSON as people's tools write it, as rows of CSV: lists, records, lines, columns, and answers of vendors."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from mend.bars.no_bars import meant_for_bars, named_as_bars, no_bars
from mend.bars.shapes import MINUTE, SURE, SYMBOL, plain, rank

_DEEP = 6  # levels of wrapping that are looked through
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d|\d{9,19}$")
_BARS = frozenset(("bars", "candles", "klines", "results"))
_NUMBER = re.compile(r"^\d+[.:]?\s+")


def to_csv(source: str, target: Path, shown: str) -> None:
    """Write the rows of a JSON file, or of JSON lines, as CSV; `shown` is its user's name for it. Raises NoBars."""
    header: dict[str, None] = {}
    rows, grown = 0, True
    while grown:  # by names that the first row lacks
        rows, grown = _written(source, target, shown, header)
    if not rows:
        raise no_bars(
            "it is JSON without rows: a list of bars, or a bar in each line, would be right",
            broken=meant_for_bars(shown) or _was_for_bars(source),
        )


def _written(source: str, target: Path, shown: str, header: dict[str, None]) -> tuple[int, bool]:
    """How many rows were written below the header, and whether it has grown since it was; it gets their names."""
    rows, top = 0, 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for symbol, row in _rows(source, shown):
            if isinstance(row, dict):
                cells = dict(_flat(row))
                if not cells.keys() <= header.keys():
                    header.update(dict.fromkeys(cells))
                    header.update({"symbol": None} if symbol and not _names_symbol(header) else {})
                if not top:
                    writer.writerow(header)
                    top = len(header)
                writer.writerow([_cell(cells.get(name, symbol if name == "symbol" else None)) for name in header])
            else:
                writer.writerow([*([symbol] if symbol else []), *map(_cell, row)])
            rows += 1
    return rows, 0 < top < len(header)


def _was_for_bars(source: str) -> bool:
    """Whether a document without rows is what a vendor or a tool writes where there are no bars: `[]`, `{}`, empty
    columns, or an empty list under a name for bars."""
    try:
        document = json.loads(Path(source).read_text("utf-8-sig"))
    except ValueError:  # lines
        return False
    if not isinstance(document, dict) or not document:
        return not document
    empty = [key for key, value in document.items() if not value]
    return named_as_bars(empty) or any(plain(key) in _BARS for key in empty) or document.get("s") == "no_data"


def _flat(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The row with what lies one level deeper in its place (`mid` of Oanda)."""
    for name, value in row.items():
        yield from value.items() if isinstance(value, dict) else [(name, value)]


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def _names_symbol(row: dict[str, Any]) -> bool:
    return any(rank(plain(name), SYMBOL) < len(SYMBOL) for name in row)


def _rows(source: str, shown: str) -> Iterator[tuple[str | None, Any]]:
    with open(source, encoding="utf-8-sig") as file:
        first = file.readline().strip()
        try:
            line = json.loads(first)
        except ValueError:
            line = None
        second = next((text for text in file if text.strip()), "")
        if line is not None and second.strip():
            for text in chain((first, second), file):
                yield from _line(text)
            return
    try:
        with open(source, encoding="utf-8-sig") as file:
            document = json.load(file)
    except ValueError as broken:
        cut = shown.lower().endswith(".json") or meant_for_bars(shown) or _INSTANT.search(first) is not None
        raise no_bars(f"it is no JSON: {broken}", broken=cut) from None
    yield from _within(document, None, _DEEP)


def _line(text: str) -> Iterator[tuple[str | None, Any]]:
    if text.strip().rstrip(","):
        try:
            row = json.loads(text.strip().rstrip(","))
        except ValueError:
            row = [text.strip()]  # counted with the rows whose time cannot be read
        if isinstance(row, (dict, list)) and row:
            yield None, row


def _within(value: Any, symbol: str | None, deep: int) -> Iterator[tuple[str | None, Any]]:
    """The rows in a document, however deep they lie, with the symbol that stands above them."""
    if deep == 0:
        return
    if isinstance(value, list):
        if (value and all(isinstance(one, dict) and _is_record(one) for one in value[:20])) or (
            value and all(isinstance(one, list) and one and not isinstance(one[0], (dict, list)) for one in value[:20])
        ):
            for one in value:
                yield symbol, one
        else:
            for one in value:
                yield from _within(one, symbol, deep - 1)
    elif isinstance(value, dict):
        flat = [inner for inner in value.values() if isinstance(inner, dict) and all(map(_is_cell, inner.values()))]
        named = next((found for one in (value, *flat) if (found := _said(one))), symbol)
        table = _table(value)
        if table is not None:
            named = named or _symbol_below(value, _DEEP)
            yield from ((named, row) for row in table)
            return
        for key, inner in value.items():
            below = named
            if isinstance(inner, list) and inner and isinstance(inner[0], (dict, list)) and _may_be_symbol(key):
                below = named or key
            elif _timed(inner):
                below = named or _symbol_below(value, _DEEP) or (key if _may_be_symbol(key) else None)
            if isinstance(inner, (dict, list)):
                yield from _within(inner, below, deep - 1)


def _is_cell(value: Any) -> bool:
    return not isinstance(value, (dict, list))


def _said(value: dict[str, Any]) -> str | None:
    """The symbol that an object names, itself or in what stands flat beside its rows (`meta`)."""
    return next((value[key] for key in value if plain(key) in SYMBOL[:SURE] and isinstance(value[key], str)), None)


def _table(value: dict[str, Any]) -> Iterable[Any] | None:
    """The rows of an object that is a table itself, by row, by time or by column, or None."""
    if set(value) == {"schema", "data"}:  # pandas, orient="table"
        return list(value["data"])
    if set(value) == {"columns", "index", "data"}:  # pandas, orient="split"
        timed = value["index"] and _INSTANT.match(str(value["index"][0]))
        names = ["time" if timed else "index", *value["columns"]]
        rows = zip(value["index"], value["data"], strict=True)
        return [dict(zip(names, [at, *cells], strict=True)) for at, cells in rows]
    if _timed(value):
        return [
            [when, *bar] if isinstance(bar, list) else {"time": when, **_plainly(bar)} for when, bar in value.items()
        ]
    if value and all(_timed(one, cells=True) for one in value.values()):
        whens = dict.fromkeys(when for cells in value.values() for when in cells)
        return [{"time": when, **{name: cells.get(when) for name, cells in value.items()}} for when in whens]
    columns = _columns(value)
    return columns and [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=False)]


def _timed(value: Any, *, cells: bool = False) -> bool:
    """Whether an object has a bar (or, with `cells`, one figure of it) under each instant: Alpha Vantage, pandas."""
    if not isinstance(value, dict) or not value:
        return False
    some = list(value.items())[:20]
    kind = (int, float, str, type(None)) if cells else (dict, list)
    return all(_INSTANT.match(when) and isinstance(inner, kind) for when, inner in some)


def _plainly(bar: dict[str, Any]) -> dict[str, Any]:
    """The bar with names that are not numbered: `1. open` is open."""
    return {_NUMBER.sub("", name): value for name, value in bar.items()}


def _symbol_below(value: Any, deep: int) -> str | None:
    """The first symbol that is named anywhere below."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    if not isinstance(value, dict) or deep == 0:
        return None
    for key, inner in value.items():
        if plain(_NUMBER.sub("", key)) in SYMBOL[:3] and isinstance(inner, str):
            return inner
    return next((found for inner in value.values() if (found := _symbol_below(inner, deep - 1))), None)


def _is_record(row: dict[str, Any]) -> bool:
    rows_within = any(
        isinstance(value, list) and value and isinstance(value[0], (dict, list)) for value in row.values()
    )
    return any(map(_is_cell, row.values())) and not rows_within


def _columns(value: dict[str, Any]) -> dict[str, list[Any]] | None:
    """The columns of a document that is written by column (Finnhub, Yahoo, pandas), or None."""
    flat: dict[str, list[Any]] = {}
    _flatten(value, flat, 4)
    timed = [name for name in flat if rank(plain(name), MINUTE) < len(MINUTE)]
    if not timed:
        return None
    length = len(flat[timed[0]])
    alike = {name: cells for name, cells in flat.items() if len(cells) == length}
    return alike if length and len(alike) > 1 else None


def _flatten(value: dict[str, Any], flat: dict[str, list[Any]], deep: int) -> None:
    for key, inner in value.items():
        if isinstance(inner, list) and inner and not isinstance(inner[0], (dict, list)):
            flat.setdefault(key, inner)
        elif isinstance(inner, list) and len(inner) == 1 and isinstance(inner[0], dict) and deep:
            _flatten(inner[0], flat, deep - 1)
        elif isinstance(inner, dict) and inner and all(str(one).isdigit() for one in inner):
            flat.setdefault(key, list(inner.values()))
        elif isinstance(inner, dict) and deep:
            _flatten(inner, flat, deep - 1)


def _may_be_symbol(key: str) -> bool:
    return key.upper() == key and any(letter.isalpha() for letter in key)
