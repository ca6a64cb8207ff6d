"""What a document of JSON holds: its rows, however deep they lie, whose they are, and what it says besides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mend.bars.json_keys import (
    INSTANT,
    SOME,
    cells_of,
    in_capitals,
    is_bar,
    is_cell,
    is_timed,
    may_be_symbol,
    symbol_keys,
)
from mend.bars.no_bars import Broken
from mend.bars.shapes import MINUTE, SURE, SYMBOL, VALUES, among, plain, value_roles
from mend.console import count

DEEP = 6  # levels of wrapping that are looked through
_NUMBER = re.compile(r"^\d+[.:]?\s+")
_NEXT = ("next_page_token", "next_url", "next_page")
_NESTED = frozenset((dict, list))

Row = tuple[str | None, Any]  # the symbol that stands above it, and an object, a list, or what is no row


@dataclass(slots=True)
class Besides:
    """What a document says besides its rows."""

    tables: int = 0  # with rows, that were found so far
    empty: dict[str, None] = field(default_factory=dict)  # symbols that it names without a bar
    more: dict[str | None, str] = field(default_factory=dict)  # by symbol, the key that says that more pages follow
    broken: int = 0  # lines that are no JSON


def rows_within(value: Any, symbol: str | None, deep: int, besides: Besides) -> Iterator[Row]:
    """The rows in a document, with the symbol that stands above them."""
    if deep == 0:
        return
    if isinstance(value, list):
        yield from _in_list(value, symbol, deep, besides)
    elif isinstance(value, dict):
        yield from _in_object(value, symbol, deep, besides)


def response(value: Any, symbol: str | None, deep: int, besides: Besides) -> Iterator[Row]:
    """The rows of one of several responses; a symbol that it says is missed where there are none."""
    before, whose = besides.tables, said(value)
    note_pages(value, besides)
    yield from rows_within(value, symbol, deep - 1, besides)
    if whose and besides.tables == before:
        besides.empty[whose] = None


def note_pages(value: Any, besides: Besides) -> None:
    """Note whether more pages follow a response; the next one of the same symbol is such a page."""
    if isinstance(value, dict) and not all(map(is_cell, value.values())):
        names = {plain(key): key for key, inner in value.items() if inner}
        besides.more[said(value)] = next((names[name] for name in _NEXT if name in names), "")


def _in_list(value: list[Any], symbol: str | None, deep: int, besides: Besides) -> Iterator[Row]:
    filled = [one for one in value if one and isinstance(one, (dict, list))]
    lists = bool(filled) and all(isinstance(one, list) and is_cell(one[0]) for one in filled[:SOME])
    if lists or (filled and all(isinstance(one, dict) and is_record(one) for one in filled)):
        besides.tables += 1
        yield from ((symbol, one) for one in value)
        return
    bars = any(map(_is_named_bar, filled))
    for one in value:
        # A list of cells beside bars with names would be a bar without them: no file holds both.
        if _is_named_bar(one) or (bars and isinstance(one, list) and one and is_cell(one[0])):
            besides.tables += 1
            yield symbol, one
        else:
            yield from response(one, symbol, deep, besides)


def _in_object(value: dict[str, Any], symbol: str | None, deep: int, besides: Besides) -> Iterator[Row]:
    named = said(value) or symbol
    symbols = symbol_keys(value)
    table = None if symbols else _table(value)
    if table is not None:
        besides.tables += bool(table)
        named = named or _symbol_below(value, DEEP)
        yield from ((named, row) for row in table)
        return
    if not symbols:
        symbols = [key for key, inner in value.items() if in_capitals(key) and (inner is None or not is_cell(inner))]
    for key, inner in value.items():
        below, before = named, besides.tables
        lone = len(value) == 1 and not inner and may_be_symbol(key, inner)
        if lone or (key in symbols and (len(symbols) > 1 or _holds_rows(inner))):
            below = named or key
        elif is_timed(inner):
            below = named or _symbol_below(value, DEEP) or (key if key in symbols else None)
        yield from rows_within(inner, below, deep - 1, besides)
        if below == key and besides.tables == before:
            besides.empty[key] = None


def _is_flat(value: Any) -> bool:
    return isinstance(value, dict) and all(map(is_cell, value.values()))


def _holds_rows(value: Any) -> bool:
    """Whether it is a list of objects or lists."""
    return isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value[:SOME])


def is_record(row: dict[str, Any]) -> bool:
    """Whether an object is a row, and not what rows lie in."""
    if _NESTED.isdisjoint(map(type, row.values())):
        return bool(row)
    nested = [inner for inner in row.values() if isinstance(inner, (dict, list))]
    if len(nested) == len(row):
        return False
    if all(map(_is_flat, nested)):
        return True
    cells = cells_of(row)
    if any(map(_holds_rows, nested)):
        return is_bar(cells, 3)
    columns = tuple(key for key in row if key not in cells)
    return is_bar(cells, 0) or not (is_bar(columns, 0) or said(row))


def _is_named_bar(row: Any) -> bool:
    return isinstance(row, dict) and is_bar(cells_of(row), 1) and is_record(row)


def is_line_record(row: Any) -> bool:
    """Whether a line is a row: a list of cells, or an object that is one, if under a key."""
    if isinstance(row, list):
        return bool(row) and is_cell(row[0])
    return isinstance(row, dict) and (is_record(row) or (all(map(_is_flat, row.values())) and not is_timed(row)))


def said(value: Any) -> str | None:
    """The symbol that an object names, itself or in what stands flat beside its rows (`meta`)."""
    if not isinstance(value, dict):
        return None
    for one in (value, *filter(_is_flat, value.values())):
        for key, inner in one.items():
            if isinstance(inner, str) and plain(key) in SYMBOL[:SURE]:
                return inner
    return None


def _table(value: dict[str, Any]) -> list[Any] | None:
    """The rows of an object that is a table itself, by row, by time or by column, or None."""
    if set(value) == {"schema", "data"} and _holds_rows(value["data"]):  # pandas, orient="table"
        return list(value["data"])
    if set(value) == {"columns", "index", "data"} and all(isinstance(one, list) for one in value.values()):
        return _split(value["columns"], value["index"], value["data"])  # pandas, orient="split"
    if is_timed(value):
        lists = any(isinstance(bar, list) for bar in value.values())
        bare: list[Any] | dict[str, Any] = [] if lists else {}
        bars = ((when, bare if is_cell(bar) else bar) for when, bar in value.items())
        return [[when, *bar] if isinstance(bar, list) else {"time": when, **_plainly(bar)} for when, bar in bars]
    if value and all(is_timed(one, cells=True) for one in value.values()):
        whens = dict.fromkeys(when for cells in value.values() for when in cells)
        return [{"time": when, **{name: cells.get(when) for name, cells in value.items()}} for when in whens]
    columns = _columns(value)
    if columns is None:
        return None
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _split(columns: list[Any], index: list[Any], data: list[Any]) -> list[dict[str, Any]]:
    """The rows of a frame in parts. Raises Broken where the parts do not fit."""
    if len(index) != len(data):
        raise Broken(f"its index has {len(index):,} entries and its data {len(data):,} rows: as many would be right")
    for number, row in enumerate(data, 1):
        if not isinstance(row, list) or len(row) != len(columns):
            cells = len(row) if isinstance(row, list) else 0
            raise Broken(
                f"row {number:,} of its data has {count(cells, 'cell')}, and there are {len(columns):,} columns"
            )
    timed = bool(index) and INSTANT.match(str(index[0]))
    names = [str(tuple(one) if isinstance(one, list) else one) for one in columns]
    names = ["time" if timed else "index", *names]
    return [dict(zip(names, [at, *row], strict=True)) for at, row in zip(index, data, strict=True)]


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


def _columns(value: dict[str, Any]) -> dict[str, list[Any]] | None:
    """The columns of a document that is written by column (Finnhub, Yahoo, pandas), or None: also where times come
    twice, as of several such tables. Raises Broken for columns of several lengths."""
    found = list(_flattened(value, 4))
    timed = [(name, cells) for _, name, cells in found if among(plain(name), MINUTE)]
    when, times = next((one for one in timed if one[1]), ("", []))
    if not times or len({name for name, _ in timed}) < len(timed):
        return None
    beside = {place for place, _, cells in found if len(cells) == len(times)}
    for place, name, cells in found:
        if len(cells) != len(times) and _is_figure(name, cells, beside=place in beside):
            raise Broken(
                f"its column {when} has {len(times):,} entries and {name} {len(cells):,}: columns of one length would "
                "be right"
            )
    alike: dict[str, list[Any]] = {}
    for _, name, cells in found:
        if len(cells) == len(times):
            alike.setdefault(name, cells)
    return alike if len(alike) > 1 else None


def _is_figure(name: str, cells: list[Any], *, beside: bool) -> bool:
    """Whether a list is a column of prices, by its name, or by its numbers and what stands beside it."""
    price = any(role in VALUES[:4] for role in value_roles([plain(name)]))
    return price or (beside and any(isinstance(cell, (int, float)) for cell in cells))


def _flattened(value: dict[str, Any], deep: int) -> Iterator[tuple[int, str, list[Any]]]:
    """The lists of single cells below, each with its name, and the object that it stands in."""
    for key, inner in value.items():
        if isinstance(inner, list) and (not inner or is_cell(inner[0])):
            yield id(value), key, inner
        elif isinstance(inner, list) and len(inner) == 1 and isinstance(inner[0], dict) and deep:
            yield from _flattened(inner[0], deep - 1)
        elif isinstance(inner, dict) and inner and all(str(one).isdigit() for one in inner):
            yield id(value), key, list(inner.values())
        elif isinstance(inner, dict) and deep:
            yield from _flattened(inner, deep - 1)
