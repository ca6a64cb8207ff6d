"""ExecuteDataTask: a range is healthy. Compact it, write its hourly facts, and say once that it is ready.

Only what changed is written: an hour's facts are computed anew and put only where they differ, on the
condition that nobody wrote them meanwhile. So a repair of an old minute rewrites the facts of its hour and
nothing else, and publishing twice writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from minutemend.services.compaction import Compaction, compact
from minutemend.services.evidence_rows import day_range
from minutemend.services.lake import Lake

ANNOUNCED_PREFIX = "announced/"  # in the data bucket, outside every table
_WRITE_AGAIN = 5
_HOUR = timedelta(hours=1)


class FactsContended(MinutemendError):
    """Others kept writing the facts of one hour; publishing again later is right."""


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing a range did. `changed` are the symbols of each hour whose facts changed."""

    window: Range
    hours: int  # hours in which something is expected
    changed: tuple[tuple[datetime, tuple[str, ...]], ...]
    compaction: Compaction
    announced: bool

    def as_json(self) -> dict[str, object]:
        """The working file of the audit that published: every changed symbol-hour."""
        return {
            "start": format_instant(self.window.start),
            "end": format_instant(self.window.end),
            "hours": self.hours,
            "changed": {format_instant(hour): list(symbols) for hour, symbols in self.changed},
            "compacted": list(self.compaction.written),
            "announced": self.announced,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """The publisher, over ports. `retire_after` is how long compaction keeps what it replaced."""

    lake: Lake
    signals: Signals
    retire_after: timedelta
    cadence: timedelta = MINUTE

    def run(self, window: Range, symbols: Sequence[str] | None, *, audit_id: str, now: datetime) -> Published:
        """Publish every hour that `window` touches.

        `symbols` are those that were audited (None: all of interest): the facts are of all symbols in any case,
        the announcement names the ones that are known to be healthy. Raises FactsContended.
        """
        hours = Range(window.start.replace(minute=0), _next_hour(window.end))
        listings = self.lake.symbols()
        calendars = {listing.calendar for listing in listings}
        days = Range(day_range(min(hours.dates())).start, day_range(max(hours.dates())).end)
        sessions = self.lake.sessions(days, calendars)
        closed = closed_dates(window, sessions)
        compaction = compact(self.lake, hours, closed=closed, now=now, retire_after=self.retire_after)
        etags: dict[datetime, str | None] = {}
        changed = []
        for day in hours.dates():
            for hour, names, etag in self._publish_day(hours, day, listings, sessions, compaction):
                etags[hour] = etag
                if names:
                    changed.append((hour, tuple(names)))
        announced = self._announce(window, symbols, etags, audit_id=audit_id)
        return Published(window, len(etags), tuple(changed), compaction, announced)

    def _publish_day(
        self,
        hours: Range,
        day: date,
        listings: Sequence[Listing],
        sessions: Sequence[Session],
        compaction: Compaction,
    ) -> list[tuple[datetime, list[str], str | None]]:
        """The day's hours that expect anything: the symbols whose facts changed, and the etag of the facts."""
        part = hours.intersect(day_range(day))
        if part is None or not any(session.range.intersect(part) for session in sessions):
            return []
        # The facts first, the bars after: facts are then never computed from bars older than those behind the
        # facts that they replace.
        stored = self.lake.read_hour_facts(part)
        bars = _by_hour(self.lake.read_bars(part, without=compaction.covered), part)
        absences = self.lake.absences(part)
        done = []
        for hour in part.hours():
            before, rows, proven = stored[hour], bars[hour], absences
            for _ in range(_WRITE_AGAIN):
                after = self._facts(hour, listings, sessions, rows, proven)
                after = keep_unlisted(before.rows, after, [listing.symbol for listing in listings])
                names = changed_symbols(before.rows, after)
                try:
                    etag = self.lake.put_hour_facts(hour, after, replaces=before.etag) if names else before.etag
                except StoreConflict:
                    window = Range(hour, hour + _HOUR)
                    before = self.lake.read_hour_facts(window)[hour]
                    rows, proven = self.lake.read_bars(window), self.lake.absences(window)
                    continue
                break
            else:
                raise FactsContended(f"the facts of {format_instant(hour)} were rewritten {_WRITE_AGAIN} times over")
            if after.num_rows:
                done.append((hour, names, etag))
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
        self, window: Range, symbols: Sequence[str] | None, etags: dict[datetime, str | None], *, audit_id: str
    ) -> bool:
        """Say that the range is ready, unless it was said of this very content.

        The marker goes first: who dies between marker and event has not announced, and nobody will, until the
        content changes. A listener may miss that event (the table has the facts); none ever acts twice.
        """
        if not etags:
            return False
        content = [[format_instant(hour), etag] for hour, etag in sorted(etags.items())]
        named = list(symbols) if symbols is not None else None
        detail = {"start": format_instant(window.start), "end": format_instant(window.end), "symbols": named}
        marker = f"{ANNOUNCED_PREFIX}{content_id(detail, content)}.json"
        detail |= {"audit_id": audit_id, "content_id": content_id(content)}
        try:
            self.lake.store.put(marker, json.dumps(detail).encode(), if_absent=True)
        except StoreConflict:
            return False
        self.signals.announce(RANGE_READY, detail)
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
