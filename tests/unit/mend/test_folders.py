"""What a folder holds: what is read, what is left out with a word, and what is missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from minutemend.core.errors import BadInput

from mend.bars.no_bars import Broken
from mend.bars.paths import find_files
from mend.commands.check import command
from mend.objects import fetch
from tests.unit.mend.test_broken_files import BARS
from tests.unit.mend.test_objects import FakeS3

MARKS = [
    "_SUCCESS",
    "_DONE",
    "_metadata",
    "_common_metadata",
    "_committed_123",
    "_started_123",
    "_temporary/0/MSFT.csv",
    "__pycache__/load.pyc",
    ".hidden/MSFT.csv",
    ".DS_Store",
]


def made(folder: Path, *names: str) -> Path:
    """The folder with bars of AAPL, and files of these names, the marks among them without a byte."""
    for name in ("AAPL.csv", *names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if path.name in MARKS else BARS)
    return folder


def found(path: Path) -> dict[str, str]:
    """The files, by their names, and why they are not opened."""
    return {Path(one.path).name: str(one.flaw or "") for one in find_files([str(path)])}


def run(path: Path, *options: str) -> Result:
    return CliRunner().invoke(command, [str(path), "--calendar", "XNYS", *options])


@pytest.mark.parametrize("name", MARKS)
def test_what_engines_and_systems_write_is_hidden(name: str, tmp_path: Path) -> None:
    """It costs nothing, and one word is said of all of it."""
    folder = made(tmp_path, name, ".git/config")
    there = {Path(one.path).name: one.flaw for one in find_files([str(folder)])}
    words = [flaw for flaw in there.values() if flaw]
    assert [str(flaw) for flaw in words] == ["it is taken as hidden, and so is 1 more"]
    assert not isinstance(words[0], Broken)
    assert list(found(folder / "*")) == ["AAPL.csv"]


def test_an_underscore_alone_hides_nothing(tmp_path: Path) -> None:
    """Some call the index of volatility so."""
    made(tmp_path, "_VIX.csv", "_indices/SPX.csv")
    assert found(tmp_path) == {"AAPL.csv": "", "_VIX.csv": "", "SPX.csv": ""}


def test_a_folder_that_a_pattern_names_is_looked_into(tmp_path: Path) -> None:
    """As the shell would have it: Spark writes folders that are called like files."""
    made(tmp_path, "MSFT.csv/part-0.csv")
    assert set(found(tmp_path / "*.csv")) == {"AAPL.csv", "part-0.csv"}


@pytest.mark.parametrize("key", ["symbol", "Symbol", "stock", "s"])
def test_a_symbol_whose_folder_holds_no_file_is_missed(key: str, tmp_path: Path) -> None:
    (made(tmp_path, f"{key}=IBM/date=2024-03-12/0.csv") / f"{key}=MSFT" / "date=2024-03-12").mkdir(parents=True)
    for path in (tmp_path, tmp_path / f"{key}=*"):
        done = run(path, "--format", "json")
        assert done.exit_code == 1
        (unread,) = json.loads(done.stdout)["unread"]
        assert unread["file"] == str(tmp_path / f"{key}=MSFT")


def test_other_folders_without_a_file_are_told_of(tmp_path: Path) -> None:
    """A day without bars is none that was looked at, and a folder for logs is none of a symbol."""
    for name in ("symbol=IBM/date=2024-03-13", "logs/old", "symbol=__HIVE_DEFAULT_PARTITION__"):
        (made(tmp_path, "symbol=IBM/date=2024-03-12/0.csv") / name).mkdir(parents=True)
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert f"skipped: {tmp_path / 'logs'}: it is a folder without files, and so are 2 more" in done.stderr


LOGGED = {
    "Delta": ("_delta_log/00000000000000000001.json", "date=2024-03-12/MSFT.csv"),
    "Hudi": (".hoodie/hoodie.properties", "MSFT.csv"),
    "Iceberg": ("metadata/v2.metadata.json", "data/MSFT.csv"),
    "Spark": ("_spark_metadata/0", "MSFT.csv"),
}


@pytest.mark.parametrize("kind", LOGGED)
def test_a_table_whose_log_says_what_counts_is_not_read(kind: str, tmp_path: Path) -> None:
    """Files that it has removed lie there still. In a folder it costs itself; named in any way, it is refused."""
    log, data = LOGGED[kind]
    made(tmp_path, f"table/{log}", f"table/{data}")
    done = run(tmp_path, "--format", "json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["present"] == 390
    (unread,) = told["unread"]
    assert kind in unread["why"]
    assert "its current version" in unread["why"]
    for path in ("table", f"table/{data}", f"table/{Path(data).parent}", f"table/{Path(data).parent}/*.csv"):
        refused = run(tmp_path / path).exception
        assert isinstance(refused, BadInput), path
        assert "its current version" in str(refused)
    objects = FakeS3({f"lake/table/{name}": b"x" for name in (log, data)})
    with pytest.raises(BadInput, match=rf"s3://mine/lake/table is .*{kind}.*its current version"):
        fetch(["s3://mine/lake/"], objects, tmp_path)


def test_a_part_of_a_file_is_none(tmp_path: Path) -> None:
    """What a browser or a job has not ended to write would be whole, up to its last line."""
    made(tmp_path, "MSFT.csv.part", "IBM.zip.crdownload", "SPY.parquet.tmp")
    done = run(tmp_path, "--format", "json")
    assert (done.exit_code, len(json.loads(done.stdout)["unread"])) == (1, 3)
    with pytest.raises(BadInput, match="it is a part of a file"):
        command.main([str(tmp_path / "MSFT.csv.part"), "--calendar", "XNYS"], standalone_mode=False)
