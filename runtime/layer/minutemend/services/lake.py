"""The lake: every table of minutemend as Parquet objects in one store. Nobody else knows its keys.

Keys are derived from content, so that whatever is written twice is stored once:

    bars/dt=2013-10-04/13-<content id>.parquet    bars of one UTC hour
    bars/dt=2013-10-04/day-<content id>.parquet   bars of one UTC date (compacted)
    answers/dt=…/<job id>-<symbol>.parquet        what one repair job learned
    absences/dt=…, failures/dt=…                  <content id>.parquet
    hourly/dt=2013-10-04/13.parquet               the facts of one UTC hour, written conditionally
    sessions/sessions.parquet, symbols/symbols.parquet

`dt` is the UTC date of the minutes. Ranges are half-open, in UTC; instants in the tables are
timestamp[ms] without zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from minutemend.contract import SESSIONS_KEY, SYMBOLS_KEY, Table
from minutemend.core.bars import BARS, resolve
from minutemend.core.errors import MinutemendError
from minutemend.core.jobs import content_id
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Absence, Failure, Observation
from minutemend.ports.store import Store, StoreConflict, Stored
from minutemend.services import evidence_rows as rows
from minutemend.services.tables import bars_id, by_hour, concat, decode, encode, from_rows, naive, partition, schema_of

_READ_AGAIN = 5

Item = TypeVar("Item", Observation, Absence, Failure)


class LakeUnsettled(MinutemendError):
    """Objects kept disappearing while they were read; reading again later is right."""


@dataclass(frozen=True, slots=True)
class HourFacts:
    """The facts of one hour as stored: rows of the `hourly` table sorted by symbol, and the object's etag
    (None: there is no object yet)."""

    rows: pa.Table
    etag: str | None


class Lake:
    """Reads and writes the tables. `readers` is how many objects are fetched at once."""

    def __init__(self, store: Store, *, readers: int = 1) -> None:
        self.store = store
        self._readers = readers

    # bars

    def put_bars(self, bars: pa.Table) -> list[str]:
        """Write bars (schema BARS, any order): one object for each UTC hour. Returns the keys, sorted.

        An object that is there already stays as it is: it says the same, and its `captured_at` is older.
        """
        keys = []
        for hour, part in by_hour(bars):
            key = f"{partition(Table.BARS, hour.date())}{hour:%H}-{bars_id(part)}.parquet"
            self._put_once(key, part)
            keys.append(key)
        return keys

    def put_compacted(self, bars: pa.Table, *, day: date, hour: int | None) -> str:
        """Write resolved bars of one UTC hour, or of a whole date (`hour` None), and return the key, which is
        made of everything in them."""
        name = "day" if hour is None else f"{hour:02d}"
        key = f"{partition(Table.BARS, day)}{name}-{bars_id(bars, with_capture=True)}.parquet"
        self._put_once(key, bars)
        return key

    def bar_objects(self, window: Range) -> list[Stored]:
        """The objects that may hold bars of `window`, sorted by key."""
        hours = {f"{partition(Table.BARS, hour.date())}{hour:%H}" for hour in window.hours()}
        found: list[Stored] = []
        for day in window.dates():
            for stored in self.store.list(partition(Table.BARS, day)):
                head, dash, _ = stored.key.rpartition("-")
                hourly = dash and len(head) > 2 and head[-2:].isdigit() and head[-3] == "/"
                if not hourly or head in hours:
                    found.append(stored)
        return found

    def read_bars(
        self, window: Range, symbols: Sequence[str] | None = None, *, without: Collection[tuple[str, str]] = ()
    ) -> pa.Table:
        """The bars of `window` (schema BARS), one whole bar a minute by `core.bars.resolve`, sorted.

        `without` are keys and etags of objects that need not be read: what they say is said elsewhere.
        Raises LakeUnsettled when compaction, five times over, took objects away between listing and reading.
        """
        for _ in range(_READ_AGAIN):
            found = [stored.key for stored in self.bar_objects(window) if (stored.key, stored.etag) not in without]
            parts = self.read_objects(found, window, symbols)
            if parts is not None:
                return resolve(parts)
        raise LakeUnsettled(f"the bars of {window} were rewritten {_READ_AGAIN} times while they were read")

    def read_objects(
        self, keys: Iterable[str], window: Range | None = None, symbols: Sequence[str] | None = None
    ) -> pa.Table | None:
        """All rows of the named bar objects, unresolved (schema BARS); None when one of them is gone."""
        condition = None
        if window is not None:
            start, end = (pa.scalar(naive(at), pa.timestamp("ms")) for at in (window.start, window.end))
            condition = (pc.field("minute") >= start) & (pc.field("minute") < end)
        if symbols is not None:
            wanted = pc.field("symbol").isin(list(symbols))
            condition = wanted if condition is None else condition & wanted
        bodies = self._get_all(list(keys))
        if any(body is None for body in bodies):
            return None
        return concat([decode(body, BARS, filters=condition) for body in bodies if body is not None], BARS)

    # evidence

    def put_observations(self, observations: Iterable[Observation]) -> list[str]:
        """Write what jobs learned: one object for each job, date and set of symbols; a redelivery replaces it."""
        grouped: dict[tuple[date, str], list[Observation]] = defaultdict(list)
        for observation in observations:
            for day, part in rows.by_date(observation):
                grouped[day, part.job_id].append(part)
        keys = []
        for (day, job_id), group in sorted(grouped.items()):
            symbols = sorted({item.symbol for item in group})
            tag = symbols[0] if len(symbols) == 1 else f"{len(symbols)}symbols_{content_id(*symbols)}"
            key = f"{partition(Table.ANSWERS, day)}{job_id}-{tag}.parquet"
            self.store.put(key, encode(from_rows(map(rows.observation_row, sorted(group, key=_order)), Table.ANSWERS)))
            keys.append(key)
        return keys

    def observations(self, dates: Iterable[date], symbols: Sequence[str] | None = None) -> list[Observation]:
        """What was learned of the minutes of these UTC dates, sorted by symbol, range, time."""
        found = self._read_dates(Table.ANSWERS, dates, rows.observation_of)
        wanted = None if symbols is None else set(symbols)
        return sorted((item for item in found if wanted is None or item.symbol in wanted), key=_order)

    def put_absences(self, absences: Iterable[Absence]) -> list[str]:
        """Write proofs of absence, one object for each date. What is written already stays as it is."""
        return self._put_content(Table.ABSENCES, absences, rows.absence_row, without="proven_at")

    def absences(self, window: Range) -> list[Absence]:
        """The proofs whose minutes lie in `window`, at least in part, sorted. The same proof comes once."""
        found = self._read_dates(Table.ABSENCES, window.dates(), rows.absence_of)
        first = {(item.symbol, item.range): item for item in sorted(found, key=lambda item: item.proven_at)[::-1]}
        return sorted(item for item in first.values() if item.range.intersect(window))

    def put_failures(self, failures: Iterable[Failure]) -> list[str]:
        """Write what audits could not mend, one object for each date."""
        return self._put_content(Table.FAILURES, failures, rows.failure_row, without="failed_at")

    def failures(self, window: Range) -> list[Failure]:
        """The failures whose minutes lie in `window`, at least in part, sorted by symbol, range."""
        found = self._read_dates(Table.FAILURES, window.dates(), rows.failure_of)
        return sorted(item for item in found if item.range.intersect(window))

    # hourly facts

    def read_hour_facts(self, window: Range) -> dict[datetime, HourFacts]:
        """The facts of every UTC hour that `window` touches, as stored; an hour without facts has no rows."""
        schema = schema_of(Table.HOURLY)
        found = self.hour_objects(window)
        bodies = self._get_all([stored.key for stored in found.values()])
        facts = dict.fromkeys(window.hours(), HourFacts(schema.empty_table(), None))
        for (hour, stored), body in zip(found.items(), bodies, strict=True):
            if body is not None:
                facts[hour] = HourFacts(decode(body, schema), stored.etag)
        return facts

    def hour_objects(self, window: Range) -> dict[datetime, Stored]:
        """The object of each UTC hour that `window` touches whose facts are stored, in order."""
        listed = (self.store.list(partition(Table.HOURLY, day)) for day in window.dates())
        found = {stored.key: stored for day in listed for stored in day}
        return {hour: found[key] for hour in window.hours() if (key := _facts_key(hour)) in found}

    def put_hour_facts(self, hour: datetime, facts: pa.Table, *, replaces: str | None) -> str:
        """Write an hour's facts in place of those with the etag `replaces` (None: of none) and return the new
        etag. Raises StoreConflict when somebody else wrote them since."""
        body = encode(facts)
        if replaces is None:
            return self.store.put(_facts_key(hour), body, if_absent=True)
        return self.store.put(_facts_key(hour), body, if_match=replaces)

    def hour_facts(self, window: Range) -> pa.Table:
        """The stored facts of every hour that `window` touches, sorted by symbol, hour."""
        found = concat([facts.rows for facts in self.read_hour_facts(window).values()], schema_of(Table.HOURLY))
        return found.sort_by([("symbol", "ascending"), ("hour", "ascending")])

    # sessions and symbols

    def has_sessions(self) -> bool:
        return self.store.head(SESSIONS_KEY) is not None

    def seed_sessions(self, body: bytes) -> bool:
        """Put the shipped sessions (Parquet bytes of the `sessions` table) where there are none; True if so."""
        try:
            self.store.put(SESSIONS_KEY, body, if_absent=True)
        except StoreConflict:
            return False
        return True

    def put_sessions(self, sessions: Iterable[Session]) -> None:
        """Replace the sessions of the calendars given; those of other calendars stay."""
        given = sorted(sessions)
        calendars = {session.calendar for session in given}
        kept = [session for session in self.sessions() if session.calendar not in calendars]
        table = from_rows(map(rows.session_row, sorted([*kept, *given])), Table.SESSIONS)
        self.store.put(SESSIONS_KEY, encode(table))

    def sessions(self, window: Range | None = None, calendars: Iterable[str] | None = None) -> list[Session]:
        """The sessions that share a minute with `window` (None: all), sorted by calendar, date."""
        body = self.store.get(SESSIONS_KEY)
        if body is None:
            return []
        table = decode(body, schema_of(Table.SESSIONS))
        if window is not None:
            start, end = (pa.scalar(naive(at), pa.timestamp("ms")) for at in (window.start, window.end))
            table = table.filter(pc.and_(pc.less(table["open"], end), pc.greater(table["close"], start)))
        if calendars is not None:
            table = table.filter(pc.is_in(table["calendar"], pa.array(sorted(set(calendars)), pa.string())))
        return sorted(map(rows.session_of, table.to_pylist()))

    def put_symbols(self, listings: Iterable[Listing]) -> bool:
        """Put the list of interested symbols in force; True when it differs from the one before."""
        given = sorted(set(listings), key=lambda item: (item.symbol, item.calendar, str(item.listed)))
        body = encode(from_rows(map(rows.listing_row, given), Table.SYMBOLS))
        if self.store.get(SYMBOLS_KEY) == body:
            return False
        self.store.put(SYMBOLS_KEY, body)
        return True

    def symbols(self) -> list[Listing]:
        """The interested symbols in force; empty when there never was a list."""
        body = self.store.get(SYMBOLS_KEY)
        return [] if body is None else [*map(rows.listing_of, decode(body, schema_of(Table.SYMBOLS)).to_pylist())]

    # how objects are read and written

    def _put_once(self, key: str, table: pa.Table) -> None:
        with suppress(StoreConflict):
            self.store.put(key, encode(table), if_absent=True)

    def _put_content(
        self, table: Table, items: Iterable[Item], to_row: Callable[[Item], dict[str, object]], *, without: str
    ) -> list[str]:
        grouped: dict[date, list[Item]] = defaultdict(list)
        for item in items:
            for day, part in rows.by_date(item):
                grouped[day].append(part)
        keys = []
        for day, group in sorted(grouped.items()):
            dicts = [to_row(item) for item in sorted(group)]
            said = [[value for name, value in row.items() if name != without] for row in dicts]
            key = f"{partition(table, day)}{content_id(*said)}.parquet"
            self._put_once(key, from_rows(dicts, table))
            keys.append(key)
        return keys

    def _read_dates(
        self, table: Table, dates: Iterable[date], of_row: Callable[[Mapping[str, object]], Item]
    ) -> list[Item]:
        keys = [stored.key for day in sorted(set(dates)) for stored in self.store.list(partition(table, day))]
        bodies = [body for body in self._get_all(keys) if body is not None]
        return [of_row(row) for body in bodies for row in decode(body, schema_of(table)).to_pylist()]

    def _get_all(self, keys: list[str]) -> list[bytes | None]:
        if self._readers == 1 or len(keys) < 2:
            return [self.store.get(key) for key in keys]
        with ThreadPoolExecutor(min(self._readers, len(keys))) as pool:
            return [*pool.map(self.store.get, keys)]


def _facts_key(hour: datetime) -> str:
    return f"{partition(Table.HOURLY, hour.date())}{hour:%H}.parquet"


def _order(item: Observation) -> tuple[str, Range, datetime, str]:
    return item.symbol, item.range, item.observed_at, item.job_id
