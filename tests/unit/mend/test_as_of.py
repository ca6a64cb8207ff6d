"""What a reader got at an earlier time, held against what readers did get: a recorded history."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.core.bars import BARE, BARS, KNOWN, Bar, to_table
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range
from minutemend.services.compaction import MAX_OBJECTS, compact
from minutemend.services.lake import Lake

from mend.as_of import known_bars, known_values
from mend.reading import read
from tests.fakes.store import FakeStore

DAY = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 5, tzinfo=UTC))
HOUR = DAY.start + timedelta(hours=14)
BEGIN = datetime(2013, 10, 4, 20, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class History:
    """A lake whose clock moves a second with each thing that is done, and what a reader got after each of them."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.store = FakeStore(lambda: self.now)
        self.lake = Lake(self.store)
        self.records: list[tuple[datetime, pa.Table]] = []

    def put(  # noqa: PLR0917 (the fields of a row, in their order)
        self, symbol: str, minute: int, price: float, source: str, repair_id: str | None, lag: int = 0
    ) -> None:
        """A bar that a worker had in hand `lag` seconds before it was there."""
        self.now += SECOND
        rows = [Bar(symbol, HOUR + minute * MINUTE, price, price, price, price, 1.0)]
        stamp = self.now - lag * SECOND
        self.lake.put_bars(to_table(rows, source=source, repair_id=repair_id, captured_at=stamp))
        self.record()

    def compact(self, *, closed: bool, keep: int) -> None:
        self.now += SECOND
        dates = {DAY.start.date()} if closed else set[date]()
        compact(self.lake, DAY, closed=dates, now=self.now, retire_after=keep * SECOND)
        self.record()

    def record(self) -> None:
        self.now += SECOND
        self.records.append((self.now, self.lake.read_bars(DAY)))


PUTS = st.tuples(
    st.sampled_from(["AIG", "IBM"]),
    st.sampled_from([0, 1, 59, 60]),
    st.sampled_from([1.0, 2.0]),
    st.sampled_from(["one", "two"]),
    st.sampled_from([None, "r1", "r2"]),
    st.sampled_from([0, 3, 30]),
)
COMPACTIONS = st.tuples(st.booleans(), st.sampled_from([0, 5]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(PUTS, PUTS, PUTS, COMPACTIONS), max_size=40))
def test_as_of_is_what_readers_got(steps: list[tuple[object, ...]]) -> None:
    """Bit for bit, provenance too: through captures, late ones, repairs, redeliveries, hours and dates compacted, and
    what compaction replaced deleted at once or later."""
    history = History()
    history.record()
    for step in steps:
        if len(step) == 2:
            history.compact(closed=bool(step[0]), keep=int(str(step[1])))
        else:
            history.put(*step)  # type: ignore[arg-type]
    for at, got in history.records:
        told = known_bars(history.lake, DAY, as_of=at)
        assert told.select(BARS.names).equals(got)
        assert told.schema.names == KNOWN.names
        assert known_values(history.lake, DAY, None, at).equals(got.select(BARE.names))
    assert known_bars(history.lake, DAY).select(BARS.names).equals(history.records[-1][1])


def crowded() -> History:
    """A minute's bar that was captured, repaired beside it, and enough others to be compacted."""
    history = History()
    for minute in range(MAX_OBJECTS):
        history.put("IBM", minute, 1.0, "one", None)
    history.put("IBM", 0, 9.0, "two", "job")
    return history


def test_since_when_a_bar_is_known_outlives_compaction() -> None:
    """It is the store's time of the object that brought it, not the worker's, and not the compaction's."""
    history = crowded()
    before = known_bars(history.lake, DAY)
    since = before["known_since"].to_pylist()
    assert since == [(BEGIN + SECOND + 2 * n * SECOND).replace(tzinfo=None) for n in range(MAX_OBJECTS)]
    history.compact(closed=True, keep=0)
    assert len(history.store.list("bars/")) == 1
    assert known_bars(history.lake, DAY).equals(before)


def test_what_lost_is_kept_once_and_is_what_was_read_until_the_winner_came() -> None:
    """A repair that was published, then a bar accepted in its place: both days are told, compacted or not."""
    history = History()
    history.put("IBM", 0, 9.0, "two", "job")
    repaired = history.now
    history.put("IBM", 0, 1.0, "one", "accepted:it")
    for minute in range(1, MAX_OBJECTS + 1):
        history.put("IBM", minute, 1.0, "one", None)
    for closed in (False, True, True):
        history.compact(closed=closed, keep=0)
    assert [len(history.store.list(prefix)) for prefix in ("bars/", "superseded/")] == [1, 1]
    assert read(history.lake, "IBM", "2013-10-04", as_of=repaired)["close"].to_pylist() == [9.0]
    assert read(history.lake, "IBM", "2013-10-04")["close"].to_pylist()[0] == 1.0


def test_a_bar_of_the_very_second_was_not_known_yet() -> None:
    """S3 keeps whole seconds: no look ahead, not of half a second either."""
    history = History()
    history.put("IBM", 0, 1.0, "one", None)
    came = BEGIN + SECOND
    late = came + timedelta(milliseconds=900)
    assert [known_bars(history.lake, DAY, as_of=at).num_rows for at in (came, late, came + SECOND)] == [0, 0, 1]


def old_compaction(history: History) -> None:
    """As the versions before wrote a date: without times, under a key with `captured_at` in it."""
    history.now += timedelta(hours=1)
    bars = history.lake.read_bars(DAY)
    old = [one.key for one in history.lake.bar_objects(DAY)]
    history.lake.put_compacted(bars, day=DAY.start.date(), hour=None)
    history.store.delete(old)


def test_a_date_that_an_earlier_version_compacted_says_from_when_on_it_can_tell() -> None:
    """Rather refused than told wrongly; and still after this version has compacted it anew."""
    history = crowded()
    early = history.now
    old_compaction(history)
    edge = history.now
    for minute in range(20, 20 + MAX_OBJECTS):
        history.put("IBM", minute, 1.0, "one", None)
    later = history.now
    for _ in range(2):
        with pytest.raises(BadInput, match=r"can tell only from 2013-10-04T21:\S+ on"):
            known_bars(history.lake, DAY, as_of=early)
        with pytest.raises(BadInput, match="can tell only from"):
            known_bars(history.lake, DAY, as_of=edge)
        assert known_bars(history.lake, DAY, as_of=edge + SECOND).num_rows == MAX_OBJECTS
        assert known_bars(history.lake, DAY, as_of=later).num_rows == 2 * MAX_OBJECTS
        history.compact(closed=True, keep=0)
    assert len(history.store.list("bars/")) == 1


def test_small_objects_of_earlier_versions_tell_all_there_is() -> None:
    """What workers wrote is as it was: their keys say that nothing was compacted in them."""
    history = crowded()
    schemas = [pq.read_schema(pa.BufferReader(body)) for body, _ in history.store.objects.values()]
    assert all("known_since" not in schema.names for schema in schemas)
    assert known_bars(history.lake, DAY, as_of=BEGIN + 2 * SECOND).num_rows == 1
