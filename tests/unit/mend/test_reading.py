"""`minutemend.read`: one whole bar a minute out of a stage, a bucket or a folder; on a grid, what is not there too."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import minutemend
import pyarrow as pa
import pytest
from minutemend.core.bars import Bar, to_table
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence, Failure
from minutemend.services.compaction import compact
from minutemend.services.lake import Lake

import mend.stage
from mend.problems import Problem
from mend.reading import read
from tests.fakes.store import FakeStore

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
SESSION = Session("XNYS", date(2013, 10, 4), OPEN, OPEN + 6 * MINUTE)
NOW = datetime(2013, 10, 5, tzinfo=UTC)
DAY = "2013-10-04"


def put(lake: Lake, symbol: str, minutes: list[int], *, price: float = 1.0, repair_id: str | None = None) -> None:
    rows = [Bar(symbol, OPEN + minute * MINUTE, price, price, price, price, 10.0) for minute in minutes]
    lake.put_bars(to_table(rows, source="sim", repair_id=repair_id, captured_at=NOW))


@pytest.fixture
def lake() -> Lake:
    """IBM: minutes 0 to 2 captured, 1 repaired beside it, 3 repaired, 4 absent, 5 missing; one bar before the open."""
    lake = Lake(FakeStore())
    lake.calendars.put([SESSION])
    lake.put_symbols([Listing("AIG", "XNYS"), Listing("IBM", "XNYS")])
    put(lake, "IBM", [-1, 0, 1, 2])
    put(lake, "IBM", [1], price=2.0, repair_id="again")
    put(lake, "IBM", [3], repair_id="job")
    put(lake, "AIG", [0])
    lake.put_absences(
        [Absence("IBM", Range(OPEN + 4 * MINUTE, OPEN + 5 * MINUTE), "no_trade", "[]", 2, NOW, rule=RULE)]
    )
    lake.put_failures([Failure("AIG", Range(OPEN + 3 * MINUTE, OPEN + 4 * MINUTE), "garbage", "[]", 3, "a1", NOW)])
    return lake


def saved(lake: Lake, folder: Path) -> Path:
    """The lake's bucket as a folder."""
    store = lake.store
    assert isinstance(store, FakeStore)
    for key, (body, _) in store.objects.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(body)
    return folder


def offsets(table: pa.Table) -> list[int]:
    return [int((minute - OPEN) / MINUTE) for minute in table["minute"].to_pylist()]


def test_a_folder_is_read_as_the_lake_reads_itself(lake: Lake, tmp_path: Path) -> None:
    """Each minute once, the captured bar before its repair; instants say that they are UTC."""
    found = minutemend.read(saved(lake, tmp_path), "IBM", DAY)
    assert found.column_names == ["symbol", "minute", "open", "high", "low", "close", "volume"]
    assert found.schema.field("minute").type == pa.timestamp("ms", "UTC")
    assert offsets(found) == [-1, 0, 1, 2, 3]
    assert set(found["open"].to_pylist()) == {1.0}
    assert found["close"].equals(lake.read_bars(Range(OPEN - MINUTE, SESSION.close), ["IBM"])["close"])


def test_a_stage_and_a_bucket_are_read_by_their_names(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """`dev` through its stack's outputs, s3:// through the credentials at hand."""
    monkeypatch.setattr(mend.stage, "open_stage", lambda _: SimpleNamespace(lake=lake))
    assert read("dev", ["AIG"], DAY)["symbol"].to_pylist() == ["AIG"]
    asked: list[str] = []
    monkeypatch.setattr("minutemend.adapters.s3_store.S3Store", lambda _s3, bucket: asked.append(bucket) or lake.store)
    monkeypatch.setattr("minutemend.wiring.clients.Clients", lambda: SimpleNamespace(s3=None))
    assert read("s3://the-bucket/", None, DAY).num_rows == 6
    assert asked == ["the-bucket"]


def test_provenance_comes_when_it_is_asked_for(lake: Lake) -> None:
    found = read(lake, ["IBM"], OPEN, OPEN + 4 * MINUTE, provenance=True)
    assert found.column_names[-4:] == ["source", "repair_id", "captured_at", "known_since"]
    assert found["known_since"].null_count == 0
    assert found["repair_id"].to_pylist() == [None, None, None, "job"]


def test_a_grid_has_a_row_for_each_expected_minute_and_fills_nothing(lake: Lake) -> None:
    """What is not there is a null row with its verdict; a bar before the open is on no grid."""
    found = read(lake, None, DAY, grid=True)
    rows = list(zip(*(found[name].to_pylist() for name in ("symbol", "verdict", "close")), strict=True))
    assert offsets(found) == [*range(6), *range(6)]
    assert rows[:6] == [
        ("AIG", "present", 1.0),
        *[("AIG", "missing", None)] * 2,
        ("AIG", "failed", None),
        *[("AIG", "missing", None)] * 2,
    ]
    assert rows[6:] == [
        *[("IBM", "present", 1.0)] * 3,
        ("IBM", "repaired", 1.0),
        ("IBM", "absent", None),
        ("IBM", "missing", None),
    ]


def test_a_grid_over_nothing_stored_is_all_null(lake: Lake) -> None:
    store = lake.store
    assert isinstance(store, FakeStore)
    store.delete([key for key in store.objects if key.startswith("bars/")])
    found = read(lake, ["AIG"], DAY, grid=True, provenance=True)
    assert (found.num_rows, found["open"].null_count, found["source"].null_count) == (6, 6, 6)


def test_what_is_compacted_has_one_row_a_minute_and_reads_the_same(lake: Lake) -> None:
    """The compacted object itself: a reader of files without any rule counts no minute twice."""
    for minute in range(3):
        put(lake, "AIG", [minute], price=3.0, repair_id=f"late{minute}")
    before = [read(lake, None, DAY, provenance=told) for told in (False, True)]
    window = Range(datetime(2013, 10, 4, tzinfo=UTC), NOW)
    compact(lake, window, closed={SESSION.dt}, now=NOW, retire_after=timedelta(0))
    compact(lake, window, closed={SESSION.dt}, now=NOW + MINUTE, retire_after=timedelta(0))
    keys = [stored.key for stored in lake.store.list("bars/")]
    assert [key.rpartition("/")[2][:4] for key in keys] == ["day-"]
    rows = lake.read_objects(keys)
    assert rows is not None
    assert rows.group_by(["symbol", "minute"]).aggregate([]).num_rows == rows.num_rows
    assert [read(lake, None, DAY, provenance=told) for told in (False, True)] == before


def test_several_compacted_dates_are_one_table_in_order() -> None:
    """Each date's object is sorted in itself; the whole is sorted by symbol, then minute, with and without `as_of`."""
    other, days = Lake(FakeStore(lambda: NOW)), [timedelta(0), timedelta(days=1)]
    for day in days:
        for symbol in ("AIG", "IBM"):
            for n in range(3):
                bar = Bar(symbol, OPEN + day + n * MINUTE, *[1.0 + n] * 5)
                other.put_bars(to_table([bar], source="f", repair_id=None, captured_at=NOW))
    window = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 6, tzinfo=UTC))
    closed = {SESSION.dt + day for day in days}
    for late in range(2):
        compact(other, window, closed=closed, now=NOW + late * MINUTE, retire_after=timedelta(0))
    assert len(other.store.list("bars/")) == 2
    expected = [(symbol, OPEN + day + n * MINUTE) for symbol in ("AIG", "IBM") for day in days for n in range(3)]
    for as_of in (None, NOW + timedelta(hours=1)):
        found = read(other, None, "2013-10-04", "2013-10-06", as_of=as_of)
        assert list(zip(found["symbol"].to_pylist(), found["minute"].to_pylist(), strict=True)) == expected


def test_a_single_object_that_holds_a_minute_twice_is_still_resolved(lake: Lake) -> None:
    """One object for the date is no promise: `mend load` writes what the file had."""
    other = Lake(FakeStore())
    rows = [
        to_table([Bar("IBM", OPEN, p, p, p, p, 1.0)], source="f", repair_id=None, captured_at=NOW) for p in (2.0, 1.0)
    ]
    other.put_bars(pa.concat_tables(rows))
    assert len(other.store.list("bars/")) == 1
    assert read(other, None, DAY)["open"].to_pylist() == [1.0]
    del lake


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"source": "s3://bucket/prefix"}, "s3://BUCKET"),
        ({"source": "/no/such/folder"}, "there is no folder"),
        ({"symbols": []}, "at least one symbol"),
        ({"symbols": ["ibm"]}, "is not a symbol"),
        ({"start": datetime(2013, 10, 4)}, "no time zone"),  # noqa: DTZ001
        ({"start": "2013-10-04T13:30:00Z"}, "--end is missing"),
        ({"symbols": ["MSFT"], "grid": True}, "not followed"),
        ({"start": "2013-10-05", "grid": True}, "no minute is expected"),
        ({"as_of": "2013-10-05", "grid": True}, "one of the two"),
        ({"as_of": "2013-10-04"}, "no bar of it was known before its minute ended"),
        ({"as_of": "2199-01-01T00:00:00Z"}, "in the future"),
        ({"as_of": datetime(2013, 10, 5)}, "no time zone"),  # noqa: DTZ001
        ({"as_of": "noon"}, "no ISO time"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_would_be_right(lake: Lake, asked: dict[str, Any], says: str) -> None:
    words = {"source": lake, "symbols": ["IBM"], "start": DAY, **asked}
    source, symbols, start = (words.pop(name) for name in ("source", "symbols", "start"))
    with pytest.raises(BadInput, match=says):
        read(source, symbols, start, **words)


def test_a_folder_of_other_files_and_a_stage_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no folder bars/.*minutemend\.check"):
        read(tmp_path, None, DAY)
    with pytest.raises(Problem, match="is not a stage"):
        read("production", None, DAY)
