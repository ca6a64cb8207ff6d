"""Capture over fakes: what is asked each minute, what is written, and what happens when it cannot be had."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from minutemend.contract import CAPTURE_TOGETHER, Table, VendorSettings
from minutemend.core.answers import AnswerKind
from minutemend.core.captures import CaptureJob, DropRule
from minutemend.core.closures import parse_closure
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, day_range, format_instant
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.services.capture import RequestCaptures
from minutemend.services.evidence_rows import row_of
from minutemend.services.lake import Lake
from minutemend.services.tables import encode, from_rows

from tests.fakes.queue import FakeJobQueue
from tests.fakes.store import FakeStore
from tests.unit.services.capturing import BAR, MANY, NOW, NYSE, OPEN, Market, message, stored, worker

DAY = day_range(date(2013, 10, 4))
IBM = json.dumps({"XNYS": ["IBM"]})


@pytest.fixture
def lake():
    lake = Lake(FakeStore())
    lake.calendars.put([NYSE])
    return lake


@pytest.fixture
def queue():
    return FakeJobQueue()


def request(lake, queue, at=NOW, parameter=IBM, **options):
    service = RequestCaptures(
        lake=lake,
        queue=queue,
        parameter=lambda: parameter,
        settling=MINUTE,
        **({"shipped_sessions": lambda: b""} | options),
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
    request(lake, queue, parameter=json.dumps({"XNYS": MANY}))
    bodies = queue.take()
    assert [len(body["symbols"]) for body in bodies] == [CAPTURE_TOGETHER, CAPTURE_TOGETHER, 20]
    assert sorted(symbol for body in bodies for symbol in body["symbols"]) == MANY


def test_the_flaw_drops_symbols_and_says_which(lake, queue):
    """What is dropped is not asked for; nothing else is lost."""
    done = request(lake, queue, parameter=json.dumps({"XNYS": MANY}), flaw=DropRule(0.2, 7))
    asked = [symbol for body in queue.take() for symbol in body["symbols"]]
    assert 10 < len(done.dropped) < 40
    assert sorted([*asked, *done.dropped]) == MANY


def test_a_malformed_list_leaves_the_last_good_one_in_force(lake, queue):
    """The minute is captured with it, and the result says why the new one was refused."""
    request(lake, queue)
    queue.take()
    lake.store.put("settings/symbols/2026.json", b"{")
    done = request(lake, queue, at=NOW + MINUTE)
    assert done.symbols == 1
    assert "settings/symbols/2026.json is no JSON" in done.refused
    assert len(queue.take()) == 1


def test_a_malformed_list_and_no_earlier_one_is_an_error(lake, queue):
    """There is nothing to fall back to: fail, and let the function's alarm say so."""
    with pytest.raises(BadInput, match="no JSON"):
        request(lake, queue, parameter="{")


def test_an_early_close_is_followed_from_the_next_minute(lake, queue):
    """The sessions are refreshed during the day; capture asks the table each minute."""
    lake.calendars.put([Session("XNYS", date(2013, 10, 4), OPEN, OPEN + MINUTE)])
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


def test_each_calendar_is_asked_of_the_first_vendor_that_serves_it(lake, queue):
    """Stocks where the plan serves them, coins at a venue; the worker asks whom the message names."""
    lake.calendars.put([NYSE, Session("24/7", date(2013, 10, 4), OPEN, OPEN + 390 * MINUTE)])
    vendors = (
        VendorSettings("stocks", "https://s.example", 60, calendars=("XNYS",)),
        VendorSettings("coins", "https://c.example", 60, calendars=("24/7",)),
        VendorSettings("all", "https://a.example", 60),
    )
    parameter = '{"XNYS": ["AIG", "IBM"], "24/7": ["BTCUSD"]}'
    done = request(lake, queue, parameter=parameter, vendors=vendors)
    sent = queue.take()
    assert {one["vendor"]: one["symbols"] for one in sent} == {"stocks": ["AIG", "IBM"], "coins": ["BTCUSD"]}
    assert (done.symbols, done.messages) == (3, 2)
    stocks, coins = Market(), Market()
    stocks.name, coins.name = "stocks", "coins"
    service = worker(lake, queue, stocks, vendors={"stocks": stocks, "coins": coins})
    service.run([message(body=json.dumps(one)) for one in sent])
    assert (stocks.asked, coins.asked) == ([("AIG",), ("IBM",)], [("BTCUSD",)])
    sources = lake.read_bars(BAR, ["BTCUSD", "IBM"])["source"].to_pylist()
    assert sources == ["coins", "stocks"]


def test_a_capture_from_a_vendor_that_the_stage_no_longer_asks_is_kept_with_the_reason(lake, queue):
    body = json.dumps(CaptureJob(BAR, ("IBM",), vendor="gone").to_message())
    worker(lake, queue, Market()).run([message(body=body)])
    ((_, attributes),) = queue.dead
    assert attributes["reason"] == "the vendor is 'gone': this stage asks sim"


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
    """For any symbols the answer is the same: one request, one line in the log."""
    market = Market(symbols=50)
    market.answers = dict.fromkeys(MANY, (AnswerKind.GIVE_UP, status, None))
    tally = worker(lake, queue, market).run([message(MANY[:50])])
    assert (len(market.asked), tally.errors["sim"], queue.sent) == (1, 1, [])


@pytest.mark.parametrize("kind", [AnswerKind.NO_DATA, AnswerKind.GARBAGE])
def test_an_answer_without_bars_writes_nothing_and_is_asked_for_again(lake, queue, kind):
    """No trade yet, or nonsense: nothing is invented."""
    market = Market()
    market.answers["IBM"] = (kind, 200, None)
    worker(lake, queue, market).run([message()])
    assert stored(lake) == []
    assert [one.body["symbols"] for one in queue.sent] == [["IBM"]]


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


def test_a_minute_of_which_no_session_tells_is_said(lake, queue):
    """Not the same as a night: what would have to be asked for is not known."""
    done = request(lake, queue, at=NOW + timedelta(days=3))
    assert (done.messages, len(done.unknown)) == (0, 1)
    assert "the sessions of XNYS are known from" in done.unknown[0]
    assert request(lake, queue, at=OPEN).unknown == ()


def test_a_halted_symbol_is_not_asked_for(lake, queue):
    """Until the halt is over."""
    record = {"kind": "halt", "symbol": "IBM", "by": "anna", "why": "LULD"}
    spans = {"start": format_instant(OPEN - MINUTE), "end": format_instant(OPEN + MINUTE)}
    lake.calendars.change_closures(lambda _: [parse_closure(record | spans)])
    assert request(lake, queue).messages == 0
    assert request(lake, queue, at=NOW + MINUTE).messages == 1


def test_sessions_that_ship_with_a_deploy_are_in_force_with_its_first_minute(lake, queue):
    """No command has to be run."""
    table = from_rows([row_of(NYSE), row_of(Session("24/7", OPEN.date(), DAY.start, DAY.end))], Table.SESSIONS)
    shipped = encode(table.replace_schema_metadata({"edition": "4.13.2"}))
    request(lake, queue, shipped_sessions=lambda: shipped)
    assert set(lake.calendars.known()) == {"XNYS", "24/7"}
