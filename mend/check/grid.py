"""How often bars come, which edge names them, and the slots that a calendar's sessions then have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from minutemend.core.errors import BadInput
from minutemend.core.minutes import EPOCH, MINUTE, Range, epoch_minute, from_epoch_minute

from mend.bars.words import Numbers, Words
from mend.calendars.known import Calendar

CADENCES = tuple(minutes for minutes in range(1, 721) if 1440 % minutes == 0)
_LOOKED_AT = 200_000  # minutes of a symbol that say its cadence


@dataclass(frozen=True, slots=True)
class Slots:
    """Where bars are expected, ascending: a bar named `start` covers `[begin, end)` of the session part `part`.

    `start` lies before `begin` where bars go by the clock and the session opens between. Epoch minutes.
    """

    start: Numbers
    begin: Numbers
    end: Numbers
    part: Numbers

    def __getitem__(self, which: slice | np.ndarray) -> Slots:
        return Slots(self.start[which], self.begin[which], self.end[which], self.part[which])


def parse_cadence(text: str) -> int:
    """`5m` or `1h` as minutes. Raises BadInput."""
    match = re.fullmatch(r"\s*([0-9]{1,4})\s*(?:(m|mins?|minutes?|t)|(h|hours?)|d|days?)\s*", text.lower())
    minutes = int(match[1]) * (1 if match[2] else 60 if match[3] else 1440) if match else 0
    if minutes not in CADENCES:
        raise BadInput(f"--cadence is {text!r}: minutes or hours that divide a day would be right, as 1m, 5m or 1h")
    return minutes


def shown(cadence: int) -> str:
    """`1m`, `1h`: a cadence as `--cadence` takes it."""
    return f"{cadence // 60}h" if cadence % 60 == 0 else f"{cadence}m"


def cadence_of(words: Words) -> int:
    """How many minutes lie between bars, by the bars: the commonest step, where next to no step is shorter.

    Raises BadInput for bars of a day or longer.
    """
    steps = [np.diff(words.minutes(first, min(after, first + _LOOKED_AT // 60))) for first, after in words.spans()]
    every = np.concatenate([*steps, np.empty(0, np.int64)])
    if len(every) < 3:
        return 1
    counts = np.bincount(np.minimum(every, 30 * 1440))
    common = int(counts.argmax())
    if common >= 1440 and (every >= 1440).mean() > 0.9:
        raise BadInput(
            f"these are daily bars: {len(every) + len(words.names):,} bars, most of them "
            f"{common // 1440:,} day{'s' if common >= 2880 else ''} apart; bars of minutes or hours would be right"
        )
    shorter = any(len(some) > 2 and (some < common).mean() > 0.01 for some in steps)
    return common if common in CADENCES and not shorter and counts.max() >= 3 else 1


def slots_for(calendar: Calendar, cadence: int, words: Words, first: int, after: int) -> tuple[Slots, str]:
    """The slots of the session parts `[first, after)`, and by what they go: the anchor under which most bars fit."""
    names = ("open", "clock", "day", "local") if cadence > 1 else ("open",)
    best: tuple[int, Slots, str] | None = None
    for name in names:
        slots = _slots(calendar, cadence, _anchor(calendar, name, first, after), first, after)
        fits = fitting(words, slots) if len(names) > 1 else 0
        if best is None or fits > best[0]:
            best = (fits, slots, name)
    assert best is not None  # noqa: S101 (there is a name)
    return best[1], best[2]


def _anchor(calendar: Calendar, name: str, first: int, after: int) -> Numbers:
    opened, day = calendar.open[first:after], calendar.day[first:after]
    if name == "open":
        return opened
    if name == "clock":
        return np.zeros_like(opened)
    if name == "day":
        return opened[np.searchsorted(day, day)]
    zone = ZoneInfo(calendar.zone)
    offsets = {one: _offset(zone, one) for one in set(opened.tolist())}
    return np.array([-offsets[one] for one in opened.tolist()], np.int64)


def _offset(zone: ZoneInfo, minute: int) -> int:
    at: datetime = (EPOCH + minute * MINUTE).astimezone(zone)
    offset = at.utcoffset()
    return int(offset.total_seconds() // 60) if offset else 0


def _slots(calendar: Calendar, cadence: int, anchor: Numbers, first: int, after: int) -> Slots:
    opened, closed = calendar.open[first:after], calendar.close[first:after]
    begins = opened - (opened - anchor) % cadence
    counts = -(-(closed - begins) // cadence)
    part = np.repeat(np.arange(len(opened)), counts)
    place = np.arange(len(part)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = begins[part] + place * cadence
    slots = Slots(start, np.maximum(start, opened[part]), np.minimum(start + cadence, closed[part]), part + first)
    return slots[np.r_[True, np.diff(start) > 0]] if len(start) else slots


def touched(slots: Slots, window: Range) -> tuple[Slots, Range]:
    """The slots of which the window holds a minute, and the window with all the minutes of these."""
    slots = slots[(slots.end > epoch_minute(window.start)) & (slots.begin < epoch_minute(window.end))]
    if not len(slots.start):
        return slots, window
    begin, end = from_epoch_minute(int(slots.begin[0])), from_epoch_minute(int(slots.end[-1]))
    return slots, Range(min(window.start, begin), max(window.end, end))


def fitting(words: Words, slots: Slots) -> int:
    """How many bars are named as slots are."""
    from mend.bars.words import words_of

    hour, bits = words_of(slots.start)
    return int(np.bitwise_count(matching(words, hour, bits)).sum())


def matching(words: Words, hour: Numbers, bits: np.ndarray) -> np.ndarray:
    """The bits of every word that are set in a table of hours (ascending), too."""
    if not len(hour):
        return np.zeros(len(words.hour), np.uint64)
    place = np.minimum(np.searchsorted(hour, words.hour), len(hour) - 1)
    found: np.ndarray = np.where(hour[place] == words.hour, words.bits & bits[place], np.uint64(0))
    return found
