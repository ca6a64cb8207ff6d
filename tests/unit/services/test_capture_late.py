"""Captures of bars that come late or not at all, and messages that are none."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from minutemend.core.answers import Answer, AnswerKind
from minutemend.core.captures import DropRule
from minutemend.core.errors import BadInput
from minutemend.services.lake import Lake

from tests.fakes.board import FakeBoard
from tests.fakes.queue import FakeJobQueue
from tests.fakes.store import FakeStore
from tests.unit.services.capturing import NOW, NYSE, OPEN, Market, message, stored, worker


@pytest.fixture
def lake():
    lake = Lake(FakeStore())
    lake.calendars.put([NYSE])
    return lake


@pytest.fixture
def queue():
    return FakeJobQueue()


def through_the_minutes(lake, queue, market, *, until, symbols=("AIG", "IBM")):
    """Deliver what is sent when it is due, until nothing is; the tallies together."""
    now = [NOW]
    service = worker(lake, queue, market, clock=lambda: now[0])
    due = [(NOW, message(symbols))]
    tallies = []
    while due:
        due.sort(key=lambda one: one[0])
        now[0], given = due.pop(0)
        assert now[0] <= until, "no message goes round for ever"
        market.now = now[0]
        tallies.append(service.run([given]))
        due += [(now[0] + one.delay, message(body=json.dumps(one.body))) for one in queue.sent]
        queue.sent.clear()
    return tallies


class LateMarket(Market):
    """Has a bar 40 seconds after it is due, and none of QUIET at all."""

    def fetch(self, request, *, until=None):
        if self.now < NOW + timedelta(seconds=40) or "QUIET" in request.symbols:
            self.asked.append(request.symbols)
            return Answer(request, AnswerKind.NO_DATA, self.now, status=200)
        return super().fetch(request, until=until)


def test_bars_that_come_forty_seconds_late_are_captured(lake, queue):
    """And a symbol without a trade costs three requests, and is then left to the audit, which a metric counts."""
    market = LateMarket()
    tallies = through_the_minutes(
        lake, queue, market, until=NOW + timedelta(minutes=2), symbols=("AIG", "IBM", "QUIET")
    )
    assert stored(lake) == ["AIG", "IBM"]
    assert market.asked.count(("QUIET",)) == 3
    assert sum(tally.left for tally in tallies) == 1


def test_a_symbol_that_had_no_trade_by_the_venue_is_not_asked_for_again(lake, queue):
    class Venue(Market):
        def fetch(self, request, *, until=None):  # noqa: ARG002
            minute = np.array([int(OPEN.timestamp()) // 60])
            return Answer(request, AnswerKind.NO_DATA, NOW, stated=dict.fromkeys(request.symbols, minute))

    tally = worker(lake, queue, Venue()).run([message()])
    assert (queue.sent, tally.left) == ([], 0)


def test_waiting_for_the_pause_of_a_vendor_spends_no_try(lake, queue):
    """Another worker was told to wait for two minutes: the bars are had after it, however often we looked."""
    board = FakeBoard()
    board.pause("sim", until=NOW + timedelta(minutes=2))
    now, market = [NOW], Market()
    service = worker(lake, queue, market, board=board, clock=lambda: now[0])
    service.run([message()])
    for _ in range(3):
        (again,) = queue.sent
        queue.sent.clear()
        assert again.body["tries"] == 0
        now[0] += again.delay
        service.run([message(body=json.dumps(again.body))])
        if stored(lake):
            break
    assert (stored(lake), market.asked) == (["IBM"], [("IBM",)])


def test_a_pause_that_outlasts_the_capture_leaves_the_minute_to_the_audit(lake, queue):
    board = FakeBoard()
    board.pause("sim", until=NOW + timedelta(hours=1))
    now = [NOW]
    service = worker(lake, queue, Market(), board=board, clock=lambda: now[0])
    left = service.run([message(("AIG", "IBM"))]).left
    for _ in range(10):
        if not queue.sent:
            break
        (again,) = queue.sent
        queue.sent.clear()
        now[0] += again.delay
        left += service.run([message(body=json.dumps(again.body))]).left
    assert (left, queue.sent) == (2, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"end": "2014-10-04T13:30:00Z"},
        {"start": "0001-01-01T00:00:00Z", "end": "0001-01-01T00:01:00Z"},
        {"start": "9999-12-31T23:58:00Z", "end": "9999-12-31T23:59:00Z"},
        {"tries": -1},
        {"tries": 10**9},
        {"tries": True},
        {"unseen": "1"},
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00:00Z"},
        {"symbols": [7]},
    ],
)
def test_a_malformed_capture_is_poison_at_once(lake, queue, wrong):
    """A capture of a whole year would be a request for all of it."""
    good = json.loads(message().body)
    market = Market()
    worker(lake, queue, market).run([message(body=json.dumps(good | wrong))])
    assert ((len(queue.dead), market.asked, queue.sent)) == (1, [], [])


@pytest.mark.parametrize("rate", [1.5, -0.1, float("nan")])
def test_a_flaw_of_more_than_everything_is_refused(rate):
    with pytest.raises(BadInput, match="a share from 0 to 1 would be right"):
        DropRule(rate, 1)
