"""Gaps: the longest runs of missing minutes of one symbol within one session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from minutemend.core.minutes import MINUTE, Range, format_instant


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Missing minutes of one symbol, `[start, end)` in UTC, inside one session.

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
