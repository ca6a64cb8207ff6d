"""The calendars that ship: every one opens, by the names that people use, and the breaks are no trading."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from minutemend.core.errors import BadInput
from minutemend.core.minutes import epoch_minute

from infra.layer.sessions import calendar_names as names_without_numpy
from mend.calendars.known import ALIASES, FILE, Calendar, calendar_named, calendar_names

# exchange_calendars 4.13 under pandas 3.1 ends in a traceback for these.
BROKEN = {"ASEX": "2024-05-06", "XBEL": "2024-05-06", "XBSE": "2024-05-06", "XCYS": "2024-05-06", "XTAE": "2024-04-23"}


def spans(calendar: Calendar, day: str) -> list[tuple[str, str]]:
    """Open and close of a session's parts, in UTC."""
    sessions = calendar.sessions(date.fromisoformat(day), date.fromisoformat(day))
    return [(f"{one.open:%d %H:%M}", f"{one.close:%d %H:%M}") for one in sessions]


@pytest.mark.parametrize("name", calendar_names())
def test_every_calendar_opens(name: str) -> None:
    """Its sessions ascend, are no longer than a day, do not overlap, and reach from before 2022 to past 2026."""
    calendar = calendar_named(name)
    assert (calendar.close > calendar.open).all()
    assert (calendar.close - calendar.open <= 1440).all()
    assert (calendar.open[1:] >= calendar.close[:-1]).all()
    assert (np.diff(calendar.day) >= 0).all()
    assert calendar.first < date(2022, 1, 1)
    assert calendar.last >= date(2026, 12, 1)


def test_there_are_all_of_them() -> None:
    """Those of exchange_calendars, and forex; the sessions themselves are compared in an integration test."""
    import exchange_calendars

    assert set(calendar_names()) == {*exchange_calendars.get_calendar_names(include_aliases=False), "forex"}


def test_settings_know_them_by_all_their_names() -> None:
    """Without numpy: a stage's settings are read by commands that need nothing else of it."""
    assert set(calendar_names()) < names_without_numpy()
    with np.load(FILE) as held:
        assert names_without_numpy() == {*held["names"].tolist(), *held["alias"].tolist()}


@pytest.mark.parametrize(("name", "holiday"), BROKEN.items())
def test_calendars_that_do_not_open_elsewhere(name: str, holiday: str) -> None:
    """Orthodox Easter is a holiday, and so is the first day of Passover."""
    assert spans(calendar_named(name), holiday) == []


def test_tel_aviv_trades_on_sundays_until_2026() -> None:
    """From then on from Monday to Friday, with a short Friday."""
    tel_aviv = calendar_named("TASE")
    assert spans(tel_aviv, "2025-12-28") == [("28 07:59", "28 13:40")]
    assert spans(tel_aviv, "2026-01-09") == [("09 07:59", "09 11:50")]
    assert spans(tel_aviv, "2026-01-11") == []


def test_the_daily_break_of_the_futures_is_no_trading() -> None:
    """CMES closes at 16:00 Chicago and opens at 17:00; a half day keeps its own close."""
    assert spans(calendar_named("CME"), "2024-01-11") == [("10 23:00", "11 22:00")]
    assert spans(calendar_named("us_futures"), "2024-01-11") == [("10 23:00", "11 22:00")]
    assert spans(calendar_named("CMES"), "2024-07-04") == [("03 22:00", "04 17:00")]


def test_the_week_of_currencies() -> None:
    """From Sunday 17:00 to Friday 17:00 New York, without a break, in summer time and winter time."""
    forex = calendar_named("FX")
    week = forex.sessions(date(2024, 3, 11), date(2024, 3, 15))
    assert week[0].open == datetime(2024, 3, 10, 21, tzinfo=UTC)
    assert week[-1].close == datetime(2024, 3, 15, 21, tzinfo=UTC)
    assert [one.close for one in week[:-1]] == [one.open for one in week[1:]]
    assert spans(forex, "2024-03-08") == [("07 22:00", "08 22:00")]
    assert spans(forex, "2024-12-25") == []


@pytest.mark.parametrize("alias", ALIASES)
def test_names_that_people_use(alias: str) -> None:
    """Each leads to a calendar, in capital letters, too."""
    assert calendar_named(alias.upper()).name == ALIASES[alias]


def test_a_name_that_is_none_gets_the_nearest() -> None:
    """As someone types it."""
    for name, meant in (("XNYZ", "XNYS"), ("NSYE", "nyse"), ("cripto", "crypto")):
        with pytest.raises(BadInput, match=f"did you mean .*{meant}"):
            calendar_named(name)


def test_around_the_clock_has_no_end() -> None:
    """No release is needed for a coin's next year."""
    calendar = calendar_named("24/7")
    at = epoch_minute(datetime(2040, 2, 29, tzinfo=UTC))
    assert at in calendar.open
