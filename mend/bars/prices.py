"""Which columns are a bar's prices and volume, and the SQL that reads a number however people write it."""

from __future__ import annotations

from collections.abc import Sequence

from mend.bars.shapes import ORDERS, VALUES, plain, value_roles
from mend.bars.time_columns import Column
from mend.bars.times import is_number

_ORDERLY = 0.9  # of a sample must have its highs and lows right for an order of prices to be believed


def values_of(
    rest: Sequence[Column], columns: Sequence[Column], *, headed: bool, after: Column
) -> tuple[dict[str, Column], list[Column]]:
    """The columns of the values that a bar has, as far as they can be told, and those that a row must fill."""
    if headed:
        roles = {role: rest[place] for role, place in value_roles([plain(column.name) for column in rest]).items()}
        prices = [roles[role] for role in VALUES[:4] if role in roles]
        if prices:
            return roles, prices
    numbers = [
        column for column in columns if column in rest and _numeric(column) and any(map(str.strip, column.values))
    ]
    behind = [column for column in columns[list(columns).index(after) + 1 :] if column in numbers]
    numbers = behind if len(behind) >= 4 or len(numbers) < 4 else numbers
    if len(numbers) < 4:
        told = {} if headed else dict(zip(("close", "volume"), numbers[:2], strict=False))
        return told, [] if headed else numbers[:1]
    share, order = max(((_orderly(numbers, one), one) for one in ORDERS), key=lambda one: one[0])
    if share < _ORDERLY:
        return {}, [] if headed else numbers[:4]
    found = dict(zip((*order, *({"volume"} - {*order})), numbers, strict=False))
    return found, [found[role] for role in VALUES[:4]]


def _numeric(column: Column) -> bool:
    return column.type != "VARCHAR" or all(is_number(value) for value in column.values)


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
