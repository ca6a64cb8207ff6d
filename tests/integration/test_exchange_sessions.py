"""Golden calendars: the days on which a table of sessions goes wrong."""

from __future__ import annotations

import warnings
from datetime import date
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pandas.errors import Pandas4Warning

from mend.calendars.exchange_sessions import calendar_zone, session_table
from mend.calendars.known import calendar_named

# calendar, date -> opens and closes in UTC, minutes. From the exchanges' published hours.
GOLDEN = [
    ("XNYS", "2023-11-22", [("14:30", "21:00")]),
    ("XNYS", "2023-11-23", []),  # Thanksgiving
    ("XNYS", "2023-11-24", [("14:30", "18:00")]),  # the half day after it
    ("XNYS", "2024-03-08", [("14:30", "21:00")]),  # the last session of winter time
    ("XNYS", "2024-03-11", [("13:30", "20:00")]),  # the first of summer time
    ("XNYS", "2024-11-01", [("13:30", "20:00")]),
    ("XNYS", "2024-11-04", [("14:30", "21:00")]),  # and back
    ("XNYS", "2024-02-29", [("14:30", "21:00")]),  # a leap day
    ("XNYS", "2025-01-09", []),  # an ad-hoc closure: the funeral of President Carter
    ("XNYS", "2012-10-29", []),  # an ad-hoc closure: hurricane Sandy
    ("XNYS", "2024-03-09", []),  # a Saturday
    ("XLON", "2024-03-28", [("08:00", "16:30")]),
    ("XLON", "2024-04-02", [("07:00", "15:30")]),  # Europe changes its clocks three weeks after America
    ("XLON", "2024-12-24", [("08:00", "12:30")]),
    ("XTKS", "2024-03-08", [("00:00", "02:30"), ("03:30", "06:00")]),  # a lunch break
    ("XHKG", "2024-02-09", [("01:30", "04:00")]),  # the eve of the lunar new year: the morning alone
    ("24/7", "2024-02-29", [("00:00", "00:00")]),
    ("24/7", "2024-12-31", [("00:00", "00:00")]),
]


@cache
def table(calendar: str) -> pa.Table:
    """Made once for all days asked of it: making a calendar takes longer than any test here."""
    return session_table([calendar], first="2012-01-01", last="2025-12-31")


def test_what_exchange_calendars_is_told_of_pandas_4_is_not_shown() -> None:
    """It is not ours to mend: neither a test's output nor a terminal with -W shows it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Pandas4Warning)
        assert session_table(["XHKG"], first="2020-01-01", last="2020-12-31").num_rows
        assert calendar_zone("XHKG") == "Asia/Hong_Kong"


@pytest.mark.parametrize(("calendar", "dt", "spans"), GOLDEN)
def test_sessions_of_a_day(calendar: str, dt: str, spans: list[tuple[str, str]]) -> None:
    """Holidays, half days, clock changes, leap days, closures at short notice, lunch."""
    rows = table(calendar).filter(pc.field("dt") == dt).to_pylist()
    assert [(f"{row['open']:%H:%M}", f"{row['close']:%H:%M}") for row in rows] == spans
    assert all(row["minutes"] == (row["close"] - row["open"]).total_seconds() / 60 for row in rows)


@pytest.mark.parametrize("calendar", sorted({calendar for calendar, _, _ in GOLDEN} | {"CMES", "XTAE", "forex"}))
def test_what_ships_is_what_is_made(calendar: str) -> None:
    """Every session from 2012 to 2025 of the file that layers, the simulator and `mend` read."""
    shipped = calendar_named(calendar).sessions(date(2012, 1, 1), date(2025, 12, 31))
    rows = [(one.dt.isoformat(), one.open.replace(tzinfo=None), one.close.replace(tzinfo=None)) for one in shipped]
    assert rows == [(row["dt"], row["open"], row["close"]) for row in table(calendar).to_pylist()]


def test_a_year_of_new_york() -> None:
    """252 sessions in 2024, three of them of half a day."""
    minutes = table("XNYS").filter(pc.starts_with(pc.field("dt"), "2024"))["minutes"].to_pylist()
    assert (len(minutes), minutes.count(210), minutes.count(390)) == (252, 3, 249)


def test_around_the_clock_misses_no_day() -> None:
    """A leap year has 366, and each begins where the one before ended."""
    year = session_table(["24/7"], first="2024-01-01", last="2024-12-31")
    assert year.num_rows == 366
    assert year["open"].to_pylist()[1:] == year["close"].to_pylist()[:-1]


def test_dates_are_clipped_to_what_a_calendar_knows() -> None:
    """Tokyo's begins in 1997; asked from 1990 it gives what it has, and before that nothing."""
    assert session_table(["XTKS"], first="1990-01-01", last="1997-01-31")["dt"][0].as_py() == "1997-01-06"
    assert session_table(["XTKS"], first="1980-01-01", last="1980-12-31").num_rows == 0


def test_no_session_is_longer_than_a_day() -> None:
    """The audit's SQL counts on it."""
    long = session_table(["24/7", "CMES", "24/5"], first="2024-01-01", last="2024-12-31")
    assert max(long["minutes"].to_pylist()) == 1440
