"""What sessions expect of each clock hour, as the table `hours`: the audit's statement joins it with the bars.

An hour's minutes are one number, its word: bit i stands for minute i. `word` has the bits of the bars that are
expected, `bars` says how many they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minutemend.core.intervals import Numbers, expand, numbers
from minutemend.core.minutes import epoch_minute
from minutemend.core.sessions import Session

SLOTS = 60  # minutes in a word
BITS = np.left_shift(np.int64(1), np.arange(SLOTS, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Hours:
    """Columns of one length, sorted by calendar, session date, hour. `day` is the session's label in days since 1970,
    `hour` counts clock hours since 1970 (UTC)."""

    calendar: tuple[str, ...]
    day: Numbers
    hour: Numbers
    bars: Numbers
    word: Numbers

    def __len__(self) -> int:
        return len(self.day)

    @property
    def dt(self) -> list[str]:
        """The session dates as text, as tables hold them."""
        return [str(day) for day in self.day.astype("M8[D]")]


def day_number(dates: Any) -> Numbers:
    """Dates, or texts like 2024-03-08, as days since 1970."""
    return np.array(dates, dtype="M8[D]").astype(np.int64)


def expected_hours(sessions: Sequence[Session]) -> Hours:
    """The hours that sessions touch. Two parts of one session (before and after lunch) that share an hour are one
    row."""
    calendars = sorted({session.calendar for session in sessions})
    code = {calendar: at for at, calendar in enumerate(calendars)}
    opened = numbers([epoch_minute(session.open) for session in sessions])
    closed = numbers([epoch_minute(session.close) for session in sessions])
    day = day_number([session.dt for session in sessions])
    first, last = opened // SLOTS, (closed - 1) // SLOTS
    part = np.repeat(np.arange(len(sessions)), last - first + 1)
    hour = expand(first, last - first + 1)
    begun, end = opened[part] - hour * SLOTS, closed[part] - hour * SLOTS
    until = [np.left_shift(np.int64(1), edge.clip(0, SLOTS)) for edge in (begun, end)]  # the bit above those before it
    word = until[1] - until[0]
    lane = numbers([code[session.calendar] for session in sessions])[part]
    order = np.lexsort((hour, day[part], lane))
    lane, label, hour, word = lane[order], day[part][order], hour[order], word[order]
    new = np.ones(len(hour), np.bool_)
    new[1:] = (lane[1:] != lane[:-1]) | (label[1:] != label[:-1]) | (hour[1:] != hour[:-1])
    at = np.flatnonzero(new)
    word = np.bitwise_or.reduceat(word, at) if len(at) else word
    return Hours(
        calendar=tuple(calendars[one] for one in lane[at].tolist()),
        day=label[at],
        hour=hour[at],
        bars=numbers(np.bitwise_count(word)),
        word=word,
    )
