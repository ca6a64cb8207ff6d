"""The table of hourly facts: one object for each UTC hour, written only if it was not written meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from minutemend.contract import Table
from minutemend.core.bars import schema_of
from minutemend.core.minutes import Range
from minutemend.ports.store import Store, Stored
from minutemend.services.tables import concat, decode, encode, listed, partition

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HourFacts:
    """The facts of one hour as stored: rows of the `hourly` table sorted by symbol, and the object's etag
    (None: there is no object yet)."""

    rows: pa.Table
    etag: str | None


class Hourly:
    """Reads and writes `hourly/dt=2013-10-04/13.parquet`. `get_all` fetches the bodies of keys."""

    def __init__(self, store: Store, get_all: Callable[[list[str]], list[bytes | None]]) -> None:
        self._store, self._get_all = store, get_all

    def objects(self, window: Range) -> dict[datetime, Stored]:
        """The object of each UTC hour that `window` touches whose facts are stored, in order."""
        found = {}
        for stored in listed(self._store, Table.HOURLY, window.dates()):
            hour = _hour_of(stored.key)
            if hour is not None and window.start - HOUR < hour < window.end:
                found[hour] = stored
        return found

    def read(self, objects: Mapping[datetime, Stored]) -> dict[datetime, HourFacts]:
        """The facts in these objects, under the etags that they were listed with; without those that are gone."""
        bodies = self._get_all([stored.key for stored in objects.values()])
        return {
            hour: HourFacts(decode(body, schema_of(Table.HOURLY)), stored.etag)
            for (hour, stored), body in zip(objects.items(), bodies, strict=True)
            if body is not None
        }

    def of_hour(self, hour: datetime) -> HourFacts:
        """The facts of one hour; of one without any, no rows."""
        found = self.read(self.objects(Range(hour, hour + HOUR)))
        return found.get(hour) or HourFacts(schema_of(Table.HOURLY).empty_table(), None)

    def put(self, hour: datetime, facts: pa.Table, *, replaces: str | None) -> str:
        """Write an hour's facts in place of those with the etag `replaces` (None: of none) and return the new
        etag. Raises StoreConflict when somebody else wrote them since."""
        return self._store.put(hour_key(hour), encode(facts), if_absent=replaces is None, if_match=replaces)

    def facts(self, window: Range) -> pa.Table:
        """The stored facts of every hour that `window` touches, sorted by symbol, hour."""
        found = concat([one.rows for one in self.read(self.objects(window)).values()], schema_of(Table.HOURLY))
        return found.sort_by([("symbol", "ascending"), ("hour", "ascending")])


def hour_key(hour: datetime) -> str:
    """Where the facts of a UTC hour lie."""
    return f"{partition(Table.HOURLY, hour.date())}{hour:%H}.parquet"


def _hour_of(key: str) -> datetime | None:
    """The hour whose facts lie there; None for an object that is no hour's."""
    try:
        return datetime.strptime(key[-21:], "%Y-%m-%d/%H.parquet").replace(tzinfo=UTC)
    except ValueError:
        return None
