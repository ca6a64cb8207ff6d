"""What `mend check` found: for its table, its JSON, its CSV and its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from minutemend.core.gaps import Gap
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.value_rules import RULES, Flag

from mend.check.doubt import Doubt
from mend.console import count


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One audit of files. Counts are of bars of the cadence: minutes, when it is 1.

    `expected`, `present` and `missing` concern the sessions (`present + missing = expected`); `duplicates` are the
    rows beyond the first of their (symbol, minute), `unexpected` the distinct pairs outside every session.
    """

    sources: tuple[str, ...]  # the files and folders, as they were given
    calendar: str
    cadence: int  # minutes
    label: str  # left or right: which edge names a bar
    zone: str | None  # of the times that carry none; None where there are none
    window: Range  # what was looked at
    listings: tuple[Listing, ...]  # each symbol with the session dates it was audited on; None: as far as `window`
    sessions: tuple[Session, ...]  # of the calendar, touching `window` and audited for some symbol, sorted by open
    gaps: tuple[Gap, ...]  # sorted by symbol, start
    bars: tuple[int, ...]  # that each gap lacks
    expected: int
    missing: int
    edge: int  # missing bars before the first or after the last one of their symbol
    duplicates: int
    unexpected: int
    said: tuple[str, ...]  # what was worked out, a line each
    skipped: tuple[tuple[str, str], ...]  # files without bars, and why
    unread: tuple[tuple[str, str], ...]  # those of them that are broken: their bars are not counted
    left_out: dict[str, int]  # rows that are no bars, by why
    unseen: tuple[str, ...]  # symbols whose bars lie in no session, so that nothing of them was audited
    unplaced: tuple[str, ...] = ()  # what else is lacking or of no known place, a line each
    doubts: tuple[Doubt, ...] = ()  # symbols whose bars lie outside sessions, and in those of another calendar
    flags: tuple[Flag, ...] | None = None  # values that cannot be right; None: not looked at

    @property
    def present(self) -> int:
        return self.expected - self.missing

    @property
    def whole(self) -> bool:
        """Nothing is missing, all was looked at, and no symbol's calendar is plainly another."""
        return not self.missing and self.all_seen and not any(one.sure for one in self.doubts)

    @property
    def all_seen(self) -> bool:
        """Every file of bars was read, every symbol audited, and of every bar it is known where it belongs."""
        return not self.unread and not self.unseen and not self.unplaced

    @property
    def share(self) -> float:
        """How much of what is expected is there, in per cent; 100 only where nothing is missing."""
        return 100 * self.present / self.expected

    @property
    def shown_share(self) -> str:
        """The share for people; never rounded up to 100."""
        return f"{min(self.share, 99.99) if self.missing else self.share:.2f}%"

    def not_seen(self) -> Iterator[str]:
        """What keeps files without a hole from being whole, a line each."""
        if files := len(self.unread):
            yield f"{count(files, 'file')} could not be read: {'their' if files > 1 else 'its'} bars are not counted"
        yield from self.unplaced

    def flagged(self) -> dict[str, int]:
        """How many flags each rule has, those that have any."""
        counts = Counter(flag.rule for flag in self.flags or ())
        return {rule: counts[rule] for rule in RULES if counts[rule]}

    def as_json(self) -> dict[str, object]:
        """The form of `--format json`; outsiders rely on it. `sessions` counts session dates. `flagged` and `flags` are
        there when values were looked at."""
        values: dict[str, object] = {}
        if self.flags is not None:
            values = {"flagged": self.flagged(), "flags": [flag.as_json() for flag in self.flags]}
        return {
            "calendar": self.calendar,
            "symbols": len(self.listings),
            "sessions": len({one.dt for one in self.sessions}),
            "expected": self.expected,
            "present": self.present,
            "missing": self.missing,
            "duplicates": self.duplicates,
            "unexpected": self.unexpected,
            "whole": self.whole,
            "cadence": self.cadence,
            "label": self.label,
            "zone": self.zone,
            "missing_at_edges": self.edge,
            "said": list(self.said),
            "skipped": [{"file": name, "why": why} for name, why in self.skipped],
            "unread": [{"file": name, "why": why} for name, why in self.unread],
            "left_out": self.left_out,
            "unseen": list(self.unseen),
            "unplaced": list(self.unplaced),
            "doubted_calendars": [
                {"symbol": one.symbol, "bars": one.bars, "outside": one.outside, "calendar": one.calendars[0]}
                for one in self.doubts
                if one.sure
            ],
            "gaps": [{**gap.as_json(), "bars": bars} for gap, bars in zip(self.gaps, self.bars, strict=True)],
            **values,
        }

    def as_rows(self) -> Iterator[tuple[object, ...]]:
        """The gaps as rows of CSV, the header first."""
        yield "symbol", "start", "end", "minutes", "bars"
        for gap, bars in zip(self.gaps, self.bars, strict=True):
            yield (*gap.as_json().values(), bars)
