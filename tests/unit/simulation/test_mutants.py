"""The suite catches what it is there for: each of these bugs is seeded, and some schedule must break an invariant.

Every mutant is a mistake that reads well in review. A test here passes only when the simulation fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from minutemend.contract import Status
from minutemend.core import evidence, learned
from minutemend.core.answers import Answer, AnswerKind
from minutemend.core.jobs import RepairJob
from minutemend.ports import Claim, Signals
from minutemend.services import audit, process_repairs
from minutemend.services.await_repairs import AwaitRepairs
from minutemend.services.process_repairs import ProcessRepairs, Received, Tally
from minutemend.services.publish import Publish

from tests.unit.simulation.invariants import run_and_check
from tests.unit.simulation.memory import MEMORY
from tests.unit.simulation.scenario import SimBoard
from tests.unit.simulation.world import Profile, Violation

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug, the faults under which it shows, and how many seeds may be tried."""

    name: str
    seed_bug: Callable[[Patch], None]
    profile: Profile
    seeds: int = 40


def _no_time_apart(patch: Patch) -> None:
    """Two answers prove an absence, however soon one follows the other."""
    real = evidence._proof
    patch.setattr(evidence, "_proof", lambda seen, rule: real(seen, replace(rule, apart=timedelta(0))))


def _one_answer_is_proof(patch: Patch) -> None:
    """One answer that leaves a minute out proves its absence."""
    patch.setattr(evidence, "_proof", lambda seen, _rule: (seen[0], seen[0]) if seen else None)


def _no_data_counts(patch: Patch) -> None:
    """`no_data` for a range is taken for an answer that leaves all of it out."""
    real = learned.learned

    def learn(job: RepairJob, answer: Answer) -> list[Any]:
        found = real(job, answer)
        asked = {symbol: [gap for name, gap in job.gaps if name == symbol] for symbol in job.request.symbols}
        return [
            replace(one, kind=AnswerKind.BARS, omitted=tuple(asked[one.symbol]), rows=1)
            if one.kind is AnswerKind.NO_DATA
            else one
            for one in found
        ]

    patch.setattr(process_repairs, "learned", learn)


def _covered_is_ignored(patch: Patch) -> None:
    """An answer that ends early is taken for one that looked at everything."""
    real = learned.learned
    patch.setattr(process_repairs, "learned", lambda job, answer: real(job, replace(answer, covered=job.request.range)))


def _settle_before_writing(patch: Patch) -> None:
    """The board hears that a job is done before its bars are written."""
    real = ProcessRepairs._keep

    def keep(self: ProcessRepairs, job: RepairJob, answer: Answer, tally: Tally) -> None:
        self._settle(job, str(answer.kind))
        real(self, job, answer, tally)

    patch.setattr(ProcessRepairs, "_keep", keep)


def _postponed_is_forgotten(patch: Patch) -> None:
    """A job that has to wait is released, and its message acknowledged, but not sent again."""
    patch.setattr(ProcessRepairs, "_send", lambda *_: None)


def _failures_are_acknowledged(patch: Patch) -> None:
    """A message that met trouble is acknowledged like any other."""
    patch.setattr(ProcessRepairs, "_trouble", lambda *_: None)


def _everything_is_written(patch: Patch) -> None:
    """All bars of an answer are written, not only those of the job's gaps."""
    patch.setattr(process_repairs, "believed", lambda _job, answer: list(answer.bars))


def _holes_are_interpolated(patch: Patch) -> None:
    """A bar that the vendor left out is made from its neighbour."""
    real = process_repairs.believed

    def believed(job: RepairJob, answer: Answer) -> list[Any]:
        bars = real(job, answer)
        known = {bar.minute for bar in bars}
        made = [replace(bars[0], minute=gap.start) for symbol, gap in job.gaps if bars and symbol == bars[0].symbol]
        return bars + [bar for bar in made if bar.minute not in known]

    patch.setattr(process_repairs, "believed", believed)


def _nobody_wakes_who_comes_late(patch: Patch) -> None:
    """Whoever waits trusts that a worker will still come, and does not look whether all is done."""

    def run(self: AwaitRepairs, state: Any) -> None:
        self.board.wait(state["audit_id"], state["attempt"], token=state["task_token"])

    patch.setattr(AwaitRepairs, "run", run)


def _a_late_wait_spends_its_attempt(patch: Patch) -> None:
    """A wait that timed out is over, though its jobs are on their way."""
    patch.setattr(AwaitRepairs, "look", lambda _self, state: {**state, "moving": False})


def _settled_jobs_wake_nobody(patch: Patch) -> None:
    """A job that is settled already is acknowledged at once: whoever settled it will have said so."""
    real = ProcessRepairs._settle

    def settle(self: ProcessRepairs, job: RepairJob, outcome: str) -> None:
        known = self.board.jobs.get(job.id)  # type: ignore[attr-defined]
        if outcome == "failed" and known is not None and known.outcome is not None:
            return
        real(self, job, outcome)

    patch.setattr(ProcessRepairs, "_settle", settle)


def _tries_are_endless(patch: Patch) -> None:
    """A vendor that is down is asked for as long as it is down."""
    real = SimBoard.claim

    def claim(self: SimBoard, job_id: str, **how: Any) -> Claim:
        return replace(real(self, job_id, **how), tries=1)

    patch.setattr(SimBoard, "claim", claim)


def _each_claim_is_a_redrive_of_its_own(patch: Patch) -> None:
    """The tries of a redriven job begin anew whenever it is taken up."""
    real = SimBoard.claim

    def claim(self: SimBoard, job_id: str, **how: Any) -> Claim:
        if how["redo"] is not None and job_id in self.jobs:
            self.jobs[job_id].redone = None
        return real(self, job_id, **how)

    patch.setattr(SimBoard, "claim", claim)


def _attempts_are_endless(patch: Patch) -> None:
    """An audit tries until it succeeds."""
    patch.setattr(audit.Audit, "_status", lambda _self, history, **_: Status.REPAIR if history else Status.READY)


def _settling_twice_counts_twice(patch: Patch) -> None:
    """The count of settled jobs goes up with each message, not with each job."""
    real = SimBoard.settle

    def settle(self: SimBoard, job_id: str, *, audit_id: str, attempt: int, outcome: str) -> Any:
        if job_id in self.jobs and self.jobs[job_id].outcome is not None:
            self.attempts[audit_id, attempt].settled += 1
        return real(self, job_id, audit_id=audit_id, attempt=attempt, outcome=outcome)

    patch.setattr(SimBoard, "settle", settle)


def _budget_spends_receives(patch: Patch) -> None:
    """A job that the rate budget postpones is handed back to the queue, which counts a delivery."""

    def send(_self: ProcessRepairs, _job: RepairJob, message: Received, _wait: timedelta) -> None:
        raise RuntimeError(f"{message.message_id} comes again")

    patch.setattr(ProcessRepairs, "_send", send)


def _marked_before_it_is_said(patch: Patch) -> None:
    """The marker of an announcement is put before the event is sent."""
    real = Publish._announce

    def announce(self: Publish, *args: Any, **options: Any) -> bool:
        said: list[Any] = []
        silent = replace(self, signals=cast("Signals", SimpleNamespace(announce=lambda *event: said.append(event))))
        real(silent, *args, **options)
        for event in said:
            self.signals.announce(*event)
        return bool(said)

    patch.setattr(Publish, "_announce", announce)


BAD_DAY = Profile(death=0.02, errors=0.02, slowness=0.02, duplicates=0.2, throttling=0.1, outage=0.1)
LIARS = Profile(lies=0.2, audits=3, vendors=1)
MUTANTS = [
    Mutant("no time apart", _no_time_apart, LIARS),
    Mutant("one answer is proof", _one_answer_is_proof, LIARS),
    Mutant("no_data counts", _no_data_counts, Profile(no_data=0.4, audits=2)),
    Mutant("covered is ignored", _covered_is_ignored, Profile(cut_short=0.5)),
    Mutant("settle before writing", _settle_before_writing, replace(BAD_DAY, death=0.05)),
    Mutant("postponed is forgotten", _postponed_is_forgotten, Profile(per_minute=2)),
    Mutant("failures are acknowledged", _failures_are_acknowledged, Profile(errors=0.05)),
    Mutant("everything is written", _everything_is_written, Profile()),
    Mutant("holes are interpolated", _holes_are_interpolated, Profile()),
    Mutant("nobody wakes who comes late", _nobody_wakes_who_comes_late, Profile()),
    Mutant("a late wait spends its attempt", _a_late_wait_spends_its_attempt, Profile(per_minute=1, patience=2)),
    Mutant("settled jobs wake nobody", _settled_jobs_wake_nobody, Profile(death=0.05)),
    Mutant("tries are endless", _tries_are_endless, Profile(outage=0.8)),
    Mutant(
        "each claim is a redrive", _each_claim_is_a_redrive_of_its_own, Profile(errors=0.04, outage=0.8, redrives=1)
    ),
    Mutant("attempts are endless", _attempts_are_endless, Profile(garbage=0.9)),
    Mutant("settling twice counts twice", _settling_twice_counts_twice, Profile(duplicates=0.5)),
    Mutant("marked before it is said", _marked_before_it_is_said, Profile(death=0.05, audits=2, publish=True)),
    Mutant("the budget spends receives", _budget_spends_receives, Profile(per_minute=1, audits=3)),
]


@pytest.mark.schedules
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_seeded_bug_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some schedule breaks an invariant, or the bug would pass unseen."""
    MEMORY.install(monkeypatch)
    mutant.seed_bug(monkeypatch)
    for seed in range(mutant.seeds):
        try:
            run_and_check(seed, mutant.profile)
        except Violation:
            return
    pytest.fail(f"{mutant.seeds} schedules did not notice: {mutant.name}")
