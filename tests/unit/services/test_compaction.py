"""Compaction on an in-memory store: a reader between any two of its steps sees the same lake."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.core.bars import BARS, VALUES, Bar, resolve, to_table
from minutemend.core.minutes import MINUTE, Range
from minutemend.services.compaction import MAX_OBJECTS, RETIRED_PREFIX, compact, delete_retired
from minutemend.services.lake import Lake
from minutemend.services.tables import decode

from tests.fakes.store import FakeStore

DAY = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 5, tzinfo=UTC))
HOUR = Range(DAY.start + timedelta(hours=14), DAY.start + timedelta(hours=15))
CLOSED = {date(2013, 10, 4)}
NOW = datetime(2013, 10, 5, 1, tzinfo=UTC)
KEEP = timedelta(hours=1)


def one_bar(symbol, minute, *, price=1.0, repair_id=None, captured_at=None):
    bar = Bar(symbol, minute, price, price, price, price, 1.0)
    return to_table([bar], source="sim", repair_id=repair_id, captured_at=captured_at or minute + MINUTE)


def captured(lake, minutes=6, *, hour=HOUR):
    """An hour as capture leaves it: an object a minute, and a repair that came too late to win."""
    for n in range(minutes):
        lake.put_bars(one_bar("IBM", hour.start + n * MINUTE, price=float(n)))
    lake.put_bars(one_bar("IBM", hour.start, price=99.0, repair_id="r"))


def objects(store):
    return [key for key in store.objects if key.startswith("bars/")]


def seen(store):
    """What a reader of every object sees: the resolved bars."""
    lake = Lake(store)
    return resolve(lake.read_objects(objects(store)))


@functools.cache
def said(body):
    """What one object says, each bar with the rank that the precedence rule gives it (written anew, as an oracle)."""
    told = {}
    for row in decode(body, BARS).to_pylist():
        values = tuple(row[name] for name in VALUES)
        rank = (row["captured_at"], row["repair_id"] is not None, row["repair_id"] or "", row["source"], values)
        told[row["symbol"], row["minute"]] = rank
    return told


def joined(store):
    """What all objects together say: for each minute the bar of the lowest rank."""
    best = {}
    for key in objects(store):
        for minute, rank in said(store.objects[key][0]).items():
            best[minute] = min(rank, best.get(minute, rank))
    return best


def test_an_hour_becomes_one_object_and_says_the_same():
    """The inputs stay until they are due, then one object is left, with the same bars."""
    store = FakeStore()
    captured(Lake(store))
    before = seen(store)
    done = compact(Lake(store), HOUR, closed=(), now=NOW, retire_after=KEEP)
    assert (len(done.written), done.retired, done.deleted) == (1, 7, 0)
    assert len(objects(store)) == 8
    assert seen(store).equals(before)
    assert delete_retired(store, now=NOW + KEEP - timedelta(seconds=1)) == 0
    assert delete_retired(store, now=NOW + KEEP) == 7
    assert objects(store) == list(done.written)
    assert seen(store).equals(before)


def test_the_object_of_an_hour_is_sorted():
    """By symbol, then minute: what a reader's statistics and a merge of files rely on."""
    lake = Lake(FakeStore())
    for n in range(3):
        lake.put_bars(one_bar("IBM", HOUR.start + (2 - n) * MINUTE))
        lake.put_bars(one_bar("AIG", HOUR.start + n * MINUTE))
    (key,) = compact(lake, HOUR, closed=(), now=NOW, retire_after=KEEP).written
    rows = lake.read_objects([key])
    assert rows["symbol"].to_pylist() == ["AIG"] * 3 + ["IBM"] * 3
    assert rows["minute"].to_pylist() == sorted(rows["minute"].to_pylist()[:3]) * 2


def test_without_a_time_to_keep_the_inputs_go_at_once():
    """retire_after zero: written first, deleted in the same call."""
    store = FakeStore()
    captured(Lake(store))
    compact(Lake(store), HOUR, closed=(), now=NOW, retire_after=timedelta(0))
    assert len(objects(store)) == 1
    assert store.list(RETIRED_PREFIX) == []


def test_a_closed_date_becomes_one_object():
    """Hours and all: the date's object replaces what its hours were compacted to."""
    store = FakeStore()
    for n in range(5):
        captured(Lake(store), hour=Range(HOUR.start + timedelta(hours=n), HOUR.end + timedelta(hours=n)))
    before = seen(store)
    compact(Lake(store), HOUR, closed=(), now=NOW, retire_after=timedelta(0))
    compact(Lake(store), DAY, closed=CLOSED, now=NOW, retire_after=timedelta(0))
    (key,) = objects(store)
    assert key.startswith("bars/dt=2013-10-04/day-")
    assert seen(store).equals(before)


def test_a_few_objects_are_left_alone():
    """One repair beside a compacted date rewrites nothing: only what was mended is touched."""
    store = FakeStore()
    captured(Lake(store))
    compact(Lake(store), DAY, closed=CLOSED, now=NOW, retire_after=timedelta(0))
    for n in range(MAX_OBJECTS - 1):
        Lake(store).put_bars(one_bar("IBM", HOUR.end - (n + 1) * MINUTE, repair_id="r"))
    before = dict(store.objects)
    done = compact(Lake(store), DAY, closed=CLOSED, now=NOW + KEEP, retire_after=KEEP)
    assert (done.written, store.objects) == ((), before)
    Lake(store).put_bars(one_bar("AIG", HOUR.start, repair_id="r"))
    assert compact(Lake(store), DAY, closed=CLOSED, now=NOW + KEEP, retire_after=KEEP).retired == MAX_OBJECTS + 1


def test_what_others_left_among_the_objects_stays_and_is_not_read():
    """A console's empty object of a "folder", or a note."""
    store = FakeStore()
    lake = Lake(store)
    captured(lake)
    strays = ["bars/dt=2013-10-04/", "bars/dt=2013-10-04/readme.txt", RETIRED_PREFIX, f"{RETIRED_PREFIX}0-readme.txt"]
    for stray in strays:
        store.put(stray, b"")
    before = lake.read_bars(DAY)
    compact(lake, HOUR, closed=set(), now=NOW, retire_after=KEEP)
    assert delete_retired(store, now=NOW + 2 * KEEP) > 0
    assert lake.read_bars(DAY).equals(before)
    assert set(strays) < set(store.objects)


def test_another_hour_is_left_alone():
    """An hour's compaction reads and writes its own hour."""
    store = FakeStore()
    later = Range(HOUR.end, HOUR.end + timedelta(hours=1))
    captured(Lake(store), hour=later)
    before = dict(store.objects)
    compact(Lake(store), HOUR, closed=(), now=NOW, retire_after=KEEP)
    assert store.objects == before


def test_a_second_compaction_does_nothing():
    """Retired objects that still lie there are not compacted again, nor kept longer."""
    store = FakeStore()
    captured(Lake(store))
    compact(Lake(store), HOUR, closed=(), now=NOW, retire_after=KEEP)
    before = dict(store.objects)
    done = compact(Lake(store), HOUR, closed=(), now=NOW + KEEP / 2, retire_after=KEEP)
    assert (done.written, done.retired, done.deleted) == ((), 0, 0)
    assert store.objects == before


def test_an_input_written_anew_is_not_deleted():
    """A retired object that came again with another capture time is another object: it stays."""
    store = FakeStore()
    captured(Lake(store))
    compact(Lake(store), HOUR, closed=(), now=NOW, retire_after=KEEP)
    (again,) = Lake(FakeStore()).put_bars(one_bar("IBM", HOUR.start, price=0.0))
    store.delete([again])
    Lake(store).put_bars(one_bar("IBM", HOUR.start, price=0.0, captured_at=NOW))
    before = seen(store)
    delete_retired(store, now=NOW + KEEP)
    assert again in store.objects
    assert seen(store).equals(before)


def test_a_vanished_input_ends_the_attempt():
    """Another compactor was quicker: nothing is written from what is left."""
    store = FakeStore()
    captured(Lake(store))
    lake = Lake(store)
    gone = objects(store)[0]
    get = store.get
    store.get = lambda key: None if key == gone else get(key)
    done = compact(lake, HOUR, closed=(), now=NOW, retire_after=KEEP)
    assert (done.written, done.retired) == ((), 0)


class Died(Exception):
    """The actor was killed between two effects."""


class Stage:
    """Actors on threads, of which one at a time may touch the store: `schedule` says whose turn is next.

    After each effect `check` looks at the store. An actor whose turn comes with `kill` dies there.
    """

    def __init__(self, schedule, check: Callable[[], None]) -> None:
        self._schedule = iter(schedule)
        self._check = check
        self._turn = threading.Condition()
        self._alive: list[int] = []
        self._current: int | None = None
        self._killed = False
        self.errors: list[BaseException] = []

    def effect(self, actor, operation, *arguments, **options):
        with self._turn:
            self._turn.wait_for(lambda: self._current == actor)
            try:
                if self._killed:
                    raise Died
                outcome = operation(*arguments, **options)
                self._check()
                return outcome
            finally:
                self._pass_on()

    def run(self, *bodies: Callable[[], None]) -> None:
        self._alive = list(range(len(bodies)))
        threads = [threading.Thread(target=self._act, args=entry) for entry in enumerate(bodies)]
        for thread in threads:
            thread.start()
        with self._turn:
            self._pass_on()
        for thread in threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _act(self, actor, body) -> None:
        try:
            body()
        except Died:
            pass
        except BaseException as error:  # noqa: BLE001 (raised again by the test's own thread)
            self.errors.append(error)
        with self._turn:
            self._alive.remove(actor)
            if self._current in (actor, None) or self._current not in self._alive:
                self._pass_on()

    def _pass_on(self) -> None:
        who, self._killed = next(self._schedule, (0, False))
        self._current = self._alive[who % len(self._alive)] if self._alive else None
        self._turn.notify_all()


class StagedStore(FakeStore):
    """A view of one store as one actor of a stage: each operation waits for the actor's turn."""

    def __init__(self, store: FakeStore, stage: Stage, actor: int) -> None:
        super().__init__()
        self.objects = store.objects
        self._stage, self._actor = stage, actor

    def put(self, key, body, **options):
        return self._stage.effect(self._actor, super().put, key, body, **options)

    def get(self, key):
        return self._stage.effect(self._actor, super().get, key)

    def list(self, prefix):
        return self._stage.effect(self._actor, super().list, prefix)

    def delete(self, keys):
        for key in list(keys):  # S3 deletes object by object
            self._stage.effect(self._actor, super().delete, [key])


TURNS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 19).map(lambda n: n == 0)), max_size=120)


@settings(max_examples=25, deadline=None)
@given(turns=TURNS, keep=st.sampled_from([timedelta(0), KEEP]))
def test_no_interleaving_changes_what_a_reader_sees(turns, keep):
    """Two compactors of the hour, one of the date, and a repair, stopped and killed anywhere: after each
    effect the lake says what it said, plus what the repair has written so far."""
    store = FakeStore()
    captured(Lake(store))
    repaired = [
        one_bar("IBM", HOUR.start + 30 * MINUTE, repair_id="r2"),
        one_bar("IBM", HOUR.start + 1 * MINUTE, price=77.0, repair_id="r2"),
        one_bar("AIG", HOUR.end, repair_id="r2"),
    ]
    after = FakeStore()
    captured(Lake(after))
    states = [joined(after)]
    for table in repaired:
        Lake(after).put_bars(table)
        states.append(joined(after))

    def check():
        now = joined(store)
        assert now in states, "a bar was lost, doubled or changed"
        del states[: states.index(now)]  # there is no way back

    stage = Stage(turns, check)

    def compactor(actor, window, closed):
        return lambda: compact(
            Lake(StagedStore(store, stage, actor)), window, closed=closed, now=NOW, retire_after=keep
        )

    def repair():
        lake = Lake(StagedStore(store, stage, 2))
        for table in repaired:
            lake.put_bars(table)

    stage.run(compactor(0, HOUR, ()), compactor(1, HOUR, ()), repair, compactor(3, DAY, CLOSED))

    final = joined(store)
    for hours in (0, 2, 4):
        compact(Lake(store), DAY, closed=CLOSED, now=NOW + timedelta(hours=hours), retire_after=keep)
        assert joined(store) == final
    assert len(objects(store)) <= MAX_OBJECTS
    assert store.list(RETIRED_PREFIX) == []


def test_a_compactor_that_deletes_before_it_writes_would_be_caught():
    """The check above can fail: this order of the same effects loses bars, and is seen to."""
    store = FakeStore()
    captured(Lake(store))
    before = joined(store)
    stage = Stage([], lambda: joined(store) == before or pytest.fail("a bar was lost"))

    def wrong():
        lake = Lake(StagedStore(store, stage, 0))
        keys = objects(store)
        bars = resolve(lake.read_objects(keys))
        lake.store.delete(keys)
        lake.put_compacted(bars, day=date(2013, 10, 4), hour=14)

    with pytest.raises(pytest.fail.Exception, match="lost"):
        stage.run(wrong)
