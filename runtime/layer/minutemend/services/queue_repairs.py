"""QueueRepairs: the gaps of the last look become vendor requests, and each request a job for the workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from minutemend.contract import Key
from minutemend.core.answers import VendorLimits
from minutemend.core.audit_state import AuditState
from minutemend.core.gaps import Gaps
from minutemend.core.jobs import RepairJob
from minutemend.core.plan import plan
from minutemend.core.verdicts import ProofRule
from minutemend.ports import Board, JobQueue, Message, Store
from minutemend.services import working_files

_DAY = 1440  # minutes
LONGEST_DELAY = timedelta(minutes=15)  # what SQS can hide a message for


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRepairs:
    """One step of the loop. Run again with the same state it sends the same jobs, which workers do once."""

    results: Store
    board: Board
    queue: JobQueue
    vendors: Sequence[VendorLimits]
    rule: ProofRule

    def run(self, given: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
        """Plan and send the next attempt; the state with `attempt` one higher and the number of `jobs`."""
        state = AuditState.of(given)
        audit_id, attempt, run = state.audit_id, state.attempt + 1, state.backfill
        needs = working_files.get_needs(self.results, given[Key.GAPS_KEY])
        vendors = with_archives(self.vendors, needs.gaps)
        planned = plan(needs, audit_id=audit_id, attempt=attempt, vendors=vendors, rule=self.rule)
        jobs = [replace(job, backfill=run) for job in planned] if run else planned
        # First the count, then the jobs: a worker that settles the first must not take it for the last.
        self.board.open_attempt(audit_id, attempt, jobs=len(jobs))
        self.queue.send(to_message(job, now=now) for job in jobs)
        return replace(state, attempt=attempt, jobs=len(jobs), queued=state.queued + len(jobs)).as_json()


def with_archives(vendors: Sequence[VendorLimits], gaps: Gaps) -> list[VendorLimits]:
    """The vendors, those with an archive as if one request gave a whole file of it, when a whole day is missing. Their
    adapters then send one for each job; a few minutes of several days are for the API."""
    whole_day = bool(len(gaps) and (gaps.end - gaps.start).max() >= _DAY)
    return [replace(one, rows=one.archive) if whole_day and one.archive else one for one in vendors]


def to_message(job: RepairJob, *, now: datetime, attributes: Mapping[str, str] | None = None) -> Message:
    """The job's message, hidden until the job may begin, or as long as the queue can hide one."""
    wait = job.not_before - now if job.not_before else timedelta(0)
    return Message(job.to_message(), delay=min(max(wait, timedelta(0)), LONGEST_DELAY), attributes=attributes or {})
