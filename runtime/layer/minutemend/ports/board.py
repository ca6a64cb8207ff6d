"""The board: which jobs of an attempt are open, claimed or settled, who waits for them, and what the vendors'
rate budgets still hold. One DynamoDB table in AWS.

Everything on it may be lost without losing a bar: the lake is the truth, the board only saves work and time.

No wake-up is lost: the waiting side writes its token and then reads the count, the settling side adds to the count
and then reads the token, all on one item, so that the later of the two sees both. Both may see both: a token resumes
once, and the second word to it does not matter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from minutemend.core.answers import VendorLimits
from minutemend.core.minutes import EPOCH

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


@dataclass(frozen=True, slots=True)
class Sliding:
    """How a budget slides: it is counted in slots, and the `earlier` slots before the running one still count."""

    slot: timedelta
    earlier: int

    def number(self, now: datetime) -> int:
        """The running slot, counted from 1970."""
        return (now - EPOCH) // self.slot

    def wait(self, counts: Mapping[int, int], now: datetime) -> timedelta:
        """Until the oldest of the slots that hold anything counts no more; `counts` are requests by slot."""
        oldest = min((slot for slot, count in counts.items() if count > 0), default=self.number(now))
        return EPOCH + (oldest + self.earlier + 1) * self.slot - now


@dataclass(frozen=True, slots=True)
class Limit:
    """How many requests a budget has in `whole`, and which share of them may be used by those who ask now."""

    whole: int
    share: float = 1.0

    @property
    def mine(self) -> int:
        """Up to how many, all told, something is given: one at least, where the whole has one."""
        return min(self.whole, max(1, int(self.whole * self.share)))


# In no 60 seconds, wherever they begin, are there more requests than the minute's budget: a vendor may count so.
MINUTE_BUDGET = Sliding(timedelta(seconds=5), earlier=12)
# The clock's own seconds, of which a stage is to give half of what the vendor's second allows.
SECOND_BUDGET = Sliding(SECOND, earlier=0)


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
        """How far an attempt is. Changes nothing, and leaves no token."""

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

    @abstractmethod
    def stop(self, run: str) -> None:
        """This run of a backfill is not to be worked at any more: no later word lets it go on."""

    @abstractmethod
    def stopped(self, run: str) -> bool:
        """Whether somebody stopped this run."""

    def take(self, vendor: str, *, requests: int, limits: VendorLimits, now: datetime, share: float = 1.0) -> Grant:
        """Take `requests` (one at least) from the vendor's budget, or as many of them as it still holds. Shared
        by all workers: of a minute that slides and, where `limits` say so, of the clock's second. Not idempotent.

        With a `share` below 1 nothing is given once so much of the budget is used by all: the rest of it stays
        free for those who take with none."""
        if limits.per_second is None:
            return self._take(vendor, requests, Limit(limits.per_minute, share), MINUTE_BUDGET, now)
        # The second first: what it does not give is only lost to this second, and stays in the minute's budget.
        second = self._take(f"{vendor}#second", requests, Limit(limits.per_second, share), SECOND_BUDGET, now)
        if second.requests == 0:
            return second
        minute = self._take(vendor, second.requests, Limit(limits.per_minute, share), MINUTE_BUDGET, now)
        return minute if minute.requests < second.requests else second

    @abstractmethod
    def _take(self, name: str, requests: int, limit: Limit, sliding: Sliding, now: datetime) -> Grant:
        """Take what the running slot and those before it leave of the limit; nothing while `name` is paused."""

    @abstractmethod
    def pause(self, vendor: str, *, until: datetime) -> None:
        """No worker is to ask this vendor before `until` (its Retry-After); a later pause wins."""

    @abstractmethod
    def paused(self, vendor: str) -> datetime | None:
        """Until when the vendor is not to be asked, as far as it ever said so: it may be over."""
