"""What `mend check` found: for its table, its JSON and its report."""

from __future__ import annotations

from dataclasses import dataclass

from minutemend.core.gaps import Gap
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One audit of files. Counts are of bars of the cadence: minutes, when it is 1.

    `expected`, `present` and `missing` concern the sessions (`present + missing = expected`); `duplicates` are the
    rows beyond the first of their (symbol, minute), `unexpected` the distinct pairs outside every session.
    """

    sources: tuple[str, ...]  # the files and folders, as they were given
    calendar: str
    cadence: int  # minutes
    window: Range  # what was looked at
    listings: tuple[Listing, ...]  # each symbol with the session dates it was audited on; None: as far as `window`
    sessions: tuple[Session, ...]  # of the calendar, touching `window` and audited for some symbol, sorted by open
    gaps: tuple[Gap, ...]  # sorted by symbol, start
    expected: int
    missing: int
    duplicates: int
    unexpected: int

    @property
    def present(self) -> int:
        return self.expected - self.missing

    def as_json(self) -> dict[str, object]:
        """The form of `--format json`; outsiders rely on it. `sessions` counts session dates."""
        return {
            "calendar": self.calendar,
            "symbols": len(self.listings),
            "sessions": len({one.dt for one in self.sessions}),
            "expected": self.expected,
            "present": self.present,
            "missing": self.missing,
            "duplicates": self.duplicates,
            "unexpected": self.unexpected,
            "gaps": [gap.as_json() for gap in self.gaps],
        }

    def audited(self, listing: Listing) -> list[Session]:
        """The sessions (parts) that were audited for a symbol of `listings`, clipped by nothing."""
        return [
            one
            for one in self.sessions
            if (listing.listed is None or one.dt >= listing.listed)
            and (listing.delisted is None or one.dt < listing.delisted)
        ]
