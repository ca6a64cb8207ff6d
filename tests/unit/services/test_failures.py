"""What an audit reports of each minute that it could not mend: held to plain sets of minutes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.core.answers import AnswerKind
from minutemend.core.evidence import Needs
from minutemend.core.gaps import Gap, Gaps
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.verdicts import Failure, Observation
from minutemend.services.report_failure import HOLE_SUSPECTED, UNSETTLED, failures

from tests.fakes.observed import left_out

OPEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
KINDS = (AnswerKind.BARS, AnswerKind.NO_DATA, AnswerKind.GARBAGE, AnswerKind.GIVE_UP)
REASONS = {"bars": "attempts_exhausted", "no_data": "no_data", "garbage": "garbage", "give_up": "vendor_refused"}


def part(first: int, length: int) -> Range:
    return Range(OPEN + first * MINUTE, OPEN + (first + length) * MINUTE)


def said(job: int, symbol: str, kind: AnswerKind, edges: tuple[int, int], audit: str) -> Observation:
    window, at = part(*edges), OPEN + timedelta(hours=9, minutes=job)
    omitted = left_out(*([window] if kind is AnswerKind.BARS else []))
    return Observation(symbol, window, at, "v", kind, omitted, 1, 200, "", f"j{job}", audit, 1)


def needs_of(minutes: dict[str, set[int]], suspected: bool) -> Needs:
    session = part(0, 60)
    gaps = [
        Gap(symbol, OPEN + first * MINUTE, OPEN + (last + 1) * MINUTE, session.start, session.end)
        for symbol, lacking in minutes.items()
        for first in lacking
        if first - 1 not in lacking
        for last in [next(n for n in range(first, 61) if n + 1 not in lacking)]
    ]
    n = len(gaps)
    empty = np.empty((n, 0))
    return Needs(
        Gaps.from_rows(gaps), (), empty.astype(np.int64), empty.astype(np.bool_), np.full(n, suspected, np.bool_)
    )


EDGES = st.tuples(st.integers(0, 30), st.integers(1, 30))
SAID = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(KINDS), EDGES, st.sampled_from("xy")),
    max_size=8,
)
LACKING = st.fixed_dictionaries({"A": st.sets(st.integers(0, 40)), "B": st.sets(st.integers(0, 40), max_size=5)})


def report(needs: Needs, told: list[Observation]) -> list[Failure]:
    return failures(needs, told, audit_id="x", attempts=3, now=OPEN)


@given(LACKING, SAID)
@settings(max_examples=150, deadline=None)
def test_the_newest_answer_of_the_audit_gives_the_reason_of_each_minute(
    lacking: dict[str, set[int]], rows: list[tuple[str, AnswerKind, tuple[int, int], str]]
) -> None:
    told = [said(job, *row) for job, row in enumerate(rows)]
    found = report(needs_of(lacking, suspected=False), told)
    minutes = {
        (one.symbol, one.range.start + n * MINUTE): (one.reason, [row["job_id"] for row in json.loads(one.evidence)])
        for one in found
        for n in range(one.range.minutes)
    }
    assert sum(one.range.minutes for one in found) == len(minutes)
    expected = {}
    for symbol, lacks in lacking.items():
        for minute in (OPEN + n * MINUTE for n in lacks):
            mine = [one for one in told if (one.symbol, one.audit_id) == (symbol, "x") and minute in one.range]
            newest = mine[-1] if mine else None
            why = (REASONS[str(newest.kind)], [newest.job_id]) if newest else (UNSETTLED, [])
            expected[symbol, minute] = why
    assert minutes == expected
    whole = {(one.symbol, one.range.start, one.reason, one.evidence) for one in found}
    assert not [one for one in found if (one.symbol, one.range.end, one.reason, one.evidence) in whole]
    assert found == sorted(found)


@given(LACKING, SAID)
@settings(max_examples=100, deadline=None)
def test_a_suspected_hole_names_each_vendor_that_left_a_minute_of_it_out(
    lacking: dict[str, set[int]], rows: list[tuple[str, AnswerKind, tuple[int, int], str]]
) -> None:
    told = [said(job, *row) for job, row in enumerate(rows)]
    needs = needs_of(lacking, suspected=True)
    found = report(needs, told)
    assert [(one.symbol, one.range, one.reason) for one in found] == [
        (gap.symbol, gap.range, HOLE_SUSPECTED) for gap in needs.gaps
    ]
    for one in found:
        out = [each for each in told if each.kind is AnswerKind.BARS and each.symbol == one.symbol]
        names = [each.job_id for each in out if each.range.intersect(one.range)]
        assert [row["job_id"] for row in json.loads(one.evidence)] == names
