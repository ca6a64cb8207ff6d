"""Tables that have columns of their own for each symbol: whose each column is, and what it holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from minutemend.core.errors import BadInput

from mend.bars.names import CODE, may_be_symbol, says_no_symbol, symbol_of
from mend.bars.prices import may_hold_numbers
from mend.bars.recognise import Reading
from mend.bars.shapes import (
    VALUES,
    WHEN,
    among,
    names_a_bar,
    plain,
    role_of,
    says_no_price,
    says_price,
    value_roles,
)
from mend.bars.time_columns import Column

_PAIR = re.compile(r"\(('.*?'|\".*?\"), ('.*?'|\".*?\")\)")
_ROLE = r"((?:adj(?:usted)?[ ._-]*)?(?:open|high|low|close|volume|last|price|px|mid|bid|ask|vwap))"
_ROLE_LAST = re.compile(rf"(?i)(.+?)[ ._:(-]+{_ROLE}\)?")
_ROLE_FIRST = re.compile(rf"(?i){_ROLE}[ ._:(-]+(.+?)\)?")
_CLOSES = dict.fromkeys(("last", "price", "px", "mid"), "close")
_SHARE = re.compile(r"[A-Z]{1,4}")
_LETTERS = re.compile(r"[A-Z]+")
_WHOLE = re.compile(r"\d*")
_PLAIN = re.compile(r"\d+(?:\.\d+)?")
_SHOWN = 3
_FEW = 0.1  # of the columns may have the names of values, as shares do: LOW, MID
_BAR = 6  # columns at most: its prices, and two more
_NEAR = 1.25  # times the lowest: a bar's prices lie no further apart

Owned = tuple[list[str], list[Column]]  # the symbol of each column, "" for one that is all's; the columns by their role


def by_header(columns: Sequence[Column], symbols: Sequence[str]) -> Owned | None:
    """Where a line of the header holds the symbols (yfinance), or the names are pairs, as pandas writes columns of two
    levels: `('Open', 'AAPL')`, in either order."""
    if any(symbols[1:]):
        return ["", *symbols[1:]], list(columns)
    pairs = [_PAIR.fullmatch(column.name) for column in columns]
    if sum(pair is not None for pair in pairs) < 2:
        return None
    levels = [[pair[level].strip("'") if pair else "" for pair in pairs] for level in (1, 2)]
    plainly = [max(value_roles([plain(one) for one in level]).values(), default=-1) >= 0 for level in levels]
    called, owners = levels if plainly[0] else levels[::-1]
    return owners, [replace(one, name=name or one.name) for one, name in zip(columns, called, strict=True)]


def by_name(columns: Sequence[Column], reading: Reading, symbol: str | None, path: str) -> Owned | None:
    """Where the names are symbols (`AAPL`, `msft`: closes), or hold one beside a value (`AAPL_close`, `Close MSFT`).

    `symbol` is what the user says. Raises BadInput where the file's name is a symbol, too: they may be its values.
    """
    names = [column.name.strip() for column in columns]
    numbers = [may_hold_numbers(column) and not _says_when(column) for column in columns]
    roles = {role: name for name in names if len(name) > 1 and (role := role_of(plain(name)))}  # V, C and T are shares
    if names_a_bar(roles):
        return None
    found = _beside_values(names, numbers)
    sure = found is not None and all(may_be_symbol(owner) for owner, _ in found if owner)
    if found is None:
        found = _bare(columns, names, numbers, reading)
    if found is None:
        return None
    owners = [owner for owner, _ in found]
    if not sure:
        _refuse_either(owners, symbol, symbol_of(path))
        if symbol is not None and symbol not in owners:
            return None
    return owners, [replace(one, name=role or one.name) for one, (_, role) in zip(columns, found, strict=True)]


def _beside_values(names: Sequence[str], numbers: Sequence[bool]) -> list[tuple[str, str]] | None:
    """The symbol and the value that each name holds, where several symbols have one value, or are surely symbols."""
    found = [_parted(name) for name in names]
    priced = {owner for owner, role in found if owner and role.lower() != "volume"}
    found = [(owner, role) if owner in priced else ("", "") for owner, role in found]
    shared = Counter(_CLOSES.get(role.lower(), role.lower()) for owner, role in {*found} if owner)
    if len(priced) < 2 or not (all(map(may_be_symbol, priced)) or max(shared.values()) > 1):
        return None
    rest = [one and not _says_value(name) for name, one in zip(names, numbers, strict=True)]
    return [
        (name, "close") if not pair[0] and alone else pair for name, pair, alone in zip(names, found, rest, strict=True)
    ]


def _parted(name: str) -> tuple[str, str]:
    """The symbol and the value in a column's name: `AAPL`, `close` of `AAPL.close` and `close(AAPL)`; else none."""
    if (last := _ROLE_LAST.fullmatch(name)) and not _says_value(last[1]):
        return last[1], last[2]
    if (first := _ROLE_FIRST.fullmatch(name)) and not _says_value(first[2]):
        return first[2], first[1]
    return "", ""


def _bare(
    columns: Sequence[Column], names: Sequence[str], numbers: Sequence[bool], reading: Reading
) -> list[tuple[str, str]] | None:
    """Each name as a symbol, where there are several and hardly a name of a value among them."""
    held = [name for name, one in zip(names, numbers, strict=True) if one]
    values = [name for name in held if _says_value(name)]
    others = [name for name in held if name not in values]
    lone = all(map(_SHARE.fullmatch, held)) and len(values) <= len(others) / 2
    if len(others) < 2 or not (lone or len(values) <= _FEW * len(others)):
        return None
    ordered = len(reading.values) >= len(VALUES[:4])  # they lie as a bar's prices do
    if (
        ordered
        and len(others) <= _BAR
        and _near([one for one, name in zip(columns, names, strict=True) if name in others])
    ):
        return None
    return [(name, "close") if one else ("", "") for name, one in zip(names, numbers, strict=True)]


def _says_value(name: str) -> bool:
    """Whether a name says what a column holds, or how or from whom, and no symbol; it is in no other alphabet."""
    if CODE.fullmatch(name):
        return False
    words = re.split(r"[^A-Za-z0-9]+", name)
    single = len(name) == 1 and role_of(name.lower()) is not None
    no_symbol = says_no_symbol(name) and _LETTERS.fullmatch(name) is None
    return single or no_symbol or says_price(name) or says_no_price(name) or not any(words)


def _says_when(column: Column) -> bool:
    """Whether a column is a part of a time by its name, and holds whole numbers: DAY is a share."""
    parts = (*WHEN, "year", "month", "second")
    return among(plain(column.name), parts) and all(map(_WHOLE.fullmatch, column.values))


def _near(columns: Sequence[Column]) -> bool:
    """Whether the first four columns hold numbers as near to each other as a bar's prices."""
    rows = zip(*(column.values for column in columns[: len(VALUES[:4])]), strict=True)
    found = [[float(cell) for cell in row] for row in rows if all(map(_PLAIN.fullmatch, row))]
    return bool(found) and median(max(row) / (min(row) or 1) for row in found) <= _NEAR


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
