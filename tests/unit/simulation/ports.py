"""The board, the signals and the planner's queue of a run: fakes that keep count for the invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from minutemend.core.jobs import RepairJob
from minutemend.ports import Claim, ClaimStatus, Signals

from tests.fakes.board import FakeBoard
from tests.unit.simulation.world import Violation

if TYPE_CHECKING:
    from tests.unit.simulation.scenario import Scenario


class SimBoard(FakeBoard):
    """Counts the grants that were not given back untried: each allows one vendor request."""

    def __init__(self) -> None:
        super().__init__()
        self.grants: Counter[str] = Counter()

    def claim(self, job_id: str, *, now: datetime, lease: timedelta, redo: datetime | None = None) -> Claim:
        claim = super().claim(job_id, now=now, lease=lease, redo=redo)
        self.grants[job_id] += claim.status is ClaimStatus.GRANTED
        return claim

    def release(self, job_id: str, claim: Claim, *, tried: bool = False) -> None:
        super().release(job_id, claim, tried=tried)
        self.grants[job_id] -= not tried


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
                raise Violation(f"{token} is resumed while job {job.id} is open")
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
        return self._scenario.queue.send(given)
