"""Publishing: sparse ranges, and what compaction leaves.

In memory, so that the figures are the code's own; seeded random walks, captured as the stage captures them: one
object for each minute and chunk of 50 symbols. One XNYS day of 390 minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain

import numpy as np
import pyarrow as pa
from minutemend.contract import CAPTURE_TOGETHER
from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.ports.signals import Signals
from minutemend.services.lake import Lake
from minutemend.services.publish import Publish

from bench.bars import walked
from bench.memory import NOW, MemoryStore
from bench.table import Figure

SEED = 20260101
OPEN = datetime(2025, 11, 12, 14, 30, tzinfo=UTC)
SESSION = Session("XNYS", date(2025, 11, 12), OPEN, OPEN + 390 * MINUTE)
DAY = Range(OPEN.replace(minute=0), OPEN.replace(hour=21, minute=0))


class Silence(Signals):
    """No listener."""

    def resume(self, token: str, output: object) -> None: ...

    def alarm(self, subject: str, message: str) -> None: ...

    def announce(self, detail_type: str, detail: object) -> None: ...


def day_of_bars(symbols: int) -> pa.Table:
    """A day of random walks, schema BARS, sorted by symbol, minute."""
    return walked(np.random.default_rng(SEED), symbols, epoch_minute(OPEN) + np.arange(SESSION.minutes))


def captured(bars: pa.Table, symbols: int) -> MemoryStore:
    """A lake in which the day's minutes were captured, chunk by chunk."""
    store = MemoryStore()
    lake = Lake(store)
    _follow(lake, symbols)
    for minute in range(SESSION.minutes):
        for chunk in range(0, symbols, CAPTURE_TOGETHER):
            rows = np.arange(chunk, min(chunk + CAPTURE_TOGETHER, symbols)) * SESSION.minutes + minute
            lake.put_bars(bars.take(pa.array(rows)))
    return store


def publish(store: MemoryStore, window: Range) -> float:
    """Publish the window; seconds."""
    service = Publish(lake=Lake(store), signals=Silence(), retire_after=timedelta(0))
    begun = time.perf_counter()
    service.run(window, None, audit_id="bench", now=NOW)
    return time.perf_counter() - begun


def compacted(symbols: int = 500) -> Iterator[Figure]:
    """What a captured day takes in the store, before and after it is compacted."""
    whole = captured(day_of_bars(symbols), symbols)
    before = whole.list("bars/")
    publish(whole, DAY)
    after = whole.list("bars/")
    small, large = (sum(one.size for one in found) for found in (after, before))
    yield Figure(
        f"bytes of a day before compaction to after, {symbols:,} symbols",
        large / small,
        "x",
        f"{len(before):,} objects of {large / 1e6:.2f} MB to {len(after)} of {small / 1e6:.2f} MB; "
        f"{small / (symbols * SESSION.minutes):.1f} bytes a bar",
    )


def sparse() -> Iterator[Figure]:
    """What long ranges take in which little or nothing is expected: requests to the store, and seconds."""
    for what, days, sessions in (("a year with nothing expected", 365, 0), ("17 sessions in 2.5 years", 913, 17)):
        store = MemoryStore()
        lake = Lake(store)
        _follow(lake, 1)
        begin = OPEN.replace(hour=0, minute=0)
        opens = [OPEN + timedelta(days=53 * n) for n in range(sessions)]
        lake.calendars.put([SESSION, *(Session("XNYS", one.date(), one, one + 390 * MINUTE) for one in opens)])
        window = Range(begin + timedelta(days=1 if not sessions else 0), begin + timedelta(days=days))
        store.requests = 0
        took = publish(store, window)
        yield Figure(f"publish {what}", took, "s", f"{store.requests} requests to the store")


def run() -> Iterator[Figure]:
    """Every figure."""
    return chain(sparse(), compacted())


def _follow(lake: Lake, symbols: int) -> None:
    lake.calendars.put([SESSION])
    lake.put_symbols([Listing(f"S{number:04d}", "XNYS") for number in range(symbols)])
