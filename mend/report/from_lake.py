"""A report of a stage's lake: the verdicts of a range, why each is what it is, and how the repairs went."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, epoch_minute, format_instant
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Observation, Verdict
from minutemend.services.lake import Lake

from mend.report.model import Attempt, Cause, ReportData, Runs
from mend.spans import Span, around, verdicts


class NothingToReport(BadInput):
    """The range holds no expected minute, or the lake knows nothing of any of them."""


def from_lake(
    lake: Lake,
    window: Range,
    symbols: Sequence[str] | None,
    *,
    title: str,
    source: str,
    command: str,
    written_at: datetime,
    tick: Callable[[int, int], None] = lambda *_: None,
) -> ReportData:
    """The report's data, of `symbols` (None: every symbol of interest). `title`, `source` and `command` stand in it.
    `tick` hears how many session dates of how many have been read.

    Raises NothingToReport, or BadInput for a symbol that is not one of interest.
    """
    listings, sessions = _expected(lake, window, symbols, source)
    answers = [
        one
        for one in lake.answers.read(window.dates(), [listing.symbol for listing in listings])
        if one.range.intersect(window)
    ]
    jobs = {one.job_id: one for one in answers}
    position = {listing.symbol: number for number, listing in enumerate(listings)}
    causes: dict[Cause, int] = {}
    rows: list[tuple[int, int, int, int]] = []
    mended: Counter[tuple[str, int, Verdict]] = Counter()  # audit, attempt, repaired or absent -> minutes
    known = False
    dates = len({session.dt for group in sessions.values() for session in group})
    spans = verdicts(lake, window, symbols)
    for done, (_, day) in enumerate(groupby(spans, key=lambda span: span.range.start.date()), start=1):
        for span in day:
            known = known or span.verdict is not Verdict.MISSING or bool(span.reason)
            if span.verdict is Verdict.PRESENT:
                continue
            cause = Cause(span.verdict, span.reason, _told(span, jobs))
            number = causes.setdefault(cause, len(causes))
            rows.append((position[span.symbol], epoch_minute(span.range.start), span.range.minutes, number))
            if (job := jobs.get(_last_job(span))) is not None:
                mended[job.audit_id, job.attempt, span.verdict] += span.range.minutes
        tick(done, dates)
    if not known:
        raise NothingToReport(
            f"{source} knows nothing of {window}: no bar, no absence, no failure; "
            "`mend load` puts bars there, `mend repair` asks the vendors for them"
        )
    return ReportData(
        title=title,
        source=source,
        range=window,
        written_at=written_at,
        command=command,
        listings=tuple(listings),
        sessions=sessions,
        runs=Runs.of(rows),
        causes=tuple(causes),
        answers=tuple(answers),
        attempts=attempts(answers, mended),
    )


def attempts(answers: Iterable[Observation], mended: Mapping[tuple[str, int, Verdict], int]) -> tuple[Attempt, ...]:
    """What each attempt of each audit came to, in the order of their last answers."""
    groups: dict[tuple[str, int], list[Observation]] = defaultdict(list)
    for one in answers:
        groups[one.audit_id, one.attempt].append(one)
    found = [
        Attempt(
            audit_id=audit,
            attempt=number,
            first_at=min(one.observed_at for one in group),
            last_at=max(one.observed_at for one in group),
            jobs=len({one.job_id for one in group}),
            answers=dict(sorted(Counter(kind for _, kind in {(one.job_id, str(one.kind)) for one in group}).items())),
            repaired=mended.get((audit, number, Verdict.REPAIRED), 0),
            absent=mended.get((audit, number, Verdict.ABSENT), 0),
        )
        for (audit, number), group in groups.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.last_at, one.audit_id, one.attempt)))


def _expected(
    lake: Lake, window: Range, symbols: Sequence[str] | None, source: str
) -> tuple[list[Listing], dict[str, tuple[Session, ...]]]:
    """The symbols, sorted, and by calendar the sessions inside the range, cut at its edges."""
    every = lake.symbols()
    if not every or not lake.calendars.known():
        edges = [format_instant(edge) for edge in (window.start, window.end)]
        raise NothingToReport(
            f"{source} does not know yet what to expect: its symbols and sessions come with its first audit, "
            f"mend repair --start {edges[0]} --end {edges[1]} --wait"
        )
    if unknown := sorted(set(symbols or ()) - {one.symbol for one in every}):
        raise BadInput(
            f"{', '.join(unknown)} is no symbol of interest: one of {', '.join(sorted(one.symbol for one in every))} "
            "would be right, or add it with `mend symbols`"
        )
    listings = sorted(one for one in every if symbols is None or one.symbol in symbols)
    sessions: dict[str, list[Session]] = {one.calendar: [] for one in listings}
    for session in sorted(lake.calendars.sessions(window, sessions), key=lambda one: one.open):
        if part := session.range.intersect(window):
            sessions[session.calendar].append(Session(session.calendar, session.dt, part.start, part.end))
    if not any(sessions.values()):
        calendars = ", ".join(sorted(sessions))
        raise NothingToReport(f"there is no session of {calendars} in {window}: nothing was expected")
    return listings, {name: tuple(group) for name, group in sessions.items()}


def _told(span: Span, jobs: Mapping[str, Observation]) -> str:
    """The evidence in a sentence."""
    if span.verdict is Verdict.REPAIRED:
        one = jobs.get(span.evidence)
        if one is None:
            return f"job {span.evidence}"
        at = format_instant(one.observed_at.replace(microsecond=0))
        return f"{one.vendor} sent it at {at} (job {one.job_id}, attempt {one.attempt} of audit {one.audit_id})"
    told = "; ".join(_sentence(span.verdict, entry) for entry in span.entries) or span.evidence
    return f"{span.strength}: {told}" if span.strength else told


def _sentence(verdict: Verdict, entry: Mapping[str, object]) -> str:
    if verdict is Verdict.MISSING:
        return f"{entry.get('who')} revoked the proof at {entry.get('revoked_at')}: {entry.get('why')}"
    vendor, at, job = (str(entry.get(key, "?")) for key in ("vendor", "observed_at", "job_id"))
    at = re.sub(r"\.\d+", "", at)  # to the second: evidence is for people here
    if verdict is Verdict.ABSENT:
        return f"{vendor} left it out at {at} (job {job}){around(entry)}"
    status = f" with status {entry['status']}" if entry.get("status") is not None else ""
    detail = f": {entry['detail']}" if entry.get("detail") else ""
    return f"{vendor} answered {entry.get('kind', '?')}{status} at {at} (job {job}){detail}"


def _last_job(span: Span) -> str:
    """The job that gave the span its verdict: the repair, or the observation that completed the proof."""
    if span.verdict is Verdict.ABSENT and span.entries:
        return str(span.entries[-1].get("job_id"))
    return span.evidence
