"""ProcessRepairs: the worker. One message is one vendor request; what comes of it is written, then settled.

The order of effects is what keeps the promise: bars, then evidence, then the board, then the wake-up, and only
then is the message acknowledged. A worker may die between any two of them: the message comes again and does the
rest, and what is written twice is the same object. Why no message is lost: docs/decisions/claims-and-leases.md.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from minutemend.core.answers import Answer, AnswerKind
from minutemend.core.bars import to_table
from minutemend.core.errors import BadInput
from minutemend.core.jobs import RepairJob
from minutemend.core.learned import believed, learned
from minutemend.core.minutes import EPOCH
from minutemend.ports import Board, Claim, ClaimStatus, JobQueue, Message, Signals, Vendor
from minutemend.ports.board import FAILED
from minutemend.ports.queue import REASON, REDRIVEN
from minutemend.services.await_repairs import resume_when_done
from minutemend.services.lake import Lake
from minutemend.services.queue_repairs import LONGEST_DELAY, to_message

RETRY_EXHAUSTED = "retry_exhausted"
SUPERSEDED = "superseded"
# A vendor that failed without saying for how long is asked again after 2, 4, 8 … seconds: 30 s in all for 4 tries.
BACKOFF = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it came. `receives` counts its deliveries, this one included."""

    message_id: str
    body: str
    receives: int
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """What became of a batch. `failed` are the message ids to deliver again; the rest is acknowledged."""

    failed: list[str] = field(default_factory=list)
    repaired: int = 0  # minutes written
    requests: Counter[str] = field(default_factory=Counter)  # by vendor
    errors: Counter[str] = field(default_factory=Counter)  # by vendor: answers that were no answers
    throttles: Counter[str] = field(default_factory=Counter)  # by vendor: asked to wait
    events: list[dict[str, Any]] = field(default_factory=list)  # one log line each


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRepairs:
    """The worker, over ports.

    `lease` is longer than the worker can live, so that a lease that ran out is a dead worker's.
    `max_receives` is the queue's own limit; a job asks its vendor at most as often (`tries` on the board).
    """

    lake: Lake
    board: Board
    queue: JobQueue
    signals: Signals
    vendors: Mapping[str, Vendor]
    clock: Callable[[], datetime]
    lease: timedelta
    max_receives: int

    def run(self, batch: Iterable[Received], *, deadline: datetime | None = None) -> Tally:
        """Work through a batch. What is not begun by `deadline` goes back to the queue as it came."""
        tally = Tally()
        for message in batch:
            try:
                job = self._parse(message, tally)
                if job is None:
                    continue
                if deadline is not None and self.clock() >= deadline:
                    self._send(job, message, timedelta(0))
                    tally.events.append({"event": "put back", "job_id": job.id})
                else:
                    self._work(job, message, tally)
            except Exception as error:  # noqa: BLE001 (one message's trouble is that message's alone)
                self._trouble(message, error, tally)
        return tally

    def _parse(self, message: Received, tally: Tally) -> RepairJob | None:
        """The message's job; None when it is poison, which has then reached the dead-letter queue."""
        try:
            return RepairJob.from_message(_json(message.body))
        except BadInput as reason:
            self.queue.dead_letter(message.body, reason=str(reason), attributes={"message_id": message.message_id})
            tally.events.append({"event": "poison", "message_id": message.message_id, "reason": str(reason)})
            return None

    def _work(self, job: RepairJob, message: Received, tally: Tally) -> None:
        claim = self._claim(job, message, tally)
        if claim is None:
            return
        vendor = self.vendors[job.request.vendor]
        answer = vendor.fetch(job.request)
        if answer.requests > 1:  # pages that nobody could foresee count against the budget, too
            self.board.take(vendor.name, requests=answer.requests - 1, limits=vendor.limits, now=self.clock())
        self._account(job, answer, tally)
        if answer.kind is AnswerKind.RETRY and claim.tries < self.max_receives:
            self._again(job, message, claim, answer)
        else:
            self._keep(job, answer, tally)

    def _claim(self, job: RepairJob, message: Received, tally: Tally) -> Claim | None:
        """The right to ask the vendor now; None when the message is dealt with otherwise."""
        now = self.clock()
        if job.request.vendor not in self.vendors:  # planned before the stage's vendors changed
            asked = ", ".join(sorted(self.vendors)) or "nobody"
            self._give_in(job, message, f"the vendor is {job.request.vendor!r}: this stage asks {asked}")
            return None
        if job.not_before is not None and now < job.not_before:
            self._send(job, message, job.not_before - now)
            return None
        claim = self.board.claim(job.id, now=now, lease=self.lease, redo=_redriven(message))
        if claim.status is ClaimStatus.BUSY:
            self._send(job, message, (claim.until or now + self.lease) - now)
        elif claim.status is ClaimStatus.SETTLED:
            # Whoever settled it may have died before the wake-up. `failed` changes no outcome that is there.
            self._settle(job, FAILED)
        elif claim.tries > self.max_receives:
            self._give_in(job, message, f"{claim.tries - 1} workers took it and none came back")
        else:
            vendor = self.vendors[job.request.vendor]
            grant = self.board.take(vendor.name, requests=1, limits=vendor.limits, now=now)
            if grant.requests:
                return claim
            self._postpone(job, message, claim, grant.wait, tally)
        return None

    def _postpone(self, job: RepairJob, message: Received, claim: Claim, wait: timedelta, tally: Tally) -> None:
        """A fresh message for later, which spends no receive. But a job that waited until the next attempt was
        planned is in that plan, as far as it is needed: a throttled vendor is not asked for everything twice.
        What a person redrove is in no plan."""
        if REASON not in message.attributes and job.attempt < self.board.latest_attempt(job.audit_id):
            self._settle(job, SUPERSEDED)
            return
        self.board.release(job.id, claim)
        self._send(job, message, wait)
        tally.events.append({"event": "postponed", "job_id": job.id, "seconds": wait.total_seconds()})

    def _keep(self, job: RepairJob, answer: Answer, tally: Tally) -> None:
        """Write what the answer holds of the job's minutes and what it proves, then settle."""
        bars = believed(job, answer)
        if bars:
            table = to_table(bars, source=job.request.vendor, repair_id=job.id, captured_at=answer.observed_at)
            self.lake.put_bars(table)
            tally.repaired += len(bars)
        self.lake.put_observations(learned(job, answer))
        self._settle(job, RETRY_EXHAUSTED if answer.kind is AnswerKind.RETRY else str(answer.kind))

    def _again(self, job: RepairJob, message: Received, claim: Claim, answer: Answer) -> None:
        """Ask again later, and nobody sooner when the vendor said so. A fresh message: it spends no receive."""
        wait = BACKOFF * 2 ** (claim.tries - 1)
        if answer.retry_after is not None:
            wait = max(wait, answer.retry_after)
            self.board.pause(job.request.vendor, until=self.clock() + answer.retry_after)
        self.board.release(job.id, claim, tried=True)
        self._send(job, message, wait)

    def _settle(self, job: RepairJob, outcome: str) -> None:
        progress = self.board.settle(job.id, audit_id=job.audit_id, attempt=job.attempt, outcome=outcome)
        resume_when_done(self.signals, progress, audit_id=job.audit_id, attempt=job.attempt)

    def _send(self, job: RepairJob, message: Received, wait: timedelta) -> None:
        """A fresh copy, hidden for `wait` (a whole second at least); the old one is then acknowledged."""
        plain = to_message(job, now=self.clock(), attributes=message.attributes)
        wait = min(max(wait, plain.delay, timedelta(seconds=1)), LONGEST_DELAY)
        self.queue.send([Message(plain.body, delay=wait, attributes=plain.attributes)])

    def _trouble(self, message: Received, error: Exception, tally: Tally) -> None:
        """Deliver the message again, or, when this was the last delivery, give in with the reason beside it."""
        reason = f"{type(error).__name__}: {error}"
        tally.events.append({"event": "trouble", "message_id": message.message_id, "reason": reason})
        if message.receives >= self.max_receives:
            try:
                return self._give_in(RepairJob.from_message(_json(message.body)), message, reason)
            except Exception as again:  # noqa: BLE001 (the queue's own redrive policy takes it from here)
                tally.events.append({"event": "trouble", "message_id": message.message_id, "reason": str(again)})
        tally.failed.append(message.message_id)
        return None

    def _give_in(self, job: RepairJob, message: Received, reason: str) -> None:
        attributes = {"audit_id": job.audit_id, "job_id": job.id, "message_id": message.message_id}
        self.queue.dead_letter(message.body, reason=reason, attributes=attributes)
        self._settle(job, FAILED)

    def _account(self, job: RepairJob, answer: Answer, tally: Tally) -> None:
        name = job.request.vendor
        tally.requests[name] += answer.requests
        if answer.kind is AnswerKind.RETRY and answer.retry_after is not None:
            tally.throttles[name] += 1
        elif answer.kind not in (AnswerKind.BARS, AnswerKind.NO_DATA):
            tally.errors[name] += 1
        tally.events.append(
            {"event": "answer", "job_id": job.id, "vendor": name, "kind": str(answer.kind), "bars": len(answer.bars)}
            | {"status": answer.status, "detail": answer.detail}
        )


def _redriven(message: Received) -> datetime | None:
    """When a person redrove it; the beginning of time when that was done by other means, which do not say."""
    if REASON not in message.attributes:
        return None
    return datetime.fromisoformat(message.attributes.get(REDRIVEN, EPOCH.isoformat()))


def _json(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError:
        raise BadInput(f"the body is no JSON: {body[:80]!r}") from None
