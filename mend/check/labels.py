"""Which edge names a bar: by what the user says, by where the bars lie, or by what their column is called."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mend.bars.reader import BarFiles
from mend.bars.words import Bits, Numbers, Words
from mend.calendars.known import Calendar
from mend.check import grid, zones
from mend.check.count import spanned
from mend.check.grid import Slots

_OTHERWISE = "(--label left would say otherwise)"


def labelled(  # noqa: PLR0917 (once)
    words: Words, barren: Words, calendar: Calendar, cadence: int, asked: str | None, ends: bool
) -> tuple[Words, str, list[str]]:
    """The bars by their left edges, which edge named them, and what is to be said. `ends`: whether the
    columns of times are called ends, in all files."""
    if asked is not None:
        return words.shifted(-cadence) if asked == "right" else words, asked, []
    first, after = spanned(words, calendar, barren)[1:]
    said: list[str] = []
    if first < after and calendar.name != "24/7":  # else no close shows by which edge they are named
        slots, _ = grid.slots_for(calendar, cadence, words, first, after)
        late, early, sessions = _edges(words, slots, calendar)
        there = zones.inside(words, calendar)
        # Bars beyond the close are no right edges: then the hours are extended, and a minute is missing.
        if sessions and late == sessions == words.bars - there:
            why = "as in every session the first bar is missing and one lies at the close"
            return words.shifted(-cadence), "right", [f"label: right, {why} {_OTHERWISE}"]
        if ends and sessions and early == sessions and there == words.bars:
            why = "as in every session a bar lies at the open and none at the close"
            return words, "left", [f"label: left, {why}, though their column is called an end (--label right)"]
        # Where more lie outside than inside, it is the calendar that is wrong.
        if not ends and late and late >= sessions / 2 and 2 * there > words.bars:
            what = "a bar lies at the close and none at the open"
            said = [f"in {late:,} of {sessions:,} sessions {what}: --label right may be meant"]
    if ends:
        said = [f"label: right, as the column of times is called an end {_OTHERWISE}"]
        return words.shifted(-cadence), "right", said
    return words, "left", said


def mixed(files: BarFiles) -> Iterator[str]:
    """What is to be said where some columns of times are called ends, and others are not."""
    ended = [member.shown for group in files.groups if group.reading.ends for member in group.members]
    if 0 < len(ended) < len(files.members):
        yield (
            f"{files.where(ended)}: the column of times is called an end, and that of others is not: files of one "
            "kind, or --label, would be right"
        )


def _edges(words: Words, slots: Slots, calendar: Calendar) -> tuple[int, int, int]:
    """In how many (symbol, session part) the first bar is missing while one lies at the close, in how many it is there
    and none at the close, and in how many there are bars. Sessions that follow each other at once say nothing, and are
    not counted."""
    late = early = whole = 0
    apart = np.r_[calendar.open[1:] > calendar.close[:-1], True]
    parts = slots.part[np.r_[True, np.diff(slots.part) > 0]]
    parts = parts[apart[parts]]
    openings = slots.start[np.searchsorted(slots.part, parts)]
    closes = calendar.close[parts]
    for first, after in words.spans():
        hours, bits = words.hour[first:after], words.bits[first:after]
        at_open, at_close = (_has(hours, bits, minutes) for minutes in (openings, closes))
        low, high = calendar.open[parts] // 60, closes // 60
        busy = np.searchsorted(hours, high, "right") > np.searchsorted(hours, low, "left")
        whole += int(busy.sum())
        late += int((busy & ~at_open & at_close).sum())
        early += int((busy & at_open & ~at_close).sum())
    return late, early, whole


def _has(hours: Numbers, bits: Bits, minutes: Numbers) -> np.ndarray:
    hour, place = np.divmod(minutes, 60)
    at = np.minimum(np.searchsorted(hours, hour), len(hours) - 1)
    found: np.ndarray = (hours[at] == hour) & ((bits[at] >> place.astype(np.uint64)) & np.uint64(1)).astype(bool)
    return found
