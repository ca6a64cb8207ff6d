"""The state machine's input: what it asks for, and one clear message for everything that it must not be."""

from __future__ import annotations

import itertools
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from minutemend.contract import Key
from minutemend.core.audit_state import AuditState
from minutemend.core.audits import DEFAULT_ATTEMPTS, MAX_ATTEMPTS, AuditRequest
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range

NOW = datetime(2013, 10, 5, 14, 5, tzinfo=UTC)
GOOD = {"start": "2013-10-04T13:00:00Z", "end": "2013-10-04T14:00:00Z"}


def at(day, hour=0, minute=0):
    return datetime(2013, 10, day, hour, minute, tzinfo=UTC)


def asked(given, *, scheduled_at=NOW, **options):
    return AuditRequest.from_input(given, scheduled_at=scheduled_at, due=NOW, **options)


def test_a_range_is_taken_as_it_is():
    """All symbols and the usual attempts, unless the input says otherwise."""
    assert asked(GOOD) == AuditRequest(Range(at(4, 13), at(4, 14)), None, DEFAULT_ATTEMPTS)
    assert asked(GOOD | {"symbols": ["IBM", "AIG", "IBM"], "attempts": 1}) == AuditRequest(
        Range(at(4, 13), at(4, 14)), ("AIG", "IBM"), 1
    )


def test_an_instant_may_be_in_another_zone():
    """It is the same instant in UTC."""
    assert asked({"start": "2013-10-04T09:00:00-04:00", "end": "2013-10-04T14:00:00Z"}) == asked(GOOD)


def test_an_empty_input_asks_for_the_hour_before():
    """By the scheduled time, which for an empty input is the execution's start."""
    assert asked({}).range == Range(at(5, 13), at(5, 14))


def test_a_schedule_s_time_counts_and_not_the_clock():
    """Run late, or twice, it asks for the same hour; odd seconds of a rate schedule do not matter."""
    for text in ("2013-10-04T14:05:00Z", "2013-10-04T14:05:31.25Z"):
        assert asked({"scheduled_at": text}).range == Range(at(4, 13), at(4, 14))


def test_only_an_hour_that_has_settled_is_asked_for():
    """With a vendor that is 16 minutes late, five past 14 the hour from 13 is not due yet: the one before is."""
    given = {"scheduled_at": "2013-10-04T14:05:00Z"}
    assert asked(given, settling=timedelta(minutes=1)).range == Range(at(4, 13), at(4, 14))
    assert asked(given, settling=timedelta(minutes=16)).range == Range(at(4, 12), at(4, 13))


@pytest.mark.parametrize("settling", [timedelta(0), timedelta(minutes=16)])
def test_hourly_schedules_leave_no_hour_out_and_ask_for_none_twice(settling):
    """Consecutive hours, whatever the settling delay."""
    ranges = [
        asked({"scheduled_at": (at(3, 0, 5) + timedelta(hours=n)).isoformat()}, settling=settling).range
        for n in range(30)
    ]
    assert all(before.end == after.start for before, after in itertools.pairwise(ranges))


def test_a_sweep_asks_for_the_last_whole_days():
    """As many UTC days as the stage says, up to the last midnight."""
    given = {"scheduled_at": "2013-10-05T03:40:00Z", "sweep": True}
    assert asked(given, sweep_days=3).range == Range(at(2), at(5))


def test_a_request_survives_its_working_file():
    """There and back, with and without symbols."""
    for request in (asked(GOOD), asked(GOOD | {"symbols": ["IBM"], "attempts": 7})):
        assert AuditRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, "an object with start, end"),
        ([], "an object with start, end"),
        ("2013-10-04", "an object with start, end"),
        (GOOD | {"symbol": "IBM"}, "unknown keys symbol"),
        (GOOD | {"a": 1, "b": 2}, "unknown keys a, b"),
        ({"start": GOOD["start"]}, "only one of start and end"),
        ({"end": GOOD["end"]}, "only one of start and end"),
        ({"start": GOOD["end"], "end": GOOD["start"]}, "is not before end"),
        ({"start": GOOD["start"], "end": GOOD["start"]}, "is not before end"),
        (GOOD | {"start": "2013-10-04T13:00:00"}, "no time zone"),
        (GOOD | {"start": "2013-10-04"}, "no time zone"),
        (GOOD | {"start": "2013-10-04T13:00:30Z"}, "whole minute"),
        (GOOD | {"start": "yesterday"}, "no ISO time"),
        (GOOD | {"start": 1380891600}, "would be right"),
        (GOOD | {"start": None}, "would be right"),
        (GOOD | {"start": "0001-01-01T00:00:00+14:00"}, "years 1900 to 2199"),
        (GOOD | {"end": "2013-10-05T14:06:00Z"}, "reaches into the future.*at most 2013-10-05T14:05:00Z"),
        (GOOD | {"end": "2199-01-01T00:00:00Z"}, "reaches into the future"),
        ({"scheduled_at": "2013-10-06T14:05:00Z"}, "reaches into the future"),
        (GOOD | {"symbols": []}, "a list of symbols"),
        (GOOD | {"symbols": "IBM"}, "a list of symbols"),
        (GOOD | {"symbols": {"IBM": 1}}, "a list of symbols"),
        (GOOD | {"symbols": [7]}, "7 is not a symbol"),
        (GOOD | {"symbols": [["IBM"]]}, "is not a symbol"),
        (GOOD | {"symbols": ["ibm"]}, "is not a symbol"),
        (GOOD | {"symbols": ["IBM'"]}, "is not a symbol"),
        (GOOD | {"symbols": ["I%BM"]}, "is not a symbol"),
        (GOOD | {"symbols": ["IBM\n"]}, "is not a symbol"),
        (GOOD | {"symbols": ["'; DROP TABLE bars"]}, "is not a symbol"),
        (GOOD | {"attempts": 0}, f"from 1 to {MAX_ATTEMPTS}"),
        (GOOD | {"attempts": 1000}, f"from 1 to {MAX_ATTEMPTS}"),
        (GOOD | {"attempts": "3"}, f"from 1 to {MAX_ATTEMPTS}"),
        (GOOD | {"attempts": 2.0}, f"from 1 to {MAX_ATTEMPTS}"),
        (GOOD | {"attempts": True}, f"from 1 to {MAX_ATTEMPTS}"),
        (GOOD | {"scheduled_at": "2013-10-04T14:05:00Z"}, "scheduled_at besides"),
        (GOOD | {"sweep": True}, "sweep besides"),
        ({"sweep": "yes"}, "true or false"),
        ({"scheduled_at": "soon"}, "scheduled_at is 'soon'"),
        ({"scheduled_at": "2013-10-04T14:05:00"}, "no time zone"),
    ],
)
def test_an_unusable_input_says_what_would_be_right(given, says):
    """One message, before anything is done."""
    with pytest.raises(BadInput, match=says):
        asked(given)


@pytest.mark.parametrize(
    "given",
    [
        {"start": GOOD["start"], "end": GOOD["end"], "symbols": None, "attempts": "3"},
        {"start": GOOD["start"], "end": GOOD["end"], "symbols": "IBM", "attempts": 3},
    ],
)
def test_a_working_file_that_no_audit_wrote_is_refused(given):
    """Somebody else's file under our key is not believed."""
    with pytest.raises(BadInput, match="no audit wrote"):
        AuditRequest.from_json(given)


def test_a_recheck_is_asked_for_and_kept():
    """A working file of before there was such a thing asks for none."""
    request = asked(GOOD | {"recheck": True})
    assert (request.recheck, request.sweep, asked(GOOD).recheck) == (True, False, False)
    assert AuditRequest.from_json(request.to_json()) == request
    assert asked({"sweep": True}).sweep
    old = {name: value for name, value in request.to_json().items() if name not in ("recheck", "sweep")}
    assert AuditRequest.from_json(old) == asked(GOOD)
    with pytest.raises(BadInput, match="recheck is 'yes': true or false would be right"):
        asked(GOOD | {"recheck": "yes"})


def test_a_state_has_a_field_for_each_key_and_comes_back_as_it_was():
    """But for the first step's input and a waiting one's token; what another version wrote beside is left out."""
    assert {one.name for one in fields(AuditState)} == set(Key) - {Key.INPUT, Key.TASK_TOKEN}
    state = AuditState(audit_id="a", status="repair", attempt=2, moving=False, gaps_key="k")
    assert AuditState.of({**state.as_json(), "of_a_later_version": 1}) == state
    assert "unknown" not in state.as_json()
