"""From times on a wall clock to UTC: which zones fit, what a zone makes of them, and the hour that comes twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
from minutemend.core.errors import BadInput
from minutemend.core.minutes import epoch_minute

from mend.bars.reader import BarFiles
from mend.bars.rows import in_order
from mend.bars.words import FULL, Bits, Numbers, Words, words_of
from mend.calendars.known import Calendar
from mend.check.grid import matching

# What people's files are written in, beside the calendar's own zone. New York plus seven hours is what brokers' servers
# show (Europe/Athens, but for some weeks); HistData and some feeds have New York without summer time.
LIKELY = (
    "UTC", "America/New_York", "America/Chicago", "America/Los_Angeles", "Etc/GMT+5", "Europe/London", "Europe/Berlin",
    "Europe/Athens", "Europe/Moscow", "Asia/Kolkata", "Asia/Singapore", "Asia/Hong_Kong", "Asia/Shanghai", "Asia/Tokyo",
    "Australia/Sydney",
)  # fmt: skip
# Calendars that are tried where the one that was named does not fit; markets that never or hardly close come last.
LIKELY_CALENDARS = (
    "XNYS", "XLON", "XTKS", "XHKG", "XSHG", "XBOM", "XETR", "XASX", "XTSE", "XKRX", "CMES", "forex", "24/7",
)  # fmt: skip
_EPOCH = date(1970, 1, 1)


def zone_named(name: str, connection: duckdb.DuckDBPyConnection) -> ZoneInfo:
    """The zone. Raises BadInput for what is none, to Python or to DuckDB: `localtime`, `posix/UTC`."""
    try:
        connection.execute("SELECT timezone(?, TIMESTAMP '2024-03-12')", [name])
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError, duckdb.Error):
        raise BadInput(f"--zone {name!r} is no time zone: UTC or America/New_York would be right") from None


def inside(words: Words, calendar: Calendar) -> int:
    """How many bars lie in a session of the calendar."""
    return int(inside_each(words, calendar).sum())


def inside_each(words: Words, calendar: Calendar) -> np.ndarray:
    """For each word how many of its bars lie in a session of the calendar."""
    if not len(words.hour):
        return np.zeros(0, np.uint8)
    first, last = int(words.hour.min()) * 60, int(words.hour.max()) * 60 + 60
    some = slice(
        int(np.searchsorted(calendar.close, first, "right")), int(np.searchsorted(calendar.open, last, "left"))
    )
    opened, lengths = calendar.open[some], (calendar.close - calendar.open)[some]
    part = np.repeat(np.arange(len(opened)), lengths)
    minutes = opened[part] + np.arange(len(part)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    counts: np.ndarray = np.bitwise_count(matching(words, *words_of(minutes)))
    return counts


def fitting(naive: Words, calendar: Calendar) -> list[tuple[str, int]]:
    """Likely zones with the number of bars in sessions then, the best first; none in which a time cannot be."""
    found = []
    for name in dict.fromkeys((calendar.zone, *LIKELY)):
        pieces, early, late = _offsets(naive, ZoneInfo(name))
        if (early < late).any():
            continue  # some times were skipped by the clock there: they cannot have been written
        found.append((name, inside(pieces.shifted(-early), calendar)))
    return sorted(found, key=lambda one: -one[1])


def refuse_naive(naive: Words, calendar: Calendar, where: str, *, some: bool) -> BadInput:
    """The refusal of times without a zone, with what would be right."""
    tried = fitting(naive, calendar)
    bars = naive.bars
    what = f"{where}: {'some' if some else 'the'} times carry no zone, so they may be any minute"
    best = tried[0][1] if tried else 0
    if not best:
        names = ", ".join(name for name, _ in tried)
        return BadInput(
            f"{what}. In none of the zones tried ({names}) does a bar lie in a session of {calendar.name}"
            f": is that the right calendar? --zone NAME says the zone"
        )
    fits = [one for one in tried if one[1] == best]
    less = sorted((one for one in tried if 0 < one[1] < best), key=lambda one: (one[0] != "UTC", -one[1]))[:1]
    # The calendar's own zone and UTC stand for others that read these times alike.
    said = ", ".join(f"{count:,} as {name}" for name, count in less)
    if len(fits) > 4:
        return BadInput(f"{what}. The calendar cannot tell: --zone UTC, or the zone it was written in, would be right")
    options = " or ".join(f"--zone {name}" for name, _ in fits)
    chosen = fits[0][0] if len(fits) == 1 else ", ".join(name for name, _ in fits)
    return BadInput(
        f"{what}. {best:,} of {bars:,} bars lie in sessions as {chosen}"
        f"{f', {said}' if said else ''}: {options} would be right"
        f"{'; these fit alike, and only the author of the file knows' if len(fits) > 1 else ''}"
    )


def refuse_half(naive: Words, where: str) -> None:
    """Raises BadInput where a clock of twelve hours shows each time, and nothing tells noon from midnight."""
    hours = set((np.unique(naive.hour) % 24).tolist())
    twice = hours == set(range(1, 13)) and naive.duplicates * 3 > naive.bars
    if twice or ({1, 2, 10, 11, 12} <= hours <= set(range(1, 13)) and hours.isdisjoint((5, 6, 7))):
        raise BadInput(
            f"{where}: no time is before 1:00 or after 12:59, as on a clock of twelve hours: AM or PM beside each, or "
            "13:00 for 1:00 PM, would be right"
        )


def disguised(zoned: Words, calendar: Calendar) -> str | None:
    """What is to be said where times in UTC only make sense as those of a clock at the exchange."""
    bars, there = zoned.bars, inside(zoned, calendar)
    if bars < 100 or there > 0.9 * bars or calendar.zone == "UTC":
        return None
    pieces, early, _ = _offsets(zoned, ZoneInfo(calendar.zone))
    meant = inside(pieces.shifted(-early), calendar)
    if meant < 0.99 * bars:
        return None
    return (
        f"{there:,} of {bars:,} bars lie in sessions, and {meant:,} would if these times were not UTC, but what a "
        f"clock in {calendar.zone} showed: without Z or offset, and not as epochs, they could be read so"
    )


def refuse_twice(naive: Words, zone: ZoneInfo) -> None:
    """Raises BadInput where times cannot be the zone's, or lie in an hour that comes twice there."""
    pieces, early, late = _offsets(naive, zone)
    _refuse_skipped(pieces, zone, early, late)
    if (early > late).any():
        raise BadInput(
            f"the hour of {_clock(int(pieces.hour[early > late].min()))} comes twice in {zone.key}: times with their "
            "offset (2024-11-03 01:30:00-04:00), or in UTC, would be right"
        )


def _refuse_skipped(naive: Words, zone: ZoneInfo, early: Numbers, late: Numbers) -> None:
    skipped = early < late
    if skipped.any():
        bars = int(np.bitwise_count(naive.bits[skipped]).sum())
        at = _clock(int(naive.hour[skipped].min()))
        raise BadInput(
            f"{bars:,} times cannot be {zone.key}, as clocks there skip the hour of {at}: "
            "another --zone is right, as UTC"
        )


def reach(zoned: Words, naive: Words, zone: ZoneInfo | None, calendar: Calendar, now: datetime) -> Words:
    """Minutes that only say how far files reach, as UTC: those that the calendar knows, and until now. Of times without
    a zone an hour more or less does not count."""
    first, end = int(calendar.open[0]), min(int(calendar.close[-1]), epoch_minute(now))
    naive = naive.between(first, end)
    if zone is not None and len(naive.hour):
        pieces, early, _ = _offsets(naive, zone)
        zoned = zoned.joined(pieces.shifted(-early))
    return zoned.between(first, end).only(zoned.names)  # of the symbols that have some there


def to_utc(naive: Words, zone: ZoneInfo, files: BarFiles) -> tuple[Words, list[str]]:
    """The minutes in UTC, and what is to be said about it.

    Raises BadInput where times cannot be the zone's, or where the hour that comes twice cannot be told apart.
    """
    pieces, early, late = _offsets(naive, zone)
    _refuse_skipped(pieces, zone, early, late)
    twice = early > late
    moved = pieces.masked(np.where(twice, np.uint64(0), FULL)).shifted(-early[~twice])
    if not twice.any():
        return moved, []
    again = pieces.masked(np.where(twice, FULL, np.uint64(0)))
    ambiguous, place = np.unique(again.hour, return_index=True)
    parts = [moved]
    notes = []
    names, code, minute, second, once = _told_apart(files, np.unique(again.minutes(0, len(again.hour))), zone)
    for late_one, offsets in ((False, early[twice][place]), (True, late[twice][place])):
        chosen = second == late_one
        utc = minute[chosen] - offsets[np.searchsorted(ambiguous, minute[chosen] // 60)]
        bit = np.uint64(1) << (utc % 60).astype(np.uint64)
        parts.append(Words.merged(names, code[chosen], utc // 60, bit, np.ones(len(utc), np.int64)))
    shown = ", ".join(_clock(hour) for hour in ambiguous.tolist()[:3])
    notes.append(f"the hour of {shown} comes twice in {zone.key}: told apart by the order of the rows")
    if once:
        notes.append(f"where that hour stands only once ({once:,} times), it is taken as the first of the two")
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.joined(part)
    return joined, notes


def _told_apart(
    files: BarFiles, minutes: Numbers, zone: ZoneInfo
) -> tuple[Sequence[str], Numbers, Numbers, np.ndarray, int]:
    """The bars of minutes that come twice: symbols, their codes, local minutes, whether each is of the second time."""
    names, columns = in_order(files, np.unique(minutes // 60))
    code, minute, file, said = (column[np.isin(columns[1], minutes)] for column in columns)
    second = np.zeros(len(minute), bool)
    once = 0
    key = code * (1 << 32) + minute // 1440
    for one in np.unique(key):
        rows = np.flatnonzero(key == one)
        steps = np.diff(minute[rows])
        falling = (steps < 0).sum() > (steps > 0).sum()
        run = np.r_[0, np.cumsum(steps > 0 if falling else steps < 0)]
        times = _times(run, minute[rows], file[rows], said[rows])
        if max(times) > 1 or (max(times) == 0 and _sorted(minute[rows], said[rows])):
            raise BadInput(
                f"the hour of {_clock(int(minute[rows[0]]) // 60)} comes twice in {zone.key}, and the order of the "
                "rows does not tell which is which: times with their offset (2024-11-03 01:30:00-04:00) would be right"
            )
        if max(times) == 0:
            once += 1
        else:
            second[rows] = np.array(times)[run] != falling
    return names, code, minute, second, once


def _times(run: Numbers, minute: Numbers, file: Numbers, said: Numbers) -> list[int]:
    """For each run of rows which time of the hour it is of, in the order of the rows: a new one, or that of a run whose
    bars it holds again. A new one that begins a file is none of two: of files no order is known."""
    known: dict[int, dict[int, set[int]]] = {}
    times: list[int] = []
    for number in range(int(run[-1]) + 1):
        rows = np.flatnonzero(run == number)
        bars = list(zip(minute[rows].tolist(), said[rows].tolist(), strict=True))
        begins = number > 0 and file[rows[0]] != file[rows[0] - 1]
        again = (time for time, its in known.items() if _again(bars, its, least=1 if begins else 3))
        times.append(next(again, 2 if begins else len(known)))
        its = known.setdefault(times[-1], {})
        for at, value in bars:
            its.setdefault(at, set()).add(value)
    return times


def _sorted(minute: Numbers, said: Numbers) -> bool:
    """Whether rows of one run may be of both times, sorted by the clock: most minutes have several bars."""
    several = set(zip(minute.tolist(), said.tolist(), strict=True))
    return len(several) > 1.5 * len(set(minute.tolist()))


def _again(bars: list[tuple[int, int]], known: dict[int, set[int]], *, least: int) -> bool:
    """Whether bars are those of an earlier run: most that share a minute have its values, and these differ."""
    shared = [(at, value) for at, value in bars if at in known]
    same = [value for at, value in shared if value and value in known[at]]
    return len(same) >= max(least, len(shared) / 2) and len(set(same)) >= len(same) / 2


def _offsets(naive: Words, zone: ZoneInfo) -> tuple[Words, Numbers, Numbers]:
    """The words, cut where an offset changes within an hour, and for each the zone's offset in minutes when such a time
    comes first, and second."""
    hours, word = np.unique(naive.hour, return_inverse=True)
    days, place = np.unique(hours // 24, return_inverse=True)
    edges = [(_offset(zone, day * 1440, 0), _offset(zone, day * 1440 + 1440, 0)) for day in days.tolist()]
    early = np.array([first for first, _ in edges], np.int64)[place]
    late = early.copy()
    rest = np.full(len(word), FULL)
    spare = naive.rows - np.bitwise_count(naive.bits)  # duplicates: of what comes twice, where that is cut off
    cut: list[tuple[Bits, Numbers, Numbers, Numbers]] = []
    for number in np.flatnonzero(np.array([first != last for first, last in edges])[place]).tolist():
        start = int(hours[number]) * 60
        each = [(_offset(zone, start + minute, 0), _offset(zone, start + minute, 1)) for minute in (0, 59)]
        if each[0] != each[1]:
            each = [(_offset(zone, start + minute, 0), _offset(zone, start + minute, 1)) for minute in range(60)]
        early[number], late[number] = each[0]
        for first, last in dict.fromkeys(one for one in each if one != each[0]):
            bits = np.uint64(sum(1 << minute for minute, one in enumerate(each) if one == (first, last)))
            mask = np.where(word == number, bits, np.uint64(0))
            rest &= ~mask
            own = np.where((word == number) & (first > last), spare, 0)
            spare = spare - own
            cut.append((mask, own, np.full(len(word), first), np.full(len(word), last)))
    pieces = []
    for mask, more, *offsets in ((rest, spare, early[word], late[word]), *cut):
        kept = np.flatnonzero(naive.bits & mask)
        rows = np.bitwise_count(naive.bits & mask) + more
        pieces.append([one[kept] for one in (naive.code, naive.hour, naive.bits & mask, rows, *offsets)])
    columns = [np.concatenate(column) for column in zip(*pieces, strict=True)]
    return Words(naive.names, *columns[:4]), columns[4], columns[5]


def _offset(zone: ZoneInfo, minute: int, fold: int) -> int:
    at = datetime.combine(_EPOCH, time(), zone) + timedelta(minutes=minute)
    offset = at.replace(fold=fold).utcoffset()
    return int(offset.total_seconds() // 60) if offset else 0


def _clock(hour: int) -> str:
    day, rest = divmod(hour, 24)
    return f"{_EPOCH + timedelta(days=day)} {rest:02d}:00"
