"""The terminal view of a replayed day: what each hour captured, missed, repaired, and how whole the day is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from mend.console import BAD, GOOD, MEND, QUIET

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text


@dataclass(slots=True)
class HourLine:
    """One hour of the replay, as far as it is known. Minutes are symbol-minutes."""

    start: datetime
    minutes: int = 0  # of the clock, replayed so far
    asked: int = 0
    dropped: int = 0  # on purpose
    expected: int | None = None  # by the audit
    missing: int | None = None  # by the audit's newest look
    missing_first: int | None = None  # by its first
    requests: int = 0  # repair requests queued
    state: str = "waiting"
    good: bool | None = None  # how its audit ended
    cause: str | None = None  # why, when it did not end well

    @property
    def accounted(self) -> int:
        """Minutes that are there or proven absent: until the audit has looked, those that were asked for."""
        if self.expected is None or self.missing is None:
            return self.asked
        return self.expected - self.missing

    @property
    def of(self) -> int:
        """Minutes that there ought to be."""
        return self.asked + self.dropped if self.expected is None else self.expected


@dataclass(slots=True)
class Day:
    """The whole replay."""

    title: str
    hours: list[HourLine] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def completeness(self) -> float:
        """Percent of the minutes replayed so far that are accounted for."""
        return percent(sum(line.accounted for line in self.hours), sum(line.of for line in self.hours))


def percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 100.0


def render(day: Day, *, width: int) -> RenderableType:
    """The view, for a terminal of `width` columns: narrow ones lose the least important columns first."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    names = ["hour", "asked", "lost", "missing", "requests", "whole", "state"]
    if width < 72:
        names = ["hour", "lost", "missing", "whole", "state"]
    for name in names:
        table.add_column(name, justify="left" if name in ("hour", "whole", "state") else "right", no_wrap=True)
    for line in day.hours:
        cells: dict[str, str | Text] = {
            "hour": f"{line.start:%H:%M}",
            "asked": f"{line.asked:,}" if line.minutes else "",
            "lost": f"{line.dropped}" if line.minutes else "",
            "missing": _missing(line),
            "requests": str(line.requests) if line.requests else "",
            "whole": bar(percent(line.accounted, line.of), 16 if width >= 72 else 8) if line.minutes else "",
            "state": Text(line.state, style=_style(line)),
        }
        table.add_row(*(cells[name] for name in names))
    replayed = sum(line.minutes for line in day.hours)
    total = 60 * len(day.hours)
    clock = Text(f"replayed {replayed} of {total} minutes in {day.seconds:.0f} s")
    if day.seconds > 1:
        clock.append(f", {60 * replayed / day.seconds:,.0f} times the speed of the market", style=QUIET)
    whole = Text("the day so far  ").append_text(bar(day.completeness, min(40, width - 28)))
    return Group(Text(day.title, style="bold"), Text(), table, Text(), clock, whole)


def bar(share: float, width: int) -> Text:
    """A bar and its percentage; 100% is said only of what is whole."""
    from rich.text import Text

    filled = width if share >= 100 else min(width - 1, int(width * share / 100))
    shown = "100%" if share >= 100 else f"{min(share, 99.99):.2f}%"
    style = GOOD if share >= 100 else MEND
    return Text().append("█" * filled, style=style).append("░" * (width - filled), style=QUIET).append(f" {shown}")


def lines(hours: Iterable[HourLine]) -> list[str]:
    """One line of plain text for each hour: for a stream that is no terminal."""
    return [
        f"{line.start:%H:%M} asked {line.asked}, lost {line.dropped}, missing {line.missing_first}, "
        f"then {line.missing}: {line.state}"
        for line in hours
    ]


def problems(hours: Iterable[HourLine]) -> list[str]:
    """What became of the hours that did not end well, for a person who has to look."""
    return [f"the audit of {line.start:%H:%M} ended in {line.state}: {line.cause}" for line in hours if not line.good]


def _missing(line: HourLine) -> str:
    if line.missing is None:
        return ""
    if line.missing_first in (None, line.missing):
        return str(line.missing)
    return f"{line.missing_first} → {line.missing}"


def _style(line: HourLine) -> str:
    if line.good is None:
        return MEND if line.minutes else QUIET
    return GOOD if line.good else BAD
