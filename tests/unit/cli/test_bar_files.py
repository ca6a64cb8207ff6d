"""Files of bars: what is read from them, and what is refused before anything is loaded."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from minutemend.core.bars import BARS
from minutemend.core.errors import BadInput

from cli.bar_files import BarFiles

HEAD = "symbol,minute,open,high,low,close,volume\n"
GOOD = "IBM,2013-10-04T13:30:00Z,1,2,0.5,1.5,10\n"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _files(*paths: Path, symbol: str = "symbol", minute: str = "minute", assume_utc: bool = False) -> BarFiles:
    return BarFiles([str(path) for path in paths], symbol_column=symbol, minute_column=minute, assume_utc=assume_utc)


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
    """Any offset is brought to UTC, and each UTC date comes by itself with its provenance."""
    path = _csv(tmp_path, HEAD + GOOD + "AIG,2013-10-04T20:30:00-04:00,1,2,0.5,1.5,10\n")
    files = _files(path)
    contents = files.check()
    assert (contents.rows, contents.symbols, contents.repeated) == (2, ("AIG", "IBM"), 0)
    assert contents.dates == (date(2013, 10, 4), date(2013, 10, 5))
    (_, first), (_, second) = files.days(contents.dates, source="mine", captured_at=NOW)
    assert first.schema == second.schema == BARS
    assert first.to_pylist()[0]["minute"] == datetime(2013, 10, 4, 13, 30)  # noqa: DTZ001
    assert second.to_pylist()[0]["minute"] == datetime(2013, 10, 5, 0, 30)  # noqa: DTZ001
    assert second.to_pylist()[0]["source"] == "mine"


def test_folders_partitions_and_other_names_of_columns(tmp_path: Path) -> None:
    """A Hive-partitioned folder is read at any depth; columns may have names of their own."""
    for day in (4, 7):
        when = pa.array([datetime(2013, 10, day, 13, 30, tzinfo=UTC)])
        _parquet(tmp_path / f"dt=2013-10-0{day}" / "part.parquet", t=when, ticker=pa.array(["IBM"]))
    files = _files(tmp_path, symbol="ticker", minute="t")
    assert files.check().dates == (date(2013, 10, 4), date(2013, 10, 7))


def test_times_without_a_zone_need_the_users_word(tmp_path: Path) -> None:
    """Nobody knows whose clock they are by: refused, unless --assume-utc says it."""
    naive = _parquet(tmp_path / "a.parquet", minute=pa.array([datetime(2013, 10, 4, 13, 30)]))  # noqa: DTZ001
    with pytest.raises(BadInput, match="no zone: --assume-utc"):
        _files(naive)
    assert _files(naive, assume_utc=True).check().rows == 1
    text = _csv(tmp_path, HEAD + GOOD.replace("Z", ""))
    with pytest.raises(BadInput, match="no zone: --assume-utc"):
        _files(text).check()
    assert _files(text, assume_utc=True).check().rows == 1


def test_a_minute_that_is_said_twice_is_counted(tmp_path: Path) -> None:
    """Repeats are no error: one whole bar of each minute is kept later."""
    assert _files(_csv(tmp_path, HEAD + GOOD + GOOD)).check().repeated == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD.replace("volume", "vol") + GOOD, "there is no column volume: there are symbol, minute"),
        (HEAD.replace("minute", "time") + GOOD, "there is no column minute.*--minute-column names another"),
        (HEAD + GOOD.replace("13:30:00", "13:30:07"), "not on a whole minute"),
        (HEAD + GOOD.replace("IBM", "'; DROP TABLE"), "a symbol that cannot be one"),
        (HEAD + GOOD.replace("IBM", ""), "has no symbol"),
        (HEAD + GOOD + GOOD.replace(",1.5,", ",,"), "1 of 2 rows: a row lacks a price"),
        (HEAD + GOOD + GOOD.replace(",1.5,", ",nan,"), "lacks a price or the volume, or has NaN"),
        (HEAD + GOOD + GOOD.replace(",0.5,", ",3,"), "low above its high"),
        (HEAD + GOOD + GOOD.replace(",10", ",-1"), "below zero"),
        (HEAD + GOOD.replace("1.5", "one"), "numbers would be right"),
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
        (tmp_path / "none.parquet", "is no file and no folder"),
        (empty, "holds no file"),
        (_csv(tmp_path, "x", "notes.txt"), "ends in none of"),
        (_csv(tmp_path, "x", "broken.parquet"), "broken.parquet cannot be read as parquet"),
    ):
        with pytest.raises(BadInput, match=words):
            _files(path)


def test_files_without_a_row(tmp_path: Path) -> None:
    """An empty table is no reason to say that something was loaded."""
    path = _parquet(tmp_path / "a.parquet")
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(BadInput, match="hold no row"):
        _files(path).check()
