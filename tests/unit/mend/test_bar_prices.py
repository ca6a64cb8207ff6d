"""Which price a number is, and what says that a column is no time: nothing of it is guessed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from minutemend.core.errors import BadInput

from mend.bars.reader import BarFiles
from mend.bars.recognise import Wanted
from mend.bars.rows import select_rows
from mend.check.check_files import CheckRequest, check_files
from tests.unit.mend.test_bar_shapes import CRYPTO, DAY, NEW_YORK, NOW, PRICES, ROUND, ZONED, checked, lines, write

VALUED: list[tuple[str, str]] = [
    ("a header whose rows end with a comma", lines(DAY, f"%Y-%m-%dT%H:%M:%SZ,{PRICES},5,", head="timestamp,open,high,low,close,volume")),
    ("Gate: volume, close, high, low, open", lines(DAY, "{e},5.5,100.02,100.05,99.96,100.01")),
    ("KuCoin: open, close, high, low", lines(DAY, "{e},100.01,100.02,100.05,99.96,5")),
    ("decimal commas, points between thousands", lines(DAY, "%Y-%m-%dT%H:%M:%SZ;100,01;100,05;99,96;100,02", head="time;open;high;low;close")),
    ("points between thousands", lines(DAY, "%Y-%m-%dT%H:%M:%SZ;1.100,01;1.100,05;1.099,96;1.100,02", head="time;open;high;low;close")),
    ("apostrophes", lines(DAY, "%Y-%m-%dT%H:%M:%SZ;1'100.01;1'100.05;1'099.96;1'100.02", head="time;open;high;low;close")),
    ("Chinese names", lines(DAY, "%Y-%m-%dT%H:%M:%SZ,100.01,100.02,100.05,99.96,5", head="时间,开盘,收盘,最高,最低,成交量")),
]  # fmt: skip


@pytest.mark.parametrize("text", [text for _, text in VALUED], ids=[kind for kind, _ in VALUED])
def test_prices_are_what_they_are(text: str, tmp_path: Path) -> None:
    """Open, high, low and close, wherever they stand and however they are written."""
    with (
        duckdb.connect() as connection,
        BarFiles(connection, Wanted()).open([str(write(tmp_path, "X.csv", text))], None) as files,
    ):
        means = ", ".join(f"round(avg({name}) % 1000, 2)" for name in ("open", "high", "low", "close"))
        found = connection.execute(f"SELECT {means} FROM ({select_rows(files, partly=True)})").fetchone()  # noqa: S608
    assert found == (100.01, 100.05, 99.96, 100.02)


def test_prices_in_no_known_order_are_not_told(tmp_path: Path) -> None:
    """They count as bars; which is the open, only a header could say."""
    path = write(tmp_path, "X.csv", lines(DAY, "{e},7,1,3,9"))
    assert checked(path, ZONED).present == 384
    with duckdb.connect() as connection, BarFiles(connection, Wanted()).open([str(path)], None) as files:
        assert connection.execute(f"SELECT count(open) FROM ({select_rows(files, partly=True)})").fetchone() == (0,)  # noqa: S608


def test_rows_of_several_lengths_are_not_one_series(tmp_path: Path) -> None:
    """A column says it; one that says the same of all rows is no matter."""
    rows = [f"{at:%Y-%m-%dT%H:%M:%SZ},{'5m' if at.minute % 5 == 0 else '1m'},{PRICES}" for at in DAY]
    head = "time,interval,open,high,low,close"
    with pytest.raises(BadInput, match=r"bars of several lengths \(1m, 5m\)"):
        checked(write(tmp_path, "AAPL.csv", "\n".join([head, *rows])), ZONED)
    same = [row.replace("5m", "1m") for row in rows]
    assert checked(write(tmp_path, "AAPL.csv", "\n".join([head, *same])), ZONED).present == 384


def test_minutes_of_the_day_are_no_hours_and_minutes(tmp_path: Path) -> None:
    """600 would be 06:00, and is 10:00."""
    rows = "".join(f"2024-03-12,{minute},{PRICES}\n" for minute in range(570, 960))
    with pytest.raises(BadInput, match="holds dates and no time of day"):
        checked(write(tmp_path, "AAPL.csv", "date,minute,open,high,low,close\n" + rows), ZONED)


@pytest.mark.parametrize("name", ["Time (UTC-5)", "Date (GMT+2)"])
def test_a_name_with_an_offset_says_no_utc(name: str, tmp_path: Path) -> None:
    """Nor does it say a zone: with summer time or without?"""
    with pytest.raises(BadInput, match="--zone America/New_York"):
        checked(
            write(tmp_path, "AAPL.csv", lines(DAY, f"%Y-%m-%d %H:%M,{PRICES}", NEW_YORK, head=f"{name},o,h,l,c")), ZONED
        )


@pytest.mark.parametrize(
    ("fine", "coarse", "step"), [("X_1min.csv", "X_5min.csv", 5), ("XBTUSD_1.csv", "XBTUSD_60.csv", 60)]
)
def test_files_of_several_cadences_are_not_one_symbol(fine: str, coarse: str, step: int, tmp_path: Path) -> None:
    """A bar of five minutes would fill the hole of a minute."""
    for name, minutes in ((fine, ROUND), (coarse, [at for at in ROUND if at.minute % step == 5 % step])):
        write(tmp_path, name, lines(minutes, "{e},1,2,1,2"))
    with pytest.raises(BadInput, match=f"holds a bar every {step} minutes and .* files of one cadence would be right"):
        checked(tmp_path, CRYPTO)


def test_around_the_clock_no_zone_is_guessed(tmp_path: Path) -> None:
    """Every zone fits."""
    path = write(tmp_path, "BTCUSD.csv", lines(ROUND, f"%Y-%m-%d %H:%M,{PRICES}"))
    with pytest.raises(BadInput, match="The calendar cannot tell: --zone UTC, or the zone it was written in"):
        checked(path, CRYPTO)


def test_the_hour_that_comes_twice_is_said(tmp_path: Path) -> None:
    """It is told apart by the order of the rows, up or down."""
    night = [datetime(2024, 11, 3, 4, tzinfo=UTC) + timedelta(minutes=n) for n in range(240)]
    for minutes in (night, night[::-1]):
        path = write(tmp_path, "BTCUSD.csv", lines(minutes, f"%Y-%m-%d %H:%M,{PRICES}", NEW_YORK))
        result = checked(path, [*CRYPTO, "--zone", "America/New_York"])
        assert (result.present, result.duplicates) == (240, 0)
        assert any("comes twice in America/New_York: told apart by the order" in line for line in result.said)


def test_a_file_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    """By itself, by its folder, by a pattern and by a link."""
    path = write(tmp_path, "AAPL.csv", lines(DAY, f"%Y-%m-%dT%H:%M:%SZ,{PRICES}"))
    (tmp_path / "again.csv").symlink_to(path)
    named = (str(path), str(tmp_path), str(tmp_path / "*.csv"), str(tmp_path / "again.csv"))
    with duckdb.connect() as connection:
        result = check_files(CheckRequest(named, "NYSE"), now=NOW, connection=connection)
    assert (result.present, result.duplicates) == (384, 0)


def test_each_packing_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    """Whatever the file is called."""
    text = lines(DAY, f"%Y-%m-%dT%H:%M:%SZ,{PRICES}")
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        (tmp_path / "AAPL").write_bytes(pack(text.encode()))
        assert checked(tmp_path / "AAPL", ZONED).present == 384
    duckdb.sql(
        "SELECT TIMESTAMPTZ '2024-03-12 13:30Z' + INTERVAL (i) MINUTE AS t, 1.5 AS c FROM range(384) r(i)"
    ).write_csv(str(tmp_path / "AAPL.zst"), compression="zstd")
    assert checked(tmp_path / "AAPL.zst", ZONED).present == 384


UNREAD: dict[str, tuple[str, str]] = {
    "epochs shortened by a spreadsheet": ("1.71E+09", "whole numbers would be right"),
    "days of a spreadsheet": ("45363.395833", "as a spreadsheet counts them"),
    "ticks of .NET": ("638458182000000000", ".NET ticks"),
    "weeks": ("2024-W11-2T13:30:00Z", "weeks of a year"),
    "an underscore": ("2024-03-12_09:30:00", "time holds '2024-03-12_09:30:00', which is no way of writing a time"),
    "an apostrophe": ("'2024-03-12 09:30", "which is no way of writing a time here: 2024-03-12T13:30:00Z would be"),
    "one minute again and again": ("2024-03-12T13:30:00Z", "say no more than 1 minute"),
    "a web page": ("<!DOCTYPE html>", "a web page"),
    "a pointer": ("version https://git-lfs.github.com/spec/v1", "git lfs pull"),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_what_cannot_be_read_says_what_would_be_right(kind: str, tmp_path: Path) -> None:
    """A refusal, and never a guess."""
    cell, words = UNREAD[kind]
    head = "" if cell[0] in "<v" else "time,open,high,low,close\n"
    with pytest.raises(BadInput, match=re.escape(words)):
        checked(write(tmp_path, "AAPL.csv", head + f"{cell},{PRICES}\n" * 384), ZONED)


@pytest.mark.parametrize(
    ("value", "kind"), [("'9:30'::BLOB", "BLOB"), ("{'hour': 9}", "STRUCT"), ("[9, 30]", r"INTEGER\[\]")]
)
def test_a_type_that_holds_no_times_is_named(value: str, kind: str, tmp_path: Path) -> None:
    """With and without `--minute-column`: it could not help."""
    path = tmp_path / "AAPL.parquet"
    duckdb.sql(f"SELECT {value} AS time, 1.5 AS close FROM range(384)").write_parquet(str(path))  # noqa: S608
    for options in (ZONED, [*ZONED, "--minute-column", "time"]):
        with pytest.raises(BadInput, match=f"time is of the type {kind}: a timestamp, or a text like"):
            checked(path, options)
