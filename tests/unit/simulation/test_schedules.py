"""Thousands of schedules of faults, each decided by a seed and a profile that Hypothesis chooses."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.simulation.invariants import run_and_check
from tests.unit.simulation.memory import MEMORY
from tests.unit.simulation.world import Profile

RATES = st.sampled_from([0.0, 0.0, 0.02, 0.1, 0.3])
RARE = st.sampled_from([0.0, 0.0, 0.01, 0.04])
PROFILES = st.builds(
    Profile,
    death=RARE,
    errors=RARE,
    slowness=st.sampled_from([0.0, 0.01, 0.03]),
    duplicates=RATES,
    throttling=RATES,
    outage=RATES,
    garbage=RATES,
    no_data=RATES,
    refusals=RATES,
    lies=st.sampled_from([0.0, 0.0, 0.1]),
    cut_short=RATES,
    skew=st.sampled_from([0, 0, 2, 10]),
    audits=st.sampled_from([1, 1, 2, 3]),
    poison=st.sampled_from([0, 0, 2]),
    redrives=st.sampled_from([0, 0, 1, 2]),
    per_minute=st.sampled_from([1000, 1000, 3, 1]),
    patience=st.sampled_from([15, 15, 2]),
    symbols_together=st.sampled_from([1, 3]),
    vendors=st.sampled_from([1, 2]),
    publish=st.sampled_from([False, False, True]),
)
SEEDS = st.integers(min_value=0, max_value=2**32)
QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(autouse=True)
def _fast_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    MEMORY.install(monkeypatch)


@given(seed=SEEDS, profile=PROFILES)
@settings(max_examples=25, derandomize=True, **QUIET)
def test_every_minute_is_accounted_for_under_every_fault(seed: int, profile: Profile) -> None:
    """The first few schedules of redelivery, reordering, death, skew, throttling, vendor faults, many audits."""
    run_and_check(seed, profile)


@pytest.mark.schedules
@pytest.mark.parametrize("part", range(8))
def test_a_thousand_schedules(part: int) -> None:
    """8 times 130 schedules, the same ones each time."""
    _explore(part, examples=130, derandomize=True)


@pytest.mark.chaos
@pytest.mark.parametrize("part", range(40))
def test_twenty_thousand_schedules(part: int) -> None:
    """40 times 500 schedules, other ones each time; the message names the seed to replay."""
    _explore(part, examples=500, derandomize=False)


# What `make chaos` found: a redriven job began its tries anew with each claim, so that a vendor that was down was asked
# for ever.
BROKE_ONCE = [
    (2, Profile(errors=0.04, outage=0.8, redrives=1)),
    (10, Profile(death=0.04, outage=0.8, redrives=1)),
    (
        690014,
        Profile(
            death=0.01,
            errors=0.01,
            slowness=0.01,
            throttling=0.3,
            outage=0.3,
            garbage=0.1,
            cut_short=0.3,
            skew=2,
            poison=2,
            redrives=1,
            symbols_together=3,
            vendors=2,
        ),
    ),
]


@pytest.mark.parametrize(("seed", "profile"), BROKE_ONCE)
def test_a_schedule_that_broke_an_invariant_once_holds_now(seed: int, profile: Profile) -> None:
    """With the bug seeded again (test_mutants.py, `each claim is a redrive`) each of these fails."""
    run_and_check(seed, profile)


def _explore(part: int, *, examples: int, derandomize: bool) -> None:
    @given(number=SEEDS, profile=PROFILES)
    @settings(max_examples=examples, derandomize=derandomize, **QUIET)
    def every_minute_is_accounted_for(number: int, profile: Profile) -> None:
        run_and_check(number * 64 + part, profile)

    every_minute_is_accounted_for()


@pytest.mark.parametrize("publish", [False, True])
@pytest.mark.parametrize("together", [1, 3])
def test_without_faults_requests_are_exactly_the_plan(together: int, publish: bool) -> None:
    """No fault: every audit is Done, nothing times out, and nobody is asked once more than planned."""
    for seed in range(5):
        run_and_check(seed, Profile(symbols_together=together, publish=publish))


def test_a_plan_that_needs_longer_than_a_wait_ends_done_all_the_same() -> None:
    """Some of these runs wait on, and none spends an attempt by it."""
    runs = [run_and_check(seed, Profile(per_minute=1, patience=2)) for seed in range(12)]
    assert any(run.executions[0].timeouts > 1 for run in runs)


def test_one_seed_replays_one_run() -> None:
    """The same seed and profile give the same story, word for word."""
    profile = Profile(death=0.02, errors=0.02, duplicates=0.2, throttling=0.2, audits=2, skew=5, publish=True)
    stories = [run_and_check(11, profile).world.log for _ in range(2)]
    assert stories[0] == stories[1]
