"""What answers show and lack beside what they were asked for; what goes over the edge of a session; whose history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from minutemend.contract import Key, Status
from minutemend.core.answers import Answer, AnswerKind, VendorLimits, VendorRequest
from minutemend.core.bars import Bar, to_table
from minutemend.core.looks import plan_looks
from minutemend.core.minutes import MINUTE, Range, format_instant
from minutemend.core.sessions import Session
from minutemend.core.verdicts import RULE
from minutemend.services.queue_repairs import to_message

from tests.unit.services.loop import OPEN, SYMBOLS
from tests.unit.services.test_whole_sessions import DARK, Stage, at, less

DAY = timedelta(days=1)
PROOFS = [("AAA", 10, 11, "two_looks")]


def verified(stage: Stage, window: Range) -> None:
    """A second look of `mend verify` at what is stored, done by the worker."""
    listings, sessions = stage.lake.symbols(), stage.lake.calendars.sessions(window, {"XNYS"})
    jobs = plan_looks(window, listings, sessions, [stage.vendor.limits], run="look-1", now=stage.now)
    stage.board.open_attempt(jobs[0].audit_id, 1, jobs=len(jobs))
    stage.queue.send([to_message(job, now=stage.now) for job in jobs])
    stage.work()


def refuse(request: VendorRequest, now: datetime) -> Answer:
    return Answer(request, AnswerKind.GIVE_UP, now, status=403, detail="the plan ended")


@pytest.mark.parametrize("by", ["a second look", "an audit of another hour"])
def test_a_bar_that_any_answer_shows_ends_a_proof(by: str) -> None:
    """The vendor loaded it since. Asked for or not, it revokes the proof, which says by whom and why."""
    stage = Stage.of(less(10, 200), less(10, 200))
    assert stage.audit("audit-1", 0, 120) == (Status.READY, 0)
    assert stage.absent() == PROOFS
    stage.told(stage.vendor, less(200))
    stage.now += DAY
    if by == "a second look":
        verified(stage, at(0, 390))
    else:
        stage.audit("audit-2", 180, 240)
    assert stage.begin("audit-3", end=format_instant(at(0, 120).end))[Key.MISSING] == 1
    assert ("AAA", 10, 11, "two_looks") not in stage.absent()
    (one,) = stage.lake.revocations(at(0, 390))
    assert (one.symbol, one.range, one.who) == ("AAA", at(10, 11), "minutemend")
    assert one.why.startswith("fake showed a bar of it")
    assert stage.audit("audit-4", 0, 120) == (Status.READY, 0)
    assert stage.lake.read_bars(at(10, 11)).num_rows == 1


def test_a_second_look_that_finds_nothing_new_revokes_nothing() -> None:
    stage = Stage.of(less(10), less(10))
    stage.audit("audit-1")
    stage.now += DAY
    verified(stage, at(0, 390))
    assert stage.audit("audit-2") == (Status.READY, 0)
    assert (stage.absent(), stage.lake.revocations(at(0, 390))) == (PROOFS, [])


def test_what_one_vendor_showed_no_other_one_proves_absent() -> None:
    """It showed the bar beside an hour that was asked for, and refuses since."""
    stage = Stage.of(less(), less(10, 200)).ask_two(less(10))
    stage.audit("audit-1", 180, 240)
    stage.vendor.misbehave = refuse
    stage.now += timedelta(hours=1)
    assert stage.audit("audit-2", 0, 60) == (Status.EXHAUSTED, 1)
    assert stage.absent() == []


def test_a_vendor_that_takes_its_bar_back_may_prove_the_minute() -> None:
    """A trade that was cancelled: what it leaves out afterwards counts."""
    stage = Stage.of(less(200), less(10, 200))
    stage.audit("audit-1", 180, 240)
    stage.told(stage.vendor, less(10, 200))
    stage.now += timedelta(hours=1)
    assert stage.audit("audit-2", 0, 60) == (Status.READY, 0)
    assert stage.absent()[0] == PROOFS[0]


@pytest.mark.parametrize("sources", [1, 2])
def test_answers_that_lack_what_is_stored_prove_nothing(sources: int) -> None:
    """By another source the lake has the session, all but one minute. The vendor lacks it, and others besides."""
    poor = less(10, *range(31, 390, 30))
    stage = Stage.of(poor, less(10))
    if sources == 2:
        stage.ask_two(poor)
    assert stage.audit("audit-1") == (Status.EXHAUSTED, 1)
    assert (stage.absent(), stage.suspected()) == ([], {"AAA"})


def test_what_came_after_an_answer_is_not_lacked_by_it() -> None:
    """An answer of a running session tells up to its last bar: the vendor had no more yet."""
    stage = Stage.of(less(10, *range(61, 390)), less(10, *range(61, 390)))
    stage.now = OPEN + 62 * MINUTE
    assert stage.audit("audit-1", 0, 60, attempts=1)[1] == 1
    stage.told(stage.vendor, less(10))
    stage.lake.put_bars(to_table(less(10, *range(61)), source="capture", repair_id=None, captured_at=OPEN))
    stage.now = OPEN + 3 * DAY
    assert stage.audit("audit-2", 0, 60, attempts=1) == (Status.READY, 0)


def over_midnight(lacks: Iterable[int]) -> Stage:
    """Two days of a market that never closes, less some minutes from the midnight between."""
    midnight = datetime(2026, 1, 6, tzinfo=UTC)
    lost = {midnight + n * MINUTE for n in lacks}
    every = [Bar("AAA", midnight + n * MINUTE, 10, 11, 9, 10, 1.0) for n in range(-1440, 1440)]
    bars = [one for one in every if one.minute not in lost]
    stage = Stage.of(bars, bars)
    days = [Session("24/7", (midnight + n * DAY).date(), midnight + n * DAY, midnight + (n + 1) * DAY) for n in (-1, 0)]
    stage.lake.calendars.put(days)
    stage.read_parameter = lambda: json.dumps({"24/7": ["AAA"]})
    stage.vendor.limits = VendorLimits("fake", 3000, 1, 10_000)
    stage.now = midnight + DAY + timedelta(hours=2)
    return stage


@pytest.mark.parametrize("hours", [(-24, 24), (0, 1), (-1, 0)])
@pytest.mark.parametrize(("first", "end", "missing"), [(-1, 1, 2), (-10, 1, 11), (-1, 10, 11), (0, 1, 0)])
def test_a_silence_over_midnight_is_one(first: int, end: int, missing: int, hours: tuple[int, int]) -> None:
    """Whichever side an audit looks at, and though the other was never asked for. One minute alone is plausible."""
    stage, midnight = over_midnight(range(first, end)), datetime(2026, 1, 6, tzinfo=UTC)
    window = Range(*(midnight + timedelta(hours=hour) for hour in hours))
    state = stage.run("audit-1", start=format_instant(window.start), end=format_instant(window.end))
    inside = len([n for n in range(first, end) if window.start <= midnight + n * MINUTE < window.end])
    assert state[Key.MISSING] == (inside if missing else 0)
    assert sum(one.range.minutes for one in stage.lake.absences(window)) == (0 if missing else inside)


def sessions_today(stage: Stage, *parts: tuple[int, int]) -> None:
    """Today's session in parts; those of other dates stay."""
    before = [one for one in stage.lake.calendars.sessions() if one.dt != OPEN.date()]
    today = [Session("XNYS", OPEN.date(), at(*each).start, at(*each).end) for each in parts]
    stage.lake.calendars.put([*before, *today])


@pytest.mark.parametrize(("lacks", "proven"), [(3, 6), (4, 0)])
def test_the_parts_of_a_date_lack_together(lacks: int, proven: int) -> None:
    """Over a lunch break of an hour: each session before lacked two minutes, so that six may lack, on both sides."""
    lost = [*range(10, 10 + 20 * lacks, 20), *range(190, 190 + 20 * lacks, 20)]
    bars = less(*lost, *range(120, 180), minutes=300)
    stage = Stage.of(bars, bars, minutes=300).remember(range(1, 23), {15: 2}, (15, 2, RULE))
    sessions_today(stage, (0, 120), (180, 300))
    stage.audit("audit-1")
    assert len(stage.absent()) == proven


@pytest.mark.parametrize(("own", "proven"), [(True, 97), (False, 0)])
def test_history_by_another_calendar_is_none(own: bool, proven: int) -> None:
    """It was followed around the clock, with quiet nights, and is now in sessions: a vendor lacks 97 minutes of one."""
    bad, nights = less(*range(3, 389, 4)), [hour for hour in range(24) if not 14 <= hour < 21]
    stage = Stage.of(bad, bad)
    stage.remember(
        range(1, 23), {hour: 10 * (hour in nights) for hour in range(24)}, *((hour, 10, RULE) for hour in nights)
    )
    if not own:
        days = [at(-n * 1440, 390 - n * 1440) for n in range(23)]
        stage.lake.calendars.put(Session("XNYS", one.start.date(), one.start, one.end) for one in days)
    stage.audit("audit-1")
    assert len(stage.absent()) == proven


def test_a_recheck_of_two_symbols_proves_no_more_than_the_audit_of_three() -> None:
    """The feed lacks a minute for all, and has no bar of the third, which the recheck does not name."""
    bars = [one for one in DARK if one.symbol != "CCC"]
    stage = Stage.of(bars, bars, symbols=SYMBOLS, minutes=60)
    stage.audit("audit-1")
    assert stage.suspected() >= {"AAA", "BBB"}
    assert stage.audit("audit-2", symbols=["AAA", "BBB"], recheck=True) == (Status.EXHAUSTED, 2)
    assert stage.absent() == []
