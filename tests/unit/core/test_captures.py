"""Which minute is due, for whom, and the message that says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from minutemend.core.captures import CaptureJob, DropRule, due_bar, due_symbols, parse_scheduled_at
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
NYSE = Session("XNYS", date(2013, 10, 4), OPEN, OPEN + 390 * MINUTE)
IBM = Listing("IBM", "XNYS")


@pytest.mark.parametrize(
    ("settling", "start"), [(timedelta(0), 30), (timedelta(minutes=1), 29), (timedelta(seconds=90), 28)]
)
def test_a_bar_is_due_when_it_has_ended_and_settled(settling, start):
    """Scheduled at 13:31, the bar of 13:30 has just ended; every settling delay asks for an earlier one."""
    assert due_bar(OPEN + MINUTE, settling=settling) == Range(
        OPEN.replace(minute=start), OPEN.replace(minute=start) + MINUTE
    )


def test_each_scheduled_minute_has_a_bar_of_its_own():
    """No bar is asked for by two scheduled minutes and none by no minute."""
    bars = [due_bar(OPEN + n * MINUTE, settling=timedelta(minutes=16)) for n in range(60)]
    assert [bar.start for bar in bars] == [bars[0].start + n * MINUTE for n in range(60)]


@pytest.mark.parametrize(
    ("start", "due"),
    [
        (OPEN - MINUTE, []),
        (OPEN, ["IBM"]),
        (OPEN + 389 * MINUTE, ["IBM"]),
        (OPEN + 390 * MINUTE, []),
    ],
    ids=["before the open", "first minute", "last minute", "at the close"],
)
def test_nothing_is_due_outside_sessions(start, due):
    """The open is inclusive, the close is not."""
    assert due_symbols(Range(start, start + MINUTE), [IBM], [NYSE]) == due


def test_listing_dates_are_kept():
    """A symbol is asked for from the day it lists and no more from the day it delists."""
    today = date(2013, 10, 4)
    listings = [
        Listing("A", "XNYS", listed=today),
        Listing("B", "XNYS", delisted=today),
        Listing("C", "24/7"),
    ]
    assert due_symbols(Range(OPEN, OPEN + MINUTE), listings, [NYSE]) == ["A"]


def test_the_flaw_drops_the_same_share_each_time():
    """Seeded: the same questions are dropped, at about the rate asked for; another seed drops others."""
    rule = DropRule(0.1, seed=1)
    dropped = [n for n in range(5000) if rule.drops("IBM", OPEN + n * MINUTE)]
    assert 400 < len(dropped) < 600
    assert dropped == [n for n in range(5000) if DropRule(0.1, seed=1).drops("IBM", OPEN + n * MINUTE)]
    assert dropped != [n for n in range(5000) if DropRule(0.1, seed=2).drops("IBM", OPEN + n * MINUTE)]


@pytest.mark.parametrize(("rate", "drops"), [(0.0, False), (1.0, True)])
def test_the_flaw_s_extremes(rate, drops):
    """None and all."""
    assert DropRule(rate, seed=1).drops("IBM", OPEN) is drops


def test_a_message_comes_back_as_the_job():
    """There and back."""
    job = CaptureJob(Range(OPEN, OPEN + MINUTE), ("AIG", "IBM"), tries=2)
    assert CaptureJob.from_message(job.to_message()) == job


GOOD = CaptureJob(Range(OPEN, OPEN + MINUTE), ("IBM",)).to_message()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "an object with the fields"),
        ({}, "an object with the fields"),
        (GOOD | {"more": 1}, "an object with the fields"),
        (GOOD | {"symbols": []}, "a list of symbols"),
        (GOOD | {"symbols": "IBM"}, "a list of symbols"),
        (GOOD | {"symbols": ["I'BM"]}, "is not a symbol"),
        (GOOD | {"symbols": ["IBM\n"]}, "is not a symbol"),
        (GOOD | {"symbols": ["a/b"]}, "is not a symbol"),
        (GOOD | {"tries": -1}, "from 0"),
        (GOOD | {"tries": True}, "from 0"),
        (GOOD | {"start": "2013-10-04T13:30:00"}, "time zone"),
        (GOOD | {"start": "2013-10-04T13:30:01Z"}, "whole minute"),
        (GOOD | {"end": GOOD["start"]}, "not before end"),
        (GOOD | {"end": 5}, "would be right"),
    ],
)
def test_a_malformed_message_says_what_is_wrong(body, says):
    """Poison is recognised for what it is, before anything is done."""
    with pytest.raises(BadInput, match=says):
        CaptureJob.from_message(body)


def test_a_scheduled_time_is_taken_down_to_its_minute():
    """A rate schedule's instants have seconds; another zone's are the same instant."""
    assert parse_scheduled_at({"scheduled_at": "2013-10-04T15:30:42.5+02:00"}) == OPEN


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"scheduled_at": None},
        {"scheduled_at": "now"},
        {"scheduled_at": "2013-10-04T13:30:00"},
        {"scheduled_at": "2013-10-04T13:30:00Z", "more": 1},
    ],
)
def test_an_unusable_schedule_input_says_what_would_be_right(given):
    """Naive, missing, misspelt: one message with an example."""
    with pytest.raises(BadInput, match="would be right"):
        parse_scheduled_at(given)
