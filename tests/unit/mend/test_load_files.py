"""Files of bars: what is read from them, and what is refused before anything is loaded."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from minutemend.core.bars import BARS
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session
from minutemend.services.lake import Lake

import mend.stage
from mend.bars.recognise import BarOptions
from mend.commands import load
from mend.load_files import LoadFiles
from tests.fakes.store import FakeStore

HEAD = "symbol,minute,open,high,low,close,volume\n"
GOOD = "IBM,2013-10-04T13:30:00Z,1,2,0.5,1.5,10\n"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _files(
    *paths: Path,
    symbol: str | None = None,
    minute: str | None = None,
    zone: str | None = None,
    right: bool | None = None,
) -> LoadFiles:
    label = None if right is None else "right" if right else "left"
    options = BarOptions(symbol_column=symbol, minute_column=minute, zone=zone, label=label)
    return LoadFiles([str(path) for path in paths], options)


def _csv(folder: Path, text: str, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def _parquet(path: Path, **columns: pa.Array) -> Path:
    given = {
        "symbol": pa.array(["IBM"]),
        "minute": pa.array([datetime(2013, 10, 4, 13, 30, tzinfo=UTC)]),
        **{name: pa.array([1.0]) for name in ("open", "high", "low", "close", "volume")},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({**given, **columns}), path)
    return path


def test_days_of_a_csv_become_bars_in_utc(tmp_path: Path) -> None:
    """Any offset is brought to UTC, and the bars come in the order of their minutes with their provenance."""
    path = _csv(tmp_path, HEAD + GOOD + "AIG,2013-10-04T20:30:00-04:00,1,2,0.5,1.5,10\n")
    files = _files(path)
    contents = files.check()
    assert (contents.rows, contents.symbols) == (2, ("AIG", "IBM"))
    assert contents.dates == (date(2013, 10, 4), date(2013, 10, 5))
    (table,) = files.tables(source="mine", captured_at=NOW)
    assert table.schema == BARS
    minutes = [datetime(2013, 10, 4, 13, 30), datetime(2013, 10, 5, 0, 30)]  # noqa: DTZ001
    assert table["minute"].to_pylist() == minutes
    assert table["source"].to_pylist() == ["mine"] * 2


def test_folders_partitions_and_other_names_of_columns(tmp_path: Path) -> None:
    """A Hive-partitioned folder is read at any depth; columns may have names of their own."""
    for day in (4, 7):
        when = pa.array([datetime(2013, 10, day, 13, 30, tzinfo=UTC)])
        _parquet(tmp_path / f"dt=2013-10-0{day}" / "part.parquet", t=when, ticker=pa.array(["IBM"]))
    files = _files(tmp_path, symbol="ticker", minute="t")
    assert files.check().dates == (date(2013, 10, 4), date(2013, 10, 7))


def test_times_without_a_zone_need_the_users_word(tmp_path: Path) -> None:
    """Whose clock they are by is not known: refused, unless --zone says it."""
    naive = _parquet(tmp_path / "a.parquet", minute=pa.array([datetime(2013, 10, 4, 13, 30)]))  # noqa: DTZ001
    text = _csv(tmp_path, HEAD + GOOD.replace("Z", ""))
    for path in (naive, text):
        with pytest.raises(BadInput, match=r"carry no zone.*--zone UTC"):
            _files(path).check()
        for zone, hour in (("UTC", 13), ("America/New_York", 17)):
            files = _files(path, zone=zone)
            files.check()
            (table,) = files.tables(source="mine", captured_at=NOW)
            assert table["minute"][0].as_py() == datetime(2013, 10, 4, hour, 30)  # noqa: DTZ001


def test_times_of_another_age_are_refused(tmp_path: Path) -> None:
    """Parquet has times that no market has had, and some that Python cannot say."""
    late = pa.array([7_699_999_980_000], pa.timestamp("ms", tz="UTC"))
    with pytest.raises(BadInput, match="1 of 1 rows: a row is of the year 2200 or later"):
        _files(_parquet(tmp_path / "a.parquet", minute=late)).check()
    beyond = pa.array([399_999_999_960_000], pa.timestamp("ms", tz="UTC"))
    with pytest.raises(BadInput):
        _files(_parquet(tmp_path / "b.parquet", minute=beyond)).check()


def test_the_hour_that_comes_twice_is_refused(tmp_path: Path) -> None:
    """A lake has no place for a guess; and an hour that the clocks skip shows that the zone is wrong."""
    for day, words in (("2024-11-03T01:30:00", "comes twice"), ("2024-03-10T02:30:00", "clocks there skip")):
        text = _csv(tmp_path, HEAD + GOOD.replace("2013-10-04T13:30:00Z", day))
        with pytest.raises(BadInput, match=words):
            _files(text, zone="America/New_York").check()


def test_right_edges_are_brought_to_left_ones(tmp_path: Path) -> None:
    """The lake's minutes are left edges."""
    files = _files(_csv(tmp_path, HEAD + GOOD), right=True)
    files.check()
    (table,) = files.tables(source="mine", captured_at=NOW)
    assert table["minute"][0].as_py() == datetime(2013, 10, 4, 13, 29)  # noqa: DTZ001


def test_a_column_that_is_called_an_end_wants_a_word_about_the_edge(tmp_path: Path) -> None:
    """Bars that were loaded a minute late could not be told from right ones."""
    path = _csv(tmp_path, HEAD.replace("minute", "end_time") + GOOD)
    with pytest.raises(BadInput, match="called an end: --label right would be right where it is the end of each bar"):
        _files(path).check()
    for right, minute in ((True, 29), (False, 30)):
        files = _files(path, right=right)
        files.check()
        (table,) = files.tables(source="files", captured_at=NOW)
        assert table["minute"].to_pylist() == [datetime(2013, 10, 4, 13, minute)]  # noqa: DTZ001 (as lakes have it)


def test_times_of_a_clock_of_twelve_hours_are_refused(tmp_path: Path) -> None:
    """One o'clock might be either."""
    rows = "".join(
        f"IBM,2013-10-04 {hour:02d}:{minute:02d},1,2,0.5,1.5,10\n"
        for hour in (10, 11, 12, 1, 2)
        for minute in range(60)
    )
    with pytest.raises(BadInput, match="AM or PM beside each"):
        _files(_csv(tmp_path, HEAD + rows), zone="America/New_York").check()


def test_bars_of_five_minutes_are_no_minutes(tmp_path: Path) -> None:
    """Four minutes of five would be missing for ever."""
    rows = "".join(GOOD.replace("13:30", f"13:{minute:02d}") for minute in range(30, 60, 5))
    with pytest.raises(BadInput, match="lie 5m apart"):
        _files(_csv(tmp_path, HEAD + rows)).check()


def test_an_archive_of_binance_is_loaded_as_it_is_published(tmp_path: Path) -> None:
    """No header, milliseconds, the symbol in the name, packed."""
    row = "1707091260000,100.0,100.04,99.96,99.99,2534,1707091319999,253400,2534,1267.0,126700,0\n"
    with zipfile.ZipFile(tmp_path / "ETHUSDT-1m-2024-02-05.zip", "w") as archive:
        archive.writestr("ETHUSDT-1m-2024-02-05.csv", row)
    files = _files(tmp_path / "ETHUSDT-1m-2024-02-05.zip")
    files.check()
    (table,) = files.tables(source="binance", captured_at=NOW)
    (bar,) = table.to_pylist()
    assert bar["symbol"] == "ETHUSDT"
    assert bar["minute"] == datetime(2024, 2, 5, 0, 1)  # noqa: DTZ001
    assert [bar[name] for name in ("open", "high", "low", "close", "volume")] == [100.0, 100.04, 99.96, 99.99, 2534.0]


def test_a_minute_that_is_said_twice_comes_twice(tmp_path: Path) -> None:
    """Repeats are no error: one whole bar of each minute is kept later."""
    files = _files(_csv(tmp_path, HEAD + GOOD + GOOD))
    assert files.check().rows == 2
    assert [table.num_rows for table in files.tables(source="mine", captured_at=NOW)] == [2]


def test_tables_hold_whole_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few rows are handed on at once, and in whatever order the files have them."""
    monkeypatch.setattr("mend.load_files._AT_ONCE", 3)
    days = [day for day in (7, 4, 8) for _ in range(5)]
    minutes = [datetime(2013, 10, day, 13, 30 + at % 5, tzinfo=UTC) for at, day in enumerate(days)]
    same = {name: pa.array([1.0] * 15) for name in ("open", "high", "low", "close", "volume")}
    _parquet(tmp_path / "a.parquet", symbol=pa.array(["IBM"] * 15), minute=pa.array(minutes), **same)
    files = _files(tmp_path)
    files.check()
    tables = [*files.tables(source="mine", captured_at=NOW)]
    assert [table["minute"].to_pylist() for table in tables] == [
        [one.replace(tzinfo=None) for one in sorted(minutes) if one.day == day] for day in (4, 7, 8)
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD.replace("volume", "lots") + GOOD, "there is no column volume: a lake's bar has open, high"),
        (HEAD + GOOD.replace("13:30:00", "13:30:07"), "off the whole minute"),
        (HEAD + GOOD + GOOD.replace("13:30:00", "13:30:07"), "not on a whole minute"),
        (HEAD + GOOD.replace("IBM", "'; DROP TABLE"), "a symbol that cannot be one"),
        (HEAD + GOOD + GOOD.replace("IBM", ""), "has no symbol"),
        (HEAD + GOOD + GOOD.replace(",1.5,", ",,"), "1 of 2 rows: a row lacks a price"),
        (HEAD + GOOD + GOOD.replace(",1.5,", ",nan,"), "lacks a price or the volume, or has NaN"),
        (HEAD + GOOD + GOOD.replace(",0.5,", ",3,"), "low above its high"),
        (HEAD + GOOD + GOOD.replace(",10", ",-1"), "below zero"),
        (HEAD + GOOD.replace("1.5", "one"), "without a price that can be read"),
    ],
)
def test_what_cannot_be_believed_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """With what is wrong, where, and what would be right; nothing is loaded."""
    with pytest.raises(BadInput, match=words):
        _files(_csv(tmp_path, text)).check()


def test_paths_that_hold_no_bars(tmp_path: Path) -> None:
    """No such file, an empty folder, another kind of file, a file that is no Parquet."""
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, words in (
        (tmp_path / "none.parquet", "there is no file or folder"),
        (empty, "is a folder without files"),
        (_csv(tmp_path, "x", "notes.txt"), "no line of it looks like a bar"),
        (_csv(tmp_path, "PAR1x", "broken.parquet"), "truncated Parquet file"),
    ):
        with pytest.raises(BadInput, match=words):
            _files(path)


def test_files_without_a_row(tmp_path: Path) -> None:
    """An empty table is no reason to say that something was loaded."""
    path = _parquet(tmp_path / "a.parquet")
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(BadInput, match="no rows"):
        _files(path).check()


def test_a_load_that_was_killed_is_resumed_and_a_second_one_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Killed between two dates: what is there stays as it is, what is not comes."""
    store = FakeStore()
    lake = Lake(store)
    lake.calendars.put([Session("XNYS", date(2024, 7, 1), NOW, NOW + timedelta(hours=1))])
    stage = SimpleNamespace(
        name="dev", option="dev", where="here", lake=lake, interest=lambda: SimpleNamespace(listings=[])
    )
    monkeypatch.setattr(mend.stage, "open_stage", lambda _: stage)

    def loaded() -> int:
        return CliRunner().invoke(load.command, ["--stage", "dev", str(file)]).exit_code

    hours = [datetime(2024, 7, day, hour, tzinfo=UTC) for day in (1, 2, 3) for hour in (14, 15, 16)]
    stamps = [hour + timedelta(minutes=minute) for hour in hours for minute in (30, 31)]
    rows = [f"IBM,{stamp:%Y-%m-%dT%H:%M:%SZ},1,2,0.5,1.5,10" for stamp in stamps]
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(["symbol,minute,open,high,low,close,volume", *rows]))
    real, left = store.put, [2]

    def put(key: str, body: bytes, **more: Any) -> str:
        left[0] -= key.startswith("bars/")
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(key, body, **more)

    store.put = put  # type: ignore[method-assign]
    assert loaded() == 1
    store.put = real  # type: ignore[method-assign]
    first = {one.key: one for one in store.list("bars/")}
    assert len(first) == 2
    assert loaded() == 0
    whole = {one.key: one for one in store.list("bars/")}
    assert {key: whole[key] for key in first} == first
    window = Range(stamps[0], stamps[-1] + timedelta(minutes=1))
    assert lake.read_bars(window, ["IBM"])["minute"].to_pylist() == [one.replace(tzinfo=None) for one in stamps]
    puts = len(store.puts)
    assert loaded() == 0
    assert [key for key in store.puts[puts:] if key.startswith("bars/")] == []
