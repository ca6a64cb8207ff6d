"""The facts of hours: made of what the lake says, and put where they differ from what is stored.

Facts rest on bars, on proofs, and on what is expected. Who takes a proof back, or changes what is expected, makes the
stored facts anew (`facts_anew`); but one who read before that may put theirs after it. So everyone who puts facts looks
once more: at the revocations of the date after its hours were put, at what is expected when all is put.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby

import pyarrow as pa

from minutemend.contract import CLOSURES_KEY, SESSIONS_KEY, SYMBOLS_KEY
from minutemend.core.errors import MinutemendError
from minutemend.core.facts import (
    FACTS,
    Expected,
    changed_symbols,
    expected_minutes,
    hour_facts,
    keep_unlisted,
    missing_minutes,
    within,
)
from minutemend.core.minutes import Range, format_instant
from minutemend.core.publication import by_date, by_hour, touches
from minutemend.core.revocations import in_force
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Absence
from minutemend.ports.store import StoreConflict, Stored
from minutemend.services.hourly import HourFacts
from minutemend.services.lake import Lake

_WRITE_AGAIN = 5
_HOUR = timedelta(hours=1)
Found = tuple[pa.Table, Sequence[Absence]]


class FactsContended(MinutemendError):
    """Others kept changing the facts, or what they rest on; publishing again later is right."""


@dataclass(frozen=True, slots=True)
class Written:
    """The facts of an hour, the symbols of which they changed, and the etag of what is stored (None: nothing is).
    `found` are the bars and absences that they say."""

    rows: pa.Table
    names: tuple[str, ...]
    etag: str | None
    found: Found


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of hours, and what all of them are made with. `lacks` are the minutes of the window that symbols lack,
    by the facts that were counted."""

    lake: Lake
    window: Range
    listings: Sequence[Listing]
    sessions: Mapping[date, Sequence[Session]]
    halted: Mapping[str, Sequence[Range]]
    made_of: Sequence[str | None]
    lacks: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, lake: Lake, window: Range, around: Range) -> Facts:
        """With the sessions of the range `around` the window."""
        made_of = _made_of(lake)  # named first: if one changes meanwhile, `current` sees it
        listings = lake.symbols()
        sessions = by_date(lake.calendars.sessions(around, {listing.calendar for listing in listings}), around)
        return cls(lake, window, listings, sessions, lake.calendars.halted(), made_of)

    @property
    def current(self) -> bool:
        """Whether what these facts are made with is still what is expected."""
        return _made_of(self.lake) == self.made_of

    def expect(self, hour: datetime) -> bool:
        return touches(self.sessions.get(hour.date(), ()), hour)

    def write(
        self, part: Range, hours: Collection[datetime], before: Mapping[datetime, HourFacts], bars: pa.Table
    ) -> dict[datetime, Written]:
        """Put the facts of these hours of `part`, which is of one date, where they differ from those of `before`, which
        were read before the `bars`. Raises FactsContended."""
        rows, absences = by_hour(bars, part), self.lake.absences(part)
        none = HourFacts(FACTS.empty_table(), None)
        done = {hour: self._rewrite(hour, before.get(hour, none), (rows[hour], absences)) for hour in hours}
        for _ in range(_WRITE_AGAIN):
            again = self._revoked(part, done)
            for hour in again:
                made = self._rewrite(hour, self.lake.hourly.of_hour(hour), self._read(hour))
                done[hour] = replace(made, names=tuple(sorted({*made.names, *done[hour].names})))
            if not again:
                return done
        raise FactsContended(f"proofs of {part} were revoked {_WRITE_AGAIN} times over")

    def _revoked(self, part: Range, done: Mapping[datetime, Written]) -> list[datetime]:
        """The hours that say of a minute that it is absent, by a proof that was revoked since."""
        if not any(one.found[1] for one in done.values()):
            return []
        revoked = self.lake.revocations(part)
        if not revoked:
            return []
        return [hour for hour, one in done.items() if [*in_force(one.found[1], revoked)] != [*one.found[1]]]

    def _rewrite(self, hour: datetime, before: HourFacts, found: Found) -> Written:
        for _ in range(_WRITE_AGAIN):
            after = _of(self._expected(hour), found)
            after = keep_unlisted(before.rows, after, [listing.symbol for listing in self.listings])
            names = tuple(changed_symbols(before.rows, after))
            if not names:
                return Written(after, names, before.etag, found)  # another publisher may have written just these
            try:
                return Written(after, names, self.lake.hourly.put(hour, after, replaces=before.etag), found)
            except StoreConflict:
                before, found = self.lake.hourly.of_hour(hour), self._read(hour)
        raise FactsContended(f"the facts of {format_instant(hour)} were rewritten {_WRITE_AGAIN} times over")

    def count_lacking(self, hour: datetime, facts: pa.Table, found: Found | None = None) -> None:
        """Add what symbols lack in the hour of the `facts`. `found` are its bars and absences (None: they are read
        where the window has a part of the hour alone)."""
        whole = Range(hour, hour + _HOUR)
        if whole.intersect(self.window) != whole:
            facts = _of(within(self._expected(hour), self.window), found or self._read(hour))
        self.lacks.update(missing_minutes(facts))

    def _read(self, hour: datetime) -> Found:
        whole = Range(hour, hour + _HOUR)
        return self.lake.read_bars(whole), self.lake.absences(whole)

    def _expected(self, hour: datetime) -> Expected:
        return expected_minutes(hour, self.listings, self.sessions.get(hour.date(), ()), halted=self.halted)


def facts_anew(lake: Lake, spans: Sequence[Range]) -> None:
    """Compute the stored facts of every hour that the `spans` touch anew, because what they rest on is another by now.
    Nothing is compacted or announced. Raises FactsContended."""
    for _ in range(_WRITE_AGAIN):
        stored = stored_facts(lake, spans)
        if not stored:
            return
        hull = Range(min(stored), max(stored) + _HOUR)
        facts = Facts.of(lake, hull, hull)
        for _, group in groupby(sorted(stored), key=datetime.date):
            hours = [*group]
            part = Range(hours[0], hours[-1] + _HOUR)
            before = lake.hourly.read({hour: stored[hour] for hour in hours})
            facts.write(part, hours, before, lake.read_bars(part))
        if facts.current:
            return
    raise FactsContended(f"what is expected changed {_WRITE_AGAIN} times while facts were made anew")


def stored_facts(lake: Lake, spans: Sequence[Range]) -> dict[datetime, Stored]:
    """The object of each UTC hour that the `spans` touch whose facts are stored."""
    if not spans:
        return {}
    touched = {hour for one in spans for hour in one.hours()}
    hull = Range(min(one.start for one in spans), max(one.end for one in spans))
    return {hour: one for hour, one in lake.hourly.objects(hull).items() if hour in touched}


def _made_of(lake: Lake) -> list[str | None]:
    """The etags of all that says what is expected."""
    found = (lake.store.head(key) for key in (SYMBOLS_KEY, SESSIONS_KEY, CLOSURES_KEY))
    return [stored.etag if stored else None for stored in found]


def _of(expected: Expected, found: Found) -> pa.Table:
    bars, absences = found
    return hour_facts(expected, bars, [(absence.symbol, absence.range) for absence in absences])
