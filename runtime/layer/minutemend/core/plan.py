"""The plan: the fewest vendor requests that cover the missing minutes.

A request names some symbols and one range. It may cost as many rows as it has symbols times minutes, by the
wall clock: a vendor that knows extended hours answers for the nights as well. Asking again for minutes that
are stored is free as long as it costs no request; only the minutes of the gaps are written afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from minutemend.core.answers import VendorLimits, VendorRequest
from minutemend.core.cover import Requests, cover
from minutemend.core.evidence import NEVER, Flags, Needs
from minutemend.core.gaps import Gaps
from minutemend.core.intervals import LANE, Intervals, Numbers, merge, overlaps, place
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import EPOCH, Range, from_epoch_minute
from minutemend.core.verdicts import ProofRule


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan will take at least. `time` is under the vendors' rate limits alone."""

    requests: int
    minutes: int  # missing minutes that it covers
    rows: int  # rows that the answers may hold at most
    time: timedelta


def plan(
    needs: Needs, *, audit_id: str, attempt: int, vendors: Sequence[VendorLimits], rule: ProofRule
) -> list[RepairJob]:
    """The jobs of one attempt, sorted by time and symbol. A pure function: asked again, the same jobs.

    Attempt n asks vendor (n - 1) modulo their number, or the next that has not refused. A minute that the
    vendor left out before is not asked for again until a second observation can count.
    """
    jobs: list[RepairJob] = []
    open_to = np.ones(len(needs), np.bool_)
    for step in range(len(vendors)):
        vendor = vendors[(attempt - 1 + step) % len(vendors)]
        mine = open_to & ~needs.closed_to(vendor.name)
        open_to &= ~mine
        if mine.any():
            jobs += _jobs(needs, mine, vendor, rule, audit_id=audit_id, attempt=attempt)
    return sorted(jobs, key=lambda job: (job.request.range.start, job.request.symbols))


def estimate(jobs: Sequence[RepairJob], vendors: Sequence[VendorLimits]) -> Estimate:
    """What `jobs` take. The board lets `per_minute` requests through in any minute."""
    waits = [timedelta(0)]
    for vendor in vendors:
        mine = sum(job.request.vendor == vendor.name for job in jobs)
        waits.append(timedelta(minutes=max(0, math.ceil(mine / vendor.per_minute) - 1)))
    return Estimate(
        requests=len(jobs),
        minutes=sum(job.gaps.minutes for job in jobs),
        rows=sum(len(job.request.symbols) * job.request.range.minutes for job in jobs),
        time=max(waits),
    )


def _jobs(
    needs: Needs, mine: Flags, vendor: VendorLimits, rule: ProofRule, *, audit_id: str, attempt: int
) -> list[RepairJob]:
    """The jobs of one vendor, for the needs that are `mine`."""
    gaps = needs.gaps if mine.all() else needs.gaps.take(mine)
    line = gaps.line
    missing = merge(line.starts, line.ends)
    del line  # of a window that lacks every other minute, each column counts: QueueRepairs has 512 MB
    found = cover(missing, rows=vendor.rows, symbols=vendor.symbols)
    lane = found.cells.starts // LANE
    order = np.lexsort((lane, found.request))  # the cells, request by request
    bounds = np.searchsorted(found.request[order], np.arange(len(found) + 1))
    start, end = _widened(found, gaps, vendor.rows, order, bounds)
    # Minutes of which the vendor was heard often enough are asked for no more; but where the answer shows them all the
    # same, because the vendor has loaded them, they are wanted.
    heard = needs.gaps.take(needs.closed_to(vendor.name)).line
    asked = Intervals(place(lane, start[found.request]), place(lane, end[found.request]))
    parts, cell = _together(_parts(missing, found.cells), _parts(heard, asked), found.request)
    request = found.request[cell]
    # Another look at a minute counts from then on.
    seen = mine & (needs.first_of(vendor.name) < NEVER)
    again = needs.first_of(vendor.name)[seen] + rule.apart // timedelta(microseconds=1)
    at, which = overlaps(parts, needs.gaps.take(seen).line)
    waits = np.full(len(found), -1)
    np.maximum.at(waits, request[at], again[which])
    # The parts of a job lie on lanes of its own: the position of a cell among those of its request.
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order)) - bounds[found.request[order]]
    shift = place(position[cell] - lane[cell], 0)
    parts = Intervals(parts.starts + shift, parts.ends + shift)
    edges = np.searchsorted(request, np.arange(len(found) + 1)).tolist()
    names = [gaps.names[one] for one in lane[order].tolist()]
    first = bounds.tolist()
    windows = list(zip(start.tolist(), end.tolist(), strict=True))
    ranges = {window: Range(*map(from_epoch_minute, window)) for window in set(windows)}
    return [
        RepairJob(
            audit_id=audit_id,
            attempt=attempt,
            request=VendorRequest(vendor.name, tuple(names[first[n] : first[n + 1]]), ranges[window]),
            gaps=parts.take(slice(edges[n], edges[n + 1])),
            not_before=None if wait < 0 else EPOCH + timedelta(microseconds=wait),
        )
        for n, (window, wait) in enumerate(zip(windows, waits.tolist(), strict=True))
    ]


def _widened(found: Requests, gaps: Gaps, rows: int, order: Numbers, bounds: Numbers) -> tuple[Numbers, Numbers]:
    """The requests out to the edges of their gaps' sessions, as far as the row limit lets them: their starts and ends.
    An answer must show bars around a minute to be evidence of its absence, and the more it shows the better the
    symbol's density is known. `order` are the cells request by request, which begin at `bounds`."""
    sessions = merge(place(gaps.symbol, gaps.session_open), place(gaps.symbol, gaps.session_close))
    lane = found.cells.starts // LANE
    first, last = (sessions.holding(place(lane, edge[found.request])) for edge in (found.start, found.end - 1))
    opens = np.where(first < 0, found.start[found.request], sessions.starts[first] - place(lane, 0))
    closes = np.where(last < 0, found.end[found.request], sessions.ends[last] - place(lane, 0))
    opens = np.minimum.reduceat(opens[order], bounds[:-1])
    closes = np.maximum.reduceat(closes[order], bounds[:-1])
    spare = rows // np.bincount(found.request) - (found.end - found.start)
    before, after = found.start - opens, closes - found.end
    tight = before + after > spare  # share what there is
    before = np.where(tight, np.minimum(before, np.maximum(spare // 2, spare - after)), before)
    after = np.where(tight, np.minimum(after, spare - before), after)
    return found.start - before, found.end + after


def _parts(line: Intervals, windows: Intervals) -> tuple[Intervals, Numbers]:
    """What of `line` lies in each of the windows (in any order, which may overlap), and in which."""
    window, at = overlaps(windows, line)
    starts = np.maximum(windows.starts[window], line.starts[at])
    return Intervals(starts, np.minimum(windows.ends[window], line.ends[at])), window


def _together(
    one: tuple[Intervals, Numbers], other: tuple[Intervals, Numbers], request: Numbers
) -> tuple[Intervals, Numbers]:
    """Parts and the cells that they are of, all of them, request by request and sorted in each."""
    starts, ends = (np.concatenate([getattr(one[0], edge), getattr(other[0], edge)]) for edge in ("starts", "ends"))
    cell = np.concatenate([one[1], other[1]])
    del one, other
    order = np.lexsort((starts, request[cell]))
    return Intervals(starts[order], ends[order]), cell[order]
