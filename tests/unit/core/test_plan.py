"""The plan: jobs that cover the gaps, ask with context, wait for second looks, and pass refusers by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.core.evidence import Need
from minutemend.core.gaps import Gap
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.plan import CONTEXT_MINUTES, VendorLimits, estimate, plan
from minutemend.core.verdicts import ProofRule

OPEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
CLOSE = OPEN + 390 * MINUTE
RULE = ProofRule(timedelta(minutes=10))
FINNHUB = VendorLimits("finnhub", rows=1000, symbols=1, per_minute=60)
ALPACA = VendorLimits("alpaca", rows=10_000, symbols=100, per_minute=200)


def gap(symbol: str, first: int, minutes: int = 1, *, day: int = 0) -> Gap:
    """A gap `first` minutes after the open of a session of 390 minutes."""
    opened = OPEN + timedelta(days=day)
    return Gap(symbol, opened + first * MINUTE, opened + (first + minutes) * MINUTE, opened, opened + 390 * MINUTE)


def test_a_single_minute_is_asked_for_with_neighbours_on_both_sides() -> None:
    (job,) = plan([Need(gap("A", 100))], audit_id="a", attempt=1, vendors=(FINNHUB,), rule=RULE)
    around = CONTEXT_MINUTES * MINUTE
    assert job.request.range == Range(OPEN + 100 * MINUTE - around, OPEN + 101 * MINUTE + around)
    assert job.gaps == (("A", Range(OPEN + 100 * MINUTE, OPEN + 101 * MINUTE)),)


def test_neighbours_stay_inside_the_session_and_inside_the_limit() -> None:
    first, last = plan([Need(gap("A", 0)), Need(gap("B", 389))], audit_id="a", attempt=1, vendors=(FINNHUB,), rule=RULE)
    assert (first.request.range.start, last.request.range.end) == (OPEN, CLOSE)
    tight = VendorLimits("tight", rows=5, symbols=1, per_minute=1)
    (job,) = plan([Need(gap("A", 100, 4))], audit_id="a", attempt=1, vendors=(tight,), rule=RULE)
    assert job.request.range.minutes == 5


def test_several_symbols_share_a_request_where_the_vendor_can() -> None:
    needs = [Need(gap(symbol, 100)) for symbol in "ABC"]
    assert len(plan(needs, audit_id="a", attempt=1, vendors=(ALPACA,), rule=RULE)) == 1
    assert len(plan(needs, audit_id="a", attempt=1, vendors=(FINNHUB,), rule=RULE)) == 3


def test_a_second_look_by_the_same_vendor_waits_until_it_can_count() -> None:
    seen = OPEN + timedelta(hours=8)
    need = Need(gap("A", 100), seen=(("finnhub", seen),))
    (same,) = plan([need], audit_id="a", attempt=2, vendors=(FINNHUB,), rule=RULE)
    (other,) = plan([need], audit_id="a", attempt=1, vendors=(ALPACA, FINNHUB), rule=RULE)
    assert same.not_before == seen + RULE.apart
    assert (other.request.vendor, other.not_before) == ("alpaca", None)


def test_attempts_take_turns_with_the_vendors_and_pass_by_those_who_refused() -> None:
    both = (ALPACA, FINNHUB)
    turns = [plan([Need(gap("A", 1))], audit_id="a", attempt=n, vendors=both, rule=RULE) for n in (1, 2, 3)]
    assert [job.request.vendor for (job,) in turns] == ["alpaca", "finnhub", "alpaca"]
    refused = Need(gap("A", 1), refused=("alpaca",))
    (job,) = plan([refused], audit_id="a", attempt=1, vendors=both, rule=RULE)
    assert job.request.vendor == "finnhub"
    nobody = Need(gap("A", 1), refused=("alpaca", "finnhub"))
    assert plan([nobody], audit_id="a", attempt=1, vendors=both, rule=RULE) == []


def test_an_estimate_counts_what_the_rate_limit_lets_through() -> None:
    slow = VendorLimits("slow", rows=1, symbols=1, per_minute=2)
    jobs = plan([Need(gap("A", 1, 5))], audit_id="a", attempt=1, vendors=(slow,), rule=RULE)
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
    jobs = plan([Need(one) for one in gaps], audit_id="a", attempt=1, vendors=(vendor,), rule=RULE)
    minutes = [
        (symbol, part.start + n * MINUTE) for job in jobs for symbol, part in job.gaps for n in range(part.minutes)
    ]
    assert len(minutes) == len(set(minutes))
    assert set(minutes) == {(one.symbol, one.start + n * MINUTE) for one in gaps for n in range(one.minutes)}
    for job in jobs:
        assert len(job.request.symbols) <= symbols
        assert len(job.request.symbols) * job.request.range.minutes <= rows
        assert all(part.intersect(job.request.range) == part for _, part in job.gaps)
        assert {symbol for symbol, _ in job.gaps} == set(job.request.symbols)
        assert type(job).from_message(job.to_message()) == job
    again = plan([Need(one) for one in reversed(gaps)], audit_id="a", attempt=1, vendors=(vendor,), rule=RULE)
    assert [job.id for job in again] == [job.id for job in jobs]
