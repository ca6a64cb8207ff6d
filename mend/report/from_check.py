"""A report of files that `mend check` looked at: what is there and what is missing, without a cloud."""

from __future__ import annotations

from datetime import datetime

from minutemend.core.minutes import epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.verdicts import Verdict

from mend.check.check_result import CheckResult
from mend.console import count
from mend.report.model import Cause, ReportData, Runs

SHOWN_UNREAD = 10  # broken files that are named


def from_check(checked: CheckResult, *, command: str, written_at: datetime) -> ReportData:
    """The report's data. `command` makes it again; it stands at the report's foot."""
    position = {listing.symbol: number for number, listing in enumerate(checked.listings)}
    sessions = [
        Session(session.calendar, session.dt, part.start, part.end)
        for session in checked.sessions
        if (part := session.range.intersect(checked.window))
    ]
    return ReportData(
        title=" ".join(checked.sources),
        source="mend check",
        range=checked.window,
        written_at=written_at,
        command=command,
        listings=checked.listings,
        sessions={checked.calendar: tuple(sessions)},
        runs=Runs.of((position[gap.symbol], epoch_minute(gap.start), gap.minutes, 0) for gap in checked.gaps),
        causes=(Cause(Verdict.MISSING, "no bar", "no row of the files has these minutes"),),
        notes=tuple(_notes(checked)),
        values=checked.flags or (),
    )


def _notes(checked: CheckResult) -> list[str]:
    notes = [f"{name}: {why}." for name, why in checked.unread[:SHOWN_UNREAD]]
    notes = [*(f"{told}." for told in checked.not_seen()), *notes]
    notes += [f"{one.said(checked.calendar, named=True)}." for one in checked.doubts if one.sure]
    if checked.cadence > 1:
        notes.append(f"A bar of these files stands for {checked.cadence} minutes; the counts are of minutes.")
    if checked.duplicates:
        repeat = "repeats" if checked.duplicates == 1 else "repeat"
        notes.append(f"{count(checked.duplicates, 'row')} {repeat} a minute that an earlier row has.")
    if checked.unexpected:
        outside = "lies outside the sessions and does" if checked.unexpected == 1 else "lie outside the sessions and do"
        notes.append(f"{count(checked.unexpected, 'bar')} {outside} not count.")
    return notes
