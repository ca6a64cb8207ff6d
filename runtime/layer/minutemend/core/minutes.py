"""Instants and half-open ranges, all UTC, all on whole minutes.

A minute is named by its left edge. In bulk a minute is an int64 of whole minutes since
1970-01-01T00:00Z ("epoch minute"); at the edges it is an aware `datetime`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from minutemend.core.errors import BadInput

if TYPE_CHECKING:  # the market simulator's function has this file, and no numpy
    from minutemend.core.intervals import Intervals

MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RIGHT = "an instant like 2013-10-04T13:00:00Z would be right"


def parse_instant(text: object, *, name: str) -> datetime:
    """An ISO 8601 instant such as `2013-10-04T13:00:00Z` as an aware UTC datetime on a whole minute.

    `name` is the field's name, for the message. Raises BadInput for anything that is not text, not ISO,
    naive (no zone) or not on a whole minute.
    """
    instant = parse_moment(text, name=name)
    if instant.second or instant.microsecond:
        raise BadInput(f"{name} is {text!r}, which is not on a whole minute: {_RIGHT}")
    return instant


def parse_moment(text: object, *, name: str) -> datetime:
    """As `parse_instant`, but with seconds and fractions: when something happened, or was to happen. Markets were open
    then: a day, or a year, can be added to it and taken from it."""
    if not isinstance(text, str):
        raise BadInput(f"{name} is {text!r}: {_RIGHT}")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{name} is {text!r}, which is no ISO time: {_RIGHT}") from None
    if moment.tzinfo is None:
        raise BadInput(f"{name} is {text!r}, which has no time zone: {_RIGHT}")
    if not 1900 <= moment.year < 2200:
        raise BadInput(f"{name} is {text!r}, which is not of the years 1900 to 2199: {_RIGHT}")
    return moment.astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """`2013-10-04T13:00:00Z`; fractions of a second are kept only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def epoch_minute(instant: datetime) -> int:
    """Whole minutes since 1970-01-01T00:00Z; seconds are dropped."""
    return int((instant - EPOCH) // MINUTE)


def from_epoch_minute(number: int) -> datetime:
    """The aware UTC datetime of an epoch minute."""
    return EPOCH + int(number) * MINUTE


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """The minutes from `start` (inclusive) to `end` (exclusive), aware UTC datetimes on whole minutes."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name, instant in (("start", self.start), ("end", self.end)):
            if instant.tzinfo is None or instant.second or instant.microsecond:
                raise BadInput(f"{name} is {instant.isoformat()}: a whole minute in UTC would be right")
        if self.start >= self.end:
            raise BadInput(
                f"start {format_instant(self.start)} is not before end {format_instant(self.end)}: "
                "a range is half-open, [start, end), and holds at least one minute"
            )

    def __str__(self) -> str:
        return f"[{format_instant(self.start)}, {format_instant(self.end)})"

    @property
    def minutes(self) -> int:
        """How many minutes the range holds, in or out of sessions."""
        return int((self.end - self.start) // MINUTE)

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def intersect(self, other: Range) -> Range | None:
        """The minutes in both, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Range(start, end) if start < end else None

    def dates(self) -> Iterator[date]:
        """The UTC dates that the range touches, in order: the `dt` partitions of its bars."""
        day, last = self.start.date(), (self.end - MINUTE).date()
        while day <= last:
            yield day
            day += timedelta(days=1)

    def hours(self) -> Iterator[datetime]:
        """The starts of the UTC hours that the range touches, in order."""
        hour = self.start.replace(minute=0)
        while hour < self.end:
            yield hour
            hour += timedelta(hours=1)


def edges(ranges: Iterable[Range]) -> tuple[list[int], list[int]]:
    """Starts and ends as epoch minutes: what core/intervals.py takes."""
    listed = list(ranges)
    return [epoch_minute(one.start) for one in listed], [epoch_minute(one.end) for one in listed]


def ranges_of(intervals: Intervals) -> list[Range]:
    """Intervals of epoch minutes as ranges: for few of them, or for people."""
    starts, ends = (map(from_epoch_minute, edge.tolist()) for edge in (intervals.starts, intervals.ends))
    return [Range(*pair) for pair in zip(starts, ends, strict=True)]


def day_range(day: date) -> Range:
    """The minutes of a UTC date."""
    start = datetime.combine(day, time(0), UTC)
    return Range(start, start + timedelta(days=1))


def hours_around(window: Range) -> Range:
    """The window out to whole hours."""
    hour = timedelta(hours=1)
    end = window.end.replace(minute=0)
    return Range(window.start.replace(minute=0), end if end == window.end else end + hour)
