"""What must hold of jobs and their messages, and of what is reported of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from minutemend.core.answers import AnswerKind
from minutemend.core.minutes import MINUTE, Range, from_epoch_minute
from minutemend.core.verdicts import NONE, Observation
from minutemend.ports.board import FAILED
from minutemend.services.evidence_rows import items_of
from minutemend.services.process_repairs import RETRY_EXHAUSTED, STOPPED, SUPERSEDED
from minutemend.services.report_failure import HOLE_SUSPECTED

from tests.fakes.job_gaps import wanted
from tests.unit.simulation.beginnings import minutes
from tests.unit.simulation.functions import APART, MAX_RECEIVES
from tests.unit.simulation.holding import hold
from tests.unit.simulation.scenario import Scenario


def check_jobs(run: Scenario) -> None:
    """No job is lost, and none asks its vendor more often than it may."""
    dead = Counter(held.body for held in run.queue.dead)
    evidence = {one.job_id for one in run.lake.answers.read(run.market.window.dates())}
    for job_id, job in run.planned.items():
        outcome = run.outcome(job_id)
        hold(bool(outcome) or dead[json.dumps(job.to_message())] > 0, f"job {job_id} of {job.audit_id} is lost")
        if outcome not in (None, FAILED, SUPERSEDED, STOPPED):
            hold(job_id in evidence, f"job {job_id} is settled as {outcome} and left no evidence")
        if outcome == RETRY_EXHAUSTED:
            tries = run.board.grants[job_id]
            hold(tries >= MAX_RECEIVES, f"job {job_id} was given up after {tries} of {MAX_RECEIVES} tries")
    again = 1 + run.redrives + run.board.losses
    mine = [told for vendor in run.vendors.values() for told in vendor.told if told.job_id is not None]
    for job_id, times in Counter(told.job_id for told in mine).items():
        hold(times <= MAX_RECEIVES * again, f"{job_id} asked {times} times")
    for held in run.queue.dead:
        explained = held in run.queue.moved or held.attributes.get("reason")
        hold(bool(explained), f"a dead letter without a reason: {held.body}")
    retries = sum(max(0, count - 1) for count in run.board.grants.values())
    hold(len(mine) <= len(run.planned) + retries, f"{len(mine)} requests for {len(run.planned)} jobs")
    if run.profile.skew == 0:
        for vendor in run.vendors.values():
            clock = Counter(told.at.replace(second=0) for told in vendor.told)
            most_asked = max(clock.values(), default=0)
            # A request begins in the minute whose budget it took, and may come in the next.
            allowed = 2 * run.profile.per_minute * (1 + run.board.losses)
            hold(most_asked <= allowed, f"{most_asked} requests to {vendor.name} in one minute")


@dataclass(frozen=True, slots=True)
class _Known:
    """An observation as its job wrote it last, and at which step."""

    said: Observation
    step: int


def _known(run: Scenario) -> Iterator[_Known]:
    for key, table in run.store.answers.items():
        yield from (_Known(one, run.store.written[key]) for one in items_of(Observation, table.to_pylist()))


def check_answers(run: Scenario) -> None:
    """What a job said last is read, or what it said later: compaction loses none of it."""
    read = {
        (one.symbol, one.range.start, one.job_id): one.observed_at
        for one in run.lake.answers.read(run.market.window.dates())
    }
    for known in _known(run):
        one = known.said
        told = read.get((one.symbol, one.range.start, one.job_id))
        hold(told is not None and told >= one.observed_at, f"what {one.job_id} said of {one.symbol} is gone: {told}")


def check_waits(run: Scenario) -> None:
    """A minute that a vendor left out is not asked for again, in the same audit, before that can prove anything. (What
    a vendor wrongly leaves out counts for nothing when it is found out, and is asked for at once. What is proven, or
    was refused in this audit, is watched: a job that asks for others would take it.)"""
    if run.profile.lies or run.profile.lasting:
        return
    known = [one for one in _known(run) if one.said.kind is AnswerKind.BARS and len(one.said.omitted)]
    refused = [one for one in _known(run) if one.said.kind is AnswerKind.GIVE_UP]
    slack = timedelta(seconds=2 * run.profile.skew)
    proofs = [(one, minute) for one in run.lake.absences(run.market.window) for minute in minutes(one.range)]
    proven = {(one.symbol, minute): one.proven_at for one, minute in proofs}
    for vendor in run.vendors.values():
        for told in vendor.told:
            job = run.planned.get(told.job_id or "")
            if job is None or job.attempt == 1:
                continue
            looked = run.looked[job.audit_id, job.attempt - 1]
            for one in known:
                if one.step >= looked or (one.said.vendor, one.said.audit_id) != (vendor.name, job.audit_id):
                    continue
                closed = [
                    no.said.range
                    for no in refused
                    if (no.said.vendor, no.said.audit_id) == (vendor.name, job.audit_id)
                    and no.said.symbol == one.said.symbol
                    and no.step < looked
                ]
                for minute in _both(run, wanted(job), one.said):
                    if any(minute in window for window in closed):
                        continue
                    since = proven.get((one.said.symbol, minute))
                    if since is not None and since <= told.at + slack:
                        continue
                    window = Range(minute, minute + MINUTE)
                    left_out = [answer.at for answer in vendor.told if answer.omits(one.said.symbol, window)]
                    what = f"{one.said.symbol} at {minute}"
                    hold(bool(left_out), f"{what} was never left out, though {one.said.job_id} says so")
                    first = min(left_out)
                    late = told.at >= first + APART - slack
                    hold(late, f"{what} was left out at {first}, and asked for again at {told.at}")


def _both(run: Scenario, gaps: list[tuple[str, Range]], said: Observation) -> Iterator[datetime]:
    """The minutes of the gaps that were left out between bars of their session."""
    for start, end, before, after in said.omitted.rows():
        omitted = Range(from_epoch_minute(start), from_epoch_minute(end))
        around = [from_epoch_minute(minute) for minute in (before, after) if minute != NONE]
        for session in run.market.sessions_of(said.symbol):
            if omitted.start not in session.range or not all(minute in session.range for minute in around):
                continue
            for symbol, gap in gaps:
                both = omitted.intersect(gap) if symbol == said.symbol and len(around) == 2 else None
                yield from minutes(both) if both else ()


def check_failures(run: Scenario) -> None:
    """The newest answer that an audit had gives the reason of what it reports."""
    by_audit: dict[str, list[_Known]] = {}
    for one in _known(run):
        by_audit.setdefault(one.said.audit_id, []).append(one)
    for failure in run.lake.failures(run.market.window):
        if failure.reason == HOLE_SUSPECTED:
            continue
        begun = run.reported[failure.audit_id]
        # What was written later may have replaced something that the report saw.
        sure = [one.said for one in by_audit.get(failure.audit_id, ()) if one.step < begun]
        said = json.loads(failure.evidence)
        given = max((datetime.fromisoformat(one["observed_at"]) for one in said), default=None)
        for minute in minutes(failure.range):
            of_it = [one.observed_at for one in sure if one.symbol == failure.symbol and minute in one.range]
            newest = max(of_it, default=None)
            hold(
                newest is None or (given is not None and given >= newest.replace(microsecond=0)),
                f"{failure.symbol} at {minute} is {failure.reason} by what was said at {given}; the newest is {newest}",
            )
