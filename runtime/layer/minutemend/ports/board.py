"""The board: which jobs of an attempt are open, claimed or settled, who waits for them, and what the vendors'
rate budgets still hold. One DynamoDB table in AWS.

Everything on it may be lost without losing a bar: the lake is the truth, the board only saves work and time.

No wake-up is lost: whoever waits writes its token and then reads the count, whoever settles adds to the count and
then reads the token, all on one item, so that the later of the two sees both. Both may see both: a token resumes
once, and the second word to it does not matter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from minutemend.core.minutes import MINUTE
from minutemend.ports.vendor import Limits

SECOND = timedelta(seconds=1)
FAILED = "failed"  # the one outcome that a redrive may better


class ClaimStatus(StrEnum):
    """Whether a worker may work on a job."""

    GRANTED = "granted"
    BUSY = "busy"  # another worker holds it until `until`
    SETTLED = "settled"  # done already, in whatever way: there is nothing to do


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a worker that wants a job. `tries` counts the grants that were not given back untried."""

    status: ClaimStatus
    until: datetime | None = None  # end of the lease: one's own when granted, the other's when busy
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an attempt is. `token` is the state machine's, None until somebody waits."""

    jobs: int
    settled: int
    token: str | None

    @property
    def done(self) -> bool:
        return self.settled >= self.jobs


@dataclass(frozen=True, slots=True)
class Grant:
    """What a vendor's budget gave: `requests`, at most as many as were wanted, and how long to `wait` for more
    (zero when all were given). What is not used is not given back: its minute is that much poorer."""

    requests: int
    wait: timedelta = timedelta(0)


class Board(ABC):
    """What workers and the state machine tell one another."""

    @abstractmethod
    def open_attempt(self, audit_id: str, attempt: int, *, jobs: int) -> None:
        """Say how many jobs an attempt has, before the first is sent. Keeps what is settled and the token."""

    @abstractmethod
    def latest_attempt(self, audit_id: str) -> int:
        """The highest attempt that was opened; 0 when none was."""

    @abstractmethod
    def wait(self, audit_id: str, attempt: int, *, token: str) -> Progress:
        """Leave the token of the one who waits, and return the progress as it is from then on."""

    @abstractmethod
    def progress(self, audit_id: str, attempt: int) -> Progress:
        """How far an attempt is. Changes nothing: nobody waits by it."""

    @abstractmethod
    def claim(self, job_id: str, *, now: datetime, lease: timedelta, redo: datetime | None = None) -> Claim:
        """Ask to work on a job. A lease that ran out is granted anew: its holder is dead. `redo` grants a job
        that is settled as `failed`, too: somebody redrove it then, and its tries begin anew, once for each such
        instant. Not idempotent: the holder itself, asking again inside its lease, is told BUSY."""

    @abstractmethod
    def release(self, job_id: str, claim: Claim, *, tried: bool = False) -> None:
        """Give a granted job back unsettled: postponed, or `tried` when the vendor was asked in vain. Changes
        nothing when the lease is no longer that of `claim`."""

    @abstractmethod
    def settle(self, job_id: str, *, audit_id: str, attempt: int, outcome: str) -> Progress:
        """Settle a job, once: a second call changes nothing, save that `failed` may become something better.
        A job counts once, whatever becomes of it. Returns the attempt's progress, as it is from then on."""

    def take(self, vendor: str, *, requests: int, limits: Limits, now: datetime) -> Grant:
        """Take `requests` (one at least) from the vendor's budget, or as many of them as it still holds. Shared
        by all workers; fixed windows of one minute and, where `limits` say so, of one second. Not idempotent."""
        if limits.per_second is None:
            return self._take(vendor, requests, limits.per_minute, MINUTE, now)
        # The second first: what it does not give is only lost to this second, and stays in the minute's budget.
        second = self._take(f"{vendor}#second", requests, limits.per_second, SECOND, now)
        if second.requests == 0:
            return second
        minute = self._take(vendor, second.requests, limits.per_minute, MINUTE, now)
        return minute if minute.requests < second.requests else second

    @abstractmethod
    def _take(self, name: str, requests: int, limit: int, length: timedelta, now: datetime) -> Grant:
        """Take from the one window of this length that `now` lies in; nothing while `name` is paused."""

    @abstractmethod
    def pause(self, vendor: str, *, until: datetime) -> None:
        """Nobody is to ask this vendor before `until` (its Retry-After); a later pause wins."""
