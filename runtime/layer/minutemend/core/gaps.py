"""Gaps: the longest runs of missing minutes of one symbol within one session. Many travel as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from minutemend.core.intervals import Intervals, Numbers, merge, numbers, place, subtract
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant, from_epoch_minute


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """One gap, `[start, end)` in UTC: for people, and for literals in tests.

    Sorted by symbol, then start. `session_open` and `session_close` bound the session that it lies in.
    """

    symbol: str
    start: datetime
    end: datetime
    session_open: datetime
    session_close: datetime

    @property
    def range(self) -> Range:
        return Range(self.start, self.end)

    @property
    def session(self) -> Range:
        return Range(self.session_open, self.session_close)

    @property
    def minutes(self) -> int:
        return int((self.end - self.start) // MINUTE)

    def as_json(self) -> dict[str, object]:
        """The form that `mend check --format json` and the plans show."""
        return {
            "symbol": self.symbol,
            "start": format_instant(self.start),
            "end": format_instant(self.end),
            "minutes": self.minutes,
        }


COLUMNS = ("start", "end", "session_open", "session_close")


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Gaps as columns: int64 epoch minutes, and `symbol` as a position in `names` (sorted, each once).

    Sorted by symbol, start. Iterating makes a `Gap` of each row: for few of them, or for people.
    """

    names: tuple[str, ...]
    symbol: Numbers
    start: Numbers
    end: Numbers
    session_open: Numbers
    session_close: Numbers

    def __len__(self) -> int:
        return len(self.start)

    def __iter__(self) -> Iterator[Gap]:
        columns = (getattr(self, name).tolist() for name in COLUMNS)
        for symbol, *times in zip(self.symbol.tolist(), *columns, strict=True):
            yield Gap(self.names[symbol], *map(from_epoch_minute, times))

    def __getitem__(self, at: int) -> Gap:
        return next(iter(self.take(np.arange(len(self))[at : at + 1 or None])))

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Gaps) and list(self) == list(other)

    @property
    def minutes(self) -> int:
        return int((self.end - self.start).sum())

    @property
    def line(self) -> Intervals:
        """The same ranges as places of `names` on the one line (core/intervals.py)."""
        return Intervals(place(self.symbol, self.start), place(self.symbol, self.end))

    @property
    def symbols(self) -> list[str]:
        """The symbols that have a gap, sorted."""
        return [self.names[at] for at in np.unique(self.symbol).tolist()]

    def dates(self, *, of_sessions: bool = False) -> list[date]:
        """The UTC dates that the gaps touch, sorted; or their sessions."""
        if not len(self):
            return []
        first, end = (self.session_open, self.session_close) if of_sessions else (self.start, self.end)
        days = merge(first // 1440, (end - 1) // 1440 + 1).points()
        return [day.astype("M8[D]").item() for day in days.astype("M8[D]")]

    def take(self, chosen: object) -> Gaps:
        """The rows at the positions (ascending), or where the mask is true."""
        symbol, *times = (getattr(self, name)[chosen] for name in ("symbol", *COLUMNS))
        return Gaps(self.names, symbol, *times)

    def of(self, pieces: Intervals, source: Numbers) -> Gaps:
        """Pieces of the gaps (places, and the rows that they came from), as gaps."""
        lane = self.symbol[source]
        starts, ends = pieces.starts - place(lane, 0), pieces.ends - place(lane, 0)
        return Gaps(self.names, lane, starts, ends, self.session_open[source], self.session_close[source])

    def as_json(self) -> list[dict[str, object]]:
        """Of each gap what `Gap.as_json` gives."""
        start, end = (np.datetime_as_string(edge.astype("M8[m]"), unit="s").tolist() for edge in (self.start, self.end))
        rows = zip(self.symbol.tolist(), start, end, (self.end - self.start).tolist(), strict=True)
        return [
            {"symbol": self.names[symbol], "start": f"{first}Z", "end": f"{last}Z", "minutes": minutes}
            for symbol, first, last, minutes in rows
        ]

    def within(self, window: Range) -> Gaps:
        """The parts that lie in `window`."""
        start = np.maximum(self.start, epoch_minute(window.start))
        end = np.minimum(self.end, epoch_minute(window.end))
        there = end > start
        return replace(self, start=start, end=end).take(there)

    def less(self, ranges: Intervals) -> Gaps:
        """The minutes that do not lie in `ranges` (places of `names`)."""
        return self.of(*subtract(self.line, ranges)) if len(ranges) else self

    def places(self, symbols: Sequence[str], starts: object, ends: object) -> Intervals:
        """Ranges of symbols, in epoch minutes, as places of `names`: merged; those of other symbols are left out."""
        code = {name: at for at, name in enumerate(self.names)}
        lane = numbers([code.get(symbol, -1) for symbol in symbols])
        known = lane >= 0
        starts, ends = (place(lane, numbers(edges))[known] for edges in (starts, ends))
        return merge(starts, ends)

    @classmethod
    def from_rows(cls, gaps: Iterable[Gap], names: Iterable[str] = ()) -> Gaps:
        """Gaps, in any order, as columns. `names` may hold symbols without a gap."""
        rows = sorted(gaps)
        every = tuple(sorted({*names, *(row.symbol for row in rows)}))
        code = {name: at for at, name in enumerate(every)}
        columns: Mapping[str, Numbers] = {
            name: numbers([epoch_minute(getattr(row, name)) for row in rows]) for name in COLUMNS
        }
        return cls(every, numbers([code[row.symbol] for row in rows]), **columns)
