"""A stopped backfill: its windows are not looked at, its jobs ask no vendor, and it leaves room for the day."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from minutemend.contract import BACKFILL_SHARE, Key, Status
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import MINUTE, Range
from minutemend.ports.queue import REASON
from minutemend.services.worker import Received
from minutemend.services.working_files import get_json, request_key

from tests.unit.services.loop import OPEN, Loop, session_bars

TRUTH = session_bars()
RUN = "backfill-1-1"
DAY = Range(OPEN, OPEN + 60 * MINUTE)


def begun(**more: Any) -> tuple[Loop, dict[str, Any]]:
    """A window of a backfill whose jobs are queued."""
    loop = Loop(truth=TRUTH, stored=[], **more)
    return loop, loop.queue_repairs(loop.begin(backfill=RUN))


def test_a_window_is_an_ordinary_audit_and_says_what_it_found() -> None:
    loop = Loop(truth=TRUTH, stored=[])
    state = loop.run(backfill=RUN)
    assert (state[Key.STATUS], state[Key.MISSING], state[Key.FOUND]) == (Status.READY, 0, 180)
    assert state[Key.QUEUED] == len(loop.vendor.asked) == 3
    assert get_json(loop.results, request_key("audit-1"))["backfill"] == state[Key.BACKFILL] == RUN


def test_a_window_before_the_vendors_history_fails_with_that_reason_and_proves_nothing() -> None:
    """Once more it asks again: the vendor may have loaded it by then."""
    loop = Loop(truth=[], stored=[])
    assert loop.run(backfill=RUN)[Key.STATUS] == Status.EXHAUSTED
    assert {one.reason for one in loop.lake.failures(DAY)} == {"no_data"}
    assert loop.signals.alarms == [], "of years there may be hundreds: `mend backfill status` has them"
    assert loop.lake.absences(DAY) == []
    loop.vendor.bars |= {(one.symbol, one.minute): one for one in TRUTH}
    assert loop.run("resumed", backfill=RUN)[Key.STATUS] == Status.READY


def test_a_stopped_backfill_is_not_looked_at_before_or_between_attempts() -> None:
    loop, state = begun()
    loop.board.stop(RUN)
    for event in (state, {Key.INPUT: loop.audit_input(backfill=RUN), Key.AUDIT_ID: "audit-2"}):
        found = loop.check({str(key): value for key, value in event.items()})
        assert (found.state[Key.STATUS], found.oldest) == (Status.STOPPED, None)
        assert RUN in found.state[Key.REASON]
    assert loop.check(loop.begin(name="of-the-day")).state[Key.STATUS] == Status.REPAIR


def test_its_queued_jobs_ask_no_vendor_and_the_window_is_resumed_at_once() -> None:
    """Also those that were to wait for a second look: none is left on the queue for hours."""
    loop, state = begun()
    loop.wait(state, "token")
    loop.board.stop(RUN)
    loop.work()
    assert (loop.vendor.asked, loop.queue.sent) == ([], [])
    assert "token" in loop.signals.resumed
    assert loop.check(state).state[Key.STATUS] == Status.STOPPED


def test_a_job_that_waits_for_its_second_look_is_settled_when_the_backfill_is_stopped() -> None:
    truth = [one for one in TRUTH if (one.symbol, one.minute) != ("AAA", OPEN + 7 * MINUTE)]
    loop = Loop(truth=truth, stored=truth)
    state = loop.queue_repairs(loop.begin(backfill=RUN))
    loop.work()
    state = loop.queue_repairs(loop.check(state).state)
    [job] = [RepairJob.from_message(one.body) for one in loop.queue.sent]
    assert job.not_before
    assert job.not_before > loop.now
    loop.board.stop(RUN)
    loop.worker().run([Received("1", json.dumps(job.to_message()), 1)])
    assert loop.board.progress("audit-1", 2).done
    assert len(loop.vendor.asked) == 1


def test_what_a_person_redrove_is_asked_all_the_same() -> None:
    loop, _ = begun()
    loop.board.stop(RUN)
    sent, loop.queue.sent = loop.queue.sent, []

    loop.worker().run([Received("1", json.dumps(sent[0].body), 1, {REASON: "mended"})])
    assert len(loop.vendor.asked) == 1


def test_a_stop_holds_for_its_run_alone() -> None:
    loop, _ = begun()
    loop.board.stop(RUN)
    state = loop.run(name="resumed", backfill="backfill-1-2")
    assert state[Key.STATUS] == Status.READY


def test_a_backfill_leaves_its_vendor_room_for_the_day() -> None:
    """Eight requests a minute: six are its share, and the hour's own audit has the two that are left at once."""
    loop = Loop(truth=session_bars(minutes=600), stored=[], minutes=600, per_minute=8)
    loop.now += timedelta(hours=12)
    state = loop.queue_repairs(loop.begin(backfill=RUN))
    assert state[Key.JOBS] > 8
    at = loop.now
    loop.work()
    assert len(loop.vendor.asked) == int(8 * BACKFILL_SHARE) == 6
    waiting, loop.queue.sent = loop.queue.sent, []
    hour = {"start": "2026-01-06T00:20:00Z", "end": "2026-01-06T00:30:00Z", "symbols": ["CCC"]}
    state = loop.check({"input": hour, "audit_id": "of-the-hour", "started_at": at.isoformat()}).state
    loop.queue_repairs(state)
    loop.work()
    assert len(loop.vendor.asked) == 7
    assert loop.now - at < timedelta(seconds=5)
    window = Range(OPEN + 590 * MINUTE, OPEN + 600 * MINUTE)
    assert loop.lake.read_bars(window, ["CCC"]).num_rows == 10
    assert waiting, "the rest of the backfill waits for its share"


def test_the_message_says_whose_job_it_is_and_an_older_one_is_read() -> None:
    loop, _ = begun()
    body = dict(loop.queue.sent[0].body)
    assert RepairJob.from_message(body).backfill == body["backfill"] == RUN
    del body["backfill"]
    assert RepairJob.from_message(body).backfill is None
