"""A job that is not done in one answer: refused for a few of its symbols, cut off, out of time, and messages that
are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from minutemend.contract import Key, Status
from minutemend.core.answers import Answer, AnswerKind, VendorLimits, VendorRequest
from minutemend.core.columns import Bars
from minutemend.core.minutes import MINUTE, Range, from_epoch_minute
from minutemend.services.worker import Received

from tests.fakes.vendor import FakeVendor
from tests.unit.services.loop import OPEN, Loop, session_bars

HOUR = Range(OPEN, OPEN + 60 * MINUTE)
TRUTH = session_bars()


class Clumsy(FakeVendor):
    """Takes many symbols; refuses all for one of `unreadable`, in unknown words; answers `pages` rows of a
    symbol at a time, each page taking `slow`, and begins none when the time is up."""

    unreadable: frozenset[str] = frozenset()
    page = 10_000
    slow = timedelta(0)
    pass_time: Callable[[timedelta], None]

    def fetch(self, request: VendorRequest, *, until: datetime | None = None) -> Answer:
        if self.unreadable & set(request.symbols):
            self.asked.append(request)
            divide = len(request.symbols) > 1
            return Answer(request, AnswerKind.GIVE_UP, self._clock(), status=400, detail="sorry", divide=divide)
        whole = super().fetch(request)
        bars, looked, pages = [], {}, 0
        for symbol in request.symbols:
            mine = [bar for bar in whole.bars if bar.symbol == symbol]
            for first in range(0, max(len(mine), 1), self.page):
                if pages and until is not None and self._clock() >= until:
                    break
                self.pass_time(self.slow)
                pages += 1
                bars += mine[first : first + self.page]
                last = len(mine) <= first + self.page
                looked[symbol] = request.range if last else Range(request.range.start, bars[-1].minute + MINUTE)
        left = tuple(
            VendorRequest(request.vendor, (symbol,), Range(begin, request.range.end))
            for symbol in request.symbols
            if (begin := looked[symbol].end if symbol in looked else request.range.start) < request.range.end
        )
        return Answer(
            request, AnswerKind.BARS, self._clock(), Bars.of(bars), looked, left=left, status=200, requests=pages
        )


def clumsy(loop: Loop, **how: Any) -> Clumsy:
    vendor = Clumsy(
        TRUTH, clock=lambda: loop.now, limits=VendorLimits("fake", 10_000, 50, loop.vendor.limits.per_minute)
    )

    def pass_time(spent: timedelta) -> None:
        loop.now += spent

    for name, value in {"pass_time": pass_time, **how}.items():
        setattr(vendor, name, value)
    loop.vendor = vendor
    return vendor


def job_of(loop: Loop) -> dict[str, Any]:
    """The one job of an audit that lacks everything, planned and taken from the queue."""
    loop.queue_repairs(loop.begin())
    (body,) = loop.queue.take()
    return dict(body)


def stored_symbols(loop: Loop) -> dict[str, int]:
    rows = loop.lake.read_bars(HOUR)["symbol"].to_pylist()
    return {symbol: rows.count(symbol) for symbol in sorted(set(rows))}


def test_a_symbol_that_the_vendor_cannot_read_costs_the_others_nothing_whatever_it_says() -> None:
    loop = Loop(truth=TRUTH, stored=[])
    vendor = clumsy(loop, unreadable=frozenset({"BBB"}))
    state = loop.queue_repairs(loop.begin())
    loop.work()
    assert stored_symbols(loop) == {"AAA": 60, "CCC": 60}
    assert len(vendor.asked) <= 5
    told = {one.symbol: (one.kind, one.detail) for one in loop.lake.answers.read(HOUR.dates()) if one.symbol == "BBB"}
    assert told == {"BBB": (AnswerKind.GIVE_UP, "sorry")}
    assert loop.check(state).state[Key.MISSING] == 60


def test_twenty_unreadable_names_do_not_cost_two_good_ones_their_minutes() -> None:
    names = tuple(f"X{number:02d}" for number in range(20))
    loop = Loop(truth=TRUTH, stored=[])
    vendor = clumsy(loop, unreadable=frozenset(names))
    body = job_of(loop)
    minute = int(OPEN.timestamp()) // 60
    body |= {"symbols": [*names, "AAA", "CCC"], "gaps": [[name, minute, 60] for name in (*names, "AAA", "CCC")]}
    loop.worker().run([Received("m", json.dumps(body), 1)])
    assert stored_symbols(loop) == {"AAA": 60, "CCC": 60}
    assert len(vendor.asked) < 2 * 22


def test_a_token_that_is_refused_is_not_tried_on_every_half() -> None:
    loop = Loop(truth=TRUTH, stored=[])
    vendor = clumsy(loop)
    vendor.misbehave = lambda request, now: Answer(request, AnswerKind.GIVE_UP, now, status=403, detail="no")
    vendor.fetch = lambda request, until=None: FakeVendor.fetch(vendor, request)  # type: ignore[method-assign] # noqa: ARG005
    loop.queue_repairs(loop.begin())
    loop.work()
    assert len(vendor.asked) == 1


def test_what_a_worker_has_no_time_for_it_hands_on_and_nothing_is_asked_twice() -> None:
    """18 pages of 2.4 s and workers of 11 s: each keeps what it had, the next goes on there, and no try is spent."""
    loop = Loop(truth=TRUTH, stored=[])
    clumsy(loop, page=10, slow=timedelta(seconds=2.4))
    state = loop.queue_repairs(loop.begin())
    workers, messages = 0, [json.dumps(one.body) for one in loop.queue.sent]
    loop.queue.sent.clear()
    while messages:
        workers += 1
        assert workers < 10
        had = sum(stored_symbols(loop).values())
        loop.worker().run([Received("m", messages.pop(), 1)], deadline=loop.now + timedelta(seconds=11))
        assert sum(stored_symbols(loop).values()) > had, "each worker gets on"
        messages += [json.dumps(one.body) for one in loop.queue.sent]
        loop.queue.sent.clear()
    assert stored_symbols(loop) == {"AAA": 60, "BBB": 60, "CCC": 60}
    assert loop.board.budgets["fake"].taken == 18, "pages, each once"
    assert {job.tries for job in loop.board.jobs.values()} == {1}
    assert loop.check(state).state[Key.STATUS] == Status.READY


def test_the_parts_of_a_job_are_observed_each_for_itself() -> None:
    """No part's evidence takes the place of another's, and none speaks of what it did not look at."""
    truth = [bar for bar in TRUTH if (bar.minute - OPEN) // MINUTE % 20 != 7]
    loop = Loop(truth=truth, stored=[])
    vendor = clumsy(loop, page=10, slow=timedelta(seconds=3))
    vendor.bars = {(bar.symbol, bar.minute): bar for bar in truth}
    loop.queue_repairs(loop.begin())
    while loop.queue.sent:
        sent, loop.queue.sent = loop.queue.sent, []
        batch = [Received("m", json.dumps(one.body), 1) for one in sent]
        loop.worker().run(batch, deadline=loop.now + timedelta(seconds=5))
    omitted = {
        (one.symbol, from_epoch_minute(start))
        for one in loop.lake.answers.read(HOUR.dates())
        for start, *_ in one.omitted.rows()
        if one.kind is AnswerKind.BARS
    }
    assert omitted == {(name, OPEN + minute * MINUTE) for name in ("AAA", "BBB", "CCC") for minute in (7, 27, 47)}


def test_a_vendor_that_fails_in_the_middle_of_a_job_costs_only_the_rest() -> None:
    loop = Loop(truth=TRUTH, stored=[])
    vendor = clumsy(loop, unreadable=frozenset({"BBB"}))
    real, calls = vendor.fetch, []

    def fetch(request: VendorRequest, *, until: datetime | None = None) -> Answer:
        calls.append(request.symbols)
        if len(calls) == 3:
            return Answer(request, AnswerKind.RETRY, loop.now, status=503)
        return real(request, until=until)

    vendor.fetch = fetch  # type: ignore[method-assign]
    state = loop.queue_repairs(loop.begin())
    loop.work()
    assert stored_symbols(loop) == {"AAA": 60}
    assert loop.queue.sent[0].body["rest"] == [[["BBB", "CCC"], int(OPEN.timestamp()) // 60, 60]]
    loop.work()
    assert stored_symbols(loop) == {"AAA": 60, "CCC": 60}
    assert loop.check(state).state[Key.MISSING] == 60
    assert calls.count(("AAA",)) == 1


def test_a_symbol_that_is_not_believed_is_named_with_its_row_and_the_others_are_written() -> None:
    loop = Loop(truth=TRUTH, stored=[])
    vendor, line = (
        clumsy(loop),
        "fake: BBB 2026-01-05T14:31:00Z: low 9.0 and high 8.0 do not enclose open 1 and close 1",
    )

    def fetch(request: VendorRequest, *, until: datetime | None = None) -> Answer:  # noqa: ARG001
        good = Bars.of(bar for bar in TRUTH if bar.symbol != "BBB")
        covered = dict.fromkeys(("AAA", "CCC"), request.range)
        return Answer(request, AnswerKind.BARS, loop.now, good, covered, distrusted={"BBB": line}, status=200)

    vendor.fetch = fetch  # type: ignore[method-assign]
    loop.queue_repairs(loop.begin())
    loop.work()
    assert stored_symbols(loop) == {"AAA": 60, "CCC": 60}
    told = {one.symbol: (one.kind, one.detail) for one in loop.lake.answers.read(HOUR.dates())}
    assert told["BBB"] == (AnswerKind.GARBAGE, line)
    assert told["AAA"][0] is AnswerKind.BARS


YEAR_ONE = {"start": "0001-01-01T00:00:00Z", "end": "0001-01-01T01:00:00Z"}
WRONG: list[dict[str, Any]] = [
    {"not_before": "tomorrow"},
    {"not_before": 7},
    {"not_before": "2026-01-05T14:30:00"},
    {"not_before": "0001-01-01T00:00:00Z"},
    YEAR_ONE,
    {"end": "2030-01-05T14:30:00Z"},
    {"end": "9999-12-31T23:59:00Z"},
    {"gaps": [["AAA", 29_460_000, 1_000_000]]},
    {"gaps": [["AAA", 10**30, 1]]},
    {"gaps": [["AAA", -(10**30), 10**30]]},
    {"gaps": [[["AAA"], 1, 1]]},
    {"gaps": {}},
    {"attempt": 0},
    {"attempt": True},
    {"attempt": 10**9},
    {"audit_id": "../../etc"},
    {"audit_id": ""},
    {"vendor": "a b"},
    {"symbols": []},
    {"symbols": ["AAA'; DROP"]},
    {"rest": [[["ZZZ"], 29_460_390, 1]]},
    {"rest": [[[], 29_460_390, 1]]},
    {"rest": [[[{}], 29_460_390, 1]]},
    {"rest": "all"},
    {"more": 1},
]


@pytest.mark.parametrize("wrong", WRONG, ids=[json.dumps(one)[:40] for one in WRONG])
def test_a_malformed_job_is_poison_at_once_with_a_reason(wrong: dict[str, Any]) -> None:
    """Nothing is asked, nothing comes again, and the dead letter says what would be right."""
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol != "AAA"])
    body = job_of(loop)
    tally = loop.worker().run([Received("m1", json.dumps(body | wrong), 1)])
    ((_, attributes),) = loop.queue.dead
    assert (tally.failed, loop.vendor.asked, [one["event"] for one in tally.events]) == ([], [], ["poison"])
    assert len(attributes["reason"]) > 20


def test_a_message_of_an_earlier_version_is_read() -> None:
    """It has no rest."""
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.symbol != "AAA"])
    body = job_of(loop)
    assert set(body) == {"audit_id", "attempt", "vendor", "symbols", "start", "end", "gaps", "not_before"}
    loop.worker().run([Received("m1", json.dumps(body), 1)])
    assert stored_symbols(loop)["AAA"] == 60


def test_a_vendor_in_trouble_is_asked_as_often_as_a_job_may_ask_and_then_it_says_so() -> None:
    """Three times of three, not twice, and not for ever; then the job is settled with what it learned, by no dead
    letter."""

    def fail(request: VendorRequest, now: datetime) -> Answer:
        return Answer(request, AnswerKind.RETRY, now, status=503, detail="down")

    loop = Loop(truth=session_bars(), stored=[one for one in session_bars() if one.minute != OPEN])
    loop.vendor.misbehave = fail
    loop.vendor.limits = replace(loop.vendor.limits, symbols=3)
    state = loop.queue_repairs(loop.begin())
    loop.wait(state, "token")
    for _ in range(10):
        if loop.queue.sent:
            loop.work()
    assert (len(loop.vendor.asked), loop.queue.dead) == (3, [])
    assert list(loop.signals.resumed) == ["token"]


def test_a_pause_that_a_vendor_asks_for_is_everybodys() -> None:
    """Another job of the same vendor asks nothing before it is over."""
    loop = Loop(truth=session_bars(), stored=[one for one in session_bars() if one.minute != OPEN])
    told: list[datetime] = []

    def throttle(request: VendorRequest, now: datetime) -> Answer | None:
        told.append(now)
        wait = timedelta(seconds=40) if len(told) == 1 else None
        return Answer(request, AnswerKind.RETRY, now, status=429, retry_after=wait) if wait else None

    loop.vendor.misbehave = throttle
    loop.queue_repairs(loop.begin())
    assert len(loop.queue.sent) == 3
    loop.work()
    assert len(told) == 1
    assert loop.board.paused("fake") == told[0] + timedelta(seconds=40)
