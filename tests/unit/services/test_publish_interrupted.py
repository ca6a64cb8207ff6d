"""Publishers that die between any two effects, and publishers whose time is up: the next one completes the work."""

from __future__ import annotations

import functools
import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.services.lake import Lake
from minutemend.services.publish import Publish

from tests.fakes.signals import FakeSignals
from tests.fakes.store import FakeStore

SYMBOLS = ("AIG", "IBM")
DATES = [date(2013, 10, 3), date(2013, 10, 4), date(2013, 10, 7)]
SESSIONS = [
    Session("XNYS", day, datetime(day.year, day.month, day.day, 13, 30, tzinfo=UTC), opens + timedelta(hours=2))
    for day in DATES
    for opens in [datetime(day.year, day.month, day.day, 13, 30, tzinfo=UTC)]
]
FIRST = SESSIONS[0].range
WINDOW = Range(SESSIONS[0].open, SESSIONS[-1].close)


class Killed(BaseException):
    """The function is gone: no `except Exception` notices."""


class Life:
    """Counts effects, and ends before or `after` the one with the number `at`."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at, self.after, self.effects = at, after, 0

    def effect(self, act, *arguments, **options):
        self.effects += 1
        if self.effects == self.at and not self.after:
            raise Killed
        result = act(*arguments, **options)
        if self.effects == self.at:
            raise Killed
        return result


class MortalStore(FakeStore):
    """A view of one store by a publisher who may die."""

    def __init__(self, store: FakeStore, life: Life) -> None:
        super().__init__()
        self.objects, self.life = store.objects, life

    def put(self, key, body, **options):
        return self.life.effect(super().put, key, body, **options)

    def delete(self, keys):
        for key in list(keys):  # S3 deletes object by object
            self.life.effect(super().delete, [key])


class MortalSignals(FakeSignals):
    """An event bus to which a publisher who may die sends."""

    def __init__(self, said: list, life: Life) -> None:
        super().__init__()
        self.announced, self.life = said, life

    def announce(self, detail_type, detail):
        self.life.effect(super().announce, detail_type, detail)


def captured():
    """Three dates of two symbols in more objects than compaction leaves alone: a store of its own for each caller."""
    store = FakeStore()
    store.objects = dict(_captured())
    return store


@functools.cache
def _captured():
    lake = Lake(FakeStore())
    lake.calendars.put(SESSIONS)
    lake.put_symbols([Listing(symbol, "XNYS") for symbol in SYMBOLS])
    for session, symbol in itertools.product(SESSIONS, SYMBOLS):
        minutes = [session.open + n * MINUTE for n in range(session.minutes)]
        rows = [Bar(symbol, minute, 1.0, 2.0, 0.5, 1.5, 10.0) for minute in minutes]
        lake.put_bars(to_table(rows, source="sim", repair_id=None, captured_at=session.close))
    return lake.store.objects


def publish(store, signals, window=WINDOW, **options):
    service = Publish(lake=Lake(store), signals=signals, retire_after=timedelta(0))
    return service.run(window, None, audit_id="a1", now=WINDOW.end, **options)


def contents(store):
    return {key: body for key, (body, _) in store.objects.items()}


@functools.cache
def undisturbed():
    """How many effects it takes to publish the first date, and what is there then."""
    life, store = Life(), captured()
    publish(MortalStore(store, life), MortalSignals([], life), FIRST)
    return life.effects, contents(store)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, undisturbed()[0] + 1))
def test_the_first_after_a_death_sends_the_event_and_the_next_sends_nothing(at, after):
    """Before or after each put, each deletion, the event and its marker: the event is sent at least once, each time
    with the same id, and not again once a publisher was done; lake and facts are as without a death."""
    store, said, life = captured(), [], Life(at, after=after)
    with pytest.raises(Killed):
        publish(MortalStore(store, life), MortalSignals(said, life), FIRST)
    publish(store, MortalSignals(said, Life()), FIRST)
    told = len(said)
    assert 1 <= told <= 2
    assert len({detail["publication_id"] for _, detail in said}) == 1
    assert not publish(store, MortalSignals(said, Life()), FIRST).announced
    assert len(said) == told
    assert contents(store) == undisturbed()[1]


def test_a_publisher_whose_time_is_up_says_where_the_next_goes_on():
    """A date at a time at worst; the event comes with the last, and the lake is as if one had done it all."""
    at_once, store, signals = captured(), captured(), FakeSignals()
    whole = publish(at_once, FakeSignals())
    parts = [publish(store, signals, out_of_time=lambda: True)]
    while parts[-1].goes_on:
        assert signals.announced == []
        parts.append(publish(store, signals, begin=parts[-1].goes_on, out_of_time=lambda: True))
    assert [part.goes_on for part in parts] == [*DATES[1:], None]  # a weekend is no part
    assert [part.announced for part in parts] == [False, False, True]
    assert tuple(itertools.chain(*(part.changed for part in parts))) == whole.changed
    assert sum(part.hours for part in parts) == whole.hours
    assert len(signals.announced) == 1
    assert contents(store) == contents(at_once)


def test_time_is_looked_at_between_dates():
    """Two dates fit into the time that there is: the third is left to the next."""
    looks = iter([False, True])
    done = publish(captured(), FakeSignals(), out_of_time=lambda: next(looks))
    assert done.goes_on == DATES[2]
    assert {hour.date() for hour, _ in done.changed} == set(DATES[:2])
