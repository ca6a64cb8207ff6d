"""Which columns are a bar's prices and volume, and the SQL that reads a number however people write it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mend.bars.shapes import ORDERS, SYMBOL, VALUES, among, names_a_bar, numbers_rows, plain, says_no_price, value_roles
from mend.bars.time_columns import Column, time_column
from mend.bars.times import is_number

_ORDERLY = 0.9  # of a sample must have its highs and lows right for an order of prices to be believed
_ENOUGH = 0.6  # of the cells that say something must be numbers
_NOTHING = re.compile(r"(?i)\W*(?:(?:nan|n\W?a|null|none|nil|inf)\W*)*")
_NUMERIC = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT|FLOAT|DOUBLE|DECIMAL")


def values_of(
    rest: Sequence[Column], columns: Sequence[Column], *, headed: bool, after: Column
) -> tuple[dict[str, Column], list[Column]]:
    """The columns of the values that a bar has, as far as they can be told, and those that a row must fill."""
    roles: dict[str, Column] = {}
    if headed:
        roles = {role: rest[place] for role, place in value_roles([plain(column.name) for column in rest]).items()}
        if names_a_bar({role: column.name.strip() for role, column in roles.items()}):
            return roles, [roles[role] for role in VALUES[:4] if role in roles]
    numbers = [column for column in rest if holds_numbers(column)]
    behind = [column for column in numbers if columns.index(column) > columns.index(after)]
    ordered = behind if len(behind) >= 4 or len(numbers) < 4 else numbers
    share, order = max(((_orderly(ordered, one), one) for one in ORDERS), key=lambda one: one[0])
    if share >= _ORDERLY:
        found = dict(zip((*order, *({"volume"} - {*order})), ordered, strict=False))
        prices = [found[role] for role in VALUES[:4]]
        # A name in our letters may be a symbol's: its column is looked at as well.
        more = [one for one in rest if one not in prices and one.name.isascii() and may_be_price(one)]
        return found, prices + (more if headed else [])
    if not headed:
        if len(ordered) < 4:
            return dict(zip(("close", "volume"), ordered[:2], strict=False)), ordered[:1]
        return {}, ordered[:4]
    return _unnamed(rest, roles)


def _unnamed(rest: Sequence[Column], roles: dict[str, Column]) -> tuple[dict[str, Column], list[Column]]:
    """The values and prices of a table whose names do not say a bar's prices: a row must fill all that may be one."""
    named = [roles[role] for role in VALUES[:4] if role in roles]
    some = [column for column in rest if column in named or may_be_price(column)]
    prices = [column for column in some if column in named or holds_numbers(column)] or some
    if not named and len(prices) == 1:
        roles = {**roles, "close": prices[0]}
    return roles if "close" in roles or named else {}, prices


def may_be_price(column: Column) -> bool:
    """Whether a column under a header may be a price: its name does not say what else."""
    known = among(plain(column.name), SYMBOL) or says_no_price(column.name)
    return not known and may_hold_numbers(column)


def may_hold_numbers(column: Column) -> bool:
    """Whether a column with a name holds numbers that are no times, or nothing at all."""
    may = column.type == "VARCHAR" or _NUMERIC.match(column.type) is not None
    held = holds_numbers(column) or (may and all(map(_NOTHING.fullmatch, column.values)))
    return held and bool(column.name.strip()) and time_column(column, None) is None


def holds_counts(rest: Sequence[Column]) -> bool:
    """Whether some column holds numbers that are more than the row's: a volume, a count of trades."""
    return any(holds_numbers(one) and one.name.strip() and not numbers_rows(one.name) for one in rest)


def holds_numbers(column: Column) -> bool:
    """Whether the cells that say something are numbers."""
    if column.type != "VARCHAR" and not _NUMERIC.match(column.type):
        return False
    told = [value for value in column.values if not _NOTHING.fullmatch(value)]
    return bool(told) and sum(map(is_number, told)) >= _ENOUGH * len(told)


def _orderly(numbers: Sequence[Column], order: tuple[str, ...]) -> float:
    """In how much of the sample high is the highest and low the lowest, when the columns come in this order."""
    fit = seen = 0
    if len(numbers) < len(order):
        return 0.0
    for row in zip(*(column.values for column in numbers[: len(order)]), strict=True):
        try:
            by = dict(zip(order, (float(value.replace(",", ".")) for value in row), strict=True))
        except ValueError:
            continue
        seen += 1
        fit += by["high"] >= max(by["open"], by["close"]) and by["low"] <= min(by["open"], by["close"])
    return fit / seen if seen else 0.0


def _comma(column: Column) -> bool:
    """Whether a comma is the decimal point."""
    return any("," in value and "." not in value.rpartition(",")[2] and len(value.rpartition(",")[2]) != 3
               for value in column.values)  # fmt: skip


def number(column: Column) -> str:
    if column.type != "VARCHAR":
        return f"CAST({column.sql} AS DOUBLE)"
    if _comma(column):
        return f"TRY_CAST(replace(regexp_replace({column.sql}, '[^0-9eE,+-]', '', 'g'), ',', '.') AS DOUBLE)"
    # What parts thousands may stand in later rows alone.
    bare = f"regexp_replace({column.sql}, '[,''$€£ \u00a0\u202f]', '', 'g')"
    return f"coalesce(TRY_CAST({column.sql} AS DOUBLE), TRY_CAST({bare} AS DOUBLE))"


def filled(column: Column) -> str:
    """SQL: whether a price is there: no null, no NaN, no text."""
    return f"coalesce(isfinite({number(column)}), false)"
