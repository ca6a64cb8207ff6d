"""The lake: every table of minutemend as Parquet objects in one store.

Keys are derived from content, so that whatever is written twice is stored once:

    bars/dt=2013-10-04/13-<content id>.parquet    bars of one UTC hour
    bars/dt=2013-10-04/day-<content id>.parquet   bars of one UTC date (compacted; `loaded-`: as files brought them)
    looks/dt=2013-10-04/<content id>.parquet      bars that vendors sent beside what was asked for
    superseded/dt=2013-10-04/<content id>.parquet bars that lost to another of their minute (services/history.py)
    answers/dt=…, flags/dt=…                      services/answers.py, services/flags.py
    absences/dt=…, revocations/…, failures/…      <content id>.parquet
    hourly/dt=2013-10-04/13.parquet               the facts of one UTC hour, written conditionally
    symbols/symbols.parquet; the sessions: services/calendars.py

`dt` is the UTC date of the minutes. Ranges are half-open, in UTC; instants in the tables are
timestamp[ms] without zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from minutemend.contract import SYMBOLS_KEY, Table
from minutemend.core.bars import BARE, BARS, resolve, schema_of
from minutemend.core.jobs import content_id
from minutemend.core.minutes import Range
from minutemend.core.revocations import Revocation, in_force
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence, Failure, Observation
from minutemend.ports.store import Store, StoreConflict, Stored
from minutemend.services import evidence_rows as rows
from minutemend.services.answers import Answers
from minutemend.services.calendars import Calendars
from minutemend.services.flags import Flags
from minutemend.services.hourly import Hourly
from minutemend.services.tables import (
    READ_AGAIN,
    LakeUnsettled,
    bars_id,
    by_span,
    concat,
    condition_of,
    decode,
    encode,
    from_rows,
    less,
    listed,
    metadata_of,
    partition,
    undamaged,
)

_SOURCE = b"source"  # in the metadata of the symbols: what they were made from

Item = TypeVar("Item", Observation, Absence, Failure, Revocation)
Done = TypeVar("Done")


class Lake:
    """Reads and writes the tables. `readers` is how many objects are fetched, or written, at once."""

    def __init__(self, store: Store, *, readers: int = 1) -> None:
        self.store = store
        self.calendars = Calendars(store)
        self.hourly = Hourly(store, self.get_all)
        self.answers = Answers(store, self.get_all)
        self.flags = Flags(store, self.get_all)
        self._readers = readers

    def put_bars(self, bars: pa.Table) -> list[str]:
        """Write bars (schema BARS, any order): one object for each UTC hour. Returns the keys, sorted. An object that
        is there already stays as it is: it says the same, and its `captured_at` is older."""
        parts = {
            f"{partition(Table.BARS, hour.date())}{hour:%H}-{bars_id(part)}.parquet": part
            for hour, part in by_span(bars, "hour")
        }
        self._at_once(lambda key: self._put_once(key, parts[key]), [*parts])
        return [*parts]

    def put_dates(self, bars: pa.Table) -> None:
        """Write bars of some UTC dates (schema BARS, resolved, none of a repair): one object for each date of which
        nothing is stored, else what is not stored yet, as `put_bars`. Again, the same objects."""
        spans = {day.date(): part for day, part in by_span(bars, "day")}
        there: dict[str, list[str]] = defaultdict(list)
        for stored in listed(self.store, Table.BARS, spans):
            there[f"{stored.key.rpartition('/')[0]}/"].append(stored.key)
        parts = {}
        for day, part in spans.items():
            prefix = partition(Table.BARS, day)
            key = f"{prefix}loaded-{bars_id(part)}.parquet"
            if prefix not in there:
                parts[key] = part
            elif key not in there[prefix]:
                self.put_bars(less(part, self.read_objects(there[prefix])))
        self._at_once(lambda key: self._put_once(key, parts[key]), [*parts])

    def put_compacted(self, bars: pa.Table, *, day: date, hour: int | None) -> str:
        """Write resolved bars of one UTC hour, or of a whole date (`hour` None), and return the key, which is
        made of everything in them. What stands in the table's metadata is written, too."""
        name = "day" if hour is None else f"{hour:02d}"
        key = f"{partition(Table.BARS, day)}{name}-{bars_id(bars, with_capture=True)}.parquet"
        self._put_once(key, bars)
        return key

    def put_superseded(self, bars: pa.Table, *, day: date) -> None:
        """Keep bars of one UTC date (schema KNOWN) that no reader of today gets. Again, the same object."""
        if bars.num_rows:
            self._put_once(f"{partition(Table.SUPERSEDED, day)}{bars_id(bars, with_capture=True)}.parquet", bars)

    def put_looks(self, bars: pa.Table) -> None:
        """Keep bars that a vendor sent beside what was asked for (schema BARS): one object for each UTC date."""
        for day, part in by_span(bars, "day"):
            self._put_once(f"{partition(Table.LOOKS, day.date())}{bars_id(part)}.parquet", part)

    def bar_objects(self, window: Range) -> list[Stored]:
        """The objects that may hold bars of `window`, sorted by key."""
        return objects_of(listed(self.store, Table.BARS, window.dates()), window)

    def read_bars(
        self,
        window: Range,
        symbols: Sequence[str] | None = None,
        *,
        known: Iterable[Stored] | None = None,
        bare: bool = False,
    ) -> pa.Table:
        """The bars of `window` (schema BARS, or BARE), one whole bar a minute by `core.bars.resolve`, sorted.

        `known` are the objects to read, where the caller has listed them; it is listed anew when one of them is gone.
        Raises LakeUnsettled when compaction, five times over, took objects away between listing and reading.
        """
        for _ in range(READ_AGAIN):
            found = self.bar_objects(window) if known is None else objects_of(known, window)
            keys = [stored.key for stored in found]
            if bare and compacted(keys):
                parts = self.read_objects(keys, window, symbols, schema=BARE)
                if parts is not None:
                    return in_order(parts, keys)
            parts = self.read_objects(keys, window, symbols)
            if parts is not None:
                return resolve(parts).select((BARE if bare else BARS).names)
            known = None
        raise LakeUnsettled(f"the bars of {window} were rewritten {READ_AGAIN} times while they were read")

    def read_objects(
        self,
        keys: Iterable[str],
        window: Range | None = None,
        symbols: Sequence[str] | None = None,
        *,
        schema: pa.Schema = BARS,
    ) -> pa.Table | None:
        """All rows of the named bar objects, unresolved; None when one of them is gone."""
        condition = condition_of(window, symbols)
        bodies = self.get_all(list(keys))
        if any(body is None for body in bodies):
            return None
        return concat([decode(body, schema, filters=condition) for body in bodies if body is not None], schema)

    # evidence

    def put_absences(self, absences: Iterable[Absence]) -> list[str]:
        """Write proofs of absence, one object for each date. What is written already stays as it is."""
        return self._put_content(Table.ABSENCES, absences, without="proven_at")

    def absences(self, window: Range) -> list[Absence]:
        """The proofs of the rule in force whose minutes lie in `window`, at least in part, sorted. The same proof comes
        once. Those of an older rule proved too much: their minutes are missing again, as those are whose proof is
        revoked."""
        found = [one for one in self._read_dates(Table.ABSENCES, window.dates(), Absence) if one.rule >= RULE]
        found = [*in_force(found, self.revocations(window))] if found else found
        first = {(item.symbol, item.range): item for item in sorted(found, key=lambda item: item.proven_at)[::-1]}
        return sorted(item for item in first.values() if item.range.intersect(window))

    def proven_ranges(self, day: date) -> pa.Table:
        """The ranges of a UTC date that the rule in force proved absent: symbol, start, end. Some may overlap, and a
        revoked one is among them."""
        found = self._rows(Table.ABSENCES, [day])
        return found.filter(pc.greater_equal(found["rule"], RULE)).select(["symbol", "start", "end"])

    def put_revocations(self, revocations: Iterable[Revocation]) -> list[str]:
        """Write what a person revoked, one object for each date. Again, the same objects."""
        return self._put_content(Table.REVOCATIONS, revocations)

    def revocations(self, window: Range) -> list[Revocation]:
        """The revocations of the UTC dates that `window` touches, sorted. All of a date: a proof may reach beyond."""
        return sorted(self._read_dates(Table.REVOCATIONS, window.dates(), Revocation))

    def put_failures(self, failures: Iterable[Failure]) -> list[str]:
        """Write what audits could not mend, one object for each date."""
        return self._put_content(Table.FAILURES, failures, without="failed_at")

    def failures(self, window: Range) -> list[Failure]:
        """The failures whose minutes lie in `window`, at least in part, sorted by symbol, range."""
        found = self._read_dates(Table.FAILURES, window.dates(), Failure)
        return sorted(item for item in found if item.range.intersect(window))

    # symbols

    def put_symbols(self, listings: Iterable[Listing], *, source: str = "") -> bool:
        """Put the interested symbols in force, with what they were made from; True when that differs from before."""
        table = from_rows(map(rows.row_of, sorted(set(listings))), Table.SYMBOLS)
        body = encode(table.replace_schema_metadata({_SOURCE: source}) if source else table)
        if self.store.get(SYMBOLS_KEY) == body:
            return False
        self.store.put(SYMBOLS_KEY, body)
        return True

    def symbols(self) -> list[Listing]:
        """The interested symbols in force; empty when there never was a list."""
        return self.symbols_of()[0]

    def symbols_of(self) -> tuple[list[Listing], str]:
        """The interested symbols in force, and the `source` that they were put with."""
        if (body := self.store.get(SYMBOLS_KEY)) is None:
            return [], ""
        source = metadata_of(body).get(_SOURCE, b"").decode()
        return [*rows.items_of(Listing, decode(body, schema_of(Table.SYMBOLS)).to_pylist())], source

    # how objects are read and written

    def _put_once(self, key: str, table: pa.Table) -> None:
        with suppress(StoreConflict):
            self.store.put(key, encode(table), if_absent=True)

    def _put_content(self, table: Table, items: Iterable[Item], *, without: str = "") -> list[str]:
        grouped: dict[date, list[Item]] = defaultdict(list)
        for item in items:
            for day, part in rows.by_date(item):
                grouped[day].append(part)
        keys = []
        for day, group in sorted(grouped.items()):
            dicts = [rows.row_of(item) for item in sorted(group, key=lambda one: (one.symbol, one.range))]
            said = [[value for name, value in row.items() if name != without] for row in dicts]
            key = f"{partition(table, day)}{content_id(*said)}.parquet"
            self._put_once(key, from_rows(dicts, table))
            keys.append(key)
        return keys

    def _read_dates(self, table: Table, dates: Iterable[date], kind: type[Item]) -> list[Item]:
        return list(rows.items_of(kind, self._rows(table, dates).to_pylist()))

    def _rows(self, table: Table, dates: Iterable[date]) -> pa.Table:
        keys = [stored.key for stored in listed(self.store, table, dates)]
        bodies = [body for body in self.get_all(keys) if body is not None]
        return concat([decode(body, schema_of(table)) for body in bodies], schema_of(table))

    def get_all(self, keys: list[str]) -> list[bytes | None]:
        """The objects' bytes, in order; None for one that is gone. Raises LakeDamaged."""
        return self._at_once(lambda key: undamaged(key, self.store.get(key)), keys)

    def _at_once(self, act: Callable[[str], Done], keys: list[str]) -> list[Done]:
        if self._readers == 1 or len(keys) < 2:
            return [act(key) for key in keys]
        with ThreadPoolExecutor(min(self._readers, len(keys))) as pool:
            return [*pool.map(act, keys)]


def compacted(keys: Sequence[str]) -> bool:
    """Whether compaction or a load wrote them, one for each date: nothing is left for the rule to decide."""
    dates = {key.rpartition("/")[0] for key in keys}
    return len(dates) == len(keys) and all("/day-" in key or "/loaded-" in key for key in keys)


def in_order(bars: pa.Table, keys: Sequence[str]) -> pa.Table:
    """The bars of objects that are `compacted`, sorted by symbol, minute."""
    return bars if len(keys) < 2 else bars.sort_by([("symbol", "ascending"), ("minute", "ascending")])


def objects_of(found: Iterable[Stored], window: Range) -> list[Stored]:
    """The objects of bars that may hold some of `window`: those of its hours and of whole dates."""
    hours = {f"{partition(Table.BARS, hour.date())}{hour:%H}" for hour in window.hours()}
    dates = {partition(Table.BARS, day) for day in window.dates()}
    chosen = []
    for stored in found:
        head, dash, _ = stored.key.rpartition("-")
        hourly = dash and len(head) > 2 and head[-2:].isdigit() and head[-3] == "/"
        if head in hours if hourly else f"{stored.key.rpartition('/')[0]}/" in dates:
            chosen.append(stored)
    return chosen
