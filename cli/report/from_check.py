"""A report of files that `mend check` looked at: what is there and what is missing, without a cloud."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from minutemend.core.gaps import Gap
from minutemend.core.minutes import Range, epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Verdict

from cli.report.model import Cause, ReportData, Runs


class Checked(Protocol):
    """What a check of files found, as far as a report needs it."""

    @property
    def sources(self) -> Sequence[str]:
        """The files and folders, as they were given."""

    @property
    def window(self) -> Range:
        """What was looked at."""

    @property
    def listings(self) -> Sequence[Listing]:
        """Each symbol with its calendar and the session dates on which it is expected."""

    @property
    def sessions(self) -> Sequence[Session]:
        """The calendars' sessions; they may reach beyond `window`."""

    @property
    def gaps(self) -> Sequence[Gap]:
        """The missing minutes, sorted by symbol, start."""

    @property
    def duplicates(self) -> int:
        """Rows beyond the first of their symbol and minute."""

    @property
    def unexpected(self) -> int:
        """Distinct (symbol, minute) pairs outside sessions."""


def from_check(checked: Checked, *, command: str, written_at: datetime) -> ReportData:
    """The report's data. `command` makes it again; it stands at the report's foot."""
    position = {listing.symbol: number for number, listing in enumerate(checked.listings)}
    sessions: dict[str, list[Session]] = {listing.calendar: [] for listing in checked.listings}
    for session in sorted(checked.sessions, key=lambda one: one.open):
        if session.calendar in sessions and (part := session.range.intersect(checked.window)):
            sessions[session.calendar].append(Session(session.calendar, session.dt, part.start, part.end))
    return ReportData(
        title=" ".join(checked.sources),
        source="mend check",
        range=checked.window,
        written_at=written_at,
        command=command,
        listings=tuple(checked.listings),
        sessions={name: tuple(group) for name, group in sessions.items()},
        runs=Runs.of((position[gap.symbol], epoch_minute(gap.start), gap.minutes, 0) for gap in checked.gaps),
        causes=(Cause(Verdict.MISSING, "not in the files"),),
        notes=tuple(_notes(checked)),
    )


def _notes(checked: Checked) -> list[str]:
    notes = []
    if checked.duplicates:
        notes.append(f"{checked.duplicates:,} rows repeat a minute that an earlier row has.")
    if checked.unexpected:
        notes.append(f"{checked.unexpected:,} minutes lie outside the sessions and do not count.")
    return notes
