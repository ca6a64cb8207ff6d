"""The bugs that test_mutants.py seeds: mistakes that read well in review."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from minutemend.contract import Status
from minutemend.core import bars, evidence, learned
from minutemend.core.answers import Answer, AnswerKind, Source
from minutemend.core.columns import Bars
from minutemend.core.density import Past
from minutemend.core.jobs import RepairJob
from minutemend.core.verdicts import Observation, Omissions, ProofRule
from minutemend.ports import Claim, Signals
from minutemend.services import check_data_health, history, lake, look, process_repairs
from minutemend.services.await_repairs import AwaitRepairs
from minutemend.services.process_repairs import ProcessRepairs
from minutemend.services.publish import Publish
from minutemend.services.worker import Received, Tally

from mend.aws import dead_letters
from tests.fakes.job_gaps import wanted
from tests.unit.simulation import functions
from tests.unit.simulation.memory import MEMORY
from tests.unit.simulation.ports import SimBoard
from tests.unit.simulation.rewriting import rewritten

Patch = pytest.MonkeyPatch


def no_data_counts(patch: Patch) -> None:
    """`no_data` for a range is taken for an answer that leaves all of it out."""
    real = learned.learned

    def learn(job: RepairJob, answer: Answer) -> list[Any]:
        found = real(job, answer)
        return [_as_if_around(job, one) if one.kind is AnswerKind.NO_DATA else one for one in found]

    patch.setattr(process_repairs, "learned", learn)


def _as_if_around(job: RepairJob, one: Observation) -> Observation:
    gaps = job.gaps_of(one.symbol)
    omitted = Omissions(gaps.starts, gaps.ends, gaps.starts - 1, gaps.ends)
    return replace(one, kind=AnswerKind.BARS, omitted=omitted, rows=2)


def covered_is_ignored(patch: Patch) -> None:
    """An answer that ends early is taken for one that looked at everything."""
    real = learned.learned
    patch.setattr(
        process_repairs,
        "learned",
        lambda job, answer: real(job, replace(answer, covered=dict.fromkeys(job.request.symbols, job.request.range))),
    )


def settle_before_writing(patch: Patch) -> None:
    """The board hears that a job is done before its bars are written."""
    real = ProcessRepairs._keep

    def keep(self: ProcessRepairs, job: RepairJob, answer: Answer, tally: Tally) -> None:
        self._settle(job, str(answer.kind))
        real(self, job, answer, tally)

    patch.setattr(ProcessRepairs, "_keep", keep)


def postponed_is_forgotten(patch: Patch) -> None:
    """A job that has to wait is released, and its message acknowledged, but not sent again."""
    patch.setattr(ProcessRepairs, "_send", lambda *_: None)


def failures_are_acknowledged(patch: Patch) -> None:
    """A message that met trouble is acknowledged like any other."""
    patch.setattr(ProcessRepairs, "_trouble", lambda *_: None)


def everything_is_written(patch: Patch) -> None:
    """All bars of an answer are written, not only those of the job's gaps."""
    patch.setattr(process_repairs, "believed", lambda _job, answer: answer.bars)


def looks_are_bars(patch: Patch) -> None:
    """What vendors say of stored minutes is written like what was asked for: the newer word counts."""
    patch.setattr(lake.Lake, "put_looks", lambda self, found: self.put_bars(found))


def holes_are_interpolated(patch: Patch) -> None:
    """A bar that the vendor left out is made from its neighbour."""
    real = process_repairs.believed

    def believed(job: RepairJob, answer: Answer) -> Bars:
        told = list(real(job, answer))
        known = {bar.minute for bar in told}
        made = [replace(told[0], minute=gap.start) for symbol, gap in wanted(job) if told and symbol == told[0].symbol]
        return Bars.of(told + [bar for bar in made if bar.minute not in known])

    patch.setattr(process_repairs, "believed", believed)


def nobody_wakes_who_comes_late(patch: Patch) -> None:
    """The waiting side trusts that a worker will still come, and does not look whether all is done."""

    def run(self: AwaitRepairs, state: Any) -> None:
        self.board.wait(state["audit_id"], state["attempt"], token=state["task_token"])

    patch.setattr(AwaitRepairs, "run", run)


def a_late_wait_spends_its_attempt(patch: Patch) -> None:
    """A wait that timed out is over, though its jobs are on their way."""
    patch.setattr(AwaitRepairs, "check_progress", lambda _self, state: {**state, "moving": False})


def settled_jobs_wake_nobody(patch: Patch) -> None:
    """A job that is settled already is acknowledged at once: its settler will have said so."""
    real = ProcessRepairs._settle

    def settle(self: ProcessRepairs, job: RepairJob, outcome: str) -> None:
        known = self.board.jobs.get(job.id)  # type: ignore[attr-defined]
        if outcome == "failed" and known is not None and known.outcome is not None:
            return
        real(self, job, outcome)

    patch.setattr(ProcessRepairs, "_settle", settle)


def tries_are_endless(patch: Patch) -> None:
    """A vendor that is down is asked for as long as it is down."""
    real = SimBoard.claim

    def claim(self: SimBoard, job_id: str, **how: Any) -> Claim:
        return replace(real(self, job_id, **how), tries=1)

    patch.setattr(SimBoard, "claim", claim)


def each_claim_is_a_redrive_of_its_own(patch: Patch) -> None:
    """The tries of a redriven job begin anew whenever it is taken up."""
    real = SimBoard.claim

    def claim(self: SimBoard, job_id: str, **how: Any) -> Claim:
        if how["redo"] is not None and job_id in self.jobs:
            self.jobs[job_id].redone = None
        return real(self, job_id, **how)

    patch.setattr(SimBoard, "claim", claim)


def attempts_are_endless(patch: Patch) -> None:
    """An audit tries until it succeeds."""
    patch.setattr(
        check_data_health.CheckDataHealth,
        "_status",
        lambda _self, needs, *_, **__: Status.REPAIR if len(needs) else Status.READY,
    )


def settling_twice_counts_twice(patch: Patch) -> None:
    """The count of settled jobs goes up with each message, not with each job."""
    real = SimBoard.settle

    def settle(self: SimBoard, job_id: str, *, audit_id: str, attempt: int, outcome: str) -> Any:
        if job_id in self.jobs and self.jobs[job_id].outcome is not None:
            self.attempts[audit_id, attempt].settled += 1
        return real(self, job_id, audit_id=audit_id, attempt=attempt, outcome=outcome)

    patch.setattr(SimBoard, "settle", settle)


def budget_spends_receives(patch: Patch) -> None:
    """A job that the rate budget postpones is handed back to the queue, which counts a delivery."""

    def send(_self: ProcessRepairs, _job: RepairJob, message: Received, _wait: timedelta) -> None:
        raise RuntimeError(f"{message.message_id} comes again")

    patch.setattr(ProcessRepairs, "_send", send)


def marked_before_it_is_said(patch: Patch) -> None:
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


def two_looks_of_any_silence(patch: Patch) -> None:
    """Two looks of one vendor prove whatever it leaves out, plausible or not."""
    patch.setattr(
        evidence._Observed, "judged", rewritten(evidence._Observed.judged, ">= LEAST) & ~dark", ">= 0) | dark")
    )


def vendors_are_sources(patch: Patch) -> None:
    """Each vendor is taken for a source of its own, whatever it draws on."""

    def rule(apart: timedelta, settling: timedelta, sources: dict[str, Source], lags: Any) -> ProofRule:
        return ProofRule(apart, settling, {name: replace(one, name=name) for name, one in sources.items()}, lags)

    patch.setattr(functions, "ProofRule", rule)


def the_past_is_forgotten(patch: Patch) -> None:
    """What the symbol's earlier sessions lacked does not count."""
    patch.setattr(look, "_past", lambda _lake, _window, names: Past.unknown(len(names)))


def a_short_lease(patch: Patch) -> None:
    """A lease is over before the worker that holds it can be."""
    real = SimBoard.claim

    def claim(self: SimBoard, job_id: str, *, lease: timedelta, **how: Any) -> Claim:
        return real(self, job_id, lease=lease / 8, **how)

    patch.setattr(SimBoard, "claim", claim)


def precedence(old: str, new: str) -> Callable[[Patch], None]:
    """Readers and compaction decide otherwise between two bars of a minute."""

    def seed_bug(patch: Patch) -> None:
        resolve = rewritten(bars.resolve, old, new)
        patch.setattr(history, "resolve", resolve)
        patch.setattr(lake, "resolve", MEMORY.resolver(resolve))

    return seed_bug


def no_delete(patch: Patch) -> None:
    """A dead letter that was sent back stays a dead letter."""
    old = 'sqs.delete_message(QueueUrl=dead_letter_url, ReceiptHandle=message["ReceiptHandle"])'
    patch.setattr(functions, "redrive", rewritten(dead_letters.redrive, old, "pass"))
