"""Files of bars as people have them, from a seed: shape × delimiter × zone × order × noise, and the right answer."""

from __future__ import annotations

import bz2
import gzip
import json
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from mend.calendars.known import calendar_named

MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Style:
    """A way to write the time of a bar: its columns' names, and the cells of an instant. `zone`: of naive times."""

    name: str
    columns: tuple[str, ...]
    cells: Callable[[datetime], tuple[str, ...]]
    zone: str | None = None
    options: tuple[str, ...] = ()
    headed: bool = False  # no rule can read it without a header


def _in(zone: str, pattern: str) -> Callable[[datetime], tuple[str, ...]]:
    return lambda at: tuple(f"{at.astimezone(ZoneInfo(zone)):{part}}" for part in pattern.split("|"))


def _epoch(scale: int, suffix: str = "") -> Callable[[datetime], tuple[str, ...]]:
    return lambda at: (f"{int(at.timestamp()) * scale}{suffix}",)


def _naive(name: str, columns: tuple[str, ...], pattern: str, *options: str, headed: bool = False) -> list[Style]:
    return [
        Style(f"{name}, {zone}", columns, _in(zone, pattern), zone, options, headed)
        for zone in ("UTC", "America/New_York", "Asia/Tokyo", "Asia/Kolkata")
    ]


STYLES: list[Style] = [
    Style("ISO Z", ("timestamp",), _in("UTC", "%Y-%m-%dT%H:%M:%SZ")),
    Style("ISO without seconds", ("time",), _in("UTC", "%Y-%m-%dT%H:%MZ")),
    Style("ISO offset", ("Datetime",), lambda at: (at.astimezone(NEW_YORK).isoformat(sep=" "),)),
    Style("ISO offset without colon", ("datetime",), _in("Asia/Tokyo", "%Y-%m-%d %H:%M:%S%z")),
    Style("nine digits", ("ts_event",), _in("UTC", "%Y-%m-%dT%H:%M:%S.000000000Z")),
    Style("BigQuery", ("ts",), _in("UTC", "%Y-%m-%d %H:%M:%S UTC")),
    Style("Interactive Brokers, zone", ("date",), _in("America/New_York", "%Y%m%d %H:%M:%S US/Eastern")),
    Style("seconds", ("unix",), _epoch(1)),
    Style("seconds, float", ("ts",), _epoch(1, ".0")),
    Style("milliseconds", ("open_time",), _epoch(10**3)),
    Style("microseconds", ("t",), _epoch(10**6)),
    Style("nanoseconds", ("window_start",), _epoch(10**9)),
    Style("JavaScript", ("time",), _in("UTC", "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)")),
    Style("name says UTC", ("time_utc",), _in("UTC", "%Y-%m-%d %H:%M:%S"), headed=True),
    *_naive("ISO naive", ("date",), "%Y-%m-%d %H:%M:%S"),
    *_naive("slashes", ("Date Time",), "%Y/%m/%d %H:%M"),
    *_naive("compact", ("datetime",), "%Y%m%d %H%M%S"),
    *_naive("fourteen digits", ("datetime",), "%Y%m%d%H%M%S"),
    *_naive("MetaTrader", ("<DATE>", "<TIME>"), "%Y.%m.%d|%H:%M:%S"),
    *_naive("Stooq", ("<DATE>", "<TIME>"), "%Y%m%d|%H%M%S"),
    *_naive("day first", ("Date", "Time"), "%d.%m.%Y|%H:%M", "--dates", "day-first"),
    *_naive("month first, 12 hours", ("Date",), "%m/%d/%Y %I:%M %p", "--dates", "month-first"),
    *_naive("month's name", ("Date",), "%d-%b-%Y %H:%M"),
    *_naive("month's name first", ("Date",), "%b %d %Y %H:%M"),
    *_naive("month's name, two-digit year", ("Date",), "%d-%b-%y %I:%M %p"),
    *_naive("five columns", ("year", "month", "day", "hour", "minute"), "%Y|%m|%d|%H|%M", headed=True),
    *_naive("midnights", ("date", "time"), "%Y-%m-%d 00:00:00|%H:%M:%S", headed=True),
]
TABLES = ("parquet", "json", "jsonl")
PACKINGS = ("", ".gz", ".bz2", ".zip")


@dataclass(slots=True)
class Made:
    """A file, the options that a person gives, and the totals that are right."""

    path: Path
    options: list[str]
    expected: int
    present: int
    duplicates: int
    unexpected: int
    gaps: list[tuple[str, int, int]] = field(default_factory=list)  # symbol, first minute, minutes
    about: str = ""


def make(seed: int, folder: Path, *, style: Style | None = None) -> Made:
    """The file of a seed. Everything random comes from it."""
    rng = random.Random(seed)
    style = style or rng.choice(STYLES)
    name = rng.choice(("XNYS", "24/7", "XTKS", "XHKG"))
    sessions = _sessions(name, rng)
    rows, answer = _bars(sessions, rng, name)
    order = rng.choice(("up", "up", "down", "mixed"))
    rows.sort(key=lambda row: row[1], reverse=order == "down")
    if order == "mixed":
        rng.shuffle(rows)
    by_column = len({symbol for symbol, _ in rows}) > 1 or rng.random() < 0.5
    headed = style.headed or by_column or rng.random() < 0.7
    comma = rng.random() < 0.2
    delimiter = ";" if comma else rng.choice(",;\t|")
    names = [*(["symbol"] if by_column else []), *style.columns, "open", "high", "low", "close", "volume"]
    answer.options = ["--calendar", name, *(["--zone", style.zone] if style.zone else []), *style.options]
    if rng.random() < 0.25:
        kind = rng.choice(TABLES)
        cells = [[*([symbol] if by_column else []), *style.cells(EPOCH + minute * MINUTE)] for symbol, minute in rows]
        answer.path = _table(folder / f"{rows[0][0]}_1m_{seed}.{kind}", names, cells, rng)
        answer.options += [] if by_column else ["--symbol", rows[0][0]]
        answer.about = f"seed {seed}: {style.name}, {name}, {order}, {kind}"
        return answer
    lines = []
    for symbol, minute in rows:
        price = 100 + minute % 97 / 100
        values = [f"{price:.2f}", f"{price + 0.05:.2f}", f"{price - 0.05:.2f}", f"{price:.2f}", str(100 + minute % 900)]
        cells = [*([symbol] if by_column else []), *style.cells(EPOCH + minute * MINUTE)]
        lines.append(delimiter.join([*cells, *(value.replace(".", ",") if comma else value for value in values)]))
    lines = _noise(lines, rng, delimiter, [delimiter.join(names)] if headed else [])
    text = rng.choice(("\n", "\n", "\r\n")).join(lines) + rng.choice(("", "\n"))
    data = text.encode(rng.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16")))
    path = _pack(folder, f"{rows[0][0]}_1m_{seed}.csv", data, rng.choice(PACKINGS))
    answer.path = path
    if order == "mixed" or not headed:
        answer.options += [] if by_column else ["--symbol", rows[0][0]]
    answer.about = f"seed {seed}: {style.name}, {name}, {order}, {path.name}"
    return answer


def _table(path: Path, names: list[str], cells: list[list[str]], rng: random.Random) -> Path:
    """Rows as Parquet (numbers and instants typed, or texts) or as JSON, with the same prices in all."""
    typed = rng.random() < 0.7
    columns: dict[str, list[object]] = {
        one: list(column) for one, column in zip(names, zip(*cells, strict=True), strict=False)
    }
    for one, column in columns.items():
        if typed and one != "symbol" and all(str(cell).isdigit() for cell in column):
            columns[one] = [int(str(cell)) for cell in column]
    columns |= {one: [value] * len(cells) for one, value in zip(names[-5:], (1.0, 2.0, 1.0, 1.5, 7), strict=True)}
    if path.suffix == ".parquet":
        table = pa.table(columns)
        for place, one in enumerate(names):
            if typed and one in ("timestamp", "date") and str(columns[one][0])[4:5] == "-":
                unit, zoned = rng.choice(("ms", "us", "ns")), str(columns[one][0]).endswith("Z")
                instants = [datetime.fromisoformat(str(cell).rstrip("Z")) for cell in columns[one]]
                table = table.set_column(place, one, pa.array(instants, pa.timestamp(unit, "UTC" if zoned else None)))
        pq.write_table(table, path)
        return path
    rows = [dict(zip(names, row, strict=True)) for row in zip(*(columns[one] for one in names), strict=True)]
    path.write_text("\n".join(map(json.dumps, rows)) if path.suffix == ".jsonl" else json.dumps(rows))
    return path


def _sessions(name: str, rng: random.Random) -> list[tuple[int, int, int]]:
    """Parts of one to three sessions that follow each other, in 2023 or 2024: day, open, close."""
    calendar = calendar_named(name)
    days = sorted({int(day) for day in calendar.day if 19_400 <= day < 20_050})
    begin = rng.randrange(len(days) - 3)
    chosen = set(days[begin : begin + rng.randint(1, 1 if name == "24/7" else 3)])
    columns = zip(calendar.day.tolist(), calendar.open.tolist(), calendar.close.tolist(), strict=True)
    return [part for part in columns if part[0] in chosen]


def _bars(sessions: list[tuple[int, int, int]], rng: random.Random, name: str) -> tuple[list[tuple[str, int]], Made]:
    rows: list[tuple[str, int]] = []
    answer = Made(Path(), [], 0, 0, 0, 0)
    for symbol in sorted(rng.sample(("AAPL", "BRK.B", "M&M", "7203.T", "ETHUSDT"), rng.choice((1, 1, 2)))):
        due = [minute for _, opened, closed in sessions for minute in range(opened, closed)]
        edges = {due[0], due[-1], *(opened for _, opened, _ in sessions)}
        gone = set()
        for _ in range(rng.randint(0, 5)):
            start = rng.randrange(1, len(due) - 1)
            gone |= set(due[start : start + rng.choice((1, 2, 7, 40))]) - edges
        there = [minute for minute in due if minute not in gone]
        again = rng.sample(there, rng.choice((0, 0, 3)))
        late = [] if name == "24/7" else [sessions[-1][2] + 5 + n for n in range(rng.choice((0, 0, 4)))]
        rows += [(symbol, minute) for minute in [*there, *again, *late]]
        answer.expected += len(due)
        answer.present += len(there)
        answer.duplicates += len(again)
        answer.unexpected += len(late)
        answer.gaps += [(symbol, first, long) for first, long in _runs(sessions, gone)]
    return rows, answer


def _runs(sessions: Sequence[tuple[int, int, int]], gone: set[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for _, opened, closed in sessions:
        run = 0
        for minute in range(opened, closed + 1):
            if minute < closed and minute in gone:
                run += 1
            elif run:
                runs.append((minute - run, run))
                run = 0
    return runs


def _noise(lines: list[str], rng: random.Random, delimiter: str, header: list[str]) -> list[str]:
    """A banner above the header, a comment, an empty line, a footer: none of them is a bar."""
    banner = rng.choice(([], [], ["https://example.org"], ["# exported by a tool", "#"]))
    footer = rng.choice(([], [], ["Source: example"], [f"Total{delimiter}{len(lines)}"], ["", ""]))
    return [*(banner if header else []), *header, *lines, *footer]


def _pack(folder: Path, name: str, data: bytes, packing: str) -> Path:
    path = folder / f"{name}{packing}"
    if packing == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, data)
    else:
        path.write_bytes({"": data, ".gz": gzip.compress(data, 1), ".bz2": bz2.compress(data, 1)}[packing])
    return path
