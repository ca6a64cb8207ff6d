"""The suite catches what it is there for: each of these bugs is seeded, and some schedule must break an invariant.

Every mutant is a mistake that reads well in review. A test here passes only when the simulation fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from minutemend.core import evidence, plan
from minutemend.services import report_failure
from minutemend.services.process_repairs import ProcessRepairs
from minutemend.services.publish import Publish

from tests.unit.simulation import bugs
from tests.unit.simulation.invariants import run_and_check
from tests.unit.simulation.memory import MEMORY
from tests.unit.simulation.publishing import die_and_check, overtake_and_check
from tests.unit.simulation.rewriting import slip
from tests.unit.simulation.world import Profile, Violation


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug, the faults under which it shows, and the seed that caught it last, which is tried first."""

    name: str
    seed_bug: Callable[[pytest.MonkeyPatch], None]
    profile: Profile
    caught: int = 0
    check: Callable[[int, Profile], object] = run_and_check


def _judged(old: str, new: str) -> Callable[[pytest.MonkeyPatch], None]:
    return slip(evidence._Observed, "judged", old, new)


def _two(old: str, new: str) -> Callable[[pytest.MonkeyPatch], None]:
    return slip(evidence._Observed, "_two", old, new)


def _counts(old: str, new: str) -> Callable[[pytest.MonkeyPatch], None]:
    return slip(evidence._Observed, "_counts", old, new)


SEEDS = 120  # that may be tried of each
TRIES = "claim.tries < self.max_receives"
FACTS_FIRST = "bars = self.lake.read_bars(part, known=compaction.objects)"
BARS_FIRST = f"{FACTS_FIRST}; before = self.lake.hourly.read(self.lake.hourly.objects(part))"
KEYS = '"captured_at", "repaired", '
BAD_DAY = Profile(death=0.02, errors=0.02, slowness=0.02, duplicates=0.2, throttling=0.1, outage=0.1)
LIARS = Profile(lies=0.2, audits=3, vendors=1)
LATE = Profile(captures=5, audits=2, slowness=0.05, throttling=0.1, vendors=2, publish=True)
HOLES = Profile(lasting="runs", audits=3)
LAGGARDS = Profile(lag=4, lag_known=False, audits=3, patience=2)
FIRST_WAIT = "late = np.argsort(-again[which]); waits[request[at][late]] = again[which][late]"
MUTANTS = [
    Mutant("no time apart", _two("self.rule.apart // _MICROSECOND", "0"), Profile(audits=4, spread=30, slowness=0.05)),
    Mutant("one answer is proof", _two("late, (early >= 0) & (late >= 0)", "early, (early >= 0)"), LIARS),
    Mutant("no_data counts", bugs.no_data_counts, Profile(no_data=0.4, audits=2)),
    Mutant(
        "covered is ignored",
        bugs.covered_is_ignored,
        Profile(cut_short=0.5, vendors=2, sources="two", audits=3),
        caught=41,
    ),
    Mutant("settle before writing", bugs.settle_before_writing, replace(BAD_DAY, death=0.05)),
    Mutant("postponed is forgotten", bugs.postponed_is_forgotten, Profile(per_minute=2)),
    Mutant("failures are acknowledged", bugs.failures_are_acknowledged, Profile(errors=0.05)),
    Mutant("everything is written", bugs.everything_is_written, Profile()),
    Mutant("looks are bars", bugs.looks_are_bars, Profile(restates=0.3)),
    Mutant(
        "the newest word counts",
        bugs.precedence('"ascending"', '"descending" if key == "captured_at" else "ascending"'),
        Profile(restates=0.5, captures=5, audits=2, vendors=2),
    ),
    Mutant("holes are interpolated", bugs.holes_are_interpolated, Profile()),
    Mutant("nobody wakes who comes late", bugs.nobody_wakes_who_comes_late, Profile(), caught=5),
    Mutant("a late wait spends its attempt", bugs.a_late_wait_spends_its_attempt, Profile(per_minute=1, patience=2)),
    Mutant("settled jobs wake nobody", bugs.settled_jobs_wake_nobody, Profile(death=0.05), caught=45),
    Mutant("tries are endless", bugs.tries_are_endless, Profile(outage=0.8)),
    Mutant(
        "each claim is a redrive",
        bugs.each_claim_is_a_redrive_of_its_own,
        Profile(errors=0.04, outage=0.8, redrives=1),
        caught=3,
    ),
    Mutant("attempts are endless", bugs.attempts_are_endless, Profile(garbage=0.9)),
    Mutant("settling twice counts twice", bugs.settling_twice_counts_twice, Profile(duplicates=0.5)),
    Mutant("marked before it is said", bugs.marked_before_it_is_said, Profile(publish=True), check=die_and_check),
    Mutant(
        "the first wait counts",
        slip(plan, "_jobs", "np.maximum.at(waits, request[at], again[which])", FIRST_WAIT),
        Profile(throttling=0.4, symbols_together=3, slowness=0.05),
        caught=14,
    ),
    Mutant("a try too many", slip(ProcessRepairs, "_work", TRIES, TRIES.replace("<", "<=")), Profile(outage=0.8)),
    Mutant("a try too few", slip(ProcessRepairs, "_work", TRIES, f"{TRIES} - 1"), Profile(outage=0.8)),
    Mutant(
        "bars before facts",
        slip(Publish, "_publish_day", FACTS_FIRST, BARS_FIRST),
        Profile(publish=True),
        check=overtake_and_check,
    ),
    Mutant(
        "the oldest answer is the reason",
        slip(report_failure, "failures", "reverse=True", "reverse=False"),
        Profile(garbage=0.4, refusals=0.3, no_data=0.3, vendors=2),
    ),
    Mutant("a redrive without delete", bugs.no_delete, Profile(poison=2, redrives=1)),
    Mutant("a short lease", bugs.a_short_lease, Profile(duplicates=0.5, slowness=0.1), caught=3),
    Mutant("a late capture displaces a repair", bugs.precedence(KEYS, '"repaired", "captured_at", '), LATE),
    # One for each property of the rule of absence. Two are held by tests/unit/core/test_evidence.py alone: a look sees
    # what is stored around its range, so that here no answer passes that lacks a stored minute of its silence.
    Mutant("no later bar", _counts("(self.after[entry] != NONE) &", ""), LAGGARDS),
    Mutant("past the close", _counts("over = known &", "over ="), replace(LAGGARDS, market="night")),
    Mutant(
        "soon after the close",
        _counts("over &= self.when >= closed * minute + settled", ""),
        replace(LAGGARDS, lag_known=True),
    ),
    Mutant(
        "a later bar of another session",
        _counts("& (self.after[entry] < closed)", ""),
        replace(LAGGARDS, market="midnight", vendors=2, sources="two"),
        caught=8,
    ),
    Mutant("two looks of any silence", bugs.two_looks_of_any_silence, HOLES),
    Mutant("the past is forgotten", bugs.the_past_is_forgotten, replace(HOLES, lasting="singles", past=25)),
    Mutant(
        "unknown sources prove",
        slip(evidence._Observed, "_by_sources", "if source.kind is not SourceKind.UNKNOWN", ""),
        replace(HOLES, vendors=2),
    ),
    Mutant("one tape is two sources", bugs.vendors_are_sources, replace(HOLES, vendors=2, sources="same")),
    Mutant(
        "a venue that lags is believed",
        _counts("& known & (self.when >= self.gaps.end[self.piece] * minute + lag)", ""),
        replace(LAGGARDS, sources="venue"),
    ),
    Mutant("the budget spends receives", bugs.budget_spends_receives, Profile(per_minute=1, audits=3)),
]


@pytest.mark.schedules
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_seeded_bug_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some schedule breaks an invariant, or the bug would pass unseen."""
    MEMORY.install(monkeypatch)
    mutant.seed_bug(monkeypatch)
    for seed in [mutant.caught, *range(SEEDS)]:
        try:
            mutant.check(seed, mutant.profile)
        except Violation:
            return
    pytest.fail(f"{SEEDS} schedules did not notice: {mutant.name}")
