"""ProcessRepairs: the worker. One message is one vendor request; what comes of it is written, then settled.

The order of effects is what keeps the promise: bars, then evidence, then the board, then the wake-up, and only
then is the message acknowledged. A worker may die between any two of them: the message comes again and does the
rest, and what is written twice is the same object. Why no message is lost: docs/decisions/loop.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from minutemend.contract import BACKFILL_SHARE
from minutemend.core.answers import Answer, AnswerKind, VendorRequest, halves
from minutemend.core.bars import to_table
from minutemend.core.columns import Bars
from minutemend.core.intervals import place
from minutemend.core.jobs import RepairJob
from minutemend.core.learned import believed, learned
from minutemend.core.minutes import EPOCH, Range, from_epoch_minute
from minutemend.ports import Claim, ClaimStatus, Grant, Message, Signals
from minutemend.ports.board import FAILED
from minutemend.ports.queue import REASON, REDRIVEN
from minutemend.services.await_repairs import resume_when_done
from minutemend.services.queue_repairs import LONGEST_DELAY, to_message
from minutemend.services.worker import Received, Tally, Worker

RETRY_EXHAUSTED = "retry_exhausted"
SUPERSEDED = "superseded"
STOPPED = "stopped"
# A vendor that failed without saying for how long is asked again after 2, 4, 8 … seconds: 30 s in all for 4 tries.
BACKOFF = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRepairs(Worker[RepairJob]):
    """The worker, over ports.

    `lease` is longer than the worker can live, so that a lease that ran out is a dead worker's.
    A job asks its vendor at most `max_receives` times (`tries` on the board).
    """

    signals: Signals
    lease: timedelta

    def parse(self, body: object) -> RepairJob:
        return RepairJob.from_message(body)

    def work(self, job: RepairJob, message: Received, deadline: datetime | None, tally: Tally) -> None:
        """Do the job; one that is not begun by `deadline` goes back to the queue as it came."""
        if deadline is None or self.clock() < deadline:
            self._work(job, message, deadline, tally)
            return
        self._send(job, message, timedelta(0))
        tally.events.append({"event": "put back", "job_id": job.id})

    def _work(self, job: RepairJob, message: Received, deadline: datetime | None, tally: Tally) -> None:
        """Ask for the job's request, or for what an earlier worker left of it, and keep what comes, part by part.
        What there is no time or no budget for goes back to the queue as the job's rest: it spends no try."""
        claim = self._claim(job, message, tally)
        if claim is None:
            return
        vendor, limits = self.vendors[job.request.vendor], self.vendors[job.request.vendor].limits
        todo, kind = list(job.rest or [job.request]), ""
        while todo:
            rest = replace(job, rest=() if todo == [job.request] else tuple(todo))
            if kind:
                late = deadline is not None and self.clock() >= deadline
                grant = Grant(0) if late else self._take(job, message)
                if not grant.requests:
                    return self._postpone(rest, message, claim, grant.wait, tally)
            answer = vendor.fetch(without_unready(todo[0], job, vendor.lag, self.clock()), until=deadline)
            if answer.requests > 1:  # pages that were not foreseen count against the budget, too
                self.board.take(vendor.name, requests=answer.requests - 1, limits=limits, now=self.clock())
            tally.account(answer)
            said = {"kind": str(answer.kind), "status": answer.status, "detail": answer.detail}
            tally.events.append(
                {"event": "answer", "job_id": job.id, "vendor": vendor.name, "bars": len(answer.bars), **said}
            )
            kind = str(answer.kind)
            if answer.kind is AnswerKind.RETRY:
                if claim.tries < self.max_receives:
                    return self._again(rest, message, claim, answer)
                for request in todo:
                    self._keep(job, replace(answer, request=request), tally)
                return self._settle(job, RETRY_EXHAUSTED)
            if answer.divide:  # what is wrong with a few of the symbols is not to cost the others theirs
                todo[:1] = halves(todo[0])
                continue
            self._keep(job, answer, tally)
            todo[:1] = answer.left
        return self._settle(job, kind)

    def _claim(self, job: RepairJob, message: Received, tally: Tally) -> Claim | None:
        """The right to ask the vendor now; None when the message is dealt with otherwise."""
        now = self.clock()
        if job.request.vendor not in self.vendors:  # planned before the stage's vendors changed
            asked = ", ".join(sorted(self.vendors)) or "no vendor"
            self.give_in(job, message, f"the vendor is {job.request.vendor!r}: this stage asks {asked}", tally)
            return None
        if job.backfill and not _redriven(message) and self.board.stopped(job.backfill):
            self._settle(job, STOPPED)
            return None
        if job.not_before is not None and now < job.not_before:
            self._send(job, message, job.not_before - now)
            return None
        claim = self.board.claim(job.id, now=now, lease=self.lease, redo=_redriven(message))
        if claim.status is ClaimStatus.BUSY:
            self._send(job, message, (claim.until or now + self.lease) - now)
        elif claim.status is ClaimStatus.SETTLED:
            # The worker that settled it may have died before the wake-up. `failed` changes no outcome that is there.
            self._settle(job, FAILED)
        elif claim.tries > self.max_receives:
            self.give_in(job, message, f"{claim.tries - 1} workers took it and none came back", tally)
        else:
            grant = self._take(job, message)
            if grant.requests:
                return claim
            self._postpone(job, message, claim, grant.wait, tally)
        return None

    def _take(self, job: RepairJob, message: Received) -> Grant:
        """Leave for one request. A backfill has its share of the vendor's budget; what a person redrove has all."""
        vendor = self.vendors[job.request.vendor]
        share = BACKFILL_SHARE if job.backfill and not _redriven(message) else 1.0
        return self.board.take(vendor.name, requests=1, limits=vendor.limits, now=self.clock(), share=share)

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
        """Write what the answer holds of the job's minutes and what it proves."""
        how: dict[str, Any] = {"source": job.request.vendor, "repair_id": job.id, "captured_at": answer.observed_at}
        bars = believed(job, answer)
        if len(bars):
            self.lake.put_bars(to_table(bars, **how))
            tally.bars += len(bars)
        around = _without(answer.bars, bars)
        if len(around):  # what a vendor says of stored minutes is compared later: no worker reads bars
            self.lake.put_looks(to_table(around, **how))
        said = learned(job, answer)  # a look of `mend verify` asks for no minute: it may show one that is said absent
        self.lake.answers.put(said if len(job.gaps) else [one for one in said if one.shown is not None])

    def _again(self, job: RepairJob, message: Received, claim: Claim, answer: Answer) -> None:
        """Ask again later; no worker asks sooner when the vendor said so. A fresh message: it spends no receive."""
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

    def give_in(self, job: RepairJob, message: Received, reason: str, tally: Tally) -> None:  # noqa: ARG002
        attributes = {"audit_id": job.audit_id, "job_id": job.id, "message_id": message.message_id}
        self.queue.dead_letter(message.body, reason=reason, attributes=attributes)
        self._settle(job, FAILED)


def without_unready(request: VendorRequest, job: RepairJob, lag: timedelta | None, now: datetime) -> VendorRequest:
    """The request less the neighbours that the vendor cannot have yet: it is asked out to its session's end, and some
    refuse whole requests that reach into their newest minutes (Alpaca's free plan: 403 for the last 15)."""
    ready = (now - (lag or timedelta(0))).replace(second=0, microsecond=0)
    ends = [int(gaps.ends[-1]) for symbol in request.symbols if len(gaps := job.gaps_of(symbol))]
    last = from_epoch_minute(max(ends)) if ends else request.range.end
    end = min(request.range.end, max(last, ready))
    return replace(request, range=Range(request.range.start, end)) if end > request.range.start else request


def _without(bars: Bars, some: Bars) -> Bars:
    """The bars less some of them, which have the same `names`."""
    every, taken = (place(one.codes, one.minutes) for one in (bars, some))
    return bars.where(~np.isin(every, taken))


def _redriven(message: Received) -> datetime | None:
    """When a person redrove it; the beginning of time when that was done by other means, which do not say."""
    if REASON not in message.attributes:
        return None
    return datetime.fromisoformat(message.attributes.get(REDRIVEN, EPOCH.isoformat()))
