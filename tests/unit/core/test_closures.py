"""What people record: typhoons, special hours, breaks, halts and listings, as literals and as sets of minutes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from minutemend.core.closures import Closure, Kind, dump_closures, parse_closure, parse_closures
from minutemend.core.errors import BadInput
from minutemend.core.in_force import (
    expected_of,
    halts,
    known_range,
    listings_in_force,
    not_expected,
    sessions_in_force,
    unknown_calendars,
)
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

from mend.calendars.exchange_sessions import session_table

SAID = {"by": "anna", "why": "because"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def record(kind: str, **fields: str) -> Closure:
    return parse_closure({"kind": kind, **fields, **SAID})


def hours(day: str, opened: str, closed: str) -> Closure:
    return record("hours", calendar="XNYS", date=day, open=f"{day}T{opened}:00Z", close=f"{day}T{closed}:00Z")


def daily(calendar: str, begin: str, until: str, zone: str, **dates: str) -> Closure:
    return record("break", calendar=calendar, **{"from": begin, "to": until}, zone=zone, **dates)


def sessions(calendar: str, first: str, last: str) -> list[Session]:
    rows = session_table([calendar], first=first, last=last).to_pylist()
    return [
        Session(
            calendar, date.fromisoformat(row["dt"]), row["open"].replace(tzinfo=UTC), row["close"].replace(tzinfo=UTC)
        )
        for row in rows
    ]


def test_a_typhoon_takes_its_days_from_the_calendar() -> None:
    """XHKG had no trade on 2023-09-01 (Saola) and on 2023-09-08 (black rain); exchange_calendars has sessions there."""
    package = [
        Session("XHKG", date(2023, 9, day), at(f"2023-09-{day:02}T{opened}"), at(f"2023-09-{day:02}T{closed}"))
        for day in (1, 4, 5, 6, 7, 8, 11)
        for opened, closed in (("01:30", "04:00"), ("05:00", "08:00"))
    ]
    told = [record("closed", calendar="XHKG", start=day) for day in ("2023-09-01", "2023-09-08")]
    assert sessions_in_force(package, told) == [one for one in package if one.dt.day not in (1, 8)]


@pytest.mark.parametrize(("day", "hour", "closed"), [("2024-01-09", 23, 22), ("2024-07-09", 22, 21)])
def test_the_daily_break_of_the_cme_is_no_session(day: str, hour: int, closed: int) -> None:
    """16:00 to 17:00 in Chicago, whatever the clock says in UTC; exchange_calendars counts it."""
    dt = date.fromisoformat(day)
    end = at(f"{day}T{hour}:00")
    package = [Session("CMES", dt, end - timedelta(days=1), end)]
    (left,) = sessions_in_force(package, [daily("CMES", "16:00", "17:00", "America/Chicago")])
    assert (left.open, left.minutes, left.close.hour) == (package[0].open, 23 * 60, closed)


def test_a_break_holds_between_its_dates_alone() -> None:
    told = [
        record(
            "break",
            calendar="24/7",
            **{"from": "23:30", "to": "00:30"},
            zone="UTC",
            start="2024-01-02",
            end="2024-01-03",
        )
    ]
    left = sessions_in_force(sessions("24/7", "2024-01-01", "2024-01-03"), told)
    assert [(one.dt.day, one.open.hour * 60 + one.open.minute, one.minutes) for one in left] == [
        (1, 0, 1440),
        (2, 30, 1380),
        (3, 0, 1440),
    ]


def test_special_hours_replace_those_of_the_date_and_two_are_its_parts() -> None:
    opened = at("2024-07-03T13:30")
    package = [Session("XNYS", date(2024, 7, 3), opened, opened + 390 * MINUTE)]
    early = record(
        "hours", calendar="XNYS", date="2024-07-03", open="2024-07-03T13:30:00Z", close="2024-07-03T17:00:00Z"
    )
    assert [one.minutes for one in sessions_in_force(package, [early])] == [210]
    again = record(
        "hours", calendar="XNYS", date="2024-07-03", open="2024-07-03T18:00:00Z", close="2024-07-03T18:10:00Z"
    )
    assert [one.minutes for one in sessions_in_force(package, [early, again])] == [210, 10]
    saturday = record(
        "hours", calendar="XNYS", date="2024-07-06", open="2024-07-06T14:00:00Z", close="2024-07-06T15:00:00Z"
    )
    assert [one.dt.day for one in sessions_in_force(package, [saturday])] == [3, 6]


def test_a_record_touches_no_other_calendar() -> None:
    package = sessions("XNYS", "2024-07-01", "2024-07-05")
    assert sessions_in_force(package, [record("closed", calendar="XHKG", start="2024-07-02")]) == package
    assert sessions_in_force([], [record("closed", calendar="XHKG", start="2024-07-02")]) == []


START = at("2024-01-02T00:00")


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 900)), max_size=6))
def test_a_closure_takes_exactly_its_minutes(cuts: list[tuple[int, int]]) -> None:
    """Against plain sets of minutes."""
    package = [
        Session("24/7", date(2024, 1, 2 + n), START + n * timedelta(days=1), START + (n + 1) * timedelta(days=1))
        for n in range(2)
    ]
    told = [
        Closure(Kind.CLOSED, "24/7", span=Range(START + first * MINUTE, START + (first + length) * MINUTE))
        for first, length in cuts
    ]
    taken = {minute for first, length in cuts for minute in range(first, first + length)}
    left = [(one.open - START) // MINUTE + n for one in sessions_in_force(package, told) for n in range(one.minutes)]
    assert left == [minute for minute in range(2880) if minute not in taken]


def test_a_halt_takes_expected_minutes_from_its_symbol_alone() -> None:
    opened = at("2021-01-28T14:30")
    session = Session("XNYS", date(2021, 1, 28), opened, opened + 390 * MINUTE)
    told = [
        record("halt", symbol="GME", start="2021-01-28T14:00:00Z", end="2021-01-28T14:40:00Z"),
        record("halt", symbol="GME", start="2021-01-28T14:35:00Z", end="2021-01-28T14:45:00Z"),
    ]
    listings = [Listing("GME", "XNYS"), Listing("AMC", "XNYS")]
    window = Range(opened + 5 * MINUTE, opened + 60 * MINUTE)
    lost = not_expected(halts(told), listings, [session], window)
    assert lost == [("GME", Range(opened + 5 * MINUTE, opened + 15 * MINUTE))]
    assert not_expected(halts(told), [Listing("GME", "XNYS", delisted=date(2021, 1, 28))], [session], window) == []


def test_recorded_listings_cut_the_list_and_may_be_two() -> None:
    told = [
        record("listing", symbol="DELL", delisted="2013-10-30"),
        record("listing", symbol="DELL", listed="2018-12-28"),
    ]
    listings = [Listing("DELL", "XNYS", listed=date(2010, 1, 4)), Listing("IBM", "XNYS")]
    assert listings_in_force(listings, told) == [
        Listing("DELL", "XNYS", date(2010, 1, 4), date(2013, 10, 30)),
        Listing("DELL", "XNYS", date(2018, 12, 28)),
        Listing("IBM", "XNYS"),
    ]


def test_a_file_of_records_comes_back_as_it_was() -> None:
    """Each kind once, and a record that stands there twice once."""
    told = [
        record("closed", calendar="XHKG", start="2023-09-01"),
        record("closed", calendar="XTKS", start="2020-10-01T00:00:00Z", end="2020-10-01T02:30:00Z"),
        hours("2024-07-03", "13:30", "17:00"),
        record(
            "break", calendar="CMES", **{"from": "16:00", "to": "17:00"}, zone="America/Chicago", start="2015-09-21"
        ),
        record("halt", symbol="BTC/USDT", start="2021-01-28T14:35:00Z", end="2021-01-28T14:40:00Z"),
        record("listing", symbol="X", listed="2020-01-02", delisted="2021-01-01"),
    ]
    assert parse_closures(dump_closures([*told, told[0]]), name="the file") == told
    assert len({one.id for one in told}) == len(told)
    assert (told[0].by, told[0].why, told[0].dates) == ("anna", "because", (date(2023, 9, 1), date(2023, 9, 2)))


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("closed", "no kind that is known"),
        ({"kind": "typhoon"}, "no kind that is known"),
        ({"kind": "closed", "calendar": "XHKG", "start": "2023-09-01", "by": "anna"}, "lacks why"),
        ({"kind": "closed", "calendar": "XHKG", "start": "2023-09-01", "why": "rain"}, "lacks by"),
        ({"kind": "closed", "calendar": "XHKG", **SAID}, "lacks start"),
        ({"kind": "closed", "calendar": "XHKG", "start": "2023-09-01", "until": "x", **SAID}, "unknown fields until"),
        ({"kind": "closed", "calendar": "XHKG", "start": 7, **SAID}, "text would be right"),
        ({"kind": "closed", "calendar": "XHKG", "start": "soon", **SAID}, "a date like"),
        ({"kind": "closed", "calendar": "XHKG", "start": "0001-01-01", **SAID}, "a year from 1900"),
        ({"kind": "closed", "calendar": "X", "start": "2023-09-02", "end": "2023-09-01", **SAID}, "is not after"),
        ({"kind": "closed", "calendar": "X", "start": "2023-09-01T00:00:00Z", **SAID}, "lacks its end"),
        ({"kind": "halt", "symbol": "gme", "start": "x", "end": "y", **SAID}, "is not a symbol"),
        ({"kind": "halt", "symbol": "GME", "start": "2021-01-28", "end": "2021-01-29", **SAID}, "no time zone"),
        ({"kind": "break", "calendar": "X", "from": "16:00", "to": "16:00", "zone": "UTC", **SAID}, "no minute"),
        ({"kind": "break", "calendar": "X", "from": "4pm", "to": "17:00", "zone": "UTC", **SAID}, "local time"),
        ({"kind": "break", "calendar": "X", "from": "16:00", "to": "17:00", "zone": "Chicago", **SAID}, "time zone"),
        ({"kind": "break", "calendar": "X", "from": "16:00", "to": "17:00", "zone": "../x", **SAID}, "time zone"),
        (
            {"kind": "hours", "calendar": "X", "date": "2024-07-03", "open": "2024-08-03T13:30:00Z"}
            | {"close": "2024-08-03T14:30:00Z", **SAID},
            "not of the session date",
        ),
    ],
)
def test_a_malformed_record_is_refused_with_what_is_wrong(entry: object, says: str) -> None:
    with pytest.raises(BadInput, match=f"record 2.*{says}"):
        parse_closures(
            json.dumps([record("closed", calendar="X", start="2023-09-01").as_json(), entry]), name="the file"
        )
    for text in ("{", "{}", "[" * 100_000):
        with pytest.raises(BadInput, match=r"no JSON|no list"):
            parse_closures(text, name="the file")


FIRST, LAST = date(2024, 1, 2), date(2024, 1, 5)
KNOWN = {"XNYS": known_range(FIRST, LAST, opened=at("2024-01-02T14:30"), closed=at("2024-01-05T21:00"))}


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("2024-01-02", "2024-01-06", ""),
        ("2024-01-01", "2024-01-03", "known from 2024-01-02T00:00:00Z to 2024-01-06T00:00:00Z alone"),
        ("2024-01-05", "2024-01-07", "known from"),
        ("2030-01-05", "2030-01-07", "known from"),
    ],
)
def test_a_range_beyond_the_sessions_is_not_known(start: str, end: str, why: str) -> None:
    """Not even that nothing is expected there."""
    found = unknown_calendars(KNOWN, [Listing("IBM", "XNYS")], Range(at(start), at(end)))
    assert (why in found["XNYS"]) if why else found == {}


def test_an_unknown_calendar_is_not_known_and_a_listing_of_another_time_does_not_count() -> None:
    window = Range(at("2024-01-03"), at("2024-01-04"))
    assert unknown_calendars(KNOWN, [Listing("BTCUSD", "24/8")], window) == {"24/8": "no session of 24/8 is known"}
    over = [Listing("X", "XSHG", delisted=date(2023, 1, 1)), Listing("Y", "XSHG", listed=date(2025, 1, 1))]
    assert unknown_calendars(KNOWN, over, window) == {}


def test_only_a_listed_symbol_expects_something_of_a_session() -> None:
    (session,) = sessions("XNYS", "2024-01-03", "2024-01-03")
    assert any(expected_of([Listing("IBM", "XNYS")], [session]))
    assert not any(expected_of([Listing("IBM", "XNYS", listed=date(2024, 1, 4))], [session]))
    assert not any(expected_of([Listing("BTCUSD", "24/7")], [session]))
