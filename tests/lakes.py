"""Random lakes that try to fool the audit, and an oracle in pandas that knows nothing of its SQL.

A lake is a folder as in S3: `bars/dt=…/*.parquet`, `sessions/`, `hours/`, `symbols/`. Files are unsorted,
overlap, repeat minutes, hold extended hours, seconds and strangers, and some are empty.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from minutemend.core.gaps import Gap
from minutemend.core.hours import expected_hours
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.services.tables import hours_table

NAIVE = pa.timestamp("ms")


def at(text: str) -> datetime:
    """`2024-03-08 14:30` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def session(calendar: str, dt: str, opened: str, closed: str) -> Session:
    """A session by its label and the UTC times of its open and close."""
    return Session(calendar, date.fromisoformat(dt), at(opened), at(closed))


# A half day, both sides of a clock change, a lunch break off the half hour, a session across UTC midnight, 24/7.
SESSIONS = (
    session("XNYS", "2024-03-08", "2024-03-08 14:30", "2024-03-08 21:00"),
    session("XNYS", "2024-03-11", "2024-03-11 13:30", "2024-03-11 20:00"),
    session("XNYS", "2024-03-12", "2024-03-12 13:30", "2024-03-12 17:00"),
    session("LUNCH", "2024-03-08", "2024-03-08 01:15", "2024-03-08 03:40"),
    session("LUNCH", "2024-03-08", "2024-03-08 03:55", "2024-03-08 06:07"),
    session("LUNCH", "2024-03-11", "2024-03-11 01:15", "2024-03-11 03:40"),
    session("LUNCH", "2024-03-11", "2024-03-11 03:55", "2024-03-11 06:07"),
    session("NIGHT", "2024-03-09", "2024-03-08 22:10", "2024-03-09 02:20"),
    session("NIGHT", "2024-03-12", "2024-03-11 22:10", "2024-03-12 02:20"),
    session("24/7", "2024-03-09", "2024-03-09 00:00", "2024-03-10 00:00"),
)
WHOLE = Range(at("2024-03-08 00:00"), at("2024-03-13 00:00"))
CALENDARS = tuple(dict.fromkeys(one.calendar for one in SESSIONS))


@dataclass(slots=True)
class RandomLake:
    """The rows of a lake, and the question put to it."""

    listings: list[Listing]
    bars: list[tuple[str, datetime]]  # as stored, repeats and strangers among them
    absences: list[tuple[str, Range]]
    window: Range
    asked: tuple[str, ...] | None
    seed: int
    sessions: Sequence[Session] = field(default=SESSIONS)

    def expected(self) -> dict[tuple[str, Session], list[datetime]]:
        """Every expected minute, by symbol and session: plain loops, for they are easy to believe."""
        found: dict[tuple[str, Session], list[datetime]] = {}
        for listing in self.listings:
            if self.asked is not None and listing.symbol not in self.asked:
                continue
            for one in self.sessions:
                begun = listing.listed is None or one.dt >= listing.listed
                ended = listing.delisted is not None and one.dt >= listing.delisted
                if one.calendar != listing.calendar or not begun or ended:
                    continue
                minute, minutes = one.open, []
                while minute < one.close:
                    if minute in self.window:
                        minutes.append(minute)
                    minute += MINUTE
                found[listing.symbol, one] = minutes
        return found

    def oracle(self) -> list[Gap]:
        """The gaps, by pandas: expected minutes that no row and no absence names, runs within a session joined."""
        stored = pd.DataFrame(self.bars, columns=["symbol", "minute"])
        gaps = []
        for (symbol, one), minutes in self.expected().items():
            there = pd.DatetimeIndex(stored.loc[stored["symbol"] == symbol, "minute"].unique(), tz=UTC)
            missing = pd.DatetimeIndex(minutes, tz=UTC).difference(there)
            for name, span in self.absences:
                if name == symbol:
                    missing = missing[~((missing >= span.start) & (missing < span.end))]
            frame = pd.Series(missing).sort_values()
            for _, run in frame.groupby((frame.diff() != MINUTE).cumsum()):
                start, last = (run.iloc[edge].to_pydatetime() for edge in (0, -1))
                gaps.append(Gap(symbol, start, last + MINUTE, one.open, one.close))
        return sorted(gaps)

    def write(self, folder: Path) -> None:
        """The lake's files, spread over them at random (by `seed`)."""
        rng = random.Random(self.seed)
        write_tables(folder, self.sessions, self.listings)
        files: dict[tuple[date, int], list[tuple[str, datetime]]] = {}
        for symbol, minute in self.bars:
            files.setdefault((minute.date(), rng.randrange(3)), []).append((symbol, minute))
        files.setdefault((self.window.start.date(), 9), [])  # an empty file
        for (day, number), rows in files.items():
            rng.shuffle(rows)
            write_bars(folder / "bars" / f"dt={day}" / f"{number}.parquet", rows)


def write_bars(path: Path, rows: Iterable[tuple[str, datetime]]) -> None:
    """A file of bars, in the order given; the prices do not matter to an audit."""
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    columns: dict[str, pa.Array] = {
        "symbol": pa.array([symbol for symbol, _ in rows], pa.string()),
        "minute": pa.array([minute.replace(tzinfo=None) for _, minute in rows], NAIVE),
    }
    for name in ("open", "high", "low", "close", "volume"):
        columns[name] = pa.array([1.0] * len(rows), pa.float64())
    for name in ("source", "repair_id"):
        columns[name] = pa.nulls(len(rows), pa.string())
    columns["captured_at"] = pa.nulls(len(rows), NAIVE)
    pq.write_table(pa.table(columns), path)


def write_tables(
    folder: Path,
    sessions: Sequence[Session],
    listings: Sequence[Listing],
) -> None:
    """The tables beside the bars."""
    rows = [
        {
            "calendar": one.calendar,
            "dt": one.dt.isoformat(),
            "open": one.open.replace(tzinfo=None),
            "close": one.close.replace(tzinfo=None),
            "minutes": one.minutes,
        }
        for one in sessions
    ]
    kinds = {"open": NAIVE, "close": NAIVE, "minutes": pa.int32()}
    _write(folder / "sessions" / "sessions.parquet", rows, ("calendar", "dt", "open", "close", "minutes"), kinds)
    hours = hours_table(expected_hours(sessions), made_of="these")
    (folder / "hours").mkdir(parents=True, exist_ok=True)
    pq.write_table(hours, folder / "hours" / "hours.parquet")
    rows = [
        {
            "symbol": one.symbol,
            "calendar": one.calendar,
            "listed": one.listed.isoformat() if one.listed else None,
            "delisted": one.delisted.isoformat() if one.delisted else None,
        }
        for one in listings
    ]
    _write(folder / "symbols" / "symbols.parquet", rows, ("symbol", "calendar", "listed", "delisted"), {})


def _write(path: Path, rows: list[dict[str, object]], names: Sequence[str], kinds: dict[str, pa.DataType]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def random_lake(seed: int) -> RandomLake:
    """The lake of a seed: small enough for hundreds of them, and no two alike in what is wrong with them."""
    rng = random.Random(seed)
    labels = sorted({one.dt for one in SESSIONS})
    listings = []
    for number in range(rng.randint(1, 4)):
        listed = rng.choice([None, None, None, rng.choice(labels)])
        delisted = rng.choice([None, None, None, rng.choice(labels)])
        listings.append(Listing(f"S{number}", rng.choice(CALENDARS), listed, delisted))
        if delisted is not None and rng.random() < 0.5:  # and listed again
            listings.append(
                replace(listings[-1], listed=rng.choice([one for one in labels if one >= delisted]), delisted=None)
            )
    start, end = WHOLE.start, WHOLE.end
    if rng.random() < 0.6:
        picked = sorted(rng.sample(range(WHOLE.minutes), 2))
        start, end = (WHOLE.start + minute * MINUTE for minute in picked)
    asked = None if rng.random() < 0.7 else tuple(rng.sample([one.symbol for one in listings], 1))
    lake = RandomLake(listings, [], [], Range(start, end), asked, seed)
    lake.bars = [row for listing in listings for row in _stored(rng, lake, listing)]
    lake.bars += [("STRANGER", start + MINUTE * rng.randrange(3000)) for _ in range(rng.randint(0, 5))]
    for listing in listings:
        for _ in range(rng.choice([0, 0, 1, 3])):
            begin = WHOLE.start + rng.randrange(WHOLE.minutes) * MINUTE
            lake.absences.append((listing.symbol, Range(begin, begin + rng.randint(1, 90) * MINUTE)))
    return lake


def _stored(rng: random.Random, lake: RandomLake, listing: Listing) -> Iterable[tuple[str, datetime]]:
    """The rows of one symbol: its sessions with holes, and everything that ought not to matter."""
    if rng.random() < 0.1:
        return  # a symbol that is absent altogether
    rate = rng.choice([0.0, 0.0, 0.01, 0.3, 0.95])
    copies = rng.choice([(1,), (1,), (1,), (1, 1, 1, 2), (2,), (3,), (1, 4, 5, 16), (4,), (1, 70)])
    for one in lake.sessions:
        if one.calendar != listing.calendar or rng.random() < 0.1:
            continue
        hole = one.open + MINUTE * rng.randrange(one.minutes)
        run = Range(hole, hole + MINUTE * rng.randint(1, 120))
        early = one.open - MINUTE * rng.choice([0, 0, 10, 90])
        late = one.close + MINUTE * rng.choice([0, 0, 10, 90])
        minute = early
        while minute < late:
            kept = minute not in run and rng.random() >= rate
            if kept:
                yield from [(listing.symbol, minute)] * rng.choice(copies)
            elif rng.random() < 0.1:
                # Near the minute, and not on it: no bar of that minute.
                yield listing.symbol, minute + rng.choice([timedelta(seconds=30), timedelta(milliseconds=5)])
            minute += MINUTE
