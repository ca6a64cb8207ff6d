"""What people recorded (core/closures.py), on the arrays of `mend check`: other sessions, and slots not expected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
from minutemend.core.closures import Closure, Kind
from minutemend.core.in_force import halts, sessions_in_force
from minutemend.core.intervals import Numbers, numbers
from minutemend.core.minutes import epoch_minute

from mend.calendars.known import Calendar, calendar_named
from mend.check.grid import Slots

Flags = npt.NDArray[np.bool_]
Kept = Mapping[str, Callable[[Slots], Flags]]  # by symbol, which of some slots are expected of it
_EPOCH = date(1970, 1, 1).toordinal()


def calendar_in_force(calendar: Calendar, closures: Sequence[Closure], dates: tuple[date, date]) -> Calendar:
    """The calendar with the records of it applied to the sessions of the dates `[first, last]`, under whatever name
    they have it. Raises BadInput for a record of a calendar that there is not."""
    of_calendars = [one for one in closures if one.kind not in (Kind.HALT, Kind.LISTING)]
    mine = [replace(one, of=calendar.name) for one in of_calendars if calendar_named(one.of).name == calendar.name]
    if not mine:
        return calendar
    first, last = (edge.toordinal() - _EPOCH for edge in dates)
    begin, end = np.searchsorted(calendar.day, first, "left"), np.searchsorted(calendar.day, last, "right")
    made = [one for one in sessions_in_force(calendar.sessions(*dates), mine) if dates[0] <= one.dt <= dates[1]]

    def with_made(column: Numbers, values: list[int]) -> Numbers:
        return np.concatenate([column[:begin], numbers(values), column[end:]])

    return replace(
        calendar,
        day=with_made(calendar.day, [one.dt.toordinal() - _EPOCH for one in made]),
        open=with_made(calendar.open, [epoch_minute(one.open) for one in made]),
        close=with_made(calendar.close, [epoch_minute(one.close) for one in made]),
    )


def kept_slots(closures: Sequence[Closure], calendar: Calendar) -> Kept:
    """For each symbol that was halted or has recorded listings: which slots are expected of it: all but those that a
    halt covers."""
    halted = halts(closures)
    listed: dict[str, list[Closure]] = defaultdict(list)
    for one in closures:
        if one.kind is Kind.LISTING:
            listed[one.of].append(one)

    def kept(symbol: str) -> Callable[[Slots], Flags]:
        def of(slots: Slots) -> Flags:
            expected = np.ones(len(slots.begin), np.bool_)
            for span in halted.get(symbol, ()):
                expected &= (slots.begin < epoch_minute(span.start)) | (slots.end > epoch_minute(span.end))
            if symbol in listed:
                day = calendar.day[slots.part]
                inside = np.zeros(len(day), np.bool_)
                for one in listed[symbol]:
                    first, end = (edge.toordinal() - _EPOCH if edge else None for edge in one.dates)
                    inside |= (day >= (-(2**31) if first is None else first)) & (day < (2**31 if end is None else end))
                expected &= inside
            return expected

        return of

    return {symbol: kept(symbol) for symbol in {*halted, *listed}}
