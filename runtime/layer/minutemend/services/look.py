"""One look at a range: what is not stored, what of it is proven absent, and what is needed for the rest.

CheckDataHealth looks and writes the proofs down; `mend plan` looks and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minutemend.core.blackouts import blackouts, crowd_of
from minutemend.core.data_check import Question, TablesDiffer
from minutemend.core.density import AROUND, LONG, Past
from minutemend.core.evidence import Needs, judge, proven, shown_since
from minutemend.core.gaps import Gaps
from minutemend.core.in_force import not_expected
from minutemend.core.intervals import Intervals, Numbers, merge, numbers, place, subtract
from minutemend.core.minutes import Range, day_range, edges, epoch_minute, hours_around
from minutemend.core.recheck import Recheck
from minutemend.core.revocations import Revocation, in_force
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Absence, Observation, ProofRule
from minutemend.ports import GapFinder
from minutemend.ports.gap_finder import Found
from minutemend.services.lake import Lake

NO_LIMITS: Mapping[str, Collection[str]] = {}
_BACK = 45  # days: LONG sessions of any calendar, holidays and all, lie in them


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one look found. `absences` are the proofs that are new; counts are of minutes. `proven` are the minutes that
    are proven absent by now, `again` those of them that are asked for all the same (None: there are none)."""

    needs: Needs
    absences: list[Absence]
    expected: int
    scanned_bytes: int | None
    proven: Gaps
    again: Needs | None = None
    overturned: Sequence[Revocation] = ()  # proofs of minutes of which an answer has shown a bar since

    @property
    def missing(self) -> int:
        return self.needs.gaps.minutes


_NO_GAPS = Gaps.from_rows([])
_NOBODY = np.empty((0, 0))
NOTHING = Look(
    Needs(_NO_GAPS, (), _NOBODY.astype(np.int64), _NOBODY.astype(np.bool_), np.empty(0, np.bool_)),
    [],
    0,
    None,
    _NO_GAPS,
)


def look(
    lake: Lake,
    finder: GapFinder,
    rule: ProofRule,
    *,
    window: Range,
    listings: Sequence[Listing],
    symbols: Sequence[str] | None,
    audit_id: str,
    token: str,
    now: datetime,
    recheck: Recheck | None = None,
    vendors: Sequence[str] = (),
    serves: Mapping[str, Collection[str]] = NO_LIMITS,
) -> Look:
    """Look at the rows, and judge what is not there by all that was ever answered. Raises QueryError, TablesDiffer.

    What is missing is judged by its whole session, as far as minutes are settled: so more is asked for than `window`.
    `recheck` opens suspected holes again; with `vendors` (those that can be asked) the weak proofs are in `again`.
    `serves` are the calendars of the vendors that are not asked for all: needs of another one are closed to them.
    """
    lake.calendars.keep_hours()
    calendar = {one.symbol: one.calendar for one in listings}
    calendars = {*calendar.values()}
    due = (now - rule.settling).replace(second=0, microsecond=0)
    beside = timedelta(minutes=AROUND)
    sessions = lake.calendars.sessions(Range(window.start - beside, window.end + beside), calendars)
    seen = _sessions_of(window, sessions, due)
    hull = hours_around(seen)
    question = Question(seen, listings, lake.calendars.sessions(hull, calendars), symbols)

    def find(asked: Question) -> Found:
        found = finder.find(asked, token=token)
        if (
            {*lake.symbols()} != {*listings}
            or lake.calendars.sessions(hull, calendars) != question.sessions
            or not lake.calendars.hours_kept()
        ):
            # The statement may have read what came then: of a symbol that it did not know it says nothing.
            raise TablesDiffer("the symbols or the sessions were changed while it was asked; asking again is right")
        return found

    found = find(question)
    halted, around = _expected(lake, question, found.gaps)
    raw = around.within(window)
    inside = [span.intersect(window) for _, span in halted]
    expected = replace(question, window=window).expected_minutes - sum(span.minutes for span in inside if span)

    def answers(of: Gaps, symbols: Sequence[str]) -> list[Observation]:
        return lake.answers.read(of.dates(of_sessions=True), symbols) if len(of) else []

    # Those of the others, too: what a vendor left out of them is what says that it lacks a minute of all.
    near = around.within(Range(window.start - beside, window.end + beside)) if len(raw) else raw
    observations = answers(near, raw.symbols)
    absences = lake.absences(window)
    overturned = shown_since(absences, observations, raw)
    absences = [*in_force(absences, overturned)]
    gaps = raw.less(proven(absences, raw))
    judged = judge(
        gaps,
        observations,
        rule,
        audit_id=audit_id,
        window=seen,
        crowd=crowd_of(question.asked, question.sessions, halted),
        raw=around,
        past=lambda: _past(lake, seen.start.date(), {name: calendar.get(name, "") for name in raw.names}),
        off=found.gaps.less(around.line).line,
        revoked=[*lake.revocations(window), *overturned] if observations else (),
        others=(lambda: _blackouts(lake, find, question)) if question.partial else None,
    )
    needs, again = judged.needs, None
    if recheck is not None:
        needs = recheck.reopened(needs, observations)
        if vendors:
            again = recheck.weak(absences, raw, vendors, lambda of: answers(of, of.symbols))
    needs, again = needs.served(calendar, serves), again and again.served(calendar, serves)
    proven_now = raw.less(needs.gaps.line)
    return Look(needs, judged.absences, expected, found.scanned_bytes, proven_now, again, overturned)


def _expected(lake: Lake, question: Question, gaps: Gaps) -> tuple[list[tuple[str, Range]], Gaps]:
    """The halts of the symbols that are asked about, in the question's window, and the gaps without them."""
    halted = not_expected(lake.calendars.halted(), question.asked, question.sessions, question.window)
    return halted, gaps.less(gaps.places([symbol for symbol, _ in halted], *edges(span for _, span in halted)))


def _blackouts(lake: Lake, find: Callable[[Question], Found], question: Question) -> Intervals:
    """The minutes that no symbol of a calendar has, with those that are not asked about. One without any bar of a
    session is left aside there: the lake may be young."""
    everyone = replace(question, symbols=None)
    halted, gaps = _expected(lake, everyone, find(everyone).gaps)
    first, last = epoch_minute(question.window.start), epoch_minute(question.window.end)
    none = (gaps.start <= np.maximum(gaps.session_open, first)) & (gaps.end >= np.minimum(gaps.session_close, last))
    crowd = crowd_of(question.peers, question.sessions, halted)
    return blackouts(gaps.take(~none), crowd, gaps.take(none).line)


def _sessions_of(window: Range, sessions: Sequence[Session], due: datetime) -> Range:
    """The window and the whole of these sessions, as far as minutes were due: the rule speaks of a session, and of a
    silence that goes on in the one beside it."""
    start = min([window.start, *(one.open for one in sessions)])
    return Range(start, max([window.end, *(min(one.close, due) for one in sessions)]))


def _past(lake: Lake, until: date, calendar: Mapping[str, str]) -> Past:
    """What the last sessions before a UTC date lacked, by the hourly facts: one number for each symbol and date. A date
    counts when each of its expected minutes is present, or absent by a proof of the rule in force that is not revoked:
    facts of an earlier rule took more for absent than was. And when they are of the symbol's `calendar`: by another one
    that it was followed in, more were expected."""
    names, due = [*calendar], _minutes_due(lake, until, calendar)
    sessions, most = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    code = {name: at for at, name in enumerate(names)}
    for back in range(1, _BACK + 1):
        if (sessions >= LONG).all():
            break
        day = until - timedelta(days=back)
        facts = lake.hourly.facts(day_range(day))
        facts = facts.filter(pc.is_in(facts["symbol"], pa.array(names, pa.string())))
        at = numbers([code[name] for name in facts["symbol"].to_pylist()])
        expected, present, absent, hour = (
            facts[name].cast(pa.int64()).to_numpy()
            for name in ("minutes_expected", "minutes_present", "minutes_absent", "hour")
        )
        sound = present + absent == expected
        if (sound & (absent > 0)).any():
            start = hour // 60_000
            proven = _proven(lake, day, names)
            sound &= absent <= proven.count_within(place(at, start), place(at, start + 60))
        of_symbol = partial(np.bincount, at, minlength=len(names))
        known = of_symbol(expected)
        counts = (known > 0) & (known <= due(day)) & (of_symbol(~sound) == 0) & (sessions < LONG)
        sessions += counts
        most = np.where(counts, np.maximum(most, of_symbol(expected - present).astype(np.int64)), most)
    return Past(sessions, most)


def _minutes_due(lake: Lake, until: date, calendar: Mapping[str, str]) -> Callable[[date], Numbers]:
    """How many minutes the calendar of each symbol has on a date not long before another."""
    lane = {name: at for at, name in enumerate(sorted({*calendar.values()}))}
    span = Range(day_range(until - timedelta(days=_BACK)).start, day_range(until).start)
    found = lake.calendars.sessions(span, lane)
    line = merge(*(place([lane[one.calendar] for one in found], edge) for edge in edges(one.range for one in found)))
    mine = numbers([lane[name] for name in calendar.values()])

    def due(day: date) -> Numbers:
        start, end = (place(mine, epoch_minute(edge)) for edge in (day_range(day).start, day_range(day).end))
        return line.count_within(start, end)

    return due


def _proven(lake: Lake, day: date, names: Sequence[str]) -> Intervals:
    """The minutes of the date that proofs of the rule in force, not revoked, say are absent, as places of the names."""
    places = Gaps.from_rows([], names).places
    found, revoked = lake.proven_ranges(day), lake.revocations(day_range(day))
    columns = (found[name].cast(pa.int64()).to_numpy() // 60_000 for name in ("start", "end"))
    void = places([one.symbol for one in revoked], *edges(one.range for one in revoked))
    return subtract(places(found["symbol"].to_pylist(), *columns), void)[0]
