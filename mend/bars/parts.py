"""A time in several columns: year, month, day, hour and minute, or a time of day and its AM or PM."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from mend.bars.shapes import plain
from mend.bars.time_columns import Column

_HALF = re.compile(r"(?i)[ap]\.?m\.?")
_PARTS = ("year", "month", "day", "hour", "minute")


def of_parts(columns: Sequence[Column]) -> list[Column]:
    """The columns, those of the year to the minute, or of hour and minute, as one more column in place of them."""
    for names, form in ((_PARTS, "%04d-%02d-%02d %02d:%02d"), (_PARTS[3:], "%02d:%02d")):
        named = [next((one for one in columns if plain(one.name) == name), None) for name in names]
        found = [one for one in named if one is not None and all(value.strip().isdigit() for value in one.values)]
        if len(found) == len(names):
            sql = ", ".join(f"TRY_CAST({one.sql} AS BIGINT)" for one in found)
            values = tuple(form % tuple(map(int, row)) for row in zip(*(one.values for one in found), strict=True))
            whole = Column(" ".join(names), f"printf('{form}', {sql})", "VARCHAR", values)
            return [*(one for one in columns if one not in found), whole]
    return _halved(list(columns))


def _halved(columns: list[Column]) -> list[Column]:
    """The columns, with AM or PM that stands in a column of its own behind the time of day in the column before it."""
    for before, half in pairwise(columns):
        filled = [value.strip() for value in half.values if value.strip()]
        if filled and all(map(_HALF.fullmatch, filled)) and before.type == half.type == "VARCHAR":
            values = tuple(f"{time} {what}" for time, what in zip(before.values, half.values, strict=True))
            whole = Column(before.name, f"({before.sql} || ' ' || {half.sql})", "VARCHAR", values)
            return [whole if one is before else one for one in columns if one is not half]
    return columns
