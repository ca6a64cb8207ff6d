"""Publishing: what compaction leaves, what an hour costs, what a rebuild costs, and how each grows with symbols.

In memory, so that the figures are the code's own; seeded random walks, captured as the stage captures them: one
object for each minute and chunk of 50 symbols. One XNYS day of 390 minutes.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from minutemend.core.bars import BARS
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.ports.queue import JobQueue, Message
from minutemend.ports.signals import Signals
from minutemend.ports.store import Store, StoreConflict, Stored
from minutemend.services.capture import CHUNK, RequestCaptures
from minutemend.services.interest import set_interested_stocks
from minutemend.services.lake import Lake
from minutemend.services.publish import Publish

from bench.table import Figure

SIZES = (50, 500, 5_000)
LARGEST_DAY = 500  # of whose day every captured object is written: 39,000 objects for 5,000 tell nothing new
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


class Counting(MemoryStore):
    """Counts the requests."""

    requests = 0

    def put(self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        self.requests += 1
        return super().put(key, body, if_absent=if_absent, if_match=if_match)

    def get(self, key: str) -> bytes | None:
        self.requests += 1
        return super().get(key)

    def head(self, key: str) -> Stored | None:
        self.requests += 1
        return super().head(key)

    def list(self, prefix: str) -> list[Stored]:
        self.requests += 1
        return super().list(prefix)


class Nobody(JobQueue):
    """Messages go nowhere."""

    def send(self, messages: Iterable[Message]) -> int:
        return sum(1 for _ in messages)

    def dead_letter(self, body: str, *, reason: str, attributes: Mapping[str, str]) -> None: ...


class Silence(Signals):
    """No listener."""

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
    _follow(lake, symbols)
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
    """The bar of one symbol and minute arrives late, from a repair."""
    late = bars.filter(_one(bars, minute))
    field = BARS.field("repair_id")
    Lake(store).put_bars(late.set_column(BARS.get_field_index("repair_id"), field, pa.array(["late"])))


def measure(symbols: int) -> Iterator[Figure]:
    """Every figure of one size."""
    bars = day_of_bars(symbols)
    hour = captured(bars, symbols, HOUR)
    before = hour.list("bars/")
    took = publish(hour, HOUR)
    after = hour.list("bars/")
    size = f"{symbols:,} symbols"
    yield Figure(f"publish an hour of {size}: compact, aggregate", took, "s", f"{len(before):,} objects read")
    yield Figure(
        f"an hour's objects before compaction to after, {size}",
        len(before) / len(after),
        "x",
        f"{len(before):,} to {len(after)}; {_megabytes(before)} to {_megabytes(after)}",
    )
    yield Figure(f"publish the hour again, nothing changed, {size}", publish(hour, HOUR), "s")
    day = MemoryStore()
    lake = Lake(day)
    _follow(lake, symbols)
    lost = HOUR.start + 7 * MINUTE
    lake.put_bars(bars.filter(pc.invert(_one(bars, lost))))
    full = publish(day, DAY)
    written = day.put_bytes
    repair(day, bars, lost)
    day.puts = day.put_bytes = 0
    touched = publish(day, HOUR)
    yield Figure(
        f"rebuild of a touched hour over a full rebuild of its day, {size}",
        touched / full,
        "x",
        f"{touched:.2f} s to {full:.2f} s; {day.puts} objects, {day.put_bytes / 1e6:.3f} MB to {written / 1e6:.1f} MB",
    )
    if symbols <= LARGEST_DAY:
        whole = captured(bars, symbols, DAY)
        before, rows = whole.list("bars/"), bars.num_rows
        publish(whole, DAY)
        after = whole.list("bars/")
        yield Figure(
            f"bytes of a day before compaction to after, {size}",
            sum(one.size for one in before) / sum(one.size for one in after),
            "x",
            f"{len(before):,} objects of {_megabytes(before)} to {len(after)} of {_megabytes(after)}; "
            f"{sum(one.size for one in after) / rows:.1f} bytes a bar",
        )


def sparse() -> Iterator[Figure]:
    """What long ranges take in which little or nothing is expected: requests to the store, and seconds."""
    for what, days, sessions in (("a year with nothing expected", 365, 0), ("17 sessions in 2.5 years", 913, 17)):
        store = Counting()
        lake = Lake(store)
        _follow(lake, 1)
        begin = OPEN.replace(hour=0, minute=0)
        opens = [OPEN + timedelta(days=53 * n) for n in range(sessions)]
        lake.put_sessions([SESSION, *(Session("XNYS", one.date(), one, one + 390 * MINUTE) for one in opens)])
        window = Range(begin + timedelta(days=1 if not sessions else 0), begin + timedelta(days=days))
        store.requests = 0
        took = publish(store, window)
        yield Figure(f"publish {what}", took, "s", f"{store.requests} requests to the store")


def many() -> Iterator[Figure]:
    """What each minute's function does with a long list: when it is new, and when nothing has changed."""
    for symbols in (5_000, 20_000):
        store = Counting()
        lake = Lake(store)
        _follow(lake, 1)
        text = json.dumps({"XNYS": [f"S{number:05d}" for number in range(symbols)]})
        set_interested_stocks(lake, text, now=NOW)
        service = RequestCaptures(
            lake=lake, queue=Nobody(), parameter=lambda: None, shipped_sessions=lambda: b"", settling=MINUTE
        )
        times = []
        for minute in range(4):
            store.requests = 0
            begun = time.perf_counter()
            asked = service.run(OPEN + (minute + 2) * MINUTE)
            times.append(time.perf_counter() - begun)
            if asked.symbols != symbols:
                raise RuntimeError(f"{asked.symbols} of {symbols} symbols were asked for")
        beside = f"{times[0]:.2f} s when the list is new; {store.requests} requests to the store"
        yield Figure(f"ask for a minute of {symbols:,} symbols", min(times[1:]), "s", beside)


def run() -> Iterator[Figure]:
    """Every figure."""
    return chain(sparse(), many(), *map(measure, SIZES))


def _megabytes(objects: Sequence[Stored]) -> str:
    return f"{sum(one.size for one in objects) / 1e6:.2f} MB"


def _follow(lake: Lake, symbols: int) -> None:
    lake.put_sessions([SESSION])
    lake.put_symbols([Listing(f"S{number:04d}", "XNYS") for number in range(symbols)])


def _one(bars: pa.Table, minute: datetime) -> pa.ChunkedArray:
    """Where the bar is that arrives late."""
    wanted = pa.scalar(minute.replace(tzinfo=None), pa.timestamp("ms"))
    return pc.and_(pc.equal(bars["minute"], wanted), pc.equal(bars["symbol"], "S0001"))
