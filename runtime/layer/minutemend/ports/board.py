"""The board: which jobs of an attempt are open, claimed or settled, who waits for them, and what the vendors'
rate budgets still hold. One DynamoDB table in AWS.

Everything on it may be lost without losing a bar: the lake is the truth, the board only saves work and time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class ClaimStatus(StrEnum):
    """Whether a worker may work on a job."""

    GRANTED = "granted"
    BUSY = "busy"  # another worker holds it until `until`
    SETTLED = "settled"  # done already, in whatever way: there is nothing to do


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a worker that wants a job."""

    status: ClaimStatus
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an attempt is. `token` is the state machine's, None until somebody waits."""

    jobs: int
    settled: int
    token: str | None

    @property
    def done(self) -> bool:
        return self.settled >= self.jobs


class Board(ABC):
    """What workers and the state machine tell one another."""

    @abstractmethod
    def open_attempt(self, audit_id: str, attempt: int, *, jobs: int) -> None:
        """Say how many jobs an attempt has, before the first is sent. Keeps what is settled and the token."""

    @abstractmethod
    def wait(self, audit_id: str, attempt: int, *, token: str) -> Progress:
        """Leave the token of the one who waits, and return the progress as it is from then on."""

    @abstractmethod
    def claim(self, job_id: str, *, now: datetime, lease: timedelta) -> Claim:
        """Ask to work on a job. A lease that ran out is granted anew: its holder is dead. Not idempotent:
        the holder itself, asking again inside its lease, is told BUSY."""

    @abstractmethod
    def release(self, job_id: str) -> None:
        """Give a claimed job back unsettled (it was postponed)."""

    @abstractmethod
    def settle(self, job_id: str, *, audit_id: str, attempt: int, outcome: str) -> Progress:
        """Settle a job, once: a second call changes nothing. Returns the attempt's progress."""

    @abstractmethod
    def take(self, vendor: str, *, per_minute: int, now: datetime) -> timedelta:
        """Take one request from the vendor's budget: zero when granted, else how long to wait. Shared by
        all workers; a fixed window of one minute. Not idempotent."""

    @abstractmethod
    def pause(self, vendor: str, *, until: datetime) -> None:
        """Nobody is to ask this vendor before `until` (its Retry-After); a later pause wins."""
