"""One look at a range: what is not stored, what of it is proven absent, and what is needed for the rest.

CheckDataHealth looks and writes the proofs down; `mend plan` looks and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa

from minutemend.core.blackouts import blackouts, crowd_of
from minutemend.core.data_check import Question, TablesDiffer
from minutemend.core.density import AROUND, LONG, Past
from minutemend.core.evidence import Needs, judge, proven
from minutemend.core.gaps import Gaps
from minutemend.core.in_force import not_expected
from minutemend.core.intervals import Intervals, Numbers, lanes, numbers
from minutemend.core.minutes import MINUTE, Range, edges, epoch_minute, hours_around
from minutemend.core.recheck import Recheck
from minutemend.core.revocations import unrevoked
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Absence, Observation, ProofRule
from minutemend.ports import GapFinder
from minutemend.ports.gap_finder import Found
from minutemend.services.lake import Lake

NO_LIMITS: Mapping[str, Collection[str]] = {}
_BACK = timedelta(days=45)  # LONG sessions of any calendar, holidays and all, lie in so many days


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

    What is missing is judged by what lies around it, of minutes that are settled: so more is asked for than `window`.
    `recheck` opens suspected holes again; with `vendors` (those that can be asked) the weak proofs are in `again`.
    `serves` are the calendars of the vendors that are not asked for all: needs of another one are closed to them.
    """
    lake.calendars.keep_hours()
    calendars = {one.calendar for one in listings}
    far = timedelta(minutes=AROUND)
    reach = hours_around(Range(window.start - far, window.end + far))
    near = lake.calendars.sessions(reach, calendars)
    due = (now - rule.settling).replace(second=0, microsecond=0)
    seen = _surroundings(window, [one for one in near if one.range.intersect(window)], due)
    hull = hours_around(seen)
    question = Question(seen, listings, [one for one in near if one.range.intersect(hull)], symbols)

    def find(asked: Question) -> Found:
        found = finder.find(asked, token=token)
        if (
            {*lake.symbols()} != {*listings}
            or lake.calendars.sessions(reach, calendars) != near
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
    absences = lake.absences(window)
    gaps = raw.less(proven(absences, raw))

    def answers(of: Gaps) -> list[Observation]:
        return lake.answers.read(of.dates(of_sessions=True), of.symbols) if len(of) else []

    observations = answers(gaps)
    observations = unrevoked(observations, lake.revocations(window)) if observations else observations
    judged = judge(
        gaps,
        observations,
        rule,
        audit_id=audit_id,
        window=seen,
        crowd=crowd_of(question.asked, question.sessions, halted),
        raw=around,
        past=lambda: _past(lake, window, raw.names),
        off=found.gaps.less(around.line).line,
        others=(lambda: _blackouts(lake, find, question)) if question.partial else None,
    )
    needs, again = judged.needs, None
    if recheck is not None:
        needs = recheck.reopened(needs, observations)
        if vendors:
            again = recheck.weak(absences, raw, vendors, answers)
    calendar = {one.symbol: one.calendar for one in listings}
    needs, again = needs.served(calendar, serves), again and again.served(calendar, serves)
    return Look(needs, judged.absences, expected, found.scanned_bytes, raw.less(needs.gaps.line), again)


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


def _surroundings(window: Range, sessions: Sequence[Session], due: datetime) -> Range:
    """The window and AROUND minutes on either side, as far as its own sessions go, and as minutes were due."""
    if not sessions:
        return window
    start = max(window.start - AROUND * MINUTE, min(one.open for one in sessions))
    end = min(window.end + AROUND * MINUTE, max(one.close for one in sessions), due)
    return Range(min(start, window.start), max(end, window.end))


def _past(lake: Lake, window: Range, names: Sequence[str]) -> Past:
    """What the last sessions before the window lacked, by the hourly facts: one row of counts for each symbol and UTC
    date. A date counts when each of its expected minutes is present or proven absent, by the rule in force: facts of
    an earlier one took more for absent than was."""
    dates = list(Range(window.start.replace(hour=0, minute=0) - _BACK, window.start.replace(minute=0)).dates())
    sessions, most = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    code = {name: at for at, name in enumerate(names)}
    for day in reversed(dates):
        if (sessions >= LONG).all():
            break
        facts = lake.hourly.day_counts(day, before=window.start)
        at = numbers([code.get(name, -1) for name in facts["symbol"].to_pylist()])
        expected, present, absent = (
            facts[name].cast(pa.int64()).to_numpy() for name in ("expected", "present", "absent")
        )
        counts = (at >= 0) & (expected > 0) & (present + absent == expected)
        if absent[counts].any():
            counts &= absent <= _proven(lake, day, names)[at]
        counts[counts] &= sessions[at[counts]] < LONG
        sessions[at[counts]] += 1
        most[at[counts]] = np.maximum(most[at[counts]], (expected - present)[counts])
    return Past(sessions, most)


def _proven(lake: Lake, day: date, names: Sequence[str]) -> Numbers:
    """By the position of the name, the minutes of the date that the rule in force proved absent."""
    found = lake.proven_ranges(day)
    edges = (found[name].cast(pa.int64()).to_numpy() // 60_000 for name in ("start", "end"))
    lane, ranges = lanes(Gaps.from_rows([], names).places(found["symbol"].to_pylist(), *edges))
    return numbers(np.bincount(lane, ranges.lengths, minlength=len(names)))
