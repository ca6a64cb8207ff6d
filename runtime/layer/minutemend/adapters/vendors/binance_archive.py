"""Binance's public archive: zips of klines, a day or a month of one symbol each, beside the API.

https://github.com/binance/binance-public-data: `data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-02.zip` and
`data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip`, each with the SHA-256 of it in `….zip.CHECKSUM`. A
day's file comes on the next day, a month's on one of the first days of the next. Times are milliseconds, and
microseconds from 2025-01-01 on (its README). The columns are those of the API's klines.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from minutemend.core.answers import Garbage
from minutemend.core.minutes import Range, epoch_minute
from minutemend.core.rows import Rows

DAY = timedelta(days=1)
FEWEST_DAYS = 4  # whole days of one month from which the month's file is less to fetch than the days' files
LARGEST_CSV = 64 * 1024 * 1024  # a month of klines has 6 MB
_MICROSECONDS = 1e14  # a time above is in microseconds: as milliseconds it would be of the year 5138
_COLUMNS = (0, 1, 2, 3, 4, 5, 8)  # open time, open, high, low, close, volume, trades


@dataclass(frozen=True, slots=True)
class File:
    """A file of the archive, and what of a question it answers."""

    path: str
    part: Range

    @property
    def name(self) -> str:
        """Without the folders, and without `.zip`."""
        return self.path.rpartition("/")[2].removesuffix(".zip")


def file_for(symbol: str, window: Range, *, now: datetime) -> File | None:
    """The file to begin `window` with: of its month, of its day, or None where the API has less to send, or the file
    cannot be there yet. `symbol` is Binance's name."""
    first = window.start.replace(hour=0, minute=0)
    after = (first.replace(day=1) + 32 * DAY).replace(day=1)
    month = Range(window.start, min(window.end, after))
    begun = first if first == window.start else first + DAY
    if (month.end - begun) // DAY >= FEWEST_DAYS and after + DAY <= now:
        return File(_path("monthly", symbol, f"{first:%Y-%m}"), month)
    if first == window.start and first + DAY <= window.end and first + 2 * DAY <= now:
        return File(_path("daily", symbol, f"{first:%Y-%m-%d}"), Range(first, first + DAY))
    return None


def by_day(file: File, symbol: str, *, now: datetime) -> File | None:
    """The file of the first day instead of a month's that is not usable."""
    if "/monthly/" not in file.path:
        return None
    first = file.part.start
    day = Range(first, min(file.part.end, first.replace(hour=0, minute=0) + DAY))
    return file_for(symbol, day, now=now)


def until_next(window: Range, *, rows: int) -> Range:
    """What of `window` to ask the API for: one answer's worth, and not into a day of which a file may be had."""
    midnight = window.start.replace(hour=0, minute=0) + DAY
    end = min(window.end, window.start + timedelta(minutes=rows))
    return Range(window.start, midnight if midnight < end and midnight + DAY <= window.end else end)


def read(body: bytes, checksum: bytes, file: File, symbol: str) -> Rows:
    """The rows of the file in its part. `symbol` is ours. Raises Garbage that says what is wrong with the file."""
    told, _, name = checksum.decode("ascii", "replace").strip().partition(" ")
    if name.strip().lstrip("*") != f"{file.name}.zip":
        raise Garbage(f"its checksum is of {name.strip()[:60] or 'nothing'}")
    if hashlib.sha256(body).hexdigest() != told.lower():
        raise Garbage("its checksum differs")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as whole:
            members = whole.infolist()
            if [one.filename for one in members] != [f"{file.name}.csv"]:
                raise Garbage(f"it holds {', '.join(one.filename for one in members)[:80] or 'nothing'}")
            if members[0].file_size > LARGEST_CSV:
                raise Garbage(f"its CSV has {members[0].file_size:,} bytes")
            text = whole.read(members[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise Garbage(f"it is no zip that can be read ({type(error).__name__})") from None
    header = 0 if text[:1].isdigit() else 1
    if text.count(b"\n", 0, len(text) - 1) < header:
        raise Garbage("it holds no kline")
    try:
        table = np.loadtxt(io.BytesIO(text), delimiter=",", usecols=_COLUMNS, skiprows=header, ndmin=2, comments=None)
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise Garbage(f"its CSV is not the documented one ({str(error)[:60]})") from None
    at = table[:, 0]
    if not np.isfinite(table[:, [0, 6]]).all():
        raise Garbage("its CSV has a time or a count that is no number")
    instants = np.where(at > _MICROSECONDS, at, at * 1000).astype(np.int64)
    edges = (epoch_minute(file.part.start) * 60_000_000, epoch_minute(file.part.end) * 60_000_000)
    mine = (instants >= edges[0]) & (instants < edges[1])
    if not mine.any():
        raise Garbage("none of its klines is of the time that it is named after")
    return Rows(symbol, instants[mine], table[mine, 1:6], table[mine, 6].astype(np.int64))


def _path(kind: str, symbol: str, when: str) -> str:
    return f"/data/spot/{kind}/klines/{symbol}/1m/{symbol}-1m-{when}.zip"
