"""The plan: jobs that cover the gaps, ask with context, wait for second looks, and pass refusers by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.core.answers import VendorLimits
from minutemend.core.evidence import NEVER, Needs
from minutemend.core.gaps import Gap, Gaps
from minutemend.core.minutes import EPOCH, MINUTE, Range
from minutemend.core.plan import estimate, plan
from minutemend.core.verdicts import ProofRule

from tests.fakes.job_gaps import wanted

OPEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
CLOSE = OPEN + 390 * MINUTE
RULE = ProofRule(timedelta(minutes=10))
FINNHUB = VendorLimits("finnhub", rows=1000, symbols=1, per_minute=60)
ALPACA = VendorLimits("alpaca", rows=10_000, symbols=100, per_minute=200)


def gap(symbol: str, first: int, minutes: int = 1, *, day: int = 0) -> Gap:
    """A gap `first` minutes after the open of a session of 390 minutes."""
    opened = OPEN + timedelta(days=day)
    return Gap(symbol, opened + first * MINUTE, opened + (first + minutes) * MINUTE, opened, opened + 390 * MINUTE)


def need(*gaps: Gap, seen: dict[str, datetime] | None = None, closed: tuple[str, ...] = ()) -> Needs:
    """Gaps with one history."""
    vendors = tuple(sorted({*(seen or {}), *closed}))
    first = [
        (when - EPOCH) // timedelta(microseconds=1) if (when := (seen or {}).get(name)) else NEVER for name in vendors
    ]
    n = len(gaps)
    shut = np.tile([name in closed for name in vendors], (n, 1)).astype(bool).reshape(n, len(vendors))
    return Needs(Gaps.from_rows(gaps), vendors, np.tile(np.array(first, np.int64), (n, 1)), shut, np.zeros(n, bool))


def test_a_single_minute_is_asked_for_with_its_session_where_that_costs_no_request() -> None:
    (job,) = plan(need(gap("A", 100)), audit_id="a", attempt=1, vendors=(FINNHUB,), rule=RULE)
    assert job.request.range == Range(OPEN, CLOSE)
    assert wanted(job) == [("A", Range(OPEN + 100 * MINUTE, OPEN + 101 * MINUTE))]


def test_a_request_that_fills_the_rows_leaves_room_for_neighbours() -> None:
    """Else its answer could never show that a minute at its edge is absent (Binance, 1,000 rows)."""
    opened = OPEN
    long = Gap("A", opened, opened + 1440 * MINUTE, opened, opened + 1440 * MINUTE)
    jobs = plan(need(long), audit_id="a", attempt=1, vendors=(FINNHUB,), rule=RULE)
    assert all(job.request.range.minutes <= FINNHUB.rows for job in jobs)
    first, second = (wanted(job)[0][1] for job in jobs)
    assert jobs[0].request.range.end >= first.end + 10 * MINUTE
    assert jobs[1].request.range.start <= second.start - 10 * MINUTE


def test_neighbours_stay_inside_the_session_and_inside_the_limit() -> None:
    first, last = plan(need(gap("A", 0), gap("B", 389)), audit_id="a", attempt=1, vendors=(FINNHUB,), rule=RULE)
    assert (first.request.range.start, last.request.range.end) == (OPEN, CLOSE)
    tight = VendorLimits("tight", rows=7, symbols=1, per_minute=1)
    (job,) = plan(need(gap("A", 100, 4)), audit_id="a", attempt=1, vendors=(tight,), rule=RULE)
    assert job.request.range.minutes == 7


def test_several_symbols_share_a_request_where_the_vendor_can() -> None:
    needs = need(*(gap(symbol, 100) for symbol in "ABC"))
    assert len(plan(needs, audit_id="a", attempt=1, vendors=(ALPACA,), rule=RULE)) == 1
    assert len(plan(needs, audit_id="a", attempt=1, vendors=(FINNHUB,), rule=RULE)) == 3


def test_a_second_look_by_the_same_vendor_waits_until_it_can_count() -> None:
    seen = OPEN + timedelta(hours=8)
    told = need(gap("A", 100), seen={"finnhub": seen})
    (same,) = plan(told, audit_id="a", attempt=2, vendors=(FINNHUB,), rule=RULE)
    (other,) = plan(told, audit_id="a", attempt=1, vendors=(ALPACA, FINNHUB), rule=RULE)
    assert same.not_before == seen + RULE.apart
    assert (other.request.vendor, other.not_before) == ("alpaca", None)


def test_what_a_vendor_was_heard_of_often_enough_is_taken_along_where_it_is_free() -> None:
    """No request asks for it; but the vendor may have loaded it, and the answer shows it (simulation, seed 214)."""
    heard, asked = need(gap("A", 100), gap("A", 120), closed=("finnhub",)), need(gap("A", 105))
    gaps = Gaps.from_rows([*heard.gaps, *asked.gaps])
    closed = np.array([[True], [False], [True]])
    needs = Needs(gaps, ("finnhub",), np.full((3, 1), NEVER), closed, np.zeros(3, bool))
    (job,) = plan(needs, audit_id="a", attempt=1, vendors=(FINNHUB,), rule=RULE)
    assert [part for _, part in wanted(job)] == [one.range for one in gaps]
    assert plan(heard, audit_id="a", attempt=1, vendors=(FINNHUB,), rule=RULE) == []


def test_attempts_take_turns_with_the_vendors_and_pass_by_those_who_refused() -> None:
    both = (ALPACA, FINNHUB)
    turns = [plan(need(gap("A", 1)), audit_id="a", attempt=n, vendors=both, rule=RULE) for n in (1, 2, 3)]
    assert [job.request.vendor for (job,) in turns] == ["alpaca", "finnhub", "alpaca"]
    refused = need(gap("A", 1), closed=("alpaca",))
    (job,) = plan(refused, audit_id="a", attempt=1, vendors=both, rule=RULE)
    assert job.request.vendor == "finnhub"
    nobody = need(gap("A", 1), closed=("alpaca", "finnhub"))
    assert plan(nobody, audit_id="a", attempt=1, vendors=both, rule=RULE) == []


def test_an_estimate_counts_what_the_rate_limit_lets_through() -> None:
    slow = VendorLimits("slow", rows=1, symbols=1, per_minute=2)
    jobs = plan(need(gap("A", 1, 5)), audit_id="a", attempt=1, vendors=(slow,), rule=RULE)
    told = estimate(jobs, (slow,))
    assert (told.requests, told.minutes, told.rows, told.time) == (5, 5, 5, timedelta(minutes=2))


GAPS = st.lists(
    st.builds(gap, st.sampled_from("ABCD"), st.integers(0, 380), st.integers(1, 10), day=st.integers(0, 3)),
    max_size=25,
)


@given(GAPS, st.integers(1, 300), st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_jobs_hold_exactly_the_missing_minutes_and_keep_the_vendors_limits(
    gaps: list[Gap], rows: int, symbols: int
) -> None:
    vendor = VendorLimits("v", rows=rows, symbols=symbols, per_minute=10)
    jobs = plan(need(*gaps), audit_id="a", attempt=1, vendors=(vendor,), rule=RULE)
    minutes = [
        (symbol, part.start + n * MINUTE) for job in jobs for symbol, part in wanted(job) for n in range(part.minutes)
    ]
    assert len(minutes) == len(set(minutes))
    assert set(minutes) == {(one.symbol, one.start + n * MINUTE) for one in gaps for n in range(one.minutes)}
    for job in jobs:
        assert len(job.request.symbols) <= symbols
        assert len(job.request.symbols) * job.request.range.minutes <= rows
        assert all(part.intersect(job.request.range) == part for _, part in wanted(job))
        assert {symbol for symbol, _ in wanted(job)} == set(job.request.symbols)
        assert type(job).from_message(job.to_message()) == job
    again = plan(need(*reversed(gaps)), audit_id="a", attempt=1, vendors=(vendor,), rule=RULE)
    assert [job.id for job in again] == [job.id for job in jobs]
