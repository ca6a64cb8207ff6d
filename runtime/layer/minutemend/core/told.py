"""What an answer told of a session: of how many of its minutes, and whether it left out one that is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minutemend.core.gaps import Gaps
from minutemend.core.intervals import Intervals, Numbers, numbers, place
from minutemend.core.minutes import Range, edges, epoch_minute
from minutemend.core.verdicts import Observation

Flags = npt.NDArray[np.bool_]


class Told(NamedTuple):
    """For each pair of an answer and a piece of a gap: the expected minutes of the piece's session where the answer
    looked, asked for or not; of how many it told, with a bar or that there was no trade; and whether it is known to
    have left out a stored one before the last of which it told: what comes after may not have been there yet."""

    looked: Numbers
    shown: Numbers
    incomplete: Flags


def told(
    observations: Sequence[Observation],
    whole: Numbers,
    answer: Numbers,
    pieces: Gaps,
    *,
    raw: Gaps,
    off: Intervals,
    window: Range,
) -> Told:
    """Of pairs: the position of an observation in `answer`, and a row of `pieces`. `whole` is the number of each
    observation's answer, which may have several: parts, by date or as it was done. What is expected in `window` is
    stored where it is neither in `raw` nor `off` (places of its names)."""
    first, last = map(numbers, edges(one.range for one in observations))
    rows = numbers([one.rows + one.stated.minutes for one in observations])
    several = np.bincount(whole)[whole] > 1 if len(whole) else np.zeros(0, np.bool_)
    until = np.zeros(len(whole), np.int64)
    np.maximum.at(until, whole, numbers([_last(one) for one in observations]))
    line = raw.line
    of = np.argsort(whole, kind="stable")  # the observations, answer by answer
    starts = np.searchsorted(whole[of], whole[answer])
    parts = np.searchsorted(whole[of], whole[answer], side="right") - starts
    looked, shown = np.zeros(len(answer), np.int64), np.zeros(len(answer), np.int64)
    incomplete = np.zeros(len(answer), np.bool_)
    for part in range(int(parts.max(initial=0))):
        pairs = np.flatnonzero(parts > part)
        one, lane = of[starts[pairs] + part], pieces.symbol[pairs]
        begun, over = (
            np.clip(edge[pairs], first[one], last[one]) for edge in (pieces.session_open, pieces.session_close)
        )
        looked[pairs] += over - begun - off.count_within(place(lane, begun), place(lane, over))
        # An earlier commit says of how many it told in all: not known to be here, where there was no room for so many,
        # nor where the answer has other parts, each of which says the same.
        counts = np.where((rows[one] > over - begun) | several[one], 0, rows[one])
        for at, mine in _each(one):
            said = observations[at].shown
            if said is None:
                continue
            flags, minutes = said.flags(observations[at].range), np.arange(first[at], last[at])
            places = place(lane[mine[0]], minutes)
            stored = (line.holding(places) < 0) & (off.holding(places) < 0)
            stored &= (minutes >= epoch_minute(window.start)) & (minutes < epoch_minute(window.end))
            lacks = stored & ~flags & (minutes < until[whole[at]])
            counts[mine], left_out = (
                _within(of_minute, begun[mine], over[mine], first[at]) for of_minute in (flags, lacks)
            )
            incomplete[pairs[mine]] |= left_out > 0
        shown[pairs] += counts
    return Told(looked, shown, incomplete)


def _last(one: Observation) -> int:
    """The last minute of which an observation is known to have told; 0 where none is."""
    at = np.flatnonzero(one.shown.flags(one.range)) if one.shown else numbers([])
    return epoch_minute(one.range.start) + int(at[-1]) if len(at) else 0


def _each(one: Numbers) -> Iterator[tuple[int, Numbers]]:
    """Each number, with the positions that have it."""
    order = np.argsort(one, kind="stable")
    for mine in np.split(order, np.flatnonzero(np.diff(one[order])) + 1) if len(order) else ():
        yield int(one[mine[0]]), mine


def _within(flags: Flags, start: Numbers, end: Numbers, first: int) -> Numbers:
    """How many flags are set in each `[start, end)`; the first one is of the minute `first`."""
    before = np.concatenate([[0], np.cumsum(flags)])
    return numbers(before[end - first] - before[start - first])
