"""Sessions: when a calendar expects minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from minutemend.core.minutes import Range


@dataclass(frozen=True, slots=True, order=True)
class Session:
    """One trading day of a calendar.

    `dt` is the session's label (the calendar's own date), `open` and `close` UTC with `close` exclusive.
    Times between may be no session (a lunch break is two rows with the same `dt`).
    """

    calendar: str
    dt: date
    open: datetime
    close: datetime

    @property
    def range(self) -> Range:
        return Range(self.open, self.close)

    @property
    def minutes(self) -> int:
        return self.range.minutes
