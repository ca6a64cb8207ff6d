"""An in-memory Board: what the real one promises, and nothing survives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from minutemend.ports.board import FAILED, Board, Claim, ClaimStatus, Grant, Limit, Progress, Sliding


@dataclass
class FakeJob:
    lease: datetime | None = None
    tries: int = 0
    outcome: str | None = None
    redone: datetime | None = None


@dataclass
class FakeAttempt:
    jobs: int | None = None
    settled: int = 0
    token: str | None = None


@dataclass
class FakeBudget:
    counts: dict[int, int] = field(default_factory=dict)  # requests by slot
    taken: int = 0  # since the beginning
    paused: datetime | None = None


class FakeBoard(Board):
    """`jobs`, `attempts` and `budgets` are open to tests that look."""

    def __init__(self) -> None:
        self.jobs: dict[str, FakeJob] = {}
        self.attempts: dict[tuple[str, int], FakeAttempt] = {}
        self.budgets: dict[str, FakeBudget] = {}
        self.stops: set[str] = set()
        self._lock = Lock()

    def open_attempt(self, audit_id: str, attempt: int, *, jobs: int) -> None:
        self.attempts.setdefault((audit_id, attempt), FakeAttempt()).jobs = jobs

    def latest_attempt(self, audit_id: str) -> int:
        opened = [number for (name, number), one in self.attempts.items() if name == audit_id and one.jobs is not None]
        return max(opened, default=0)

    def wait(self, audit_id: str, attempt: int, *, token: str) -> Progress:
        self.attempts.setdefault((audit_id, attempt), FakeAttempt()).token = token
        return self.progress(audit_id, attempt)

    def claim(self, job_id: str, *, now: datetime, lease: timedelta, redo: datetime | None = None) -> Claim:
        job = self.jobs.setdefault(job_id, FakeJob())
        again = redo is not None and job.outcome == FAILED
        if job.outcome is not None and not again:
            return Claim(ClaimStatus.SETTLED)
        if job.lease is not None and job.lease > now:
            return Claim(ClaimStatus.BUSY, job.lease)
        job.lease = now + lease
        if redo is not None and again and (job.redone is None or job.redone < redo):
            job.redone, job.tries = redo, 0
        job.tries += 1
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
        return self.progress(audit_id, attempt)

    def stop(self, run: str) -> None:
        self.stops.add(run)

    def stopped(self, run: str) -> bool:
        return run in self.stops

    def _take(self, name: str, requests: int, limit: Limit, sliding: Sliding, now: datetime) -> Grant:
        with self._lock:
            budget = self.budgets.setdefault(name, FakeBudget())
            if budget.paused is not None and budget.paused > now:
                return Grant(0, budget.paused - now)
            slot = max([sliding.number(now), *budget.counts])
            budget.counts = {one: count for one, count in budget.counts.items() if one >= slot - sliding.earlier}
            given = max(0, min(requests, limit.mine - sum(budget.counts.values())))
            budget.counts[slot] = budget.counts.get(slot, 0) + given
            budget.taken += given
            return Grant(given, sliding.wait(budget.counts, now) if given < requests else timedelta(0))

    def pause(self, vendor: str, *, until: datetime) -> None:
        budget = self.budgets.setdefault(vendor, FakeBudget())
        budget.paused = max(until, budget.paused or until)

    def paused(self, vendor: str) -> datetime | None:
        return self.budgets[vendor].paused if vendor in self.budgets else None

    def progress(self, audit_id: str, attempt: int) -> Progress:
        found = self.attempts.setdefault((audit_id, attempt), FakeAttempt())
        jobs = found.jobs if found.jobs is not None else 2**31
        return Progress(jobs=jobs, settled=found.settled, token=found.token)
