"""The table `answers`: compacted like bars, and no reader notices; a job that is done again replaces what it said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.contract import Table
from minutemend.core.answers import AnswerKind
from minutemend.core.bars import schema_of
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.verdicts import Observation
from minutemend.services.compaction import MAX_OBJECTS, RETIRED_PREFIX, compact_answers, delete_retired, retired_objects
from minutemend.services.lake import Lake
from minutemend.services.tables import LakeUnsettled, decode, encode

from tests.fakes.observed import left_out
from tests.fakes.store import FakeStore

DAY = date(2026, 1, 5)
OPEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
NOW = datetime(2026, 1, 6, 2, tzinfo=UTC)
KEEP = timedelta(hours=1)


def answer(job: str, *, symbol: str = "A", part: int = 0, at: int = 0, left: int = 10) -> Observation:
    """What a job learned of half an hour, `at` minutes after the first look."""
    start = OPEN + part * 30 * MINUTE
    omitted = left_out(Range(start + left * MINUTE, start + (left + 2) * MINUTE))
    window, when = Range(start, start + 30 * MINUTE), OPEN + timedelta(hours=8, minutes=at)
    return Observation(symbol, window, when, "v", AnswerKind.BARS, omitted, 28, 200, "", job, "a", 1)


def compacted(lake: Lake, *, now: datetime = NOW) -> tuple[str, ...]:
    return compact_answers(lake, DAY, now=now, retire_after=KEEP, retired=retired_objects(lake.store))


def objects(store: FakeStore) -> list[str]:
    return [key for key in store.objects if key.startswith("answers/")]


def test_a_date_becomes_one_object_and_says_the_same() -> None:
    """The inputs stay until they are due; a look then reads one object, of whatever symbols."""
    store = FakeStore()
    lake = Lake(store)
    told = [answer(f"j{n}", symbol=symbol, at=n) for n in range(4) for symbol in "AB"]
    for one in told:
        lake.answers.put([one])
    before = lake.answers.read([DAY])
    (key,) = compacted(lake)
    assert lake.answers.read([DAY]) == before == sorted(told, key=lambda one: (one.symbol, one.observed_at))
    assert compacted(lake) == ()
    assert delete_retired(store, now=NOW + KEEP) == len(told)
    assert objects(store) == [key]
    assert lake.answers.read([DAY]) == before
    assert lake.answers.read([DAY], ["B"]) == [one for one in before if one.symbol == "B"]


def test_a_few_objects_may_lie_beside_one_another() -> None:
    lake = Lake(FakeStore())
    for n in range(MAX_OBJECTS):
        lake.answers.put([answer(f"j{n}")])
    assert compacted(lake) == ()


def test_a_job_that_is_done_again_replaces_what_it_said_before_and_after_compaction() -> None:
    """One job is one look, however often it is delivered."""
    lake = Lake(FakeStore())
    for n in range(MAX_OBJECTS + 1):
        lake.answers.put([answer(f"j{n}")])
    compacted(lake)
    again = answer("j0", at=5, left=20)
    lake.answers.put([again])
    delete_retired(lake.store, now=NOW + KEEP)
    assert [one for one in lake.answers.read([DAY]) if one.job_id == "j0"] == [again]


def test_an_answer_that_came_again_while_it_was_compacted_is_not_deleted() -> None:
    store = FakeStore()
    lake = Lake(store)
    for n in range(MAX_OBJECTS + 1):
        lake.answers.put([answer(f"j{n}")])
    compacted(lake)
    (key,) = lake.answers.put([answer("j0", at=5)])
    delete_retired(store, now=NOW + KEEP)
    assert key in store.objects
    assert len(objects(store)) == 2


def test_a_read_begins_anew_when_an_object_vanishes() -> None:
    """Half of the evidence would be taken for all of it."""
    store = FakeStore()
    lake = Lake(store)
    keys = [lake.answers.put([answer(f"j{n}")])[0] for n in range(MAX_OBJECTS + 1)]
    before, get = lake.answers.read([DAY]), store.get

    def vanish(wanted: str) -> bytes | None:
        if wanted == keys[0] and wanted in store.objects:
            store.get = get  # type: ignore[method-assign]
            compacted(lake)
            delete_retired(store, now=NOW + KEEP)
            return None
        return get(wanted)

    store.get = vanish  # type: ignore[method-assign]
    assert lake.answers.read([DAY]) == before
    store.get = lambda _: None  # type: ignore[method-assign]
    with pytest.raises(LakeUnsettled, match="answers of 2026-01-05"):
        lake.answers.read([DAY])


def test_a_vanished_input_ends_the_attempt() -> None:
    """Another compactor was quicker: nothing is written from what is left."""
    store = FakeStore()
    lake = Lake(store)
    keys = [lake.answers.put([answer(f"j{n}")])[0] for n in range(MAX_OBJECTS + 1)]
    get = store.get
    store.get = lambda key: None if key == keys[0] else get(key)  # type: ignore[method-assign]
    assert compacted(lake) == ()
    assert store.list(RETIRED_PREFIX) == []


def test_objects_of_an_earlier_commit_are_compacted_as_they_are() -> None:
    """They have no column for what a venue stated, nor for what was shown."""
    store = FakeStore()
    lake = Lake(store)
    for n in range(MAX_OBJECTS + 1):
        (key,) = lake.answers.put([answer(f"j{n}")])
        table = decode(store.objects[key][0], schema_of(Table.ANSWERS)).drop_columns(["stated", "shown", "barred"])
        store.put(key, encode(table))
    before = lake.answers.read([DAY])
    (key,) = compacted(lake)
    delete_retired(store, now=NOW + KEEP)
    assert lake.answers.read([DAY]) == before
    assert len(before) == MAX_OBJECTS + 1


class DyingStore(FakeStore):
    """One whose compactors, while it `dies`, write what they compact and do not get to retire the inputs."""

    dies = False

    def put(self, key: str, body: bytes, **more: Any) -> str:
        return "" if self.dies and key.startswith(RETIRED_PREFIX) else super().put(key, body, **more)


JOBS = st.builds(
    answer,
    st.sampled_from(["j0", "j1", "j2", "j3", "j4", "j5"]),
    symbol=st.sampled_from("AB"),
    part=st.integers(0, 2),
    at=st.integers(0, 3),
    left=st.integers(0, 25),
)
STEPS = st.lists(st.one_of(JOBS, st.sampled_from(["compact", "die", "sweep"])), max_size=40)


@given(STEPS)
@settings(max_examples=80, deadline=None)
def test_no_order_of_answers_compactions_and_deaths_changes_what_is_read(steps: list[Observation | str]) -> None:
    """Of each job, symbol and start the newest answer is read, after every step."""
    store, now = DyingStore(), NOW
    lake, told = Lake(store), dict[tuple[object, ...], Observation]()
    for step in steps:
        now += timedelta(minutes=25)
        if isinstance(step, Observation):
            key = (step.symbol, step.range.start, step.job_id)
            if key not in told or told[key].observed_at < step.observed_at:  # a clock that goes on
                lake.answers.put([step])
                told[key] = step
        elif step == "sweep":
            delete_retired(store, now=now)
        else:
            store.dies = step == "die"
            compacted(lake, now=now)
            store.dies = False
        assert _said(lake.answers.read([DAY])) == _said(told.values())


def _said(told: Iterable[Observation]) -> list[str]:
    return sorted(repr((one.symbol, one.range, one.observed_at, one.job_id, one.omitted.rows())) for one in told)


def test_two_answers_that_are_as_new_are_read_the_same_way_however_they_lie() -> None:
    """So that a compactor and a reader, or two compactors, never differ."""
    one, other = answer("j0", left=3), replace(answer("j0", left=4), rows=27)
    orders = []
    for pair in ([one, other], [other, one]):
        lake = Lake(FakeStore())
        for number, each in enumerate(pair):
            (key,) = lake.answers.put([each])
            lake.store.put(key.replace("j0", f"j0-{number}"), lake.store.get(key) or b"")
            lake.store.delete([key])
        orders.append(lake.answers.read([DAY]))
    assert orders[0] == orders[1]
    assert len(orders[0]) == 1
