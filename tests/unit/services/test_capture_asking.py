"""How the capture worker asks: many requests at once, from one budget, and what becomes of those that fail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from minutemend.core.answers import AnswerKind
from minutemend.core.captures import CaptureJob
from minutemend.ports import Grant
from minutemend.services.capture import LONGEST_WAIT, MAX_TRIES
from minutemend.services.lake import Lake

from tests.fakes.board import FakeBoard
from tests.fakes.queue import FakeJobQueue
from tests.fakes.store import FakeStore
from tests.unit.services.capturing import BAR, MANY, NOW, NYSE, Market, message, stored, worker


@pytest.fixture
def lake():
    lake = Lake(FakeStore())
    lake.calendars.put([NYSE])
    return lake


@pytest.fixture
def queue():
    return FakeJobQueue()


def test_what_failed_is_asked_again_later(lake, queue):
    """The others are written; the failed one travels on in a message of its own, and no receive is spent."""
    market = Market()
    market.answers["IBM"] = (AnswerKind.RETRY, 500, None)
    tally = worker(lake, queue, market).run([message(("AIG", "IBM", "XOM"))])
    assert stored(lake) == ["AIG", "XOM"]
    (again,) = queue.sent
    assert CaptureJob.from_message(again.body) == CaptureJob(BAR, ("IBM",), tries=1, since=NOW)
    assert again.delay == timedelta(seconds=2)
    assert tally.failed == []


def test_a_throttling_vendor_is_left_alone(lake, queue):
    """Its Retry-After pauses everybody; the rest of the chunk waits as well."""
    market = Market()
    market.answers["AIG"] = (AnswerKind.RETRY, 429, timedelta(seconds=30))
    service = worker(lake, queue, market)
    tally = service.run([message(("AIG", "IBM"))])
    assert market.asked == [("AIG",)]
    assert [(one.body["symbols"], one.body["tries"], one.delay.seconds) for one in queue.sent] == [
        (["IBM"], 0, 30),  # it only waits for the others' pause: that spends no try
        (["AIG"], 1, 30),
    ]
    assert service.board.take("sim", requests=1, limits=market.limits, now=NOW) == Grant(0, timedelta(seconds=30))
    assert (tally.throttles["sim"], tally.errors["sim"]) == (1, 0)


def test_an_exhausted_budget_puts_off_what_is_left(lake, queue):
    """The budget is shared with the repairs: what it does not grant is asked for in the next minute."""
    tally = worker(lake, queue, Market(per_minute=2)).run([message(("AIG", "IBM", "XOM"))])
    assert stored(lake) == ["AIG", "IBM"]
    assert queue.sent[0].body["symbols"] == ["XOM"]
    assert timedelta(0) < queue.sent[0].delay <= LONGEST_WAIT
    assert tally.bars == 2


def test_the_requests_of_a_chunk_are_under_way_together(lake, queue):
    """As many at once as the worker may have, by no more threads, into one object."""
    market = Market(together=8)
    tally = worker(lake, queue, market, at_once=8).run([message(MANY[:48])])
    assert stored(lake) == MANY[:48]
    assert (len(market.threads), tally.bars, tally.requests["sim"]) == (8, 48, 48)
    assert len(lake.store.list("bars/")) == 1


class CountingBoard(FakeBoard):
    """`wanted` are the requests of each call of `take`."""

    def __init__(self):
        super().__init__()
        self.wanted = []

    def take(self, vendor, **how):
        self.wanted.append(how["requests"])
        return super().take(vendor, **how)


def test_the_budget_of_a_chunk_is_taken_at_once(lake, queue):
    """One write on the board, and not one for each of its symbols."""
    board = CountingBoard()
    worker(lake, queue, Market(), board=board).run([message(MANY[:50])])
    assert board.wanted == [50]


def test_requests_that_were_not_foreseen_count_against_the_budget(lake, queue):
    """Two chunks of one request, each of which took three pages."""
    board = CountingBoard()
    worker(lake, queue, Market(symbols=50, pages=3), board=board).run([message(MANY[:50]), message(MANY[50:100])])
    assert (board.wanted, board.budgets["sim"].taken) == ([1, 2, 1, 2], 6)


def test_workers_at_once_ask_no_more_than_the_minutes_budget(lake, queue):
    """Two workers with 50 symbols each and a budget of 60: 60 are asked for, and the other 40 wait."""
    market, board = Market(per_minute=60), FakeBoard()
    services = [worker(lake, queue, market, board=board, at_once=4) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: services[number].run([message(MANY[50 * number :][:50])]), range(2)))
    again = [symbol for one in queue.sent for symbol in one.body["symbols"]]
    assert (len(market.asked), len(again)) == (60, 40)
    assert sorted([*stored(lake), *again]) == MANY[:100]


def test_a_limit_of_the_second_is_waited_for_in_place(lake, queue):
    """No more than 15 in any second, and no message for a wait of a moment."""
    now = [NOW]
    asked_at = []

    def sleep(seconds):
        asked_at.append(len(market.asked))
        now[0] += timedelta(seconds=seconds)

    market = Market(per_second=15)
    worker(lake, queue, market, clock=lambda: now[0], sleep=sleep).run([message(MANY[:50])])
    assert (stored(lake), queue.sent) == (MANY[:50], [])
    assert asked_at == [15, 30, 45]


def test_a_request_that_raises_loses_nothing_of_the_others(lake, queue):
    """Their bars are written; it alone is asked for again, and what it raised is not in the log: a token may be."""
    market = Market()
    market.broken = ("IBM",)
    tally = worker(lake, queue, market, at_once=3).run([message(("AIG", "IBM", "XOM"))])
    assert stored(lake) == ["AIG", "XOM"]
    (again,) = queue.sent
    assert CaptureJob.from_message(again.body) == CaptureJob(BAR, ("IBM",), tries=1, since=NOW)
    assert (tally.failed, tally.errors["sim"]) == ([], 1)
    assert "ValueError" in tally.events[0]["detail"]
    assert "secret" not in str(tally.events)


def test_a_throttle_keeps_what_others_had_under_way(lake, queue):
    """Whatever was asked at the same moment is written, the rest asked for later: each symbol in one of the two."""
    market = Market(together=4)
    market.answers["S001"] = (AnswerKind.RETRY, 429, timedelta(seconds=30))
    worker(lake, queue, market, at_once=4).run([message(MANY[:4])])
    assert stored(lake) == ["S000", "S002", "S003"]
    assert [one.body["symbols"] for one in queue.sent] == [["S001"]]

    market = Market()
    market.answers = dict.fromkeys(MANY, (AnswerKind.RETRY, 429, timedelta(seconds=30)))
    worker(lake, queue, market, at_once=4).run([message(MANY[:50])])
    assert len(market.asked) <= 4
    assert sorted(symbol for one in queue.sent[1:] for symbol in one.body["symbols"]) == MANY[:50]


def test_after_a_few_tries_the_hole_is_left_to_the_audit(lake, queue):
    """No message goes round for ever."""
    market = Market()
    market.answers["IBM"] = (AnswerKind.RETRY, 500, None)
    tally = worker(lake, queue, market).run([message(tries=MAX_TRIES)])
    assert queue.sent == []
    assert (tally.events[-1]["event"], tally.left) == ("left to the audit", 1)


def test_what_time_does_not_allow_goes_back_to_the_queue(lake, queue):
    """The worker stops asking before it is stopped, and loses nothing; what was not asked has spent no try."""
    ticks = iter(NOW + n * timedelta(seconds=1) for n in range(100))
    service = worker(lake, queue, Market(), clock=lambda: next(ticks))
    service.run([message(MANY[:50])], deadline=NOW + timedelta(seconds=20))
    assert sorted([*stored(lake), *queue.sent[0].body["symbols"]]) == MANY[:50]
    assert 0 < len(stored(lake)) < 50
    assert queue.sent[0].body["tries"] == 0
