"""ExecuteDataTask: compact a range, write its hourly facts, and say which symbols of it are ready.

Only what changed is written: an hour's facts are computed anew and put only where they differ, on the
condition that they were not written meanwhile. So a repair of an old minute rewrites the facts of its hour and
nothing else, and publishing twice writes nothing.
It walks the UTC dates with sessions or with facts (which may be of a session that was called off since), and lists each
date once. A publisher whose time is up between two dates says where it stopped, and the next goes on there.
The event is sent when the last date is done, and then a marker is put: who dies between the two sends it again, with
the same `publication_id`; who comes after the marker sends nothing. It names the symbols that are whole, and those that
are not: one bad symbol costs itself alone. Whole is what the audit found so and the published facts say, too: since the
audit looked a symbol may have come, or a proof been revoked. Where what is expected changes meanwhile, the step fails,
and runs again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from minutemend.contract import RANGE_READY
from minutemend.core.jobs import content_id
from minutemend.core.minutes import Range, day_range, format_instant, hours_around
from minutemend.core.publication import closed_dates, ready_symbols
from minutemend.ports.signals import Signals
from minutemend.ports.store import Stored
from minutemend.services.compaction import compact, compact_answers, delete_retired, retired_objects
from minutemend.services.facts import Facts, FactsContended
from minutemend.services.hourly import hour_key
from minutemend.services.lake import Lake

ANNOUNCED_PREFIX = "announced/"  # in the data bucket, outside every table
NOTHING_MISSING: Mapping[str, int] = MappingProxyType({})
_LARGEST_DETAIL = 200_000  # EventBridge takes 256 KB, envelope and all


@dataclass(frozen=True, slots=True)
class Published:
    """What one call did. `changed` are the symbols of each hour whose facts changed, `compacted` the keys
    that compaction wrote; `goes_on` is the date at which the next call is to begin (None: all is done)."""

    window: Range
    hours: int  # hours in which something is expected, on the dates that this call published
    changed: tuple[tuple[datetime, tuple[str, ...]], ...]
    compacted: tuple[str, ...]
    announced: bool
    goes_on: date | None = None
    ready: tuple[str, ...] | None = None  # None: every symbol of interest
    missing: Mapping[str, int] = field(default_factory=dict)  # minutes, of each symbol that is not ready

    def as_json(self) -> dict[str, object]:
        """The working file of the audit that published: every changed symbol-hour."""
        return {
            "start": format_instant(self.window.start),
            "end": format_instant(self.window.end),
            "hours": self.hours,
            "changed": {format_instant(hour): list(symbols) for hour, symbols in self.changed},
            "compacted": list(self.compacted),
            "announced": self.announced,
            "ready": None if self.ready is None else list(self.ready),
            "not_ready": dict(self.missing),
            "goes_on": None if self.goes_on is None else self.goes_on.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """The publisher, over ports. `retire_after` is how long compaction keeps what it replaced."""

    lake: Lake
    signals: Signals
    retire_after: timedelta

    def run(
        self,
        window: Range,
        symbols: Sequence[str] | None,
        *,
        audit_id: str,
        now: datetime,
        missing: Mapping[str, int] = NOTHING_MISSING,
        begin: date | None = None,
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> Published:
        """Publish every hour that `window` touches, from the date `begin` on; announce the window when all is done.

        `symbols` are those that were audited (None: all of interest), `missing` the minutes that those of them lack
        that are not whole. The facts are of all symbols in any case, and say what they lack; the announcement names
        the symbols that are whole as ready, by the facts as well. `out_of_time` is asked before each date but the
        first. Raises FactsContended.
        """
        hours = hours_around(window)
        # Listed before all else is read: facts are then never computed from anything older than what is behind the
        # facts that they replace.
        stored = self.lake.hourly.objects(hours)
        facts = Facts.of(
            self.lake, window, Range(day_range(min(hours.dates())).start, day_range(max(hours.dates())).end)
        )
        closed = closed_dates(window, facts.sessions)
        how = {"now": now, "retire_after": self.retire_after, "retired": retired_objects(self.lake.store)}
        dates = {*facts.sessions, *(hour.date() for hour in stored)}
        todo = sorted(day for day in dates if begin is None or day >= begin)
        done = 0
        changed: list[tuple[datetime, tuple[str, ...]]] = []
        compacted: list[str] = []
        goes_on = None
        for day in todo:
            if day > todo[0] and out_of_time():
                goes_on = day
                break
            part = hours.intersect(day_range(day))
            if part is None:
                continue
            published, written = self._publish_day(part, facts, stored, closed, how)
            compacted += written
            done += len(published)
            changed += [(hour, names) for hour, names in published if names]
        if not facts.current:
            raise FactsContended(f"what is expected changed while the facts of {window} were written")
        if goes_on is not None:
            return Published(window, done, tuple(changed), tuple(compacted), announced=False, goes_on=goes_on)
        delete_retired(self.lake.store, now=now)
        earlier = {hour: one for hour, one in stored.items() if begin is not None and hour.date() < begin}
        for hour, was in self.lake.hourly.read(earlier).items():  # what earlier calls published
            facts.count_lacking(hour, was.rows)
        ready, lacking = ready_symbols(symbols, missing, facts.listings, facts.sessions, window, lacks=facts.lacks)
        announced = self._announce(facts, ready, lacking, stored, audit_id=audit_id)
        return Published(window, done, tuple(changed), tuple(compacted), announced, ready=ready, missing=lacking)

    def _publish_day(
        self, part: Range, facts: Facts, stored: dict[datetime, Stored], closed: Collection[date], how: dict[str, Any]
    ) -> tuple[list[tuple[datetime, tuple[str, ...]]], tuple[str, ...]]:
        """The hours of `part`, of one date, that expect anything, with the symbols whose facts changed; and the keys
        that were compacted. `stored` then says what is written; `how` is what both compactions are told."""
        before = self.lake.hourly.read({hour: one for hour, one in stored.items() if hour in part})
        compaction = compact(self.lake, part, closed=closed, **how)
        written = (*compaction.written, *compact_answers(self.lake, part.start.date(), **how))
        expected = [hour for hour in part.hours() if hour in before or facts.expect(hour)]
        if not expected:
            return [], written
        bars = self.lake.read_bars(part, known=compaction.objects)
        done = []
        for hour, one in facts.write(part, expected, before, bars).items():
            if one.etag is not None:
                stored[hour] = Stored(hour_key(hour), 0, one.etag, how["now"])
            if one.rows.num_rows:
                done.append((hour, one.names))
                facts.count_lacking(hour, one.rows, one.found)
        return done, written

    def _announce(
        self,
        facts: Facts,
        ready: tuple[str, ...] | None,
        missing: Mapping[str, int],
        stored: Mapping[datetime, Stored],
        *,
        audit_id: str,
    ) -> bool:
        """Say what of the range is ready, unless it was said of this very content. True when it was said.

        The id is made of the range, the symbols and the facts as they are stored, so that a repeat has
        the same id. A marker before the event would not tell whether the event was sent.
        """
        content = [[format_instant(hour), found.etag] for hour, found in sorted(stored.items()) if facts.expect(hour)]
        window = facts.window
        if not content or ready == ():
            return False
        detail: dict[str, object] = {"start": format_instant(window.start), "end": format_instant(window.end)}
        detail["symbols"] = None if ready is None else list(ready)
        if missing:
            detail["not_ready"] = dict(missing)
        publication_id = content_id(detail, content)
        marker = f"{ANNOUNCED_PREFIX}{publication_id}.json"
        if self.lake.store.head(marker) is not None:
            return False
        if len(json.dumps(detail)) > _LARGEST_DETAIL:
            # Null would say that all are ready; what does not fit is not said there, but where the audit keeps it.
            detail = {"start": detail["start"], "end": detail["end"], "too_many_symbols": True}
        detail |= {"publication_id": publication_id, "audit_id": audit_id}
        self.signals.announce(RANGE_READY, detail)
        self.lake.store.put(marker, json.dumps(detail).encode())
        return True
