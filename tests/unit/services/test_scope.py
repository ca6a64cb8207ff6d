"""Where nothing was looked at, nothing is whole: ranges and symbols of which the sessions do not tell."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from minutemend.contract import Key, Status
from minutemend.core.closures import parse_closure
from minutemend.core.minutes import MINUTE, format_instant
from minutemend.core.sessions import Session

from tests.unit.services.loop import OPEN, SYMBOLS, Loop, session_bars

TRUTH = session_bars()
DAY = timedelta(days=1)


def whole() -> Loop:
    """A lake without a hole, its sessions known for four days: a Monday, no Tuesday, a Wednesday and a Thursday."""
    loop = Loop(truth=TRUTH, stored=TRUTH)
    loop.lake.calendars.put(
        Session("XNYS", (OPEN + n * DAY).date(), OPEN + n * DAY, OPEN + n * DAY + 60 * MINUTE) for n in (0, 2, 3)
    )
    loop.now = OPEN + 40 * DAY
    return loop


def look(loop: Loop, start: datetime, end: datetime, **more: Any) -> dict[str, Any]:
    given = {"start": format_instant(start), "end": format_instant(end), **more}
    event = {"input": given, "audit_id": "a1", "started_at": format_instant(loop.now)}
    return loop.check(event).state


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        (4 * DAY, 5 * DAY, "the sessions of XNYS are known from 2026-01-05T00:00:00Z to 2026-01-09T00:00:00Z alone"),
        (3 * DAY, 5 * DAY, "are known from"),  # its first part is not looked at: the rest would be called whole
        (-DAY, DAY, "are known from"),
        (-3650 * DAY, -3649 * DAY, "are known from"),
    ],
    ids=["sessions ran out", "over their end", "over their beginning", "before them"],
)
def test_a_range_that_the_sessions_do_not_tell_of_is_refused(start: timedelta, end: timedelta, says: str) -> None:
    state = look(whole(), OPEN + start, OPEN + end)
    assert state[Key.STATUS] == Status.REFUSED
    assert says in state[Key.REASON]
    assert "mend sessions refresh" in state[Key.REASON]


def test_a_calendar_without_sessions_is_refused() -> None:
    """A list of before may name it; the mirror of an older stage holds it still."""
    loop = whole()
    loop.read_parameter = lambda: '{"24/8": ["BTCUSD"]}'
    state = look(loop, OPEN, OPEN + 60 * MINUTE)
    assert state[Key.STATUS] == Status.REFUSED
    assert "24/8" in state[Key.REASON]


def test_a_range_that_somebody_names_and_in_which_nothing_is_expected_is_refused() -> None:
    state = look(whole(), OPEN + DAY, OPEN + DAY + 60 * MINUTE)
    assert state[Key.STATUS] == Status.REFUSED
    assert "no minute is expected" in state[Key.REASON]
    assert "XNYS's of 2026-01-05" in state[Key.REASON]
    assert "XNYS's of 2026-01-07" in state[Key.REASON]


def test_symbols_that_were_not_listed_then_expect_nothing() -> None:
    loop = whole()
    loop.read_parameter = lambda: '{"XNYS": [{"symbol": "AAA", "listed": "2026-01-08"}]}'
    state = look(loop, OPEN, OPEN + 60 * MINUTE)
    assert state[Key.STATUS] == Status.REFUSED
    assert "XNYS's of 2026-01-08" in state[Key.REASON]


def test_a_scheduled_hour_outside_sessions_is_no_failure_and_nothing_is_said_to_be_whole() -> None:
    """No query is asked; the state machine ends in NothingExpected, and publishes nothing."""
    loop = whole()
    night = {"scheduled_at": format_instant(OPEN + 10 * 60 * MINUTE)}
    finding = loop.check({"input": night, "audit_id": "a1", "started_at": format_instant(loop.now)})
    assert (finding.state[Key.STATUS], finding.state[Key.EXPECTED]) == (Status.NOTHING, 0)
    assert loop.finder.asked == []
    late = {"scheduled_at": format_instant(OPEN + 9 * DAY)}
    finding = loop.check({"input": late, "audit_id": "a2", "started_at": format_instant(loop.now)})
    assert finding.state[Key.STATUS] == Status.REFUSED


def test_a_calendar_that_ran_out_costs_its_own_symbols_alone() -> None:
    """The others are looked at; the audit fails all the same, and says of which calendar nothing is known."""
    loop = whole()
    loop.lake.calendars.put([Session("XSHG", OPEN.date() - DAY, OPEN - DAY, OPEN - DAY + 60 * MINUTE)])
    loop.read_parameter = lambda: json.dumps({"XNYS": SYMBOLS, "XSHG": ["600519.SS"]})
    state = look(loop, OPEN, OPEN + 60 * MINUTE)
    assert (state[Key.STATUS], state[Key.EXPECTED], state[Key.MISSING]) == (Status.EXHAUSTED, 180, 0)
    assert state[Key.UNKNOWN].startswith("the sessions of XSHG are known from")
    told = loop.report(state)
    assert "the sessions of XSHG" in told[Key.REASON]
    assert "could not be repaired" not in told[Key.REASON]
    assert any("Not looked at" in message for _, message in loop.signals.alarms)


def test_a_symbol_that_is_delisted_keeps_no_audit_from_being_whole() -> None:
    loop = whole()
    over = {"symbol": "OLD", "delisted": "2020-01-02"}
    loop.lake.calendars.put([Session("XSHG", OPEN.date() - 9 * DAY, OPEN - 9 * DAY, OPEN - 9 * DAY + 60 * MINUTE)])
    loop.read_parameter = lambda: json.dumps({"XNYS": SYMBOLS, "XSHG": [over]})
    assert look(loop, OPEN, OPEN + 60 * MINUTE)[Key.STATUS] == Status.READY


def test_what_is_unknown_stays_so_over_repairs() -> None:
    """The state carries it from look to look; a repaired range of the others is no success."""
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol != "AAA"])
    loop.lake.calendars.put([Session("XSHG", OPEN.date() - DAY, OPEN - DAY, OPEN - DAY + 60 * MINUTE)])
    loop.read_parameter = lambda: json.dumps({"XNYS": SYMBOLS, "XSHG": ["600519.SS"]})
    told = loop.run()
    assert told[Key.MISSING] == 0
    assert "the sessions of XSHG" in told[Key.REASON]


def test_a_halt_is_neither_missing_nor_expected() -> None:
    gone = [one for one in TRUTH if one.symbol == "AAA" and 10 <= (one.minute - OPEN) // MINUTE < 30]
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one not in gone])
    record = {"kind": "halt", "symbol": "AAA", "by": "anna", "why": "LULD", "start": format_instant(OPEN + 5 * MINUTE)}
    halt = parse_closure(record | {"end": format_instant(OPEN + 25 * MINUTE)})
    loop.lake.calendars.change_closures(lambda _: [halt])
    state = loop.begin()
    assert (state[Key.EXPECTED], state[Key.MISSING]) == (160, 5)


def test_days_until_the_first_calendar_ends_are_measured() -> None:
    loop = whole()
    loop.now = OPEN + 61 * MINUTE
    event = {"input": loop.audit_input(), "audit_id": "a1", "started_at": format_instant(loop.now)}
    assert loop.check(event).session_days == 3
    loop.now = OPEN + 30 * DAY
    assert loop.check(event | {"started_at": format_instant(loop.now)}).session_days == 0


def test_a_query_is_named_by_its_attempt() -> None:
    """So the look after a repair is not handed the query of the one before, and a step that is retried is."""
    loop = Loop(truth=session_bars(), stored=session_bars()[1:])
    assert loop.begin() == loop.begin()
    loop.run()
    assert loop.finder.asked == ["audit-1-0"] * 3 + ["audit-1-1"]


def test_minutes_that_have_not_settled_are_no_part_of_an_audit() -> None:
    """The settling delay is a minute: half a minute after its end the range is refused, a minute after it is not."""
    loop = Loop(truth=session_bars(), stored=session_bars())
    end = OPEN + 60 * MINUTE
    for later, status in ((timedelta(seconds=30), Status.REFUSED), (MINUTE, Status.READY)):
        loop.now = end + later
        assert loop.begin(f"audit-{later.seconds}")[Key.STATUS] == status
