"""ExecuteDataTask: a range is healthy. Compact it, write its hourly facts, and say that it is ready.

Only what changed is written: an hour's facts are computed anew and put only where they differ, on the
condition that nobody wrote them meanwhile. So a repair of an old minute rewrites the facts of its hour and
nothing else, and publishing twice writes nothing.

Date by date: a publisher whose time is up between two dates says where it stopped, and the next goes on there.
The event is sent when the last date is done, and then a marker is put: who dies between the two sends it again, with
the same `publication_id`; who comes after the marker sends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa

from minutemend.contract import RANGE_READY
from minutemend.core.errors import MinutemendError
from minutemend.core.facts import changed_symbols, expected_minutes, hour_facts, keep_unlisted
from minutemend.core.jobs import content_id
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Absence
from minutemend.ports.signals import Signals
from minutemend.ports.store import StoreConflict
from minutemend.services.compaction import compact, retired_objects
from minutemend.services.evidence_rows import day_range
from minutemend.services.lake import Lake

ANNOUNCED_PREFIX = "announced/"  # in the data bucket, outside every table
_WRITE_AGAIN = 5
_HOUR = timedelta(hours=1)


class FactsContended(MinutemendError):
    """Others kept writing the facts of one hour; publishing again later is right."""


@dataclass(frozen=True, slots=True)
class Published:
    """What one call did. `changed` are the symbols of each hour whose facts changed, `compacted` the keys of the
    bars that were compacted; `goes_on` is the date at which the next call is to begin (None: all is done)."""

    window: Range
    hours: int  # hours in which something is expected, on the dates that this call published
    changed: tuple[tuple[datetime, tuple[str, ...]], ...]
    compacted: tuple[str, ...]
    announced: bool
    goes_on: date | None = None

    def as_json(self) -> dict[str, object]:
        """The working file of the audit that published: every changed symbol-hour."""
        return {
            "start": format_instant(self.window.start),
            "end": format_instant(self.window.end),
            "hours": self.hours,
            "changed": {format_instant(hour): list(symbols) for hour, symbols in self.changed},
            "compacted": list(self.compacted),
            "announced": self.announced,
            "goes_on": None if self.goes_on is None else self.goes_on.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """The publisher, over ports. `retire_after` is how long compaction keeps what it replaced."""

    lake: Lake
    signals: Signals
    retire_after: timedelta
    cadence: timedelta = MINUTE

    def run(
        self,
        window: Range,
        symbols: Sequence[str] | None,
        *,
        audit_id: str,
        now: datetime,
        begin: date | None = None,
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> Published:
        """Publish every hour that `window` touches, from the date `begin` on; announce the window when all is done.

        `symbols` are those that were audited (None: all of interest): the facts are of all symbols in any case,
        the announcement names the ones that are known to be healthy. `out_of_time` is asked before each date but
        the first. Raises FactsContended.
        """
        hours = Range(window.start.replace(minute=0), _next_hour(window.end))
        listings = self.lake.symbols()
        calendars = {listing.calendar for listing in listings}
        days = Range(day_range(min(hours.dates())).start, day_range(max(hours.dates())).end)
        sessions = self.lake.sessions(days, calendars)
        closed = closed_dates(window, sessions)
        retired = retired_objects(self.lake.store)
        todo = [day for day in hours.dates() if begin is None or day >= begin]
        done = 0
        changed: list[tuple[datetime, tuple[str, ...]]] = []
        compacted: list[str] = []
        for day in todo:
            if day > todo[0] and out_of_time():
                return Published(window, done, tuple(changed), tuple(compacted), announced=False, goes_on=day)
            part = hours.intersect(day_range(day))
            if part is None:
                continue
            compaction = compact(
                self.lake, part, closed=closed, now=now, retire_after=self.retire_after, retired=retired
            )
            compacted += compaction.written
            facts = self._publish_day(part, listings, sessions, compaction.covered)
            done += len(facts)
            changed += [(hour, tuple(names)) for hour, names in facts if names]
        announced = self._announce(window, hours, symbols, sessions, audit_id=audit_id)
        return Published(window, done, tuple(changed), tuple(compacted), announced)

    def _publish_day(
        self,
        part: Range,
        listings: Sequence[Listing],
        sessions: Sequence[Session],
        covered: Collection[tuple[str, str]],
    ) -> list[tuple[datetime, list[str]]]:
        """The hours of `part`, of one date, that expect anything, with the symbols whose facts changed.

        `covered` are bar objects that need not be read (`Compaction.covered`).
        """
        if not any(session.range.intersect(part) for session in sessions):
            return []
        # The facts first, the bars after: facts are then never computed from bars older than those behind the
        # facts that they replace.
        stored = self.lake.read_hour_facts(part)
        bars = _by_hour(self.lake.read_bars(part, without=covered), part)
        absences = self.lake.absences(part)
        done = []
        for hour in part.hours():
            before, rows, proven = stored[hour], bars[hour], absences
            for _ in range(_WRITE_AGAIN):
                after = self._facts(hour, listings, sessions, rows, proven)
                after = keep_unlisted(before.rows, after, [listing.symbol for listing in listings])
                names = changed_symbols(before.rows, after)
                try:
                    if names:
                        self.lake.put_hour_facts(hour, after, replaces=before.etag)
                except StoreConflict:
                    window = Range(hour, hour + _HOUR)
                    before = self.lake.read_hour_facts(window)[hour]
                    rows, proven = self.lake.read_bars(window), self.lake.absences(window)
                    continue
                break
            else:
                raise FactsContended(f"the facts of {format_instant(hour)} were rewritten {_WRITE_AGAIN} times over")
            if after.num_rows:
                done.append((hour, names))
        return done

    def _facts(
        self,
        hour: datetime,
        listings: Sequence[Listing],
        sessions: Sequence[Session],
        bars: pa.Table,
        absences: Sequence[Absence],
    ) -> pa.Table:
        expected = expected_minutes(hour, listings, sessions, cadence=self.cadence)
        return hour_facts(expected, bars, [(absence.symbol, absence.range) for absence in absences])

    def _announce(
        self,
        window: Range,
        hours: Range,
        symbols: Sequence[str] | None,
        sessions: Sequence[Session],
        *,
        audit_id: str,
    ) -> bool:
        """Say that the range is ready, unless it was said of this very content. True when it was said.

        The id is made of the range, the symbols and the facts as they are stored, so that whoever says it again
        says the same id. A marker before the event would tell nobody whether the event was sent.
        """
        expected = {hour for session in sessions for hour in session.range.hours()}
        stored = self.lake.hour_objects(hours)
        content = [[format_instant(hour), found.etag] for hour, found in stored.items() if hour in expected]
        if not content:
            return False
        named = list(symbols) if symbols is not None else None
        detail = {"start": format_instant(window.start), "end": format_instant(window.end), "symbols": named}
        publication_id = content_id(detail, content)
        marker = f"{ANNOUNCED_PREFIX}{publication_id}.json"
        if self.lake.store.head(marker) is not None:
            return False
        detail |= {"publication_id": publication_id, "audit_id": audit_id}
        self.signals.announce(RANGE_READY, detail)
        self.lake.store.put(marker, json.dumps(detail).encode())
        return True


def closed_dates(window: Range, sessions: Sequence[Session]) -> set[date]:
    """The UTC dates of `window` whose sessions are over by its end: nothing more is to come for them."""
    closed = set()
    for day in window.dates():
        whole = day_range(day)
        ends = [min(session.close, whole.end) for session in sessions if session.range.intersect(whole)]
        if max(ends, default=whole.end) <= window.end:
            closed.add(day)
    return closed


def _next_hour(instant: datetime) -> datetime:
    """The first full hour that is not before `instant`."""
    hour = datetime.combine(instant.date(), time(instant.hour), UTC)
    return hour if hour == instant else hour + _HOUR


def _by_hour(bars: pa.Table, window: Range) -> dict[datetime, pa.Table]:
    """Bars sorted by symbol, minute, cut into the hours of `window`; the order stays."""
    hour_of = bars["minute"].cast(pa.int64()).to_numpy() // 3_600_000
    order = np.argsort(hour_of, kind="stable")
    edges = np.searchsorted(hour_of[order], [epoch_minute(hour) // 60 for hour in window.hours()])
    edges = np.append(edges, len(order))
    return {
        hour: bars.take(pa.array(order[first:last]))
        for hour, first, last in zip(window.hours(), edges[:-1], edges[1:], strict=True)
    }
