"""Second looks on purpose: what is stored is asked for again, and what the answers show is kept beside it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

import numpy as np

from minutemend.core.answers import VendorLimits, VendorRequest
from minutemend.core.intervals import cut, merge, runs
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import Range, edges, ranges_of
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing


def plan_looks(
    window: Range,
    listings: Iterable[Listing],
    sessions: Sequence[Session],
    vendors: Sequence[VendorLimits],
    *,
    run: str,
    share: float = 1.0,
    seed: str = "",
    whole: Collection[str] = (),
    now: datetime,
) -> list[RepairJob]:
    """The requests that look at a share of the symbols of each session in `window`, as far as it has ended at `now`.

    Each symbol is asked of the first of `vendors` that serves its calendar. The share is drawn by `seed`, symbol and
    session: the same again, another with another seed; of the vendors in `whole` all are looked at. The jobs have no
    gaps, so that workers write no bar of theirs, and count as part of the run of that name: captures and repairs go
    before them in the vendors' budgets.
    """
    last = min(window.end, now.replace(second=0, microsecond=0))
    jobs = []
    for vendor, calendar, names in _asked(listings, vendors):
        least = 1.0 if vendor.name in whole else share
        for session in sorted(sessions):
            part = session.range.intersect(Range(window.start, last)) if window.start < last else None
            if session.calendar != calendar or part is None:
                continue
            drawn = sorted(
                {one.symbol for one in names if one.on(session.dt) and _drawn(one.symbol, session, seed) < least}
            )
            minutes = min(part.minutes, vendor.rows)
            each = max(1, min(vendor.symbols, vendor.rows // minutes))
            starts, ends = edges([part])
            for span in ranges_of(cut(merge(starts, ends), np.arange(starts[0], ends[0], minutes))[0]):
                for first in range(0, len(drawn), each):
                    request = VendorRequest(vendor.name, tuple(drawn[first : first + each]), span)
                    jobs.append(RepairJob(run, 1, request, runs([]), backfill=run))
    return jobs


def _asked(
    listings: Iterable[Listing], vendors: Sequence[VendorLimits]
) -> Iterator[tuple[VendorLimits, str, list[Listing]]]:
    by_calendar: dict[str, list[Listing]] = defaultdict(list)
    for listing in listings:
        by_calendar[listing.calendar].append(listing)
    for calendar, mine in sorted(by_calendar.items()):
        serving = next((one for one in vendors if one.serves(calendar)), None)
        if serving is not None:
            yield serving, calendar, mine


def _drawn(symbol: str, session: Session, seed: str) -> float:
    """A number from 0 to 1 that depends on the three alone."""
    text = f"{seed}|{symbol}|{session.calendar}|{session.dt}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
