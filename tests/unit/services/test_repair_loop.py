"""The loop, step by step, over fakes: what heals, what is proven absent, what fails and how that is told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from minutemend.contract import MOST_WAITS, Key, Status
from minutemend.core.answers import Answer, AnswerKind, VendorRequest
from minutemend.core.bars import to_table
from minutemend.core.columns import Bars
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import MINUTE, Range
from minutemend.ports.queue import Message
from minutemend.services.worker import Received

from tests.fakes.job_gaps import only
from tests.unit.services.loop import APART, OPEN, Loop, bar, session_bars

TRUTH = session_bars()


def test_a_whole_range_is_ready_and_no_vendor_is_asked() -> None:
    loop = Loop(truth=TRUTH, stored=TRUTH)
    state = loop.run()
    assert (state[Key.STATUS], state[Key.MISSING], state[Key.EXPECTED]) == (Status.READY, 0, 180)
    assert loop.vendor.asked == []


def test_holes_are_filled_with_the_vendors_bars_and_nothing_else_is_touched() -> None:
    holes = {("AAA", 0), ("AAA", 59), ("BBB", 10), ("BBB", 11)} | {("CCC", n) for n in range(60)}
    stored = [one for one in TRUTH if (one.symbol, (one.minute - OPEN) // MINUTE) not in holes]
    loop = Loop(truth=TRUTH, stored=stored)
    before = dict(loop.store.objects)
    state = loop.run()
    assert (state[Key.STATUS], state[Key.ATTEMPT]) == (Status.READY, 1)
    rows = loop.lake.read_bars(Range(OPEN, OPEN + 60 * MINUTE)).to_pylist()
    assert [(row["symbol"], row["open"]) for row in rows] == [(one.symbol, one.open) for one in sorted(TRUTH)]
    repaired = {
        (row["symbol"], (row["minute"] - OPEN.replace(tzinfo=None)) // MINUTE) for row in rows if row["repair_id"]
    }
    assert repaired == holes
    assert all(loop.store.objects[key] == value for key, value in before.items())


def test_a_minute_without_a_trade_is_absent_after_two_answers_apart_and_asked_no_third_time() -> None:
    truth = [one for one in TRUTH if (one.symbol, one.minute) != ("AAA", OPEN + 7 * MINUTE)]
    loop = Loop(truth=truth, stored=truth)
    state = loop.run()
    assert (state[Key.STATUS], state[Key.ATTEMPT]) == (Status.READY, 2)
    (absence,) = loop.lake.absences(Range(OPEN, OPEN + 60 * MINUTE))
    assert (absence.symbol, absence.range) == ("AAA", Range(OPEN + 7 * MINUTE, OPEN + 8 * MINUTE))
    first, second = json.loads(absence.evidence)
    assert datetime.fromisoformat(second["observed_at"]) - datetime.fromisoformat(first["observed_at"]) >= APART
    assert len(loop.vendor.asked) == 2
    loop.run("audit-2")
    assert len(loop.vendor.asked) == 2


def test_a_vendor_that_says_no_data_proves_nothing() -> None:
    stored = [one for one in TRUTH if one.symbol != "AAA"]
    loop = Loop(truth=stored, stored=stored)
    state = loop.run()
    assert (state[Key.STATUS], state[Key.MISSING]) == (Status.EXHAUSTED, 60)
    assert loop.lake.absences(Range(OPEN, OPEN + 60 * MINUTE)) == []
    assert {one.reason for one in loop.lake.failures(Range(OPEN, OPEN + 60 * MINUTE))} == {"no_data"}


def test_a_refusal_ends_the_audit_at_once_with_a_report_that_a_person_can_act_on() -> None:
    def refuse(request: VendorRequest, now: datetime) -> Answer:
        return Answer(request, AnswerKind.GIVE_UP, now, status=401, detail="finnhub: 401, the token was refused")

    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.minute >= OPEN + 5 * MINUTE])
    loop.vendor.misbehave = refuse
    state = loop.run(attempts=5)
    assert (state[Key.STATUS], state[Key.ATTEMPT], state[Key.REPAIRABLE]) == (Status.EXHAUSTED, 1, 0)
    report = json.loads(loop.results.get(state[Key.REPORT_KEY]) or b"")
    assert report["reasons"] == {"vendor_refused": 15}
    assert report["ranges"][0]["evidence"][0]["detail"] == "finnhub: 401, the token was refused"
    assert report["retry"] == (
        "mend repair --stage dev --start 2026-01-05T14:30:00Z --end 2026-01-05T15:30:00Z --symbols AAA,BBB,CCC --wait"
    )
    ((subject, message),) = loop.signals.alarms
    assert "15 minutes failed" in subject
    assert report["retry"] in message


def test_an_absent_minute_that_arrives_after_all_is_present() -> None:
    gone = ("AAA", OPEN + 7 * MINUTE)
    truth = [one for one in TRUTH if (one.symbol, one.minute) != gone]
    loop = Loop(truth=truth, stored=truth)
    loop.run()
    late = to_table([bar(*gone)], source="capture", repair_id=None, captured_at=loop.now)
    loop.lake.put_bars(late)
    assert loop.lake.read_bars(Range(gone[1], gone[1] + MINUTE), ["AAA"]).num_rows == 1
    assert loop.run("audit-2")[Key.STATUS] == Status.READY


def test_a_throttled_job_waits_as_long_as_the_vendor_says_and_spends_no_receive() -> None:
    calls: list[datetime] = []

    def throttle(request: VendorRequest, now: datetime) -> Answer | None:
        calls.append(now)
        if len(calls) == 1:
            return Answer(request, AnswerKind.RETRY, now, status=429, retry_after=timedelta(seconds=90))
        return None

    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol != "AAA"])
    loop.vendor.misbehave = throttle
    state = loop.queue_repairs(loop.begin())
    tally = loop.work()
    assert tally.failed == []
    assert [one.delay for one in loop.queue.sent] == [timedelta(seconds=90)]
    loop.work()
    assert loop.check(state).state[Key.STATUS] == Status.READY


def test_an_exhausted_budget_postpones_and_the_rest_is_done_in_the_next_minute() -> None:
    holes = {("AAA", 3), ("BBB", 3), ("CCC", 3)}
    stored = [one for one in TRUTH if (one.symbol, (one.minute - OPEN) // MINUTE) not in holes]
    loop = Loop(truth=TRUTH, stored=stored, per_minute=2)
    loop.queue_repairs(loop.begin())
    tally = loop.work()
    assert (len(loop.vendor.asked), len(loop.queue.sent), tally.failed) == (2, 1, [])
    loop.work()
    assert len(loop.vendor.asked) == 3


def test_a_wait_that_timed_out_goes_on_as_long_as_jobs_are_settled() -> None:
    """Three jobs, one a minute: each look finds one more settled, then the same, then all."""
    holes = {("AAA", 3), ("BBB", 3), ("CCC", 3)}
    stored = [one for one in TRUTH if (one.symbol, (one.minute - OPEN) // MINUTE) not in holes]
    loop = Loop(truth=TRUTH, stored=stored, per_minute=1)
    state = loop.queue_repairs(loop.begin())
    seen = []
    for works in (True, True, False):
        if works:
            loop.work()
        state = loop.waiter().check_progress(state)
        seen.append((state[Key.SETTLED], state[Key.WAITS], state[Key.MOVING]))
    assert seen == [(1, 1, True), (2, 2, True), (2, 2, False)]
    loop.work()
    state = loop.waiter().check_progress(state)
    assert (state[Key.SETTLED], state[Key.MOVING]) == (3, False), "all is settled: there is nothing to wait for"
    state = loop.check(state).state
    assert (state[Key.STATUS], state[Key.ATTEMPT], state[Key.WAITS]) == (Status.READY, 1, 2)


def test_an_audit_waits_on_only_so_often_in_all_its_attempts() -> None:
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol == "AAA"], per_minute=1)
    state = loop.queue_repairs(loop.begin())
    loop.work()
    assert loop.waiter().check_progress({**state, "waits": MOST_WAITS - 1})[Key.MOVING] is True
    assert loop.waiter().check_progress({**state, "waits": MOST_WAITS})[Key.MOVING] is False
    assert loop.check({**state, "waits": MOST_WAITS}).state[Key.WAITS] == MOST_WAITS


def test_a_job_that_waited_until_the_next_attempt_was_planned_is_left_to_that_plan() -> None:
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol != "AAA"], per_minute=0)
    state = loop.queue_repairs(loop.begin())
    loop.work()
    late = list(loop.queue.sent)
    again = loop.check(state).state
    loop.queue_repairs(again)
    loop.queue.sent = late
    loop.work()
    assert (loop.queue.sent, loop.vendor.asked) == ([], [])
    assert loop.board.jobs[RepairJob.from_message(dict(late[0].body)).id].outcome == "superseded"


def test_a_redriven_job_of_an_old_attempt_is_postponed_like_any_other_and_not_dropped() -> None:
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol != "AAA"], per_minute=0)
    loop.queue_repairs(loop.begin())
    (job,) = loop.queue.take()
    made = RepairJob.from_message(job)
    loop.board.settle(made.id, audit_id=made.audit_id, attempt=1, outcome="failed")
    loop.board.open_attempt(made.audit_id, 2, jobs=1)
    loop.queue.sent = [Message(job, attributes={"reason": "a disk was full"})]
    loop.work()
    assert [one.attributes for one in loop.queue.sent] == [{"reason": "a disk was full"}]
    assert loop.board.jobs[made.id].outcome == "failed"


def test_pages_of_an_answer_count_against_the_budget() -> None:
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol != "AAA"])

    def paged(request: VendorRequest, now: datetime) -> Answer:
        bars = Bars.of(one for one in TRUTH if one.symbol == "AAA")
        return Answer(request, AnswerKind.BARS, now, bars=bars, covered={"AAA": request.range}, requests=3)

    loop.vendor.misbehave = paged
    loop.queue_repairs(loop.begin())
    loop.work()
    assert loop.board.budgets["fake"].taken == 3


def test_a_malformed_message_reaches_the_dead_letters_with_the_reason_and_is_acknowledged() -> None:
    loop = Loop(truth=TRUTH, stored=TRUTH)
    tally = loop.worker().run([Received("m1", "{nonsense", 1), Received("m2", '{"audit_id": 1}', 1)])
    assert tally.failed == []
    assert [attributes["reason"][:20] for _, attributes in loop.queue.dead] == [
        "the body is no JSON:",
        "the message has to b",
    ]


def test_a_job_for_a_vendor_that_the_stage_no_longer_asks_is_settled_as_failed_and_wakes_the_audit() -> None:
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol != "AAA"])
    state = loop.queue_repairs(loop.begin())
    loop.wait(state, "token")
    loop.vendor.name = "another"
    assert loop.work().failed == []
    ((_, attributes),) = loop.queue.dead
    assert attributes["reason"] == "the vendor is 'fake': this stage asks another"
    assert "token" in loop.signals.resumed


def test_trouble_comes_again_and_on_its_last_delivery_is_settled_as_failed_with_the_reason() -> None:
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol != "AAA"])

    def explode(_request: VendorRequest, _now: datetime) -> Answer:
        raise RuntimeError("the store is on fire")

    loop.vendor.misbehave = explode
    state = loop.queue_repairs(loop.begin())
    loop.wait(state, "token")
    kept = list(loop.queue.sent)
    assert loop.work(receives=1).failed == ["0"]
    loop.now += timedelta(minutes=1)
    loop.queue.sent = kept
    assert loop.work(receives=3).failed == []
    ((_, attributes),) = loop.queue.dead
    assert attributes["reason"] == "RuntimeError: the store is on fire"
    assert "token" in loop.signals.resumed


def test_a_redriven_job_is_done_once_however_often_it_is_redriven() -> None:
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol != "AAA"])
    state = loop.queue_repairs(loop.begin())
    (job,) = loop.queue.take()
    made = RepairJob.from_message(job)
    loop.board.settle(made.id, audit_id=made.audit_id, attempt=1, outcome="failed")
    loop.queue.sent = [Message(job)]
    loop.work()
    assert loop.vendor.asked == []
    loop.queue.sent = [Message(job, attributes={"reason": "a disk was full"})] * 2
    loop.work()
    assert len(loop.vendor.asked) == 1
    assert loop.check(state).state[Key.STATUS] == Status.READY


def test_unusable_input_is_refused_with_what_would_be_right() -> None:
    loop = Loop(truth=TRUTH, stored=TRUTH)
    state = loop.begin(symbols=["ZZZ"])
    assert state[Key.STATUS] == Status.REFUSED
    assert "ZZZ, which this stage does not follow" in state[Key.REASON]
    assert loop.begin(attempts=0)[Key.STATUS] == Status.REFUSED
    assert loop.begin(attempts=1000)[Key.STATUS] == Status.REFUSED


def test_a_malformed_list_of_symbols_leaves_the_last_good_one_in_force() -> None:
    loop = Loop(truth=TRUTH, stored=TRUTH)
    loop.run()
    loop.store.put("settings/symbols/2026.json", b"{")
    event = {"input": loop.audit_input(), "audit_id": "a2", "started_at": loop.now.isoformat()}
    finding = loop.check(event)
    assert (finding.state[Key.STATUS], finding.state[Key.EXPECTED]) == (Status.READY, 180)
    assert finding.symbols_refused is not None
    assert "settings/symbols/2026.json is no JSON" in finding.symbols_refused


def test_neighbours_that_the_vendor_cannot_have_yet_are_not_asked_for() -> None:
    """A request goes out to its session's end; Alpaca's free plan refuses one that reaches into the last 15 minutes."""
    from minutemend.core.answers import VendorRequest
    from minutemend.core.jobs import RepairJob
    from minutemend.services.process_repairs import without_unready

    whole = Range(OPEN, OPEN + 390 * MINUTE)
    gap = Range(OPEN + 10 * MINUTE, OPEN + 20 * MINUTE)
    job = RepairJob("a", 1, VendorRequest("alpaca", ("AAA",), whole), only(gap))
    lag, hour = timedelta(minutes=15), OPEN + 60 * MINUTE
    assert without_unready(job.request, job, lag, hour).range == Range(OPEN, OPEN + 45 * MINUTE)
    assert without_unready(job.request, job, lag, OPEN + 25 * MINUTE).range == Range(OPEN, gap.end)
    assert without_unready(job.request, job, lag, OPEN + timedelta(days=1)) == job.request
    assert without_unready(job.request, job, None, hour).range.end == hour
