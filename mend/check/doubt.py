"""Whether the calendar is plainly the wrong one: bars where it trades no more, and another calendar holds them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mend.bars.words import Numbers, Words
from mend.calendars.known import Calendar, calendar_named
from mend.check.zones import LIKELY_CALENDARS, inside_each

# Extended hours of stocks in New York, 04:00 to 20:00, about a session of 09:30 to 16:00: such bars are no sign.
BEFORE, AFTER = 330, 240  # minutes
BEYOND = 0.1  # of a symbol's bars that lie outside extended hours, too: more make the calendar doubtful
HELD = 0.99  # of them that another calendar has to hold
FILLED = 0.9  # of its minutes, from the first bar to the last, that the bars fill: then it is theirs
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Doubt:
    """A symbol most of whose bars another calendar explains. `sure`: they fill that calendar, so that it is theirs."""

    symbol: str
    bars: int
    outside: int
    held: int  # by the other calendar
    calendars: tuple[str, ...]  # that fit alike
    sure: bool

    def said(self, calendar: str, *, named: bool) -> str:
        """The line for people."""
        lie = "all lie" if self.held == self.bars else f"{self.held:,} lie"
        who = f"{self.symbol}: " if named else ""
        line = f"{who}{self.outside:,} of {self.bars:,} bars lie outside {calendar}; {lie} in "
        *others, last = self.calendars
        line += f"{', '.join(others)} or {last}" if others else last
        if not self.sure:
            return line
        right = "one of them as --calendar" if others else f"--calendar {last}"
        return f"{line}: {right} would be right, or --fail-under 100 where {calendar} is meant"


def doubts(words: Words, calendar: Calendar, cadence: int) -> list[Doubt]:
    """The symbols whose calendar is doubtful, each with the ones that fit better. `cadence` is in minutes."""
    if calendar.name == "24/7":
        return []
    tally = words.by_symbol
    bars = tally(np.bitwise_count(words.bits))
    there = tally(inside_each(words, calendar))
    beyond = bars - tally(inside_each(words, _extended(calendar))) > BEYOND * bars
    doubtful = np.flatnonzero(beyond | (2 * there < bars))
    if not len(doubtful):
        return []
    others = [calendar_named(name) for name in LIKELY_CALENDARS if name != calendar.name]
    held = {other.name: tally(inside_each(words, other)) for other in others}
    return list(_found(words, doubtful, bars, there, beyond, others, held, cadence))


def tell(found: list[Doubt], calendar: str, *, symbols: int) -> Iterator[str]:
    """Lines for people."""
    for one in found[:_SHOWN]:
        yield one.said(calendar, named=symbols > 1)
    if len(found) > _SHOWN:
        yield f"and {len(found) - _SHOWN:,} more symbols whose bars lie outside {calendar}"


def _found(  # noqa: PLR0917 (once, by name)
    words: Words,
    doubtful: Numbers,
    bars: Numbers,
    there: Numbers,
    beyond: npt.NDArray[np.bool_],
    others: list[Calendar],
    held: dict[str, Numbers],
    cadence: int,
) -> Iterator[Doubt]:
    spans = words.spans()
    for symbol in doubtful.tolist():
        low, high = spans[symbol]
        number = int(bars[symbol])
        first, last = words.minutes(low, low + 1)[0], words.minutes(high - 1, high)[-1]
        filled = {
            other.name: number * cadence / max(1, _minutes(other, int(first), int(last) + cadence))
            for other in others
            if held[other.name][symbol] >= HELD * number
        }
        best = max(filled.values(), default=0.0)
        sure = best >= FILLED
        if not filled or (not sure and there[symbol] > number / 2):
            continue
        # Bars that begin at an open and end at a close are of that market; the last, 24/7, has neither.
        edged = {one.name for one in others[:-1] if first in one.open and last + cadence in one.close}.intersection(
            filled
        )
        if not beyond[symbol] and not (sure and edged):
            continue
        # Of those that fit alike the one that never closes comes first: that a market closes has to be seen.
        alike = [name for name in reversed(LIKELY_CALENDARS) if filled.get(name, -1.0) > best - 0.005]
        alike.sort(key=lambda name: LIKELY_CALENDARS.index(name) if name in edged else len(LIKELY_CALENDARS))
        outside = number - int(there[symbol])
        yield Doubt(words.names[symbol], number, outside, int(held[alike[0]][symbol]), tuple(alike[:3]), sure)


def _extended(calendar: Calendar) -> Calendar:
    """The calendar with extended hours around each session; sessions that would overlap meet."""
    close = calendar.close + AFTER
    close[:-1] = np.minimum(close[:-1], np.maximum(calendar.close[:-1], calendar.open[1:] - BEFORE))
    opened = calendar.open - BEFORE
    opened[1:] = np.maximum(opened[1:], close[:-1])
    return replace(calendar, open=opened, close=close)


def _minutes(calendar: Calendar, first: int, after: int) -> int:
    """How many minutes of sessions lie in `[first, after)`, epoch minutes."""
    return int((np.clip(calendar.close, first, after) - np.clip(calendar.open, first, after)).sum())
