"""Sessions from exchange_calendars, or of our own calendars: what the file that ships is made from (known.py)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from minutemend.contract import Table
from minutemend.core.bars import schema_of

AROUND_THE_CLOCK, FOREX = "24/7", "forex"
OURS = {AROUND_THE_CLOCK: "UTC", FOREX: "America/New_York"}  # calendars of our own, with their zones
# Calendars that count the exchange's daily break as trading: the zone, and the hour at which the break ends.
_BREAKS = {"CMES": ("America/Chicago", 17), "us_futures": ("America/New_York", 18)}
_SCHEMA = schema_of(Table.SESSIONS)  # opens and closes in UTC, closes excluded


def session_table(calendars: Sequence[str], *, first: str, last: str) -> pa.Table:
    """The sessions whose labels lie in `[first, last]` (both inclusive, YYYY-MM-DD), as the lake has them.

    Sorted by calendar, open. A session with a lunch break is two rows with one `dt`. Dates outside a
    calendar's bounds have no rows. Raises exchange_calendars' own error for an unknown calendar.
    """
    parts = [_table(name, *_rows(name, first, last)) for name in sorted(set(calendars))]
    return pa.concat_tables(parts) if parts else _SCHEMA.empty_table()


def calendar_zone(name: str) -> str:
    """The calendar's own time zone, by its IANA name: in it a bar has the date that a session is labelled with."""
    if name in OURS:
        return OURS[name]
    import exchange_calendars

    with _mended():
        return str(exchange_calendars.get_calendar(name).tz)


def _rows(name: str, first: str, last: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Labels, opens and closes (datetime64[m], UTC) of one calendar, lunch breaks split."""
    if name in OURS:
        days = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
        return (
            _forex(days)
            if name == FOREX
            else (days.astype(str).tolist(), days.astype("M8[m]"), (days + 1).astype("M8[m]"))
        )
    import exchange_calendars
    import pandas as pd

    with _mended():
        calendar = exchange_calendars.get_calendar(name)
    # Outside its bounds a calendar refuses to be made, so the dates are clipped to them first.
    lowest, highest = (f"{bound.date()}" if bound else "" for bound in (calendar.bound_min(), calendar.bound_max()))
    first, last = max(first, lowest), min(last, highest or last)
    if first > last:
        return [], np.empty(0, "M8[m]"), np.empty(0, "M8[m]")
    # It also refuses fewer than two dates and dates without a session: ask wider, then cut.
    wide_first = max(f"{date.fromisoformat(first) - timedelta(days=30)}", lowest)
    wide_last = f"{date.fromisoformat(last) + timedelta(days=30)}"
    wide_last = min(wide_last, highest or wide_last)
    with _mended():
        schedule = exchange_calendars.get_calendar(name, start=wide_first, end=wide_last).schedule.loc[first:last]
    labels: list[str] = []
    opens: list[datetime] = []
    closes: list[datetime] = []
    columns = (schedule[column].tolist() for column in ("open", "break_start", "break_end", "close"))
    for label, opened, lunch, back, closed in zip(schedule.index.strftime("%Y-%m-%d"), *columns, strict=True):
        has_lunch = isinstance(lunch, datetime) and not pd.isna(lunch)
        for begin, end in ((opened, lunch), (back, closed)) if has_lunch else ((opened, closed),):
            labels.append(label)
            opens.append(begin.tz_localize(None))
            closes.append(end.tz_localize(None))
    return (
        labels,
        np.array(opens, dtype="M8[m]"),
        _without_break(exchange_calendars.resolve_alias(name), np.array(closes, dtype="M8[m]")),
    )


def _forex(days: npt.NDArray[np.datetime64]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The week of currencies: five days from 17:00 to 17:00 New York, each labelled by the date that it ends on.

    Sunday 17:00 to Friday 17:00, as brokers have it. Christmas and New Year's Day have no session.
    """
    zone = ZoneInfo(OURS[FOREX])
    week = [day for day in days.tolist() if day.weekday() < 5 and (day.month, day.day) not in ((1, 1), (12, 25))]
    ends = [datetime(day.year, day.month, day.day, 17, tzinfo=zone) for day in week]
    closes = [end.astimezone(UTC).replace(tzinfo=None) for end in ends]
    opens = [(end - timedelta(days=1)).astimezone(UTC).replace(tzinfo=None) for end in ends]  # by the clock on the wall
    return [day.isoformat() for day in week], np.array(opens, "M8[m]"), np.array(closes, "M8[m]")


def _without_break(name: str, closes: np.ndarray) -> np.ndarray:
    """Closes an hour earlier where a calendar counts the daily break of the exchange as trading."""
    if name not in _BREAKS:
        return closes
    zone, hour = _BREAKS[name]
    local = [close.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for close in closes.tolist()]
    early: np.ndarray = closes - np.array([60 if (at.hour, at.minute) == (hour, 0) else 0 for at in local], "m8[m]")
    return early


def _below(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _one_by_one(*_: Any) -> Any:
    raise NotImplementedError  # pandas then adds to each date by itself


def _next_day(offset: Any, other: Any) -> Any:
    """`n` days on, by a mask of weekdays that depends on the date."""
    import pandas as pd

    left, day = offset.n, pd.Timestamp(other)
    while left:
        day += pd.Timedelta(days=1 if left > 0 else -1)
        if offset.is_on_offset(day):
            left -= 1 if left > 0 else -1
    return day


@contextmanager
def _mended() -> Iterator[None]:
    """exchange_calendars 4.13 under pandas 3.1, with what fails there put right.

    Its own offsets define `_apply`, which pandas calls `_add_datetime` since 3.1. So Orthodox Easter is not implemented
    there (ASEX, XBEL, XBSE and XCYS end in a traceback), Passover falls on Easter, and the weekmasks of XTAE are
    ignored. pandas' warnings of version 4 are kept quiet: they are theirs to mend. Our own use of pandas is outside.
    """
    from exchange_calendars import calendar_utils, tase_holidays  # noqa: F401 (its offsets are to be known)
    from exchange_calendars.pandas_extensions import offsets
    from pandas.errors import Pandas4Warning
    from pandas.tseries.offsets import BaseOffset, CustomBusinessDay

    if not hasattr(CustomBusinessDay, "_apply"):
        for one in _below(BaseOffset):
            if one.__module__.startswith("exchange_calendars") and "_apply" in vars(one):
                one._add_datetime = one._apply
                one._add_datetime_ndarray = _one_by_one
        offsets.CompositeCustomBusinessDay._add_datetime = _next_day
        offsets.CompositeCustomBusinessDay._supports_daily_offset_mask = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Pandas4Warning)
        yield


def _table(name: str, labels: list[str], opens: np.ndarray, closes: np.ndarray) -> pa.Table:
    columns = {
        "calendar": pa.array([name] * len(labels), pa.string()),
        "dt": pa.array(labels, pa.string()),
        "open": opens.astype("M8[ms]"),
        "close": closes.astype("M8[ms]"),
        "minutes": (closes - opens).astype(np.int32),
    }
    return pa.table(columns, schema=_SCHEMA).sort_by("open")
