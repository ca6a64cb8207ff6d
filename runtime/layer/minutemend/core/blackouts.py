"""Minutes that no symbol of a calendar has: a feed that shows none of them is more likely down than its market."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from minutemend.core.gaps import Gaps
from minutemend.core.intervals import Intervals, Numbers, lanes, merge, numbers, place
from minutemend.core.minutes import Range, epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

FEWEST = 3  # symbols that are silent together: two may be so by chance
LACKING = 2  # of them, at least, that an answer left out: the others may be left aside


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """How many symbols of each calendar are expected, at any minute.

    `lane` is the number of a symbol's calendar. At the places `edges` (calendar number and epoch minute) so many more
    are expected from then on as `steps` says, or fewer.
    """

    lane: Mapping[str, int]
    edges: Numbers
    steps: Numbers


def crowd_of(
    listings: Sequence[Listing], sessions: Sequence[Session], halted: Iterable[tuple[str, Range]] = ()
) -> Crowd:
    """The crowd of the listings in these sessions, without the symbols that are `halted` (parts of the sessions)."""
    calendars = {name: at for at, name in enumerate(sorted({one.calendar for one in listings}))}
    lane = {one.symbol: calendars[one.calendar] for one in listings}
    rows = [
        (lane[symbol], epoch_minute(span.start), epoch_minute(span.end), -1)
        for symbol, span in halted
        if symbol in lane
    ]
    for name, at in calendars.items():
        mine = [one for one in sessions if one.calendar == name]
        count = _listed([one for one in listings if one.calendar == name], mine).tolist()
        rows += [(at, epoch_minute(one.open), epoch_minute(one.close), n) for one, n in zip(mine, count, strict=True)]
    calendar, first, after, number = numbers(rows).reshape(-1, 4).T
    edges = np.concatenate([place(calendar, first), place(calendar, after)])
    return Crowd(lane, edges, np.concatenate([number, -number]))


def _listed(listings: Sequence[Listing], sessions: Sequence[Session]) -> Numbers:
    """How many of the listings are expected in each of the sessions; all are of one calendar."""
    days = np.array([one.dt for one in sessions], "M8[D]")
    begun = np.sort(np.array([one.listed or date.min for one in listings], "M8[D]"))
    over = np.sort(np.array([one.delisted or date.max for one in listings], "M8[D]"))
    return numbers(np.searchsorted(begun, days, side="right") - np.searchsorted(over, days, side="right"))


def blackouts(gaps: Gaps, crowd: Crowd, unknown: Intervals) -> Intervals:
    """The minutes that every symbol of a calendar lacks that is expected then, FEWEST at least, as places of the
    calendars' numbers. Symbols whose minutes are `unknown` (places of `gaps.names`) are left aside, but for LACKING."""
    calendar = numbers([crowd.lane.get(name, -1) for name in gaps.names])
    lane, spans = lanes(unknown)
    lacking = np.concatenate([place(calendar[gaps.symbol], edge) for edge in (gaps.start, gaps.end)])
    aside = np.concatenate([place(calendar[lane], edge) for edge in (spans.starts, spans.ends)])
    steps = np.concatenate([crowd.steps, *(np.repeat([1, -1], len(one) // 2) for one in (lacking, aside))])
    kind = np.repeat([0, 1, 2], [len(crowd.edges), len(lacking), len(aside)])
    edges = np.concatenate([crowd.edges, lacking, aside])
    order = np.argsort(edges, kind="stable")
    expected, deep, away = (np.cumsum(np.where(kind == each, steps, 0)[order]) for each in range(3))
    edges, dark = edges[order], ((deep + away >= expected) & (expected >= FEWEST) & (deep >= LACKING))[:-1]
    return merge(edges[:-1][dark], edges[1:][dark])


def touched(gaps: Gaps, crowd: Crowd, dark: Intervals) -> npt.NDArray[np.bool_]:
    """Whether some minute of a gap is among the `dark` ones of its calendar."""
    calendar = numbers([crowd.lane.get(name, -1) for name in gaps.names])[gaps.symbol]
    return np.asarray(dark.count_within(place(calendar, gaps.start), place(calendar, gaps.end)) > 0, np.bool_)
