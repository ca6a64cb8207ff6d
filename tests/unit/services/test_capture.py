"""Capture over fakes: what is asked each minute, what is written, and what happens when it cannot be had."""

from __future__ import annotations

from datetime import date

import pytest
from minutemend.core.answers import AnswerKind
from minutemend.core.captures import CaptureJob, DropRule
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.services.capture import CHUNK, RequestCaptures
from minutemend.services.lake import Lake

from tests.fakes.queue import FakeJobQueue
from tests.fakes.store import FakeStore
from tests.unit.services.capturing import BAR, MANY, NOW, NYSE, OPEN, Market, message, stored, worker

IBM = (Listing("IBM", "XNYS"),)


@pytest.fixture
def lake():
    lake = Lake(FakeStore())
    lake.put_sessions([NYSE])
    return lake


@pytest.fixture
def queue():
    return FakeJobQueue()


def request(lake, queue, at=NOW, listings=IBM, **options):
    def read():
        if isinstance(listings, str):
            raise BadInput(listings)
        return list(listings)

    service = RequestCaptures(
        lake=lake,
        queue=queue,
        listings=read,
        shipped_sessions=lambda: b"",
        settling=MINUTE,
        **options,
    )
    return service.run(at)


def test_the_due_minute_is_asked_for(lake, queue):
    """Two minutes after the open, with a minute to settle, the first minute is due."""
    done = request(lake, queue)
    assert (done.bar, done.symbols, done.messages) == (BAR, 1, 1)
    (body,) = queue.take()
    assert CaptureJob.from_message(body) == CaptureJob(BAR, ("IBM",))


def test_outside_sessions_nothing_is_asked(lake, queue):
    """No message, and the list of symbols is kept up all the same."""
    assert request(lake, queue, at=OPEN).messages == 0
    assert queue.sent == []
    assert lake.symbols() == [Listing("IBM", "XNYS")]


def test_symbols_travel_in_chunks(lake, queue):
    """Each symbol once, no message larger than a chunk."""
    request(lake, queue, listings=[Listing(symbol, "XNYS") for symbol in MANY])
    bodies = queue.take()
    assert [len(body["symbols"]) for body in bodies] == [CHUNK, CHUNK, 20]
    assert sorted(symbol for body in bodies for symbol in body["symbols"]) == MANY


def test_the_flaw_drops_symbols_and_says_which(lake, queue):
    """What is dropped is not asked for; nothing else is lost."""
    done = request(lake, queue, listings=[Listing(symbol, "XNYS") for symbol in MANY], flaw=DropRule(0.2, 7))
    asked = [symbol for body in queue.take() for symbol in body["symbols"]]
    assert 10 < len(done.dropped) < 40
    assert sorted([*asked, *done.dropped]) == MANY


def test_a_malformed_list_leaves_the_last_good_one_in_force(lake, queue):
    """The minute is captured with it, and the result says why the new one was refused."""
    request(lake, queue)
    queue.take()
    done = request(lake, queue, at=NOW + MINUTE, listings="the parameter is no JSON")
    assert (done.symbols, done.refused) == (1, "the parameter is no JSON")
    assert len(queue.take()) == 1


def test_a_malformed_list_and_no_earlier_one_is_an_error(lake, queue):
    """There is nothing to fall back to: fail, and let the function's alarm say so."""
    with pytest.raises(BadInput, match="no JSON"):
        request(lake, queue, listings="the parameter is no JSON")


def test_an_early_close_is_followed_from_the_next_minute(lake, queue):
    """The sessions are refreshed during the day; capture asks the table each minute."""
    lake.put_sessions([Session("XNYS", date(2013, 10, 4), OPEN, OPEN + MINUTE)])
    assert request(lake, queue, at=NOW).messages == 1
    assert request(lake, queue, at=NOW + MINUTE).messages == 0


def test_bars_are_written_as_captured(lake, queue):
    """One object for the message, with the vendor's name and no repair id."""
    tally = worker(lake, queue, Market()).run([message(("AIG", "IBM"))])
    assert (tally.bars, tally.failed, tally.requests["sim"]) == (2, [], 2)
    rows = lake.read_bars(BAR).to_pylist()
    assert [(row["symbol"], row["source"], row["repair_id"]) for row in rows] == [
        ("AIG", "sim", None),
        ("IBM", "sim", None),
    ]
    assert len(lake.store.list("bars/")) == 1


def test_a_vendor_of_many_symbols_is_asked_once(lake, queue):
    """Groups as large as the vendor takes."""
    market = Market(symbols=50)
    worker(lake, queue, market).run([message(MANY[:60])])
    assert [len(symbols) for symbols in market.asked] == [50, 10]


def test_a_redelivery_stores_nothing_twice(lake, queue):
    """The same message again writes the same object."""
    service = worker(lake, queue, Market())
    service.run([message()])
    before = dict(lake.store.objects)
    service.run([message()])
    assert lake.store.objects == before


@pytest.mark.parametrize("status", [400, 404, 422])
def test_an_unknown_symbol_does_not_take_the_others_with_it(lake, queue, status):
    """The request is halved until the unknown symbol is alone; it is logged, all others are written."""
    market = Market(symbols=50)
    market.answers["S007"] = (AnswerKind.GIVE_UP, status, None)
    tally = worker(lake, queue, market).run([message(MANY[:50])])
    assert stored(lake) == [symbol for symbol in MANY[:50] if symbol != "S007"]
    assert tally.events[-1]["symbols"] == ["S007"]
    assert len(market.asked) <= 2 * 6 + 1
    assert (tally.failed, queue.sent, queue.dead) == ([], [], [])


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_not_tried_on_every_half(lake, queue, status):
    """Whoever is asked for, the answer is the same: one request, one line in the log."""
    market = Market(symbols=50)
    market.answers = dict.fromkeys(MANY, (AnswerKind.GIVE_UP, status, None))
    tally = worker(lake, queue, market).run([message(MANY[:50])])
    assert (len(market.asked), tally.errors["sim"], queue.sent) == (1, 1, [])


@pytest.mark.parametrize("kind", [AnswerKind.NO_DATA, AnswerKind.GARBAGE])
def test_an_answer_without_bars_writes_nothing(lake, queue, kind):
    """No trade or nonsense: nothing is invented, and the audit will see the hole."""
    market = Market()
    market.answers["IBM"] = (kind, 200, None)
    worker(lake, queue, market).run([message()])
    assert (stored(lake), queue.sent) == ([], [])


@pytest.mark.parametrize("body", ["{", "[]", '{"symbols": ["IBM"]}'])
def test_poison_reaches_the_dead_letters_with_its_reason(lake, queue, body):
    """At once, beside a good message that is worked on as ever."""
    tally = worker(lake, queue, Market()).run([message(body=body), message()])
    ((dead, attributes),) = queue.dead
    assert dead == body
    assert attributes["reason"]
    assert (stored(lake), tally.failed) == (["IBM"], [])


class Broken(FakeStore):
    def put(self, key, body, **options):
        raise ConnectionError(f"{key} of {len(body)} bytes could not be written {options}")


@pytest.mark.parametrize(("receives", "failed", "dead"), [(1, ["m1"], 0), (3, [], 1)])
def test_trouble_brings_the_message_back_until_its_last_delivery(queue, receives, failed, dead):
    """Then it is kept, with what went wrong, and not lost."""
    tally = worker(Lake(Broken()), queue, Market()).run([message(receives=receives)])
    assert (tally.failed, len(queue.dead)) == (failed, dead)
    assert all("ConnectionError" in attributes["reason"] for _, attributes in queue.dead)
