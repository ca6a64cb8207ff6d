"""The plan: the fewest vendor requests that cover the missing minutes.

A request names some symbols and one range. It may cost as many rows as it has symbols times minutes, by the
wall clock: a vendor that knows extended hours answers for the nights as well. Asking again for minutes that
are stored is free as long as it costs no request; only the minutes of the gaps are written afterwards.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from minutemend.core.answers import VendorRequest
from minutemend.core.cover import Request, cover
from minutemend.core.evidence import Need
from minutemend.core.gaps import Gap
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import Range, epoch_minute, from_epoch_minute, merge
from minutemend.core.verdicts import ProofRule

# Neighbours that are asked for beside a gap where that costs no request: an answer has to hold a bar of its
# symbol to be believed when it leaves a minute out. Ten minutes hold a trade of nearly every listed stock.
CONTEXT_MINUTES = 10


@dataclass(frozen=True, slots=True)
class VendorLimits:
    """What one request to a vendor may hold, and how many it allows."""

    name: str
    rows: int
    symbols: int
    per_minute: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan will take at least. `time` is under the vendors' rate limits alone."""

    requests: int
    minutes: int  # missing minutes that it covers
    rows: int  # rows that the answers may hold at most
    time: timedelta


def plan(
    needs: Iterable[Need], *, audit_id: str, attempt: int, vendors: Sequence[VendorLimits], rule: ProofRule
) -> list[RepairJob]:
    """The jobs of one attempt, sorted by time and symbol. A pure function: asked again, the same jobs.

    Attempt n asks vendor (n - 1) modulo their number, or the next that has not refused. A minute that the
    vendor left out before is not asked for again until a second observation can count.
    """
    chosen: dict[str, list[Need]] = defaultdict(list)
    order = [vendors[(attempt - 1 + step) % len(vendors)] for step in range(len(vendors))]
    for need in needs:
        vendor = next((vendor for vendor in order if vendor.name not in need.refused), None)
        if vendor is not None:
            chosen[vendor.name].append(need)
    jobs = []
    for vendor in order:
        mine = chosen[vendor.name]
        # by symbol, when another look at a minute can count
        second: dict[str, list[tuple[Range, datetime]]] = defaultdict(list)
        for need in mine:
            seen = [first for name, first in need.seen if name == vendor.name]
            second[need.gap.symbol] += [(need.gap.range, first + rule.apart) for first in seen]
        for request in requests(mine, vendor):
            jobs.append(_job(request, second, audit_id=audit_id, attempt=attempt, vendor=vendor.name))
    return sorted(jobs, key=lambda job: (job.request.range.start, job.request.symbols, job.id))


def requests(needs: Iterable[Need], vendor: VendorLimits) -> list[Request]:
    """The fewest requests that cover every minute of `needs`, widened by context where there is room."""
    needs = list(needs)
    missing = _minutes(need.gap for need in needs)
    sessions: dict[str, list[Range]] = {
        symbol: list(merge(ranges)) for symbol, ranges in _sessions(need.gap for need in needs).items()
    }
    return [_widen(request, sessions, vendor) for request in cover(missing, rows=vendor.rows, symbols=vendor.symbols)]


def estimate(jobs: Sequence[RepairJob], vendors: Sequence[VendorLimits]) -> Estimate:
    """What `jobs` take. A fixed window of one minute lets `per_minute` requests through at once."""
    waits = [timedelta(0)]
    for vendor in vendors:
        mine = sum(job.request.vendor == vendor.name for job in jobs)
        waits.append(timedelta(minutes=max(0, math.ceil(mine / vendor.per_minute) - 1)))
    return Estimate(
        requests=len(jobs),
        minutes=sum(gap.minutes for job in jobs for _, gap in job.gaps),
        rows=sum(len(job.request.symbols) * job.request.range.minutes for job in jobs),
        time=max(waits),
    )


def _job(
    request: Request,
    second: Mapping[str, Sequence[tuple[Range, datetime]]],
    *,
    audit_id: str,
    attempt: int,
    vendor: str,
) -> RepairJob:
    window = Range(from_epoch_minute(request.start), from_epoch_minute(request.end))
    gaps = tuple(
        (symbol, Range(from_epoch_minute(start), from_epoch_minute(end)))
        for symbol, parts in request.covers
        for start, end in parts
    )
    waits = [when for symbol, gap in gaps for seen, when in second[symbol] if gap.intersect(seen)]
    return RepairJob(
        audit_id=audit_id,
        attempt=attempt,
        request=VendorRequest(vendor=vendor, symbols=tuple(symbol for symbol, _ in request.covers), range=window),
        gaps=gaps,
        not_before=max(waits, default=None),
    )


def _widen(request: Request, sessions: Mapping[str, Sequence[Range]], vendor: VendorLimits) -> Request:
    """The request with up to CONTEXT_MINUTES on each side, inside the sessions of its gaps and the row limit."""
    width = vendor.rows // len(request.covers)
    spare = width - (request.end - request.start)
    first = from_epoch_minute(request.start)
    last = from_epoch_minute(request.end - 1)
    opens, closes = request.start, request.end
    for symbol, _ in request.covers:
        for session in sessions[symbol]:
            if first in session:
                opens = min(opens, epoch_minute(session.start))
            if last in session:
                closes = max(closes, epoch_minute(session.end))
    before = min(CONTEXT_MINUTES, request.start - opens)
    after = min(CONTEXT_MINUTES, closes - request.end)
    if before + after > spare:  # share what there is
        before = min(before, max(spare // 2, spare - after))
        after = min(after, spare - before)
    return Request(request.start - before, request.end + after, request.covers)


def _minutes(gaps: Iterable[Gap]) -> dict[str, list[tuple[int, int]]]:
    """By symbol, the missing minutes as sorted disjoint `[start, end)` of epoch minutes."""
    by_symbol: dict[str, list[Range]] = defaultdict(list)
    for gap in gaps:
        by_symbol[gap.symbol].append(gap.range)
    return {
        symbol: [(epoch_minute(r.start), epoch_minute(r.end)) for r in merge(ranges)]
        for symbol, ranges in sorted(by_symbol.items())
    }


def _sessions(gaps: Iterable[Gap]) -> dict[str, set[Range]]:
    by_symbol: dict[str, set[Range]] = defaultdict(set)
    for gap in gaps:
        by_symbol[gap.symbol].add(gap.session)
    return by_symbol
