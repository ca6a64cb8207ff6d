"""Shapes of exports that once were read wrongly, or refused without need: a golden file each, or its refusal."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from minutemend.core.errors import BadInput

from mend.bars.names import symbol_of
from tests.unit.mend.test_bar_shapes import (
    CRYPTO,
    DAY,
    DAYS,
    NEW_YORK,
    NY,
    OHLC,
    PRICES,
    ROUND,
    ZONED,
    checked,
    columns,
    lines,
    seconds,
    write,
)

HEAD = "open,high,low,close"
NAIVE = [*CRYPTO, "--zone", "UTC"]
ENDS = [at + timedelta(minutes=1) for at in ROUND[:-1]]  # of bars whose right edge names them
PAIR = ["AAPL", "MSFT"]


def of_two(row: str) -> str:
    """A row for each of two shares of Shanghai in each minute."""
    return f"600519,{row}\n000001,{row}"


# Name of the file, its text, options, symbols, bars of each.
GOLDEN: list[tuple[str, str, list[str], list[str], int]] = [
    ("ib.csv", lines(DAY, f"AAPL,%Y%m%d %H:%M:%S America/New_York,{PRICES}", NEW_YORK, head=f"symbol,date,{HEAD}"), ZONED, ["AAPL"], 384),
    ("AAPL.csv", lines(DAYS, f"%m/%d/%Y,%-I:%M:%S,%p,{PRICES}", NEW_YORK, head=f"Date,Time,AMPM,{HEAD}"), NY, ["AAPL"], 1152),
    ("AAPL.csv", lines(DAYS, f"%y-%m-%d %H:%M,{PRICES}", NEW_YORK, head=f"time,{HEAD}"), NY, ["AAPL"], 1152),
    ("AAPL.csv", lines(DAYS, f"%y/%m/%d,%H:%M,{PRICES}", NEW_YORK, head=f"date,time,{HEAD}"), NY, ["AAPL"], 1152),
    ("AAPL.csv", lines(DAYS, f"%d%b%Y:%H:%M:%S,{PRICES}", NEW_YORK, head=f"datetime,{HEAD}"), NY, ["AAPL"], 1152),
    ("kdb.csv", lines(DAY, f"AAPL,%Y.%m.%dD%H:%M:%S.000000000,{PRICES}", head=f"sym,time,{HEAD}"), [*ZONED, "--zone", "UTC"], ["AAPL"], 384),
    ("AAPL.csv", lines(DAY, f"%Y-%m-%d %H:%M:%S +0000 UTC,{PRICES}", head=f"time,{HEAD}"), ZONED, ["AAPL"], 384),
    ("AAPL.csv", lines(DAY, f"%Y-%m-%d %H:%M:%S -0400 EDT,{PRICES}", NEW_YORK, head=f"time,{HEAD}"), ZONED, ["AAPL"], 384),
    ("AAPL.csv", lines(DAY, f"%Y-%m-%d %H:%M:%S.000 +0000,{PRICES}", head=f"TS,{HEAD}"), ZONED, ["AAPL"], 384),
    ("AAPL.csv", lines(DAY, f"%Y-%m-%dT%H:%M-04:00[America/New_York],{PRICES}", NEW_YORK, head=f"time,{HEAD}"), ZONED, ["AAPL"], 384),
    ("sh.csv", lines(DAYS, f"%Y-%m-%d,%Y%m%d%H%M%S000,sh.600000,{PRICES}", NEW_YORK, head=f"date,time,code,{HEAD}"), NY, ["sh.600000"], 1152),
    ("AAPL.csv", lines(DAYS, f"%Y%m%d%H%M%S.000000,{PRICES}", NEW_YORK, head=f"#TIMESTAMP,{HEAD}"), NY, ["AAPL"], 1152),
    ("table_aapl.csv", lines(DAYS, f"%Y%m%d,%-H%M,{PRICES},1200,1,0,0", NEW_YORK), NY, ["aapl"], 1152),
    ("AAPL.txt", lines(DAY, '"{n}" "%Y-%m-%d %H:%M:%S" 100.01 100.05 99.96 100.02', head='"time" "open" "high" "low" "close"'),
     [*ZONED, "--zone", "UTC"], ["AAPL"], 384),
    ("bars.csv", lines(DAY, of_two(f"%Y-%m-%dT%H:%M:%SZ,{PRICES}"), head=f"code,time,{HEAD}"), ZONED, ["000001", "600519"], 384),
    ("closes.csv", lines(DAY, "%Y-%m-%d %H:%M:%S+00:00,100.5,200.5", head="Datetime,AAPL,MSFT"), ZONED, PAIR, 384),
    ("closes.csv", lines(ROUND, "{e},100.5,200.5", head="time,BTC-USD,ETH-USD"), CRYPTO, ["BTC-USD", "ETH-USD"], 1436),
    ("bars.csv", lines(DAY, "%Y-%m-%dT%H:%M:%SZ,1,2,3,4", head="time,AAPL.Open,AAPL.Close,MSFT.Open,MSFT.Close"), ZONED, PAIR, 384),
    ("AAPL.csv", "local_time,utc_time,close\n" + "".join(f"{at.astimezone(NEW_YORK):%F %T},{at:%F %T},1\n" for at in DAY), ZONED, ["AAPL"], 384),
    ("bars.csv", lines(DAY, f"XNAS,USD,AAPL,%Y-%m-%dT%H:%M:%SZ,{PRICES}"), ZONED, ["AAPL"], 384),
    ("AAPL.jsonl", "\n\n".join(json.dumps({"time": at.isoformat(), "close": 2}) for at in DAY), ZONED, ["AAPL"], 384),
    ("bars.json", json.dumps({one: {at.isoformat(): {"o": 1, "c": 2} for at in DAY} for one in PAIR}), ZONED, PAIR, 384),
    ("bars.json", json.dumps({one: {at.isoformat(): 1.5 for at in DAY} for one in PAIR}), ZONED, PAIR, 384),
    ("BTC.csv", lines(ENDS, f"%Y-%m-%dT%H:%M:%SZ,{PRICES}", head=f"end_time,{HEAD}"), CRYPTO, ["BTC"], 1435),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "options", "symbols", "bars"), GOLDEN, ids=lambda value: str(value)[:40])
def test_an_export(name: str, text: str, options: list[str], symbols: list[str], bars: int, tmp_path: Path) -> None:  # noqa: PLR0917 (pytest names them)
    """Its symbols, and each of their bars in a session of the right day."""
    result = checked(write(tmp_path, name, text), options)
    assert [one.symbol for one in result.listings] == symbols
    assert (result.present, result.unexpected, result.duplicates) == (bars * len(symbols), 0, 0)
    assert result.sessions[0].dt in (DAY[0].date(), ROUND[0].date())


# What is in the file, its options, and what its refusal says.
REFUSED: list[tuple[str, list[str], str]] = [
    (lines(DAYS, f"%m/%d/%Y %I:%M:%S,{PRICES}", NEW_YORK, head=f"Date,{HEAD}"), NY, "AM or PM beside each, or 13:00 for 1:00 PM"),
    (lines(ROUND, f"%Y-%m-%d %I:%M:%S,{PRICES}", head=f"Date,{HEAD}"), NAIVE, "AM or PM beside each"),
    ("Date,Time,Close\n" + "".join(f"{at:%m/%d/%Y},{at:%H:%M},1\n" if at in DAY[:3] else f",{at:%H:%M},1\n" for at in DAY),
     [*ZONED, "--zone", "UTC", "--dates", "month-first"], "381 rows have no time that can be read, 3 have"),
    ("date,time,close\n" + "".join(f"{at:%F},{at:%H:%M}-{at + timedelta(minutes=1):%H:%M},1\n" for at in DAY), NY, "no time of day"),
    (lines(DAYS, f"AAPL,%y%m%d,%H%M%S,{PRICES}", NEW_YORK, head=f"<TICKER>,<DATE>,<TIME>,{HEAD}"), NY, "20240312 for 240312 would be right"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options", "says"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_no_rule_can_tell_is_refused_with_what_would_be_right(
    text: str, options: Sequence[str], says: str, tmp_path: Path
) -> None:
    """A wrong answer would look like holes in the data."""
    with pytest.raises(BadInput, match=re.escape(says)):
        checked(write(tmp_path, "AAPL.csv", text), options)


def test_years_first_are_seen_past_the_sample(tmp_path: Path) -> None:
    """A day of 24 hours fills the head that is looked at: then the year seems to be the day."""
    minutes = [datetime(2024, 3, 22, tzinfo=UTC) + timedelta(minutes=n) for n in range(3 * 1440)]
    path = write(tmp_path, "BTC.csv", lines(minutes, f"%y/%m/%d %H:%M,{PRICES}", head=f"time,{HEAD}"))
    with pytest.raises(BadInput, match="the year first: years of four digits would be right"):
        checked(path, NAIVE)


@pytest.mark.parametrize("form", ["%y-%m-%d", "%y/%m/%d", "%d/%m/%y"])
def test_two_digit_years_of_one_day_are_not_guessed(form: str, tmp_path: Path) -> None:
    """24-03-25 is a day of 2024 or of 2025; more days than one, or a word of the user, decide. (25.03.24 is plain.)"""
    minutes = [datetime(2024, 3, 25, 13, 30, tzinfo=UTC) + timedelta(minutes=n) for n in range(390)]
    path = write(tmp_path, "AAPL.csv", lines(minutes, f"{form} %H:%M,{PRICES}", NEW_YORK, head=f"time,{HEAD}"))
    with pytest.raises(
        BadInput, match="have the year first: years of four digits would be right, or --dates day-first"
    ):
        checked(path, NY)
    if form.startswith("%d"):
        assert checked(path, [*NY, "--dates", "day-first"]).present == 390
    dotted = lines(minutes, f"%d.%m.%y %H:%M,{PRICES}", NEW_YORK, head=f"time,{HEAD}")
    assert checked(write(tmp_path, "AAPL.csv", dotted), NY).present == 390
    both = [*minutes, *(one + timedelta(days=1) for one in minutes)]
    path = write(tmp_path, "AAPL.csv", lines(both, f"{form} %H:%M,{PRICES}", NEW_YORK, head=f"time,{HEAD}"))
    assert checked(path, NY).present == 780


def test_a_clocks_times_that_call_themselves_utc_are_doubted(tmp_path: Path) -> None:
    """pandas writes naive times as epochs: they are counted as what they say, and the doubt is said."""
    text = lines(DAY, f"%Y-%m-%dT%H:%M:%SZ,{PRICES}", NEW_YORK, head=f"time,{HEAD}")
    result = checked(write(tmp_path, "AAPL.csv", text), ZONED)
    doubt = "150 of 384 bars lie in sessions, and 384 would if these times were not UTC"
    assert any(doubt in line for line in result.said)
    honest = checked(write(tmp_path, "AAPL.csv", lines(DAY, OHLC, head=f"time,{HEAD}")), ZONED)
    assert not any("were not UTC" in line for line in honest.said)


def test_a_note_in_an_archive_is_no_bar(tmp_path: Path) -> None:
    """It names a date and a time, and no price."""
    with zipfile.ZipFile(tmp_path / "AAPL.zip", "w") as archive:
        archive.writestr("AAPL.csv", lines(DAY, OHLC, head=f"time,{HEAD}"))
        archive.writestr("README.txt", "Made by me, 12:30 on 2024-03-12\nhello\n")
    assert checked(tmp_path / "AAPL.zip", ZONED).present == 384


def test_closes_of_several_symbols_in_parquet(tmp_path: Path) -> None:
    """A minute without a price of one symbol is no bar of that symbol; `--symbol` cannot name two."""
    table = columns(DAY, Datetime=lambda at: at, AAPL=1.0, MSFT=lambda at: None if at == DAY[5] else 2.0)
    pq.write_table(pa.table(table), tmp_path / "closes.parquet")
    result = checked(tmp_path / "closes.parquet", ZONED)
    assert ([one.symbol for one in result.listings], result.present) == (PAIR, 767)
    with pytest.raises(BadInput, match="the files name 2 symbols themselves"):
        checked(tmp_path / "closes.parquet", [*ZONED, "--symbol", "AAPL"])


def test_columns_that_may_be_values_or_symbols_are_not_guessed(tmp_path: Path) -> None:
    """`DELTA` and `GAMMA` beside AAPL's name; what is known for a value is no symbol."""
    path = write(tmp_path, "AAPL.csv", lines(DAY, "%Y-%m-%dT%H:%M:%SZ,1.5,7", head="TIME,GAMMA,DELTA"))
    with pytest.raises(
        BadInput, match="the columns DELTA, GAMMA may be values of AAPL, or symbols: --symbol AAPL would say"
    ):
        checked(path, ZONED)
    assert [one.symbol for one in checked(path, [*ZONED, "--symbol", "AAPL"]).listings] == ["AAPL"]
    path = write(tmp_path, "AAPL.csv", lines(DAY, "%Y-%m-%dT%H:%M:%SZ,1.5,7", head="TIME,PX_LAST,PX_VOLUME"))
    assert [one.symbol for one in checked(path, ZONED).listings] == ["AAPL"]


def test_codes_in_parquet_are_symbols(tmp_path: Path) -> None:
    """A column `code` of 600519 says whose bars they are; one of 200 says that all went well."""
    for code, symbol in (("600519", "600519"), ("200", "AAPL")):
        table = pa.table(columns(DAY, code=code, t=seconds, close=1.0))
        pq.write_table(table, tmp_path / "AAPL.parquet")
        assert [one.symbol for one in checked(tmp_path / "AAPL.parquet", ZONED).listings] == [symbol]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTC-PERPETUAL.csv", "BTC-PERPETUAL"),
        ("okx_BTC-USDT-SWAP_1m.csv", "BTC-USDT-SWAP"),
        ("ETH-PERP.csv", "ETH-PERP"),
        ("BTC-29MAR24.csv", "BTC-29MAR24"),
        ("BTCUSDT_240329-1m-2024-02-05.csv", "BTCUSDT_240329"),
        ("AAPL_240312.csv", "AAPL"),
        ("BTC_USDT_USDT-1m-futures.feather", "BTC/USDT:USDT"),
        ("NASDAQ_DLY_AAPL, 1_ab12c.csv", "AAPL"),
        ("AAPL.scid_BarData.txt", "AAPL"),
        ("AAPL.zip/2024-03-12.csv", "AAPL"),
    ],
)
def test_a_contract_is_not_what_it_is_written_on(name: str, symbol: str) -> None:
    """Bars of a future would else fill the holes of the spot market."""
    assert symbol_of(name) == symbol
