"""Lakes for the conformance tests, written by the product's own lake layout, and what is asked of each.

The real bars, and one lake with every adversity at once; the random ones are those of the unit tests
(tests/lakes.py), with their oracle.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from minutemend.core.bars import BARS
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence
from minutemend.services.lake import Lake

from mend.calendars.exchange_sessions import session_table
from tests.fakes.store import FakeStore

CALENDARS = ("XNYS", "XHKG", "CMES", "24/7")  # plain, with a lunch break, across midnight, around the clock
HALF_DAY = Range(datetime(2024, 7, 2, tzinfo=UTC), datetime(2024, 7, 6, tzinfo=UTC))  # and a holiday
CLOCKS_CHANGE = Range(datetime(2024, 3, 8, tzinfo=UTC), datetime(2024, 3, 12, tzinfo=UTC))
CUT_SHORT = Range(datetime(2024, 7, 3, 14, 7, tzinfo=UTC), datetime(2024, 7, 5, 13, 44, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Question:
    """One text of `generate_data_check_query`."""

    window: Range
    symbols: tuple[str, ...] | None = None


class Writer:
    """A lake in memory, written through the product's own layout, and put on disk."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.lake = Lake(self.store)

    def bars(self, symbol: str, minutes: Iterable[datetime], *, source: str = "one", copy: int = 0) -> None:
        """Bars of these minutes; another `source` or `copy` makes other files of the same minutes."""
        self.lake.put_bars(rows(symbol, minutes, source=source, copy=copy))

    def save(self, folder: Path) -> None:
        """Every object under its key."""
        for key, (body, _) in self.store.objects.items():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(body)


def rows(symbol: str, minutes: Iterable[datetime], *, source: str = "one", copy: int = 0) -> pa.Table:
    """Bars of these instants, in their order, as a table of BARS."""
    instants = [instant.replace(tzinfo=None) for instant in minutes]
    n = len(instants)
    price = pa.array([1.0 + copy] * n)
    captured = [datetime(2024, 8, 1)] * n  # noqa: DTZ001 (the lake's own form)
    columns = [[symbol] * n, instants, price, price, price, price, price, [source] * n, [None] * n, captured]
    return pa.table(columns, schema=BARS)


def sessions(first: str, last: str) -> list[Session]:
    """The sessions of all CALENDARS between these dates."""
    table = session_table(CALENDARS, first=first, last=last).to_pylist()
    return [
        Session(
            row["calendar"],
            date.fromisoformat(row["dt"]),
            row["open"].replace(tzinfo=UTC),
            row["close"].replace(tzinfo=UTC),
        )
        for row in table
    ]


def minutes_of(days: Iterable[Session], calendar: str) -> list[datetime]:
    """Every minute of the calendar's sessions, in order."""
    return [day.open + at * MINUTE for day in days if day.calendar == calendar for at in range(day.minutes)]


def real(folder: Path, bars: Path) -> list[Question]:
    """The real bars, every symbol under its own calendar."""
    writer = Writer()
    read = pa.concat_tables([pq.read_table(bars / name) for name in ("xnys.parquet", "crypto-24x7.parquet")])
    for symbol in pc.unique(read["symbol"]).to_pylist():
        writer.bars(symbol, read.filter(pc.equal(read["symbol"], symbol))["minute"].to_pylist(), source="lean")
    writer.lake.put_symbols(real_listings(bars))
    writer.lake.calendars.put(sessions("2013-10-01", "2018-04-30"))
    writer.save(folder)
    equities = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 12, tzinfo=UTC))
    coins = Range(datetime(2016, 10, 7, tzinfo=UTC), datetime(2016, 10, 10, tzinfo=UTC))
    return [
        Question(equities),
        Question(equities, ("AIG", "IBM", "SPY")),
        Question(coins, ("BTCUSD",)),
    ]


def real_listings(bars: Path) -> list[Listing]:
    """The symbols of the real bars, each under its own calendar."""
    read = pa.concat_tables([pq.read_table(bars / name) for name in ("xnys.parquet", "crypto-24x7.parquet")])
    known = zip(read["symbol"].to_pylist(), read["calendar"].to_pylist(), strict=True)
    return [Listing(symbol, calendar) for symbol, calendar in sorted(set(known))]


def adversarial(folder: Path) -> list[Question]:
    """Every adversity at once; see the comments."""
    writer = Writer()
    days = [*sessions("2024-03-07", "2024-03-12"), *sessions("2024-07-01", "2024-07-06")]
    writer.lake.calendars.put(days)
    plain = minutes_of(days, "XNYS")
    rng = np.random.default_rng(7)
    writer.bars("WHOLE", plain)
    # The first and the last minute of sessions, single minutes, runs, a whole session.
    opens = {day.open for day in days} | {day.close - MINUTE for day in days}
    kept = [at for at in plain if at not in opens and at.minute % 11 and not (at.hour == 16 and at.day == 8)]
    writer.bars("HOLED", [at for at in kept if at.date() != date(2024, 7, 5)])
    # As many duplicates as holes, and overlapping files.
    writer.bars("TWICE", [at for at in plain if at.minute % 4])
    writer.bars("TWICE", [at for at in plain if at.minute % 4 == 1], source="two")
    # Many copies, with holes beside them: 4, 5, 15, 16 and 40 times.
    few = [at for at in plain if at.minute % 15 != 3]
    for copies, minute in ((4, 1), (5, 16), (15, 31), (16, 46), (40, 59)):
        for copy in range(1, copies):
            writer.bars("MANY", [at for at in few if at.minute == minute and at.day in (8, 3)], copy=copy)
    writer.bars("MANY", few)
    # Extended hours; minutes outside the window; rows off the minute, which count for nothing.
    writer.bars("EARLY", [plain[0] - at * MINUTE for at in range(1, 200)])
    writer.bars("EARLY", [plain[-1] + at * MINUTE for at in range(1, 200)])
    writer.bars("EARLY", [at for at in plain if at.minute % 13])
    # Listed and delisted inside the range; never there; there but of no interest.
    writer.bars("LISTED", plain[::2])
    writer.bars("STRANGER", plain)
    # Lunch breaks, sessions across midnight, around the clock.
    writer.bars("HK", [at for at in minutes_of(days, "XHKG") if at.minute % 17])
    writer.bars("FUT", [at for at in minutes_of(days, "CMES") if at.minute % 29 and at.hour != 23])
    writer.bars("COIN", [at for at in minutes_of(days, "24/7") if rng.random() > 0.02])
    # Proven absences: single, overlapping, nested, touching, over a session's end, across midnight.
    writer.bars("PROVEN", [at for at in plain if at.minute % 10 > 3])
    july = next(day for day in days if day.calendar == "XNYS" and day.dt == date(2024, 7, 2))
    futures = next(day for day in days if day.calendar == "CMES" and day.dt == date(2024, 7, 3))
    midnight = datetime(2024, 7, 3, tzinfo=UTC)
    spans = [(0, 1), (10, 13), (11, 14), (20, 24), (21, 22), (31, 33), (33, 34), (380, 600)]
    writer.lake.put_absences(
        [absence("PROVEN", july.open + first * MINUTE, july.open + end * MINUTE) for first, end in spans]
        + [absence("FUT", midnight - 30 * MINUTE, midnight + 30 * MINUTE)]
        + [absence("FUT", futures.open, futures.open + MINUTE)]
    )
    writer.lake.put_symbols(
        [Listing(name, "XNYS") for name in ("WHOLE", "HOLED", "TWICE", "MANY", "EARLY", "NEVER", "PROVEN")]
        + [Listing("LISTED", "XNYS", listed=date(2024, 3, 11), delisted=date(2024, 7, 5))]
        + [Listing("HK", "XHKG"), Listing("FUT", "CMES"), Listing("COIN", "24/7")]
    )
    writer.save(folder)
    _strange_files(folder, plain)
    every = [Question(window) for window in (HALF_DAY, CLOCKS_CHANGE, CUT_SHORT)]
    some = Question(CUT_SHORT, ("COIN", "MANY", "TWICE"))
    one_minute = Question(Range(july.open, july.open + MINUTE))
    return [*every, some, one_minute]


def absence(symbol: str, start: datetime, end: datetime) -> Absence:
    """A proof for these minutes."""
    proven = datetime(2024, 8, 1, tzinfo=UTC)
    return Absence(symbol, Range(start, end), "no_trade", "[]", observations=2, proven_at=proven, rule=RULE)


def _strange_files(folder: Path, minutes: list[datetime]) -> None:
    """Beside the lake's own: an unsorted file, one off the minute, one without rows."""
    day = folder / "bars" / "dt=2024-07-03"
    here = [at for at in minutes if at.date() == date(2024, 7, 3)]
    pq.write_table(rows("EARLY", here[::-7]), day / "unsorted.parquet")
    halves = [at + timedelta(seconds=30) for at in here] + [at + timedelta(milliseconds=1) for at in here]
    pq.write_table(rows("HOLED", halves), day / "halves.parquet")
    pq.write_table(BARS.empty_table(), day / "empty.parquet")
