"""A GapFinder that reads the lake's own bars, minute by minute: slow, plain, and no relation of the SQL."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from minutemend.core.gaps import Gap
from minutemend.core.minutes import Range, epoch_minute, from_epoch_minute
from minutemend.ports.gap_finder import GapFinder, Gaps
from minutemend.services.lake import Lake


class FakeGapFinder(GapFinder):
    """`asked` are the tokens of the questions, in order."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.asked: list[str] = []

    def find(self, window: Range, symbols: Sequence[str] | None, *, token: str) -> Gaps:
        self.asked.append(token)
        listings = [one for one in self._lake.symbols() if symbols is None or one.symbol in symbols]
        bars = self._lake.read_bars(window, None if symbols is None else list(symbols))
        minutes = (stamp // 60_000 for stamp in bars["minute"].cast(pa.int64()).to_pylist())
        known = set(zip(bars["symbol"].to_pylist(), minutes, strict=True))
        for absence in self._lake.absences(window):
            first = epoch_minute(absence.range.start)
            known |= {(absence.symbol, first + n) for n in range(absence.range.minutes)}
        gaps: list[Gap] = []
        expected = 0
        for session in self._lake.sessions(window):
            part = session.range.intersect(window)
            for listing in listings:
                listed = (listing.listed is None or listing.listed <= session.dt) and (
                    listing.delisted is None or session.dt < listing.delisted
                )
                if session.calendar != listing.calendar or part is None or not listed:
                    continue
                expected += part.minutes
                first = epoch_minute(part.start)
                gone = [n for n in range(first, first + part.minutes) if (listing.symbol, n) not in known]
                lacking = set(gone)
                starts = [n for n in gone if n - 1 not in lacking]
                for start in starts:
                    end = start
                    while end in lacking:
                        end += 1
                    gaps.append(_gap(listing.symbol, start, end, session.range))
        return Gaps(gaps=tuple(sorted(gaps)), expected=expected)


def _gap(symbol: str, start: int, end: int, session: Range) -> Gap:
    return Gap(symbol, from_epoch_minute(start), from_epoch_minute(end), session.start, session.end)
