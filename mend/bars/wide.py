"""Tables that have columns of their own for each symbol: whose each column is, and what it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from minutemend.core.errors import BadInput

from mend.bars.names import may_be_symbol, symbol_of
from mend.bars.recognise import Reading
from mend.bars.shapes import DATE, MINUTE, TIME, VALUES, plain, rank, value_roles
from mend.bars.time_columns import Column

_PAIR = re.compile(r"\(('.*?'|\".*?\"), ('.*?'|\".*?\")\)")
_OWNED = re.compile(rf"(.+)[ ._-]({'|'.join(VALUES)}|last)", re.IGNORECASE)

_SHOWN = 3
_WHEN = (*MINUTE, *DATE, *TIME)

Owned = tuple[list[str], list[Column]]  # the symbol of each column, "" for one that is all's; the columns by their role


def by_line(columns: Sequence[Column], symbols: Sequence[str]) -> Owned | None:
    """Where a line of the header holds the symbols (yfinance)."""
    return (["", *symbols[1:]], list(columns)) if any(symbols[1:]) else None


def by_pair(columns: Sequence[Column]) -> Owned | None:
    """Where the names are pairs, as pandas writes columns of two levels: `('Open', 'AAPL')`, in either order."""
    pairs = [_PAIR.fullmatch(column.name) for column in columns]
    if sum(pair is not None for pair in pairs) < 2:
        return None
    levels = [[pair[level].strip("'") if pair else "" for pair in pairs] for level in (1, 2)]
    plainly = [max(value_roles([plain(one) for one in level]).values(), default=-1) >= 0 for level in levels]
    called, owners = levels if plainly[0] else levels[::-1]
    return owners, [replace(one, name=name or one.name) for one, name in zip(columns, called, strict=True)]


def by_name(columns: Sequence[Column], reading: Reading, symbol: str | None, path: str) -> Owned | None:
    """Where the names are symbols (`AAPL`, `MSFT`: closes), or begin with one (`AAPL_close`, `MSFT_close`).

    `symbol` is what the user says. Raises BadInput where the file's name is a symbol, too: they may be its values.
    """
    if any(plain(column.name) in VALUES for column in columns):
        return None
    found = [_OWNED.fullmatch(column.name.strip()) for column in columns]
    owners = [one[1] if one and may_be_symbol(one[1]) else "" for one in found]
    called = [one[2] if one else "" for one in found]
    if len({*owners} - {""}) < 2:
        others = [one for one in columns if one.name.strip() and rank(plain(one.name), _WHEN) == len(_WHEN)]
        values = value_roles([plain(one.name) for one in others if len(one.name.strip()) > 1])  # V, C and T are shares
        if reading.values or values or not all(may_be_symbol(column.name.strip()) for column in others):
            return None
        owners = [column.name.strip() if column in others else "" for column in columns]
        _refuse_either(owners, symbol, symbol_of(path))
        if symbol is not None and symbol not in owners:
            return None
        called = ["close" if owner else "" for owner in owners]
    if len({*owners} - {""}) < 2:
        return None
    return owners, [replace(one, name=name or one.name) for one, name in zip(columns, called, strict=True)]


def _refuse_either(owners: Sequence[str], symbol: str | None, named: str | None) -> None:
    """Raises BadInput where the columns may be symbols, or values of the symbol that the file's name says."""
    names = sorted({*owners} - {""})
    if len(names) < 2 or symbol is not None or named is None or named.islower() or named in names:
        return
    shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    raise BadInput(
        f"the columns {shown} may be values of {named}, or symbols: --symbol {named} would say the first, and another "
        "name of the file, as closes.csv, the second"
    )
