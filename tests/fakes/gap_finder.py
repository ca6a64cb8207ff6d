"""A GapFinder that reads the lake's own bars, minute by minute: slow, plain, and no relation of the SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from minutemend.core.gaps import Gap
from minutemend.core.minutes import MINUTE, Range
from minutemend.ports.gap_finder import GapFinder, Gaps
from minutemend.services.lake import Lake
from minutemend.services.tables import aware


class FakeGapFinder(GapFinder):
    """`asked` are the tokens of the questions, in order."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.asked: list[str] = []

    def find(self, window: Range, symbols: Sequence[str] | None, *, token: str) -> Gaps:
        self.asked.append(token)
        listings = [one for one in self._lake.symbols() if symbols is None or one.symbol in symbols]
        bars = self._lake.read_bars(window, None if symbols is None else list(symbols))
        known = {
            (symbol, aware(minute))
            for symbol, minute in zip(bars["symbol"].to_pylist(), bars["minute"].to_pylist(), strict=True)
        }
        absent: dict[str, list[Range]] = {}
        for absence in self._lake.absences(window):
            absent.setdefault(absence.symbol, []).append(absence.range)
        gaps: list[Gap] = []
        expected = 0
        sessions = self._lake.sessions(window)
        for listing in listings:
            for session in sessions:
                part = session.range.intersect(window)
                listed = (listing.listed is None or listing.listed <= session.dt) and (
                    listing.delisted is None or session.dt < listing.delisted
                )
                if session.calendar != listing.calendar or part is None or not listed:
                    continue
                expected += part.minutes
                minute, begun = part.start, None
                while minute <= part.end:
                    gone = (
                        minute < part.end
                        and (listing.symbol, minute) not in known
                        and not any(minute in one for one in absent.get(listing.symbol, ()))
                    )
                    if gone and begun is None:
                        begun = minute
                    if not gone and begun is not None:
                        gaps.append(_gap(listing.symbol, begun, minute, session.range))
                        begun = None
                    minute += MINUTE
        return Gaps(gaps=tuple(sorted(gaps)), expected=expected)


def _gap(symbol: str, start: datetime, end: datetime, session: Range) -> Gap:
    return Gap(symbol, start, end, session.start, session.end)
