"""A refusal names the file that it is about, and what would be right, before the work is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from minutemend.core.errors import BadInput

from mend.bars.recognise import BarOptions
from mend.check.api import check
from mend.commands.check import command
from mend.load_files import LoadFiles
from mend.problems import Problem, refuse_folder
from tests.unit.mend.test_bar_shapes import DAY, NEW_YORK, OHLC, PRICES, ROUND, lines

NAIVE = lines(DAY, f"%Y-%m-%d %H:%M:%S,{PRICES}", NEW_YORK)
GOOD = lines(DAY, OHLC)
BAD = {
    "no zone": (NAIVE, "the times carry no zone"),
    "half a clock": (lines(DAY, f"%Y-%m-%d %I:%M:%S,{PRICES}", NEW_YORK), ""),
    "off the minute": (lines(DAY * 2, f"%Y-%m-%dT%H:%M:%S.5Z,{PRICES}"), "off the whole minute"),
}


@pytest.mark.parametrize("kind", BAD)
def test_the_file_concerned_is_named(kind: str, tmp_path: Path) -> None:
    """Beside files in order, that come first by name."""
    text, words = BAD[kind]
    for name, body in (("AAPL.csv", GOOD), ("IBM.csv", GOOD if kind == "no zone" else ""), ("MSFT.csv", text)):
        if body:
            (tmp_path / name).write_text(body)
    with pytest.raises(BadInput) as refused:
        check(tmp_path, calendar="XNYS")
    assert str(refused.value).startswith(f"{tmp_path / 'MSFT.csv'}")
    assert words in str(refused.value)
    assert "AAPL" not in str(refused.value)


def test_a_load_names_it_too(tmp_path: Path) -> None:
    (tmp_path / "AAPL.csv").write_text(GOOD)
    (tmp_path / "MSFT.csv").write_text(NAIVE)
    with pytest.raises(BadInput, match=r"MSFT\.csv: times carry no zone"):
        LoadFiles([str(tmp_path)], BarOptions()).check()


def test_one_sentence_names_one_file(tmp_path: Path) -> None:
    """Files that are read alike, of which none says a symbol."""
    for name in ("bars.csv", "data.csv"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(BadInput, match=r"bars\.csv: neither a column, the header nor its name") as refused:
        check(tmp_path, calendar="XNYS")
    assert "data" not in str(refused.value)


def test_a_file_that_says_no_symbol_costs_itself(tmp_path: Path) -> None:
    """The others are looked at, and nothing is whole. Nothing is loaded beside it."""
    for name in ("AAPL.csv", "data.csv"):
        (tmp_path / name).write_text(GOOD)
    found = check(tmp_path, calendar="XNYS")
    assert (found.whole, found.totals["symbols"]) == (False, 1)
    assert found.unread[0][0].endswith("data.csv")
    assert "another name of the file" in found.unread[0][1]
    with pytest.raises(BadInput, match=r"data\.csv"):
        LoadFiles([str(tmp_path)], BarOptions()).check()


@pytest.mark.parametrize(("files", "words"), [(2, "and 1 more file:"), (3, "and 2 more files:")])
def test_one_more_file_is_singular(files: int, words: str, tmp_path: Path) -> None:
    for name in ("AAPL", "IBM", "MSFT")[:files]:
        (tmp_path / f"{name}.csv").write_text(NAIVE)
    with pytest.raises(BadInput, match=words):
        check(tmp_path, calendar="XNYS")


def test_a_market_that_never_closes_tells_no_zone(tmp_path: Path) -> None:
    """Fifteen zones fit alike: none is named twice, and none is proposed but UTC."""
    (tmp_path / "BTCUSD.csv").write_text(lines(ROUND, f"%Y-%m-%d %H:%M:%S,{PRICES}"))
    with pytest.raises(
        BadInput, match="The calendar cannot tell: --zone UTC, or the zone it was written in"
    ) as refused:
        check(tmp_path, calendar="24/7")
    assert len(str(refused.value)) < 250 + len(str(tmp_path))


def test_a_calendar_that_is_not_given_is_proposed() -> None:
    done = CliRunner().invoke(command, ["."])
    assert done.exit_code == 2
    assert "Missing option '--calendar'" in done.output
    assert "XNYS, XLON, XTKS, forex or 24/7 would be right" in done.output


def test_a_report_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    """Its folder is looked at first: else the verdict would be lost."""
    (tmp_path / "AAPL.csv").write_text(GOOD)
    words = [str(tmp_path / "AAPL.csv"), "--calendar", "XNYS", "--report", str(tmp_path / "none" / "x.html")]
    done = CliRunner().invoke(command, words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"there is no folder {tmp_path / 'none'}" in done.stderr


@pytest.mark.parametrize("name", ["AAPL.csv", "link.html", "notes.html"])
def test_a_report_takes_no_other_file_s_place(name: str, tmp_path: Path) -> None:
    """An input by any name, or a page of somebody else's; an older report it takes."""
    for file in ("AAPL.csv", "notes.html"):
        (tmp_path / file).write_text(GOOD if file == "AAPL.csv" else "<!doctype html><p>Mine.</p>")
    (tmp_path / "link.html").symlink_to("AAPL.csv")
    before = (tmp_path / name).read_bytes()
    words = [str(tmp_path / "AAPL.csv"), "--calendar", "XNYS", "--report"]
    done = CliRunner().invoke(command, [*words, str(tmp_path / "." / name)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "another file is there, which would be lost" in done.stderr
    assert (tmp_path / name).read_bytes() == before
    for _ in range(2):
        assert CliRunner().invoke(command, [*words, str(tmp_path / "holes.html")]).exit_code < 2


def test_a_file_that_may_not_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(Problem, match="it may not be written"):
        refuse_folder("--out", tmp_path / "x.html")
