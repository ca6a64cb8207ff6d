"""A GapFinder that reads the lake's own bars, minute by minute: slow, plain, and no relation of the SQL."""

from __future__ import annotations

import pyarrow as pa
from minutemend.core.data_check import Question
from minutemend.core.gaps import Gap, Gaps
from minutemend.core.minutes import Range, epoch_minute, from_epoch_minute
from minutemend.ports.gap_finder import Found, GapFinder
from minutemend.services.lake import Lake


class FakeGapFinder(GapFinder):
    """`asked` are the tokens of the questions, in order."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.asked: list[str] = []

    def find(self, question: Question, *, token: str) -> Found:
        self.asked.append(token)
        window = question.window
        bars = self._lake.read_bars(window)
        minutes = (stamp // 60_000 for stamp in bars["minute"].cast(pa.int64()).to_pylist())
        known = set(zip(bars["symbol"].to_pylist(), minutes, strict=True))
        gaps: list[Gap] = []
        expected = 0
        for session in question.sessions:
            part = session.range.intersect(window)
            for listing in question.asked:
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
        return Found(Gaps.from_rows(gaps, question.names), expected)


def _gap(symbol: str, start: int, end: int, session: Range) -> Gap:
    return Gap(symbol, from_epoch_minute(start), from_epoch_minute(end), session.start, session.end)
