"""RequestRechecks: each night, what is due to be asked again of dates that the sweep no longer looks at.

What rests on one vendor's word, and a suspected hole, is asked again 1, 7 and 30 days after (core/recheck.py): by the
nightly sweep on its own dates, by this on all before them. The cheapest dates come first, within a budget of requests;
what has no room waits for the next night, for so long as `KEPT`, and after `PATIENCE` comes first. A symbol of a date
that takes more than the whole budget has a night for itself. Each date becomes a window of the backfill's machine:
an ordinary audit of the symbols concerned, which asks only for what is due, and is no news when it finds nothing.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from minutemend.contract import BACKFILLS_PREFIX, RECHECKS_KEY, WINDOW_SYMBOL_BYTES, Table
from minutemend.core.answers import VendorLimits
from minutemend.core.audits import DUE
from minutemend.core.cover import fewest
from minutemend.core.gaps import Gaps
from minutemend.core.jobs import valid_name
from minutemend.core.minutes import Range, day_range, edges, format_instant
from minutemend.core.recheck import AFTER
from minutemend.core.verdicts import Proof
from minutemend.ports.store import Store, StoreConflict, Stored
from minutemend.services.lake import Lake
from minutemend.services.report_failure import HOLE_SUSPECTED
from minutemend.services.tables import date_of

KEPT = AFTER[-1] + timedelta(days=30)  # what found no room for so long is asked by itself no more
PATIENCE = AFTER[1]  # what found no room for so long comes before the cheapest
_PASSED = 100  # dates without room after which a night looks at no more: each takes some reading
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """When a date was asked again last; `after` names the last symbol that had room (None: all had)."""

    at: datetime
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Night:
    """What is asked this night: of each date the range of what is due, and its symbols; and about how many requests
    that takes (no fewer are possible). `asked` is what is remembered of all dates afterwards."""

    dates: tuple[tuple[Range, tuple[str, ...]], ...] = ()
    requests: int = 0
    asked: Mapping[date, Asked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRechecks:
    """The night's step, over ports. `most` is the budget, in requests; `sweep_days` are the sweep's own dates."""

    lake: Lake
    results: Store
    vendors: Sequence[VendorLimits]
    sweep_days: int
    most: int

    def run(self, run: str, scheduled_at: datetime) -> dict[str, Any]:
        """Write the windows of the run of that name: `{key, dates, requests}`, without `key` when nothing is due.

        Again for the same run, the same windows. Raises BadInput for a name that is none.
        """
        valid_name(run, name="run")
        key = f"{BACKFILLS_PREFIX}rechecks/{run}.json"
        if (body := self.results.get(key)) is not None:  # it died after this, or its answer was lost
            return {"key": key, "dates": len({one["input"]["start"] for one in json.loads(body)})}
        night = self.night(scheduled_at)
        windows = list(_windows(night, run))
        if windows:
            self.results.put(key, json.dumps(windows).encode())
        there = self.lake.store.head(RECHECKS_KEY)
        said = {day.isoformat(): [format_instant(one.at), one.after] for day, one in sorted(night.asked.items())}
        with suppress(StoreConflict):  # another run of this night remembers its own: both ask
            self.lake.store.put(
                RECHECKS_KEY, json.dumps(said).encode(), if_absent=there is None, if_match=there.etag if there else None
            )
        told = {"dates": len(night.dates), "requests": night.requests}
        return {"key": key, **told} if windows else told

    def night(self, now: datetime) -> Night:
        """What the night of that schedule asks, however late it is run. Reads only."""
        before = (day_range(now.date()).start - self.sweep_days * _DAY).date()
        written, asked, left, requests = self._written(before, now), self._asked(), self.most, 0
        asked = {day: one for day, one in asked.items() if day in written}
        vendor_of = self._vendors()
        chosen: list[tuple[Range, tuple[str, ...]]] = []
        passed = 0
        waits = {day: since for day, found in written.items() if (since := _waits(found, asked.get(day), now))}
        # What is recorded of a date says about how much it takes, before any of it is read.
        cost = {day: sum(one.size for one in written[day]) for day in waits}
        for day in sorted(waits, key=lambda day: (min(waits[day], now - PATIENCE), cost[day], day)):
            if left == 0 or passed == _PASSED:
                break
            known = asked.get(day)
            due = {name: found for name, found in self._due(day, known, now).items() if name in vendor_of}
            names = sorted(due)
            room = bisect_right(range(len(names) + 1), left, key=lambda n: _requests(due, names[:n], vendor_of)) - 1
            if names and not room:
                if not 0 < left == self.most:
                    passed += 1  # another date may have room
                    continue
                room = 1  # a symbol that no night has room for has one for itself
            needs = _requests(due, names[:room], vendor_of)
            left, requests = max(left - needs, 0), requests + needs
            asked[day] = Asked(now, None if room == len(names) else names[room - 1])
            spans = [span for name in names[:room] for span in due[name]]
            if spans:  # no more than them: an audit repairs whatever else is missing in its range
                hull = Range(min(one.start for one in spans), max(one.end for one in spans))
                chosen.append((hull, tuple(names[:room])))
        return Night(tuple(chosen), requests, asked)

    def _written(self, before: date, now: datetime) -> dict[date, list[Stored]]:
        """By date the objects of proofs and failures that may be due."""
        found: dict[date, list[Stored]] = defaultdict(list)
        for table in (Table.ABSENCES, Table.FAILURES):
            for one in self.lake.store.list(f"{table}/"):
                day = date_of(one.key)
                if day is not None and day < before and now - KEPT < one.modified:
                    found[day].append(one)
        return found

    def _due(self, day: date, known: Asked | None, now: datetime) -> dict[str, list[Range]]:
        """By symbol what is due of a date."""
        window = day_range(day)
        weak = (one for one in self.lake.absences(window) if one.proof == Proof.LOOKS)
        since = [(one.symbol, one.range, one.proven_at) for one in weak]
        first: dict[tuple[str, Range], datetime] = {}  # an audit a night may have told of the same hole
        for one in self.lake.failures(window):
            if one.reason == HOLE_SUSPECTED:
                first[one.symbol, one.range] = min(one.failed_at, first.get((one.symbol, one.range), one.failed_at))
        since += [(symbol, span, at) for (symbol, span), at in first.items()]
        due: dict[str, list[Range]] = defaultdict(list)
        for symbol, span, at in since:
            passed = [at + after for after in AFTER if at + after <= now]
            waits = known is not None and known.after is not None and symbol > known.after
            if passed and (known is None or waits or max(passed) > known.at):
                due[symbol].append(span)
        return due

    def _vendors(self) -> dict[str, VendorLimits]:
        """By followed symbol the vendor that is asked for it first."""
        found = {}
        for listing in self.lake.symbols():
            for vendor in self.vendors[::-1]:
                if vendor.serves(listing.calendar):
                    found[listing.symbol] = vendor
        return found

    def _asked(self) -> dict[date, Asked]:
        body = self.lake.store.get(RECHECKS_KEY)
        said = json.loads(body) if body else {}
        return {date.fromisoformat(day): Asked(datetime.fromisoformat(at), after) for day, (at, after) in said.items()}


def _waits(found: Iterable[Stored], known: Asked | None, now: datetime) -> datetime | None:
    """Since when something of a date may be due that was not asked (None: nothing is)."""
    marks = [one.modified + span for one in found for span in AFTER if one.modified + span <= now]
    if known is not None and known.after is not None:
        return known.at if marks else None
    return min((mark for mark in marks if known is None or mark > known.at), default=None)


def _requests(due: Mapping[str, Sequence[Range]], names: Sequence[str], vendor_of: Mapping[str, VendorLimits]) -> int:
    """How many requests the symbols take at least."""
    by_vendor: dict[VendorLimits, list[str]] = defaultdict(list)
    for name in names:
        by_vendor[vendor_of[name]].append(name)
    total = 0
    for vendor, mine in by_vendor.items():
        symbols = [name for name in mine for _ in due[name]]
        missing = Gaps.from_rows([], mine).places(symbols, *edges(span for name in mine for span in due[name]))
        total += fewest(missing, rows=vendor.rows, symbols=vendor.symbols)
    return total


def _windows(night: Night, run: str) -> Iterator[dict[str, Any]]:
    """The items of the backfill's machine: an audit of each date, of as many symbols as a state may name."""
    number = 0
    for window, names in night.dates:
        size = max(1, len(names) // (1 + len(json.dumps(names)) // WINDOW_SYMBOL_BYTES))
        for first in range(0, len(names), size):
            given = {"start": format_instant(window.start), "end": format_instant(window.end), "attempts": 1}
            given |= {"symbols": [*names[first : first + size]], "recheck": DUE, "backfill": run}
            yield {"name": f"{run}-{number:05d}", "input": given}
            number += 1
