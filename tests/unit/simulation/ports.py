"""The board, the signals and the planner's queue of a run: fakes that keep count for the invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import epoch_minute
from minutemend.ports import Claim, ClaimStatus, Progress, Signals

from tests.fakes.board import FakeBoard
from tests.fakes.job_gaps import wanted
from tests.unit.simulation.beginnings import minutes

if TYPE_CHECKING:
    from tests.unit.simulation.scenario import Scenario

SLIGHT = 2  # seconds: a lease outlasts its worker by more than two clocks so far apart disagree


class SimBoard(FakeBoard):
    """Counts the grants that were not given back untried: each allows one vendor request. `outcomes` are what jobs
    were settled as, also after the board was lost."""

    def __init__(self, run: Scenario) -> None:
        super().__init__()
        self._world = run.world
        self.grants: Counter[str] = Counter()
        self.outcomes: dict[str, str] = {}
        self.losses = 0

    def lose(self) -> None:
        """Everything on it is gone, as after a restore of the stack without its table."""
        self._world.note("the board is lost")
        self.losses += 1
        for kept in (self.jobs, self.attempts, self.budgets):
            kept.clear()  # type: ignore[attr-defined]

    def claim(self, job_id: str, *, now: datetime, lease: timedelta, redo: datetime | None = None) -> Claim:
        claim = super().claim(job_id, now=now, lease=lease, redo=redo)
        self.grants[job_id] += claim.status is ClaimStatus.GRANTED
        if claim.status is ClaimStatus.GRANTED and self._world.current is not None:
            self._alone(job_id)
            self._world.current.job = job_id
        return claim

    def release(self, job_id: str, claim: Claim, *, tried: bool = False) -> None:
        kept = job_id in self.jobs  # the board was not lost
        tries = self.jobs[job_id].tries if kept else 0
        if kept:
            super().release(job_id, claim, tried=tried)
        # A worker of a slow clock may give back what is another's by now: nothing is.
        self.grants[job_id] -= tries - self.jobs[job_id].tries if kept else not tried
        self._let_go()

    def settle(self, job_id: str, *, audit_id: str, attempt: int, outcome: str) -> Progress:
        progress = super().settle(job_id, audit_id=audit_id, attempt=attempt, outcome=outcome)
        self.outcomes[job_id] = self.jobs[job_id].outcome or outcome
        self._let_go()
        return progress

    def _alone(self, job_id: str) -> None:
        """A lease that ran out is a dead worker's: no other worker is at this job."""
        others = [one for one in self._world.processes if one is not self._world.current and one.job == job_id]
        others = [one for one in others if one.ends > self._world.now]
        if others and self._world.profile.skew <= SLIGHT and not self.losses:
            raise self._world.wrong(f"job {job_id} is granted while {others[0].name} is at it")

    def _let_go(self) -> None:
        if self._world.current is not None:
            self._world.current.job = None


class SimSignals(Signals):
    """Resumes the executions of the run; remembers the rest."""

    def __init__(self, run: Scenario) -> None:
        self._run = run
        self.alarms: list[str] = []
        self.announced: list[Mapping[str, Any]] = []

    def resume(self, token: str, output: Mapping[str, Any]) -> None:  # noqa: ARG002 (the machine keeps its own state)
        name, attempt, _ = token.split("/")
        for job in self._run.planned.values():
            if (job.audit_id, job.attempt) == (name, int(attempt)) and not self._run.outcome(job.id):
                raise self._run.world.wrong(f"{token} is resumed while job {job.id} is open")
        for execution in self._run.executions:
            execution.resume(token)

    def alarm(self, subject: str, message: str) -> None:
        self.alarms.append(f"{subject}\n{message}")

    def announce(self, detail_type: str, detail: Mapping[str, Any]) -> None:  # noqa: ARG002
        self.announced.append(detail)


class Remembering:
    """The repair queue as QueueRepairs sees it: what is planned is on record, whether or not it is sent twice."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario

    def send(self, messages: Any) -> int:
        given = list(messages)
        for message in given:
            job = RepairJob.from_message(dict(message.body))
            self._scenario.planned[job.id] = job
            self._missing(job)
        return self._scenario.queue.send(given)

    def _missing(self, job: RepairJob) -> None:
        """A minute whose bar was there before the look that the plan is made of is no part of a gap."""
        run = self._scenario
        looked = run.looked[job.audit_id, job.attempt - 1]
        for symbol, gap in wanted(job):
            for minute in minutes(gap):
                born = run.store.born.get((symbol, epoch_minute(minute) * 60_000))
                if born is not None and born < looked:
                    raise run.world.wrong(f"{symbol} at {minute} is stored, and {job.audit_id} plans to repair it")
