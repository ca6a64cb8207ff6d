"""Publishing: what compaction leaves, what an hour costs, what a rebuild costs, and how each grows with symbols.

In memory, so that the figures are the code's own; seeded random walks, captured as the stage captures them: one
object for each minute and chunk of 50 symbols. One XNYS day of 390 minutes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from minutemend.core.bars import BARS
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.ports.signals import Signals
from minutemend.ports.store import Store, StoreConflict, Stored
from minutemend.services.capture import CHUNK
from minutemend.services.lake import Lake
from minutemend.services.publish import Publish

from bench.table import Figure

SIZES = (50, 500, 5_000)
SEED = 20260101
OPEN = datetime(2025, 11, 12, 14, 30, tzinfo=UTC)
SESSION = Session("XNYS", date(2025, 11, 12), OPEN, OPEN + 390 * MINUTE)
HOUR = Range(OPEN.replace(hour=16, minute=0), OPEN.replace(hour=17, minute=0))
DAY = Range(OPEN.replace(minute=0), OPEN.replace(hour=21, minute=0))
NOW = datetime(2025, 11, 13, tzinfo=UTC)


class MemoryStore(Store):
    """Objects in a dict; `put_bytes` and `puts` count what was written."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.puts = 0
        self.put_bytes = 0

    def put(self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        found = self.objects.get(key)
        if (if_absent and found) or (if_match is not None and (found is None or found[1] != if_match)):
            raise StoreConflict(key)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.objects[key] = (body, etag)
        self.puts += 1
        self.put_bytes += len(body)
        return etag

    def get(self, key: str) -> bytes | None:
        found = self.objects.get(key)
        return found[0] if found else None

    def head(self, key: str) -> Stored | None:
        found = self.objects.get(key)
        return Stored(key, len(found[0]), found[1], NOW) if found else None

    def list(self, prefix: str) -> list[Stored]:
        return [
            Stored(key, len(body), etag, NOW)
            for key, (body, etag) in sorted(self.objects.items())
            if key.startswith(prefix)
        ]

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)


class Silence(Signals):
    """Nobody listens."""

    def resume(self, token: str, output: object) -> None: ...

    def alarm(self, subject: str, message: str) -> None: ...

    def announce(self, detail_type: str, detail: object) -> None: ...


def day_of_bars(symbols: int) -> pa.Table:
    """A day of random walks, schema BARS, sorted by symbol, minute."""
    random = np.random.default_rng(SEED)
    minutes = SESSION.minutes
    n = symbols * minutes
    walk = 100 * np.exp(np.cumsum(random.normal(0, 5e-4, (symbols, minutes)), axis=1))
    close = np.round(walk, 2).ravel()
    minute = np.tile(
        np.datetime64(OPEN.replace(tzinfo=None), "ms") + np.arange(minutes) * np.timedelta64(60_000, "ms"), symbols
    )
    table = pa.table(
        {
            "symbol": np.repeat([f"S{number:04d}" for number in range(symbols)], minutes),
            "minute": minute,
            "open": np.round(close + random.integers(-5, 6, n) / 100, 2),
            "high": np.round(close + random.integers(5, 12, n) / 100, 2),
            "low": np.round(close - random.integers(5, 12, n) / 100, 2),
            "close": close,
            "volume": np.round(random.lognormal(8, 1.5, n)),
            "source": pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), ["alpaca"]).cast(pa.string()),
            "repair_id": pa.nulls(n, pa.string()),
            "captured_at": minute + np.timedelta64(16 * 60_000 + 1234, "ms"),
        }
    )  # fmt: skip
    return table.cast(BARS)


def captured(bars: pa.Table, symbols: int, window: Range) -> MemoryStore:
    """A lake in which the window's minutes were captured, chunk by chunk."""
    store = MemoryStore()
    lake = Lake(store)
    lake.put_sessions([SESSION])
    lake.put_symbols([Listing(f"S{number:04d}", "XNYS") for number in range(symbols)])
    store.puts = store.put_bytes = 0
    minutes = SESSION.minutes
    first = int((max(window.start, OPEN) - OPEN) / MINUTE)
    last = int((min(window.end, SESSION.close) - OPEN) / MINUTE)
    for minute in range(first, last):
        for chunk in range(0, symbols, CHUNK):
            rows = np.arange(chunk, min(chunk + CHUNK, symbols)) * minutes + minute
            lake.put_bars(bars.take(pa.array(rows)))
    return store


def publish(store: MemoryStore, window: Range) -> float:
    """Publish the window; seconds."""
    service = Publish(lake=Lake(store), signals=Silence(), retire_after=timedelta(0))
    begun = time.perf_counter()
    service.run(window, None, audit_id="bench", now=NOW)
    return time.perf_counter() - begun


def repair(store: MemoryStore, bars: pa.Table, minute: datetime) -> None:
    """One bar of one symbol arrives late, with another price."""
    wanted = pa.scalar(minute.replace(tzinfo=None), pa.timestamp("ms"))
    row = bars.filter(pc.and_(pc.equal(bars["minute"], wanted), pc.equal(bars["symbol"], "S0001")))
    late = row.set_column(0, BARS.field("symbol"), pa.array(["S0001"])).set_column(
        BARS.get_field_index("repair_id"), BARS.field("repair_id"), pa.array(["late"])
    )
    Lake(store).put_bars(late)


def measure(symbols: int, tell: Callable[[str, float, str], None]) -> None:
    """Every figure of one size."""
    bars = day_of_bars(symbols)
    hour = captured(bars, symbols, HOUR)
    tell("objects of an hour, captured", len(hour.list("bars/")), "")
    tell("bytes of an hour, captured", sum(one.size for one in hour.list("bars/")), "B")
    tell("publish an hour: compact and aggregate", publish(hour, HOUR), "s")
    tell("objects of an hour, published", len(hour.list("bars/")), "")
    tell("bytes of an hour, published", sum(one.size for one in hour.list("bars/")), "B")
    tell("publish the hour again: nothing changed", publish(hour, HOUR), "s")
    day = MemoryStore()
    lake = Lake(day)
    lake.put_sessions([SESSION])
    lake.put_symbols([Listing(f"S{number:04d}", "XNYS") for number in range(symbols)])
    lost = HOUR.start + 7 * MINUTE
    wanted = pa.scalar(lost.replace(tzinfo=None), pa.timestamp("ms"))
    hole = pc.and_(pc.equal(bars["minute"], wanted), pc.equal(bars["symbol"], "S0001"))
    lake.put_bars(bars.filter(pc.invert(hole)))
    tell("full rebuild of a day", publish(day, DAY), "s")
    tell("objects of a day, published", len(day.list("bars/")), "")
    tell("bytes of a day, published", sum(one.size for one in day.list("bars/")), "B")
    repair(day, bars, lost)
    day.puts = day.put_bytes = 0
    tell("rebuild of one touched hour", publish(day, HOUR), "s")
    tell("objects written by that rebuild (facts and marker)", day.puts, "")
    tell("bytes written by that rebuild", day.put_bytes, "B")


def run() -> list[Figure]:
    """The figures of every size, for the common table."""
    found: list[Figure] = []
    for symbols in SIZES:
        measure(
            symbols, lambda name, value, unit, n=symbols: found.append(Figure(f"{n:,} symbols: {name}", value, unit))
        )
    return found


def main() -> None:
    for symbols in SIZES:
        measure(symbols, lambda name, value, unit, n=symbols: print(f"{n:>6} {name:<52} {value:>14,.4g} {unit}"))


if __name__ == "__main__":
    main()
