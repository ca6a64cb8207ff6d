"""Which keys of an object of JSON are symbols: those of `{"aapl": [...], "msft": []}`, and no `bars` or `errors`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from mend.bars.names import CODE
from mend.bars.shapes import (
    MINUTE,
    SPANS,
    SYMBOL,
    WHEN,
    among,
    plain,
    role_of,
    says_no_price,
    says_price,
    value_roles,
)

INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d|\d{9,19}$")
SOME = 20  # entries that say what a list or an object holds
_DEEP = 4  # levels in which bars are looked for below a key
_NAME = re.compile(r"[\^$.]?(?=.*[a-zA-Z])[a-zA-Z0-9][a-zA-Z0-9 &+.:/=^@_-]{0,39}")
_BLOOMBERG = re.compile(r"(?i)\w+ \w+ equity|.+ (index|curncy|comdty)")
_CAMEL = re.compile(r"[a-z]{2}[A-Z]")
_YEAR = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])?")
_SPAN = re.compile(r"\d+_?(s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?|mo|months?|y|years?)")
_NO_BARS = re.compile(
    r"(?i)not?[ _](found|data|bars)|error|invalid|unknown|available|delisted|denied|limit|missing|fail"
)
# Words in keys that bars lie below, or that stand beside them: no symbols, unless in capitals.
_WORDS = frozenset("""
    actions aggregates aggs attributes bar bars body cached candle candles chart columns content crypto currency
    cursor daily data day edges end entries equities equity error errors events extended feed forex from full header
    headers historical histories history hour hourly included info information instruments intraday item items kline
    klines limit link links list market markets message meta metadata minute minutes monthly name news next node nodes
    note notes ohlc ohlcv options order output page pages pagination paging params payload post postmarket pre
    premarket query quotes range raw record records region regular request response result results rows rth schema
    sector series session sessions snapshot snapshots source spark start statistics stats stocks success summary
    symbols table task tick tickers timeseries timezone to token total type tz unadjusted unit units url user values
    version warning warnings week weekly zone
    """.split())  # fmt: skip  # noqa: SIM905


def symbol_keys(value: dict[str, Any]) -> list[str]:
    """The keys of an object that are symbols, those without a bar too; empty where no bars lie below several."""
    keys = [key for key, inner in value.items() if may_be_symbol(key, inner)]
    codes = [key for key in value if CODE.fullmatch(key)]
    if not all(map(_YEAR.fullmatch, codes)):
        keys += codes
    return keys if len(keys) > 1 and any(holds_bars(value[key]) and not _is_word(key) for key in keys) else []


def may_be_symbol(key: str, inner: Any) -> bool:
    """Whether a key may be a symbol, by how it is written and what is said below it."""
    cell = inner is not None and is_cell(inner)
    if INSTANT.match(key):
        return False
    if in_capitals(key):
        return not cell or not _is_word(key, cell=True)
    told = inner is False or (isinstance(inner, str) and _NO_BARS.search(inner))
    return bool((told or not cell) and _NAME.fullmatch(key) and not _CAMEL.search(key) and not _is_word(key, cell=cell))


def in_capitals(key: str) -> bool:
    """Whether a key may be a symbol as it is written, whatever lies below it."""
    return key.upper() == key and any(letter.isalpha() for letter in key)


def is_cell(value: Any) -> bool:
    """Whether nothing lies below a value."""
    return not isinstance(value, (dict, list))


def cells_of(row: dict[str, Any]) -> tuple[str, ...]:
    """The keys of an object below which nothing lies."""
    return tuple(key for key, inner in row.items() if is_cell(inner))


def holds_bars(value: Any, deep: int = _DEEP) -> bool:
    """Whether bars lie in a value: by row, by time or by column, or some levels deeper."""
    if is_cell(value) or not deep:
        return False
    if isinstance(value, list):
        return any(_is_bar_row(one) or holds_bars(one, deep - 1) for one in value[:SOME] if not is_cell(one))
    return is_timed(value) or _is_columns(value) or any(holds_bars(one, deep - 1) for one in value.values())


def is_timed(value: Any, *, cells: bool = False) -> bool:
    """Whether an object has a bar (or, with `cells`, one figure of it) under each instant: Alpha Vantage, pandas."""
    if not isinstance(value, dict) or not value:
        return False
    some = list(value.items())[:SOME]
    kind = (int, float, str, type(None)) if cells else (dict, list, type(None))
    fit = all(INSTANT.match(when) and isinstance(inner, kind) for when, inner in some)
    return fit and (cells or any(inner is not None for inner in value.values()))


@lru_cache(maxsize=256)
def is_bar(names: tuple[str, ...], values: int) -> bool:
    """Whether the names are those of a bar: a time, and so many values at least."""
    plainly = [plain(name) for name in names]
    return any(among(name, MINUTE) for name in plainly) and len(value_roles(plainly)) >= values


@lru_cache(maxsize=4096)
def _is_word(key: str, *, cell: bool = False) -> bool:
    """Whether a key is the name of a column, a span of time or a word; a letter alone is one only of a cell."""
    if _BLOOMBERG.fullmatch(key):
        return False
    name = plain(key)
    letters = any(letter.isalpha() for letter in name)
    if len(name) < 2 and not cell:
        return not letters
    return bool(
        not (letters or CODE.fullmatch(key))
        or among(name, (*SYMBOL, *WHEN, *SPANS))
        or (role_of(name) or says_price(key) or says_no_price(key))
        or _SPAN.fullmatch(name)
        or not _WORDS.isdisjoint(name.split("_"))
    )


def _is_bar_row(row: Any) -> bool:
    if isinstance(row, dict):
        return is_bar(cells_of(row), 1)
    return len(row) > 4 and all(map(is_cell, row))


def _is_columns(value: dict[str, Any]) -> bool:
    columns = tuple(key for key, inner in value.items() if isinstance(inner, list) and inner and is_cell(inner[0]))
    return is_bar(columns, 1)
