"""Observations, absences, revocations, failures, sessions and listings as rows of their lake tables, and back: a field
of the class is a column of the table.

A row lies in the partition of its minutes' UTC date: what spans midnight becomes one row a date.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np

from minutemend.core.answers import AnswerKind
from minutemend.core.intervals import Intervals, intersect, merge, numbers
from minutemend.core.minutes import Range, day_range, epoch_minute
from minutemend.core.revocations import Revocation
from minutemend.core.sessions import Session
from minutemend.core.verdicts import NONE, Absence, Failure, Observation, Omissions, Shown
from minutemend.services.tables import aware, naive

Item = TypeVar("Item")
Ranged = TypeVar("Ranged", Observation, Absence, Failure, Revocation)
Row = Mapping[str, Any]


def by_date(item: Ranged) -> Iterator[tuple[date, Ranged]]:
    """The parts of `item` by the UTC dates that its range touches."""
    for day in item.range.dates():
        part = item.range.intersect(day_range(day))
        if part is None:
            continue
        if isinstance(item, Observation):
            edges = epoch_minute(part.start), epoch_minute(part.end)
            stated = intersect(item.stated, merge(*([edge] for edge in edges)))[0]
            inside = slice(*(edge - epoch_minute(item.range.start) for edge in edges))
            shown, barred = (one and Shown.of(one.flags(item.range)[inside]) for one in (item.shown, item.barred))
            omitted = item.omitted.within(*edges)
            yield day, replace(item, range=part, omitted=omitted, stated=stated, shown=shown, barred=barred)
        else:
            yield day, replace(item, range=part)


def row_of(item: Any) -> dict[str, object]:
    """The row of an item: its fields by name, `range` as `start` and `end`."""
    row: dict[str, object] = {}
    for one in fields(item):
        value = getattr(item, one.name)
        if isinstance(value, Range):
            row |= {"start": naive(value.start), "end": naive(value.end)}
        else:
            row[one.name] = next((write(value) for kind, write in _WRITTEN if isinstance(value, kind)), value)
    return row | ({"minutes": item.minutes} if isinstance(item, Session) else {})


def items_of(kind: type[Item], rows: Iterable[Row]) -> Iterator[Item]:
    """The items of rows. A column that an earlier commit did not write is null, and has the field's default."""
    wanted = [(one.name, _READ.get(str(one.type)), one) for one in fields(kind)]  # type: ignore[arg-type]
    for row in rows:
        values: dict[str, Any] = {}
        for name, read, one in wanted:
            if name == "range":
                values[name] = Range(aware(row["start"]), aware(row["end"]))
            elif (value := row.get(name)) is not None:
                values[name] = read(value) if read else value
            elif one.default is MISSING and one.default_factory is MISSING:
                values[name] = None
        yield kind(**values)


def _omissions(text: str) -> Omissions:
    """Runs of answers that were written before the bars around them were kept count for nothing."""
    runs = [
        (first, first + n, *(NONE if bar is None else bar for bar in around))
        for first, n, *around in json.loads(text)
        if around
    ]
    return Omissions.of(*runs)


def _omitted(item: Omissions) -> str:
    rows = item.rows()
    return json.dumps(
        [[start, end - start, *(None if bar == NONE else bar for bar in around)] for start, end, *around in rows]
    )


def _intervals(text: str) -> Intervals:
    first, lengths = numbers(json.loads(text)).reshape(-1, 2).T
    return merge(first, first + lengths)


def _lengths(item: Intervals) -> str:
    return json.dumps(np.stack([item.starts, item.lengths], axis=1).tolist())


# How a field is written, by the type of its value (a datetime is a date, too), and read, by what its class says.
_WRITTEN: Sequence[tuple[type, Callable[[Any], object]]] = (
    (datetime, naive),
    (date, date.isoformat),
    (StrEnum, str),
    (Omissions, _omitted),
    (Intervals, _lengths),
    (Shown, lambda item: b64encode(item.bits).decode()),
)
_READ: Mapping[str, Callable[[Any], object]] = {
    "datetime": aware,
    "date": date.fromisoformat,
    "date | None": date.fromisoformat,
    "AnswerKind": AnswerKind,
    "Omissions": _omissions,
    "Intervals": _intervals,
    "Shown | None": lambda text: Shown(b64decode(text)),
}
