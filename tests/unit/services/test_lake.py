"""The lake on an in-memory store: what is written is read back, once, whole and in order."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from minutemend.core.answers import AnswerKind
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence, Failure, Observation, Shown
from minutemend.ports.store import StoreConflict
from minutemend.services.history import read_history
from minutemend.services.lake import Lake
from minutemend.services.tables import LakeDamaged, aware, naive

from tests.fakes.observed import left_out
from tests.fakes.store import FakeStore

AT = datetime(2013, 10, 4, 13, 58, tzinfo=UTC)
DAY = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 5, tzinfo=UTC))


def bars(symbol, start, count, *, price=1.0, source="sim", repair_id=None, captured_at=AT):
    rows = [Bar(symbol, start + n * MINUTE, price, price, price, price, 10.0) for n in range(count)]
    return to_table(rows, source=source, repair_id=repair_id, captured_at=captured_at)


@pytest.fixture
def lake():
    return Lake(FakeStore())


def test_bars_come_back_as_they_were_written(lake):
    """A round trip changes no value, no type and no order."""
    table = bars("IBM", AT, 5)
    lake.put_bars(table)
    assert lake.read_bars(DAY).equals(table)


def test_an_object_holds_bars_of_one_hour(lake):
    """Bars over a full hour's edge become two objects, each under its own hour."""
    keys = lake.put_bars(bars("IBM", AT, 5))
    assert [key.rsplit("-", 1)[0] for key in keys] == ["bars/dt=2013-10-04/13", "bars/dt=2013-10-04/14"]


def test_bars_over_midnight_lie_in_two_partitions(lake):
    """`dt` is the date of the minute, whatever else came with it."""
    keys = lake.put_bars(bars("BTCUSD", DAY.end - MINUTE, 2))
    assert [key[:18] for key in keys] == ["bars/dt=2013-10-04", "bars/dt=2013-10-05"]


def test_a_redelivery_writes_nothing_new(lake):
    """The same bars, captured later, are the same object, and the first `captured_at` stays."""
    lake.put_bars(bars("IBM", AT, 2))
    before = dict(lake.store.objects)
    lake.put_bars(bars("IBM", AT, 2, captured_at=AT + timedelta(hours=1)))
    assert lake.store.objects == before


@pytest.mark.parametrize(
    "other",
    [
        bars("IBM", AT, 2, price=2.0),
        bars("IBM", AT, 2, source="alpaca"),
        bars("IBM", AT, 2, repair_id="r"),
        bars("AIG", AT, 2),
        bars("IBM", AT + MINUTE, 1),
    ],
    ids=["value", "source", "repair", "symbol", "minute"],
)
def test_other_content_is_another_object(lake, other):
    """Nothing that a bar says is left out of its key."""
    lake.put_bars(bars("IBM", AT, 2))
    before = dict(lake.store.objects)
    lake.put_bars(other)
    assert before.items() < lake.store.objects.items()


def test_the_order_of_rows_does_not_change_the_key(lake):
    """Content is what the rows say, not how they were handed over."""
    table = bars("IBM", AT, 2)
    assert lake.put_bars(table) == lake.put_bars(table.take([1, 0]))


def test_a_read_sees_each_minute_once(lake):
    """Two bars of one minute in two objects: a late capture does not displace what was repaired before it."""
    lake.put_bars(bars("IBM", AT, 2, price=2.0, repair_id="r", captured_at=AT + MINUTE))
    lake.put_bars(bars("IBM", AT, 1, price=1.0))
    lake.put_bars(bars("IBM", AT + MINUTE, 1, price=3.0, captured_at=AT + 2 * MINUTE))
    found = lake.read_bars(DAY)
    assert found["open"].to_pylist() == [1.0, 2.0]


def test_a_date_that_is_loaded_is_one_object_where_nothing_lies(lake):
    """Loaded again it changes nothing, whatever came since."""
    day = timedelta(days=1)
    both = pa.concat_tables([bars("IBM", AT - MINUTE, 90), bars("IBM", AT + day, 3)])
    lake.put_dates(both)
    keys = sorted(lake.store.objects)
    assert [key.rpartition("-")[0] for key in keys] == ["bars/dt=2013-10-04/loaded", "bars/dt=2013-10-05/loaded"]
    assert lake.read_bars(Range(AT - MINUTE, AT + 2 * day)).num_rows == 93
    assert read_history(lake, lake.bar_objects(DAY)).tells_from is None
    more = lake.put_bars(bars("AIG", AT, 1))
    lake.put_dates(both)
    assert sorted(lake.store.objects) == sorted([*keys, *more])


def test_a_date_that_was_loaded_by_the_hour_stays_so(lake):
    """As earlier commits did, and a capture does: nothing is stored a second time under another key."""
    keys = lake.put_bars(bars("IBM", AT, 90))
    lake.put_dates(bars("IBM", AT, 90))
    assert sorted(lake.store.objects) == keys
    lake.put_dates(bars("AIG", AT, 1))
    assert len(lake.store.objects) == len(keys) + 1


def test_a_file_that_has_grown_brings_what_is_new(lake):
    """And after compaction nothing: what is stored is not stored again, under whatever key."""
    lake.put_dates(bars("IBM", AT, 90))
    lake.put_dates(bars("IBM", AT, 150, captured_at=AT + MINUTE))
    assert sum(pq.read_metadata(io.BytesIO(body)).num_rows for body, _ in lake.store.objects.values()) == 150
    assert lake.read_bars(DAY)["captured_at"].to_pylist() == [naive(AT)] * 90 + [naive(AT + MINUTE)] * 60
    lake.put_compacted(lake.read_bars(DAY), day=date(2013, 10, 4), hour=None)
    keys = [key for key in lake.store.objects if "/day-" not in key]
    lake.store.delete(keys)
    lake.put_dates(bars("IBM", AT, 150, captured_at=AT + 2 * MINUTE))
    assert len(lake.store.objects) == 1
    other = bars("IBM", AT, 1, price=7.0)  # says otherwise: kept beside it, for `resolve` and for revisions
    lake.put_dates(other)
    assert len(lake.store.objects) == 2


def test_a_read_is_bounded_by_range_and_symbols(lake):
    """The range is half-open, and only the symbols asked for come."""
    for symbol in ("AIG", "IBM"):
        lake.put_bars(bars(symbol, AT, 4))
    found = lake.read_bars(Range(AT + MINUTE, AT + 3 * MINUTE), ["IBM"])
    assert [(row["symbol"], aware(row["minute"])) for row in found.to_pylist()] == [
        ("IBM", AT + MINUTE),
        ("IBM", AT + 2 * MINUTE),
    ]


def test_a_read_opens_only_objects_of_its_hours(lake):
    """An hour's read lists one date and leaves the other hours' objects alone; a day object counts for all."""
    keys = lake.put_bars(bars("IBM", AT, 5))
    day = lake.put_compacted(bars("AIG", AT, 5), day=date(2013, 10, 4), hour=None)
    found = lake.bar_objects(Range(AT, AT + MINUTE))
    assert [stored.key for stored in found] == sorted([keys[0], day])


def test_a_read_begins_anew_when_an_object_vanishes(lake):
    """Compaction took an object between listing and reading: the reader looks again and misses nothing."""
    (key,) = lake.put_bars(bars("IBM", AT, 2))
    get = lake.store.get

    def vanish(wanted):
        if wanted == key and key in lake.store.objects:
            lake.put_compacted(bars("IBM", AT, 2), day=date(2013, 10, 4), hour=None)
            lake.store.delete([key])
            return None
        return get(wanted)

    lake.store.get = vanish
    assert lake.read_bars(DAY).num_rows == 2


def observation(day=4, *, omitted=(), symbol="IBM", job_id="j1", at=AT):
    start = datetime(2013, 10, day, 13, 30, tzinfo=UTC)
    return Observation(
        symbol,
        Range(start, start + 30 * MINUTE),
        at,
        "sim",
        AnswerKind.BARS,
        left_out(*omitted),
        29,
        200,
        "",
        job_id,
        "a1",
        1,
    )


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1 and no footer", b"<html>"])
@pytest.mark.parametrize("key", ["bars/dt=2013-10-04/13-x.parquet", "absences/dt=2013-10-04/x.parquet"])
def test_an_object_that_is_damaged_is_named(lake, key, body):
    """Nothing is read around it: half of a proof, or of the bars, would be another answer."""
    lake.store.put(key, body)
    with pytest.raises(LakeDamaged, match=f"{key} is no Parquet file any more"):
        lake.read_bars(DAY) if key.startswith("bars") else lake.absences(DAY)


def test_observations_come_back(lake):
    """By date and by symbol, with the minutes that were omitted."""
    one = observation(omitted=(Range(AT - 20 * MINUTE, AT - 18 * MINUTE),))
    other = observation(symbol="AIG", job_id="j2")
    lake.answers.put([one, other])
    assert lake.answers.read([date(2013, 10, 4)]) == [other, one]
    assert lake.answers.read([date(2013, 10, 4)], ["IBM"]) == [one]
    assert lake.answers.read([date(2013, 10, 5)]) == []


def test_a_redelivered_job_replaces_its_observations(lake):
    """One job leaves one answer, the newest: two deliveries are not two observations."""
    lake.answers.put([observation(), observation(symbol="AIG")])
    lake.answers.put([observation(at=AT + MINUTE), observation(symbol="AIG", at=AT + MINUTE)])
    assert [item.observed_at for item in lake.answers.read([date(2013, 10, 4)])] == [AT + MINUTE] * 2


def test_an_observation_over_midnight_is_split(lake):
    """Each date's partition has its own minutes, omitted ones included."""
    window = Range(DAY.end - 5 * MINUTE, DAY.end + 5 * MINUTE)
    flags = np.array([True, False, True, True, False, False, True, False, True, True])
    whole = Observation("BTCUSD", window, AT, "sim", AnswerKind.BARS, left_out(window), 0, 200, "", "j", "a", 1)
    lake.answers.put([replace(whole, shown=Shown.of(flags))])
    first, second = (lake.answers.read([date(2013, 10, day)]) for day in (4, 5))
    assert [first[0].range, second[0].range] == [Range(window.start, DAY.end), Range(DAY.end, window.end)]
    assert [part[0].shown.flags(part[0].range).tolist() for part in (first, second)] == [[*flags[:5]], [*flags[5:]]]
    assert first[0].omitted.rows()[0][:2] == [epoch_minute(first[0].range.start), epoch_minute(first[0].range.end)]


def test_absences_and_failures_come_back_once(lake):
    """Written twice, by two audits that learned the same, they are read once and the first proof stays."""
    window = Range(AT, AT + MINUTE)
    absence = Absence("IBM", window, "no_trade", "[]", 2, AT, rule=RULE)
    failure = Failure("IBM", window, "garbage", "", 3, "a1", AT)
    lake.put_absences([absence])
    lake.put_absences([Absence("IBM", window, "no_trade", "[]", 2, AT + MINUTE, rule=RULE)])
    lake.put_absences([Absence("IBM", window, "no_trade", "[1]", 3, AT + MINUTE, rule=RULE)])
    lake.put_failures([failure])
    lake.put_failures([failure])
    assert lake.absences(DAY) == [absence]
    assert lake.failures(DAY) == [failure]
    assert lake.absences(Range(AT + MINUTE, AT + 2 * MINUTE)) == []


def test_what_was_learned_of_a_symbol_with_a_slash_lies_beside_the_others(lake):
    """Encoded in the key, as it is in the row."""
    (key,) = lake.answers.put([observation(symbol="BTC/USDT")])
    assert key.count("/") == 2
    assert "-BTC%2FUSDT-" in key
    assert [one.symbol for one in lake.answers.read([date(2013, 10, 4)], ["BTC/USDT"])] == ["BTC/USDT"]


def test_hours_of_bars_are_written_at_once_by_as_many_as_read():
    """A month of a file has 744 objects: one after the other they outlast a worker."""

    class Meeting(FakeStore):
        together = threading.Barrier(4, timeout=30)  # no object is put before four are on their way

        def put(self, key, body, *, if_absent=False, if_match=None):
            self.together.wait()
            return super().put(key, body, if_absent=if_absent, if_match=if_match)

    lake = Lake(Meeting(), readers=4)
    keys = lake.put_bars(bars("IBM", DAY.start, 8 * 60))
    assert len(keys) == 8
    assert keys == sorted(lake.store.objects)


def test_symbols_are_put_only_when_they_differ(lake):
    """The mirror of the parameter is not rewritten each minute."""
    listings = [Listing("IBM", "XNYS"), Listing("X", "XNYS", date(2020, 1, 2), date(2021, 1, 1))]
    assert lake.symbols() == []
    assert lake.put_symbols(listings)
    assert not lake.put_symbols(reversed(listings))
    assert lake.symbols() == listings


def test_hour_facts_are_written_conditionally(lake):
    """Who read older facts than are there is refused; who read the newest may write."""
    hour = AT.replace(minute=0)
    empty = lake.hourly.of_hour(hour)
    assert empty.etag is None
    etag = lake.hourly.put(hour, empty.rows, replaces=None)
    assert lake.hourly.of_hour(hour).etag == etag
    with pytest.raises(StoreConflict):
        lake.hourly.put(hour, empty.rows, replaces=None)
    assert lake.hourly.put(hour, empty.rows, replaces=etag) == etag
