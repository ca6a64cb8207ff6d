"""Sessions drawn as one line of text each, so that the holes can be seen at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minutemend.core.gaps import Gap
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session

# How much of a cell is there, from nothing to everything. Only a whole cell is drawn whole.
LEVELS = "·▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Strip:
    """One symbol on one session date: `cells` from open to close, and how many minutes are missing."""

    symbol: str
    session: Session
    cells: str
    missing: int


def draw(span: Range, gaps: Sequence[Gap], width: int) -> str:
    """The range as `width` cells: `█` nothing is missing, `·` nothing is there, between them how much is there."""
    width = max(1, min(width, span.minutes))
    cells = []
    for number in range(width):
        cell = Range(
            span.start + (number * span.minutes // width) * MINUTE,
            span.start + ((number + 1) * span.minutes // width) * MINUTE,
        )
        common = (gap.range.intersect(cell) for gap in gaps)
        missing = sum(part.minutes for part in common if part)
        there = 1 - missing / cell.minutes
        # A single missing minute must show, and a single present one too.
        level = len(LEVELS) - 1 if missing == 0 else min(len(LEVELS) - 2, max(there > 0, int(there * 8)))
        cells.append(LEVELS[level])
    return "".join(cells)


def holed_strips(gaps: Sequence[Gap], sessions: Sequence[Session], width: int) -> list[Strip]:
    """One strip for each symbol and session (of `sessions`) that has a gap, sorted by symbol, open."""
    known = {one.range: one for one in sessions}
    grouped: dict[tuple[str, Range], list[Gap]] = {}
    for gap in gaps:
        grouped.setdefault((gap.symbol, gap.session), []).append(gap)
    return [
        Strip(
            symbol,
            known[span],
            draw(span, inside, width),
            sum(gap.minutes for gap in inside),
        )
        for (symbol, span), inside in sorted(grouped.items())
    ]
