"""The audit's question as a whole: ask the statement, and make gaps of the hours that come back, on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from minutemend.core.data_check_sql import RESULT_COLUMNS, generate_data_check_query
from minutemend.core.errors import MinutemendError
from minutemend.core.gaps import Gaps
from minutemend.core.hours import BITS, SLOTS, Hours, day_number, expected_hours
from minutemend.core.intervals import EMPTY, LANE, Intervals, Numbers, expand, intersect, lanes, merge, numbers, place
from minutemend.core.minutes import Range, epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

__all__ = ["RESULT_COLUMNS", "Answered", "Question", "check_data", "generate_data_check_query"]

_NAMED = 1000  # symbols that are named in the statement; of more, all are asked for
_AT_ONCE = 50_000  # hours whose bits are taken apart at once: 60 numbers each
_EVER = (-(2**31), 2**31)


class TablesDiffer(MinutemendError):
    """The tables that the statement read are not those that the layer read: they were rewritten meanwhile."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The result's columns, of one length. `symbol` and `day` (days since 1970) name a session, `hour` counts clock
    hours since 1970, and bit i of `missing` stands for minute i of the hour."""

    symbol: Sequence[str]
    day: Numbers
    hour: Numbers
    missing: Numbers
    due: int  # minutes that the statement took for due

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any]) -> Answered:
        """From numpy arrays: `symbol` and `dt` of text, `hour` datetime64, `missing` int64; masked or NaT where null.
        The row without a symbol holds the minutes that were due."""
        valid = ~np.ma.getmaskarray(columns["symbol"])
        valid &= np.array([name is not None for name in np.ma.getdata(columns["symbol"]).tolist()], np.bool_)
        symbol, dt, hour, missing = (np.ma.getdata(columns[name])[valid] for name in RESULT_COLUMNS)
        return cls(
            symbol=symbol.tolist(),
            day=day_number(dt.tolist()),
            hour=hour.astype("M8[h]").astype(np.int64),
            missing=numbers(missing),
            due=int(np.ma.filled(columns["missing"][~valid], 0).sum()),
        )


Ask = Callable[[str], Answered]


@dataclass(frozen=True)
class Question:
    """What is expected of whom. `listings` are all that are followed, `symbols` those asked about (None: all)."""

    window: Range
    listings: Sequence[Listing]
    sessions: Sequence[Session]  # each that touches `hours_around(window)`, of the listings' calendars
    symbols: Sequence[str] | None = None

    @cached_property
    def asked(self) -> list[Listing]:
        """The listings that are asked about, sorted."""
        wanted = None if self.symbols is None else set(self.symbols)
        return sorted(one for one in self.listings if wanted is None or one.symbol in wanted)

    @cached_property
    def peers(self) -> list[Listing]:
        """The followed listings of the calendars that are asked about."""
        calendars = {one.calendar for one in self.asked}
        return [one for one in self.listings if one.calendar in calendars]

    @property
    def partial(self) -> bool:
        """Whether some symbols of these calendars are not asked about."""
        return len({one.symbol for one in self.peers}) > len(self.names)

    @cached_property
    def named(self) -> list[str] | None:
        """The symbols that the statement names: none when all are asked for, or too many to name."""
        return None if self.symbols is None or len(self.symbols) > _NAMED else sorted(set(self.symbols))

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({one.symbol for one in self.asked}))

    def text(self) -> str:
        return generate_data_check_query(self.window, symbols=self.named)

    @cached_property
    def hours(self) -> Hours:
        """The hours of the sessions that the window touches."""
        found = expected_hours(self.sessions)
        start, end = epoch_minute(self.window.start), epoch_minute(self.window.end)
        inside = (found.hour * SLOTS + SLOTS > start) & (found.hour * SLOTS < end)
        kept = (column[inside] for column in (found.day, found.hour, found.bars, found.word))
        return Hours(tuple(np.array(found.calendar, object)[inside].tolist()), *kept)

    def due_minutes(self) -> int:
        """The minutes that the statement must take for due: of every listing that it joins, in whole hours."""
        joined = self.asked if self.named is not None else self.listings
        return _listed_sum(joined, self.hours.calendar, self.hours.day, self.hours.bars)

    @cached_property
    def parts(self) -> _Parts:
        return _Parts(self)

    @cached_property
    def expected_minutes(self) -> int:
        """What is expected of the listings that are asked about, halts not counted."""
        return _listed_sum(self.asked, self.parts.calendar, self.parts.day, self.parts.minutes)


class _Parts:
    """The sessions' parts (a lunch break makes two of one session) as columns, sorted by calendar, date, open."""

    def __init__(self, question: Question) -> None:
        sessions = sorted(question.sessions)
        self.calendars = sorted({one.calendar for one in sessions})
        self.calendar = [one.calendar for one in sessions]
        self.open = numbers([epoch_minute(one.open) for one in sessions])
        self.close = numbers([epoch_minute(one.close) for one in sessions])
        self.day = day_number([one.dt for one in sessions])
        lane = {calendar: at for at, calendar in enumerate(self.calendars)}
        self.key = place([lane[one] for one in self.calendar], self.day)
        # What of each is asked about.
        self.first = np.maximum(self.open, epoch_minute(question.window.start))
        self.last = np.minimum(self.close, epoch_minute(question.window.end))
        self.minutes = np.maximum(self.last - self.first, 0)

    def of_sessions(self, calendars: Sequence[str], day: Numbers) -> tuple[Numbers, Numbers]:
        """The parts of each session: pairs of its position among those given, and the part's. Unknown: none."""
        lane = {calendar: at for at, calendar in enumerate(self.calendars)}
        key = place([lane.get(one, len(lane)) for one in calendars], day)
        first, after = (np.searchsorted(self.key, key, side=side) for side in ("left", "right"))
        counts = numbers(after - first)
        return np.repeat(np.arange(len(key)), counts), expand(numbers(first), counts)


def check_data(ask: Ask, question: Question) -> Gaps:
    """What is not stored: ask the statement through `ask` (SQL text to columns).

    Raises TablesDiffer when the statement expected other minutes than the layer does.
    """
    if not question.expected_minutes:  # then there is nothing to ask
        return Gaps.from_rows((), question.names)
    answered, due = ask(question.text()), question.due_minutes()
    if answered.due != due:
        raise TablesDiffer(
            f"the statement expected {answered.due} minutes of sessions and symbols, and {due} are right: the tables "
            "in the lake were rewritten while it ran, or never written; asking again is right"
        )
    return _gaps(question, answered)


def _gaps(question: Question, answered: Answered) -> Gaps:
    parts = question.parts
    code = {name: at for at, name in enumerate(question.names)}
    calendar = {one.symbol: one.calendar for one in question.asked}
    rows = numbers([code.get(name, -1) for name in answered.symbol])
    chosen = rows >= 0
    # The sessions that came back, each once; a lane of its own for each of them.
    keys, lane = np.unique(place(rows[chosen], answered.day[chosen] + _EVER[1]), return_inverse=True)
    symbol, day = keys // LANE, keys % LANE - _EVER[1]
    of, part = parts.of_sessions([calendar[question.names[at]] for at in symbol.tolist()], day)
    there = parts.last[part] > parts.first[part]
    of, part = of[there], part[there]
    expected = Intervals(place(of, parts.first[part]), place(of, parts.last[part]))
    missing = _ranges(lane, answered.hour[chosen], answered.missing[chosen])
    gone, _, source = intersect(missing, expected)
    _, times = lanes(gone)
    order = np.lexsort((times.starts, symbol[of[source]]))
    source = source[order]
    return Gaps(
        question.names,
        symbol[of[source]],
        times.starts[order],
        times.ends[order],
        parts.open[part[source]],
        parts.close[part[source]],
    )


def _ranges(lane: Numbers, hour: Numbers, words: Numbers) -> Intervals:
    """The minutes of the words' bits, as the fewest ranges of their lanes."""
    edges = ([EMPTY.starts], [EMPTY.ends])
    for begin in range(0, len(words), _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        word = words[some]
        for after, bits in enumerate((word & ~(word << 1), word & ~(word >> 1))):  # the first and last of each range
            row, minute = np.nonzero(bits[:, None] & BITS)
            edges[after].append(place(lane[some][row], hour[some][row] * SLOTS + minute + after))
    return merge(*map(np.concatenate, edges))


def _listed_sum(listings: Sequence[Listing], calendars: Sequence[str], day: Numbers, values: Numbers) -> int:
    """The sum of `values` (each of a calendar and a session date, sorted by both) over each listing's dates."""
    names, total = np.array(calendars, object), 0
    for calendar in {one.calendar for one in listings}:
        of = names == calendar if len(names) else np.zeros(0, np.bool_)
        days, sums = day[of], np.concatenate([[0], np.cumsum(values[of])])
        mine = [one for one in listings if one.calendar == calendar]
        first, after = (
            numbers([_EVER[edge] if date is None else (date - _EPOCH).days for date in dates])
            for edge, dates in enumerate(([one.listed for one in mine], [one.delisted for one in mine]))
        )
        after = np.maximum(after, first)
        total += int((sums[np.searchsorted(days, after)] - sums[np.searchsorted(days, first)]).sum())
    return total


_EPOCH = datetime(1970, 1, 1).date()  # noqa: DTZ001
