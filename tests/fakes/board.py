"""An in-memory Board: what the real one promises, and nothing survives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from minutemend.core.minutes import EPOCH, MINUTE, epoch_minute
from minutemend.ports.board import FAILED, Board, Claim, ClaimStatus, Progress


@dataclass
class FakeJob:
    lease: datetime | None = None
    tries: int = 0
    outcome: str | None = None


@dataclass
class FakeAttempt:
    jobs: int | None = None
    settled: int = 0
    token: str | None = None


@dataclass
class FakeBudget:
    minute: int = -1
    taken: int = 0
    paused: datetime | None = None


class FakeBoard(Board):
    """`jobs`, `attempts` and `budgets` are open to tests that look."""

    def __init__(self) -> None:
        self.jobs: dict[str, FakeJob] = {}
        self.attempts: dict[tuple[str, int], FakeAttempt] = {}
        self.budgets: dict[str, FakeBudget] = {}

    def open_attempt(self, audit_id: str, attempt: int, *, jobs: int) -> None:
        self.attempts.setdefault((audit_id, attempt), FakeAttempt()).jobs = jobs

    def latest_attempt(self, audit_id: str) -> int:
        opened = [number for (name, number), one in self.attempts.items() if name == audit_id and one.jobs is not None]
        return max(opened, default=0)

    def wait(self, audit_id: str, attempt: int, *, token: str) -> Progress:
        self.attempts.setdefault((audit_id, attempt), FakeAttempt()).token = token
        return self._progress(audit_id, attempt)

    def claim(self, job_id: str, *, now: datetime, lease: timedelta, redo: bool = False) -> Claim:
        job = self.jobs.setdefault(job_id, FakeJob())
        again = redo and job.outcome == FAILED
        if job.outcome is not None and not again:
            return Claim(ClaimStatus.SETTLED)
        if job.lease is not None and job.lease > now:
            return Claim(ClaimStatus.BUSY, job.lease)
        job.lease = now + lease
        job.tries = 1 if again else job.tries + 1
        return Claim(ClaimStatus.GRANTED, job.lease, tries=job.tries)

    def release(self, job_id: str, claim: Claim, *, tried: bool = False) -> None:
        job = self.jobs[job_id]
        if job.lease is None or job.lease != claim.until:
            return
        job.lease = None
        if not tried:
            job.tries -= 1

    def settle(self, job_id: str, *, audit_id: str, attempt: int, outcome: str) -> Progress:
        job = self.jobs.setdefault(job_id, FakeJob())
        if job.outcome is None:
            self.attempts.setdefault((audit_id, attempt), FakeAttempt()).settled += 1
            job.outcome, job.lease = outcome, None
        elif job.outcome == FAILED and outcome != FAILED:
            job.outcome, job.lease = outcome, None
        return self._progress(audit_id, attempt)

    def take(self, vendor: str, *, per_minute: int, now: datetime) -> timedelta:
        budget = self.budgets.setdefault(vendor, FakeBudget())
        if budget.paused is not None and budget.paused > now:
            return budget.paused - now
        minute = epoch_minute(now)
        if budget.minute < minute:
            budget.minute, budget.taken = minute, 0
        if budget.minute == minute and budget.taken < per_minute:
            budget.taken += 1
            return timedelta(0)
        return EPOCH + (minute + 1) * MINUTE - now

    def pause(self, vendor: str, *, until: datetime) -> None:
        budget = self.budgets.setdefault(vendor, FakeBudget())
        budget.paused = max(until, budget.paused or until)

    def _progress(self, audit_id: str, attempt: int) -> Progress:
        found = self.attempts.setdefault((audit_id, attempt), FakeAttempt())
        jobs = found.jobs if found.jobs is not None else 2**31
        return Progress(jobs=jobs, settled=found.settled, token=found.token)
