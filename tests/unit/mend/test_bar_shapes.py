"""One golden file for each shape that people have: what writes it, what a person says of it first, and whose it is.

A contributor who adds a row to `mend.bars.shapes` or `mend.bars.times` adds one here.
"""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from minutemend.core.errors import BadInput

from mend.check.check_files import CheckRequest, check_files
from mend.check.check_result import CheckResult

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
# A session of New York without six of its minutes, and the two after it, so that some day is past the 12th.
DAY = [
    datetime(2024, 3, 12, 13, 30, tzinfo=UTC) + timedelta(minutes=n)
    for n in range(390)
    if n not in (30, *range(100, 105))
]
DAYS = [at + timedelta(days=day) for day in range(3) for at in DAY]
ROUND = [datetime(2024, 2, 5, tzinfo=UTC) + timedelta(minutes=n) for n in range(1440) if n not in (0, 700, 701, 1439)]
PRICES = "100.01,100.05,99.96,100.02"

NY = ["--calendar", "NYSE", "--zone", "America/New_York"]
ZONED = ["--calendar", "NYSE"]
CRYPTO = ["--calendar", "crypto"]


def lines(minutes: Sequence[datetime], row: str, zone: Any = UTC, *, head: str = "", foot: str = "") -> str:
    """`row` is a pattern of strftime, in which {e} is the epoch in seconds and {n} the row's number."""
    rows = [f"{at.astimezone(zone):{row}}".format(e=int(at.timestamp()), n=n) for n, at in enumerate(minutes)]
    return "\n".join([*([head] if head else []), *rows, foot])


def columns(minutes: Sequence[datetime], **named: object) -> dict[str, object]:
    return {name: [value(at) if callable(value) else value for at in minutes] for name, value in named.items()}


def seconds(at: datetime) -> int:
    return int(at.timestamp())


OHLC = f"%Y-%m-%dT%H:%M:%SZ,{PRICES}"
# Name of the file, its text, options, symbol, bars.
GOLDEN: list[tuple[str, str, list[str], str, int]] = [
    ("DAT_ASCII_EURUSD_M1_202402.csv", lines(ROUND, "%Y%m%d %H%M%S;1.1;1.2;1.0;1.1;0", timezone(timedelta(hours=-5))),
     [*CRYPTO, "--zone", "Etc/GMT+5"], "EURUSD", 1436),
    ("GBPUSD_M1_202402050000_202402052359.csv",
     lines(ROUND, "%Y.%m.%d\t%H:%M:%S\t1\t2\t1\t2\t3\t0\t2", head="<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"),
     [*CRYPTO, "--zone", "UTC"], "GBPUSD", 1436),
    ("kibot/IBM.txt", lines(DAYS, f"%m/%d/%Y,%H:%M,{PRICES},5", NEW_YORK), NY, "IBM", 1152),
    ("NASDAQ_AAPL, 1.csv", lines(DAY, f"{{e}},{PRICES},7", head="time,open,high,low,close,Volume"), ZONED, "AAPL", 384),
    ("BATS_MSFT, 1_3b0f2.csv", lines(DAY, f"%Y-%m-%dT%H:%M:%S%z,{PRICES}", NEW_YORK, head="time,open,high,low,close"),
     ZONED, "MSFT", 384),
    ("ib/AAPL.csv", lines(DAY, f"%Y%m%d  %H:%M:%S,{PRICES},5", NEW_YORK, head="date,open,high,low,close,volume"),
     NY, "AAPL", 384),
    ("ib/MSFT.csv", lines(DAY, f"%Y%m%d %H:%M:%S US/Eastern,{PRICES}", NEW_YORK, head="date,open,high,low,close"),
     ZONED, "MSFT", 384),
    ("bq.csv", lines(DAY, f"AAPL,%Y-%m-%d %H:%M:%S UTC,{PRICES}", head="symbol,ts,open,high,low,close"), ZONED, "AAPL", 384),
    ("xnas-itch-20240312.ohlcv-1m.csv", lines(DAY, f"{{e}}000000000,33,2,32,{PRICES},5,AAPL",
     head="ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol"), ZONED, "AAPL", 384),
    ("pretty.csv", lines(DAY, f"%Y-%m-%dT%H:%M:%S.000000000Z,33,2,32,{PRICES},5,AAPL",
     head="ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol"), ZONED, "AAPL", 384),
    ("Binance_BTCUSDT_2024_minute.csv", lines(ROUND[::-1], f"{{e}}000,%Y-%m-%d %H:%M:%S,BTCUSDT,{PRICES},3,4,5",
     head="https://www.CryptoDataDownload.com\nUnix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount"),
     CRYPTO, "BTCUSDT", 1436),
    ("BTCUSDT-1m-2024-02.csv", lines(ROUND, f"{{e}}000,{PRICES},3,{{e}}999,4,5,6,7,0",
     head="open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"),
     CRYPTO, "BTCUSDT", 1436),
    ("ccxt/binance_BTC-USDT_1m.csv", lines(ROUND, f"{{e}}000,{PRICES},3", head="timestamp,open,high,low,close,volume"),
     CRYPTO, "BTC-USDT", 1436),
    ("AAPL.csv", lines(DAYS, "%d.%m.%Y;%H:%M;100,01;100,05;99,96;100,01", NEW_YORK, head="Datum;Uhrzeit;Open;High;Low;Close"),
     NY, "AAPL", 1152),
    ("AAPL.csv", lines(DAY, OHLC, head="# made by me\n# on a day\ntimestamp,open,high,low,close", foot="# end"), ZONED, "AAPL", 384),
    ("AAPL.csv", lines(DAY, OHLC, head="timestamp,open,high,low,close", foot="\nSource: me\nTotal,384,,,"), ZONED, "AAPL", 384),
    ("AAPL.csv", lines(DAYS, f"%m/%d/%Y %I:%M %p,{PRICES}", NEW_YORK, head="Date,Open,High,Low,Close"), NY, "AAPL", 1152),
    ("AAPL.csv", lines(DAYS, f"%m/%d/%y,%I:%M:%S %p,{PRICES}", NEW_YORK, head="Date,Time,Open,High,Low,Close"), NY, "AAPL", 1152),
    ("AAPL.csv", lines(DAY, f"%d-%b-%Y %H:%M,{PRICES}", NEW_YORK, head="Date,Open,High,Low,Close"), NY, "AAPL", 384),
    ("AAPL.csv", lines(DAY, "%b %d, %Y %H:%M;1;2;1;2", NEW_YORK, head="Date;Open;High;Low;Close"), NY, "AAPL", 384),
    ("EURUSD.csv", lines(ROUND, f"%d.%m.%Y %H:%M:%S.000,{PRICES},3", head="Gmt time,Open,High,Low,Close,Volume"),
     [*CRYPTO, "--dates", "day-first"], "EURUSD", 1436),
    ("AAPL.tsv", lines(DAYS, "%d.%m.%Y %H:%M:%S.000 GMT%z\t1\t2\t1\t2", NEW_YORK, head="Local time\tOpen\tHigh\tLow\tClose"),
     ZONED, "AAPL", 1152),
    ("AAPL.csv", lines(DAY[::-1], f"%Y-%m-%d %H:%M:%S,{PRICES},5", NEW_YORK, head="timestamp,1. open,2. high,3. low,4. close,5. volume"),
     NY, "AAPL", 384),
    ("AAPL.txt", lines(DAY, "%Y-%m-%d %H:%M:%S  100.01  100.05 99.96   100.01", NEW_YORK), NY, "AAPL", 384),
    ("AAPL.psv", lines(DAY, "%Y-%m-%dT%H:%MZ|1|2|1|2", head="time|open|high|low|close"), ZONED, "AAPL", 384),
    ("data.csv", lines(DAY, f"%Y-%m-%d %H:%M:%S%z,{PRICES},5", NEW_YORK,
     head="Datetime,Close,High,Low,Open,Volume\n,AAPL,AAPL,AAPL,AAPL,AAPL"), ZONED, "AAPL", 384),
    ("AAPL.csv", lines(DAY, f"{{n}},%Y-%m-%d %H:%M:%S+00:00,{PRICES}", head=",timestamp,open,high,low,close"), ZONED, "AAPL", 384),
    ("AAPL.csv", lines(DAY, '"%Y-%m-%dT%H:%M:%SZ","1,000.5","1,001.5","999.5","1,000.0","12,345"',
     head='"Time","Open","High","Low","Close","Volume"'), ZONED, "AAPL", 384),
    ("AAPL.csv", lines(DAY, f"{{e}}.0,{PRICES}", head="ts,open,high,low,close"), ZONED, "AAPL", 384),
    ("AAPL/2024-03-12.csv", lines(DAY, "%Y-%m-%dT%H:%M:%SZ,1", head="time,close"), ZONED, "AAPL", 384),
    ("AAPL.csv", lines(DAY, "%Y%m%d,%H%M,1,2,1,2", NEW_YORK, head="date,time,open,high,low,close"), NY, "AAPL", 384),
    ("symbol=MSFT/part-0.csv", lines(DAY, OHLC, head="minute,open,high,low,close"), ZONED, "MSFT", 384),
    ("AAPL.csv", lines(DAY, "%Y-%m-%d %H:%M:%S+00:00,{n}", head="t,c").replace(",1\n", ",nan\n").replace(",2\n", ",\n"),
     ZONED, "AAPL", 382),
    ("bars.json", json.dumps({"bars": {"AAPL": [{"t": f"{at:%Y-%m-%dT%H:%M:%SZ}", "o": 1, "c": 2} for at in DAY]}}),
     ZONED, "AAPL", 384),
    ("aggs.json", json.dumps({"ticker": "AAPL", "results": [{"o": 1, "c": 2, "t": seconds(at) * 1000} for at in DAY]}),
     ZONED, "AAPL", 384),
    ("AAPL.json", json.dumps({"s": "ok", **columns(DAY, t=seconds, o=1.0, h=2.0, l=1.0, c=2.0)}), ZONED, "AAPL", 384),
    ("chart.json", json.dumps({"chart": {"result": [{"meta": {"symbol": "AAPL"}, **columns(DAY, timestamp=seconds),
     "indicators": {"quote": [columns(DAY, open=1.0, close=2.0)]}}]}}), ZONED, "AAPL", 384),
    ("bars.jsonl", "\n".join(json.dumps({"symbol": "AAPL", "time": at.isoformat(), "close": 2}) for at in DAY), ZONED, "AAPL", 384),
    ("BTC-USD.json", json.dumps([[seconds(at), 1, 2, 1.5, 1.7, 5] for at in ROUND[::-1]]), CRYPTO, "BTC-USD", 1436),
    ("api.json", json.dumps({"result": {"XXBTZUSD": [[seconds(at), "1", "2", "1", "2"] for at in ROUND], "last": 1}}),
     CRYPTO, "XXBTZUSD", 1436),
    ("query.json", json.dumps({"Meta Data": {"2. Symbol": "IBM"}, "Time Series (1min)": {
        f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S}": {"1. open": "1.0", "4. close": "2.0"} for at in DAY[::-1]}}),
     NY, "IBM", 384),
    ("AAPL.json", json.dumps({str(seconds(at) * 1000): {"open": 1, "close": 2} for at in DAY}), ZONED, "AAPL", 384),
    ("AAPL.json", json.dumps({"open": {str(seconds(at) * 1000): 1 for at in DAY}, "close": {str(seconds(at) * 1000): 2 for at in DAY}}),
     ZONED, "AAPL", 384),
    ("AAPL.json", json.dumps({"columns": ["open", "close"], "index": [seconds(at) * 1000 for at in DAY], "data": [[1, 2] for _ in DAY]}),
     ZONED, "AAPL", 384),
    ("t.json", json.dumps({"meta": {"symbol": "AAPL", "interval": "1min"}, "values": [
        {"datetime": f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S}", "close": "1"} for at in DAY[::-1]], "status": "ok"}), NY, "AAPL", 384),
    ("c.json", json.dumps([{"ticker": "btcusd", "baseCurrency": "btc", "priceData": [{"date": at.isoformat(), "close": 2} for at in ROUND]}]),
     CRYPTO, "btcusd", 1436),
    ("s.jsonl", "\n".join(json.dumps({"T": "b", "S": "AAPL", "c": 2, "t": at.isoformat()}) for at in DAY), ZONED, "AAPL", 384),
    ("BTC_USDT.json", json.dumps([["1", "3", "2", "2", 9, seconds(at) * 1000 + 45123, "MINUTE_1", seconds(at) * 1000, seconds(at) * 1000 + 59999]
     for at in ROUND]), CRYPTO, "BTC/USDT", 1436),
    ("grid1.csv", lines(DAYS, f"%m/%d/%Y %H:%M,{PRICES}", NEW_YORK, head="Security,AAPL US Equity\nStart Date,3/12/2024\n\nDate,Open,High,Low,Last"),
     NY, "AAPL US Equity", 1152),
    ("data.csv", lines(DAY, OHLC, head="# Symbol: AAPL\n# Exchange: XNAS\ntime,open,high,low,close"), ZONED, "AAPL", 384),
    ("export.csv", lines(DAY, ",,0,2024-03-01T00:00:00Z,2024-03-31T00:00:00Z,%Y-%m-%dT%H:%M:%SZ,100.02,close,AAPL",
     head="#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string\n,result,table,_start,_stop,_time,_value,_field,symbol"),
     ZONED, "AAPL", 384),
    ("AAPL.csv", lines(DAY, f"2024-03-20T08:00:00Z,%Y-%m-%dT%H:%M:%SZ,{PRICES}", head="timestamp,bar,open,high,low,close"), ZONED, "AAPL", 384),
    ("AAPL.csv", lines(DAY, f"%Y-%m-%dT00:00:00,%H:%M:%S,{PRICES}", NEW_YORK, head="Date,Time,Open,High,Low,Close"), NY, "AAPL", 384),
    ("AAPL.csv", lines(DAY, f"%Y,%-m,%-d,%-H,%-M,{PRICES}", head="year,month,day,hour,minute,open,high,low,close"),
     [*ZONED, "--zone", "UTC"], "AAPL", 384),
    ("AAPL.csv", lines(DAY, "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time);1;2;1;2", head="time;open;high;low;close"), ZONED, "AAPL", 384),
    ("AAPL.csv", lines(DAY, f'"%a, %d %b %Y %H:%M:%S GMT",{PRICES}', head="time,open,high,low,close"), ZONED, "AAPL", 384),
    ("AAPL.csv", lines(DAY, f"%d-%b-%y %I:%M %p,{PRICES}", NEW_YORK, head="time,open,high,low,close"), NY, "AAPL", 384),
    ("AAPL.csv", lines(DAY, f"%Y-%b-%d %H:%M:%S,{PRICES}", NEW_YORK, head="time,open,high,low,close"), NY, "AAPL", 384),
    ("AAPL.csv", lines(DAY, "%Y-%m-%dT%H:%M:%SZ^1^2^1^2", head="time^open^high^low^close"), ZONED, "AAPL", 384),
    ("AAPL.txt", lines(DAY, "| %Y-%m-%dT%H:%M:%SZ | 1 | 2 | 1 | 2 |", head="| time | open | high | low | close |\n|---|---|---|---|---|"),
     ZONED, "AAPL", 384),
    ("600519.csv", lines(DAY, "%Y-%m-%dT%H:%M:%SZ,2,2,3,1", head="时间,开盘,收盘,最高,最低").replace("T15:00:00Z,2,2,3,1", "T15:00:00Z,,,,"),
     ZONED, "600519", 383),
    ("AAPL.csv", lines(DAYS[:-5], "%Y-%m-%dT%H:%M:%SZ,999.5", head="time,close") + lines(DAYS[-5:], '%Y-%m-%dT%H:%M:%SZ,"1,000.5"'), ZONED, "AAPL", 1152),
    ("AAPL.csv", lines(DAY, f"%Y-%m-%d,%-H,%-M,{PRICES}", NEW_YORK, head="date,hour,minute,open,high,low,close"), NY, "AAPL", 384),
    ("AAPL.csv", lines(DAY, f"NASDAQ,%Y-%m-%dT%H:%M:%SZ,{PRICES}", head="market,time,open,high,low,close"), ZONED, "AAPL", 384),
    ("x.csv", lines(ROUND, f"coinbase-btc-usd-spot,%Y-%m-%dT%H:%M:%SZ,{PRICES}", head="market,time,open,high,low,close"),
     CRYPTO, "coinbase-btc-usd-spot", 1436),
    ("c.json", json.dumps({"id": 1, "code": 0, "result": {"interval": "M1", "instrument_name": "BTC_USD",
     "data": [{"o": "1", "c": "2", "t": seconds(at) * 1000} for at in ROUND]}}), CRYPTO, "BTC_USD", 1436),
    ("BTC.json", json.dumps({"result": {"status": "ok", **columns(ROUND, ticks=lambda at: seconds(at) * 1000, open=1.0, close=2.0)}}),
     CRYPTO, "BTC", 1436),
    ("AAPL.json", json.dumps({"schema": {"fields": [{"name": "time"}]}, "data": [{"time": at.isoformat(), "open": 1, "close": 2} for at in DAY]}),
     ZONED, "AAPL", 384),
]  # fmt: skip


def checked(path: Path, options: Sequence[str]) -> CheckResult:
    given = {options[n][2:].replace("-", "_"): options[n + 1] for n in range(0, len(options), 2)}
    with duckdb.connect() as connection:
        return check_files(CheckRequest((str(path),), **given), now=NOW, connection=connection)  # type: ignore[arg-type]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(("name", "text", "options", "symbol", "bars"), GOLDEN, ids=lambda value: str(value)[:40])
def test_a_shape(name: str, text: str, options: list[str], symbol: str, bars: int, tmp_path: Path) -> None:  # noqa: PLR0917 (pytest names them)
    """Its symbol, and each of its bars in a session."""
    result = checked(write(tmp_path, name, text), options)
    assert [one.symbol for one in result.listings] == [symbol]
    assert (result.present, result.unexpected, result.duplicates) == (bars, 0, 0)
    assert result.sessions[0].dt in (DAY[0].date(), ROUND[0].date()), "a month was read as a day"


def test_minutes_of_lean_are_told_by_the_files_name(tmp_path: Path) -> None:
    """Milliseconds since midnight, the date in the archive's name, the symbol in the folder's."""
    text = "\n".join(
        f"{(at.astimezone(NEW_YORK).hour * 60 + at.astimezone(NEW_YORK).minute) * 60000},10000,10005,9996,10001,5"
        for at in DAY
    )
    path = tmp_path / "equity" / "usa" / "minute" / "aapl" / "20240312_trade.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("20240312_aapl_minute_trade.csv", text)
    result = checked(path, NY)
    assert [one.symbol for one in result.listings] == ["AAPL"]
    assert result.present == 384


def test_a_table_with_a_column_for_each_symbol(tmp_path: Path) -> None:
    """yfinance for several symbols: a minute without prices is no bar of that symbol."""
    head = "Price,Close,Close,Open,Open\nTicker,AAPL,MSFT,AAPL,MSFT\nDatetime,,,,\n"
    rows = "\n".join(
        f"{at.isoformat(sep=' ')},1,{'' if n == 5 else 2},1,{'' if n == 5 else 2}" for n, at in enumerate(DAY)
    )
    result = checked(write(tmp_path, "data.csv", head + rows), ZONED)
    assert [one.symbol for one in result.listings] == ["AAPL", "MSFT"]
    assert result.present == 384 + 383


def test_columns_of_two_levels_in_parquet(tmp_path: Path) -> None:
    """pandas writes yfinance's columns as `('Open', 'AAPL')`; their order does not matter."""
    for place, (first, second) in enumerate((("Open", "AAPL"), ("AAPL", "Open"))):
        other = (first.replace("AAPL", "MSFT"), second.replace("AAPL", "MSFT"))
        names = [f"('{one}', '{two}')" for one, two in ((first, second), other)]
        table = pa.table({"Datetime": pa.array(DAY), names[0]: [1.0] * 384, names[1]: [None, *[1.0] * 383]})
        pq.write_table(table, tmp_path / f"data{place}.parquet")
        result = checked(tmp_path / f"data{place}.parquet", ZONED)
        assert ([one.symbol for one in result.listings], result.present) == (["AAPL", "MSFT"], 384 + 383)


def test_days_and_clocks_as_whole_numbers_in_parquet(tmp_path: Path) -> None:
    """20240312 and 93000 are what they look like; so are midnights beside times of day."""
    local = [at.astimezone(NEW_YORK) for at in DAY]
    clocks: dict[str, list[object]] = {
        "time": [int(f"{at:%H%M%S}") for at in local],
        "Time": [at.time() for at in local],
    }
    days: dict[str, list[object]] = {"date": [20240312] * 384, "Date": [datetime(2024, 3, 12)] * 384}  # noqa: DTZ001
    for day, clock in zip(days, clocks, strict=True):
        pq.write_table(
            pa.table({day: days[day], clock: clocks[clock], "close": [1.0] * 384}), tmp_path / "AAPL.parquet"
        )
        assert checked(tmp_path / "AAPL.parquet", NY).present == 384


def test_archives_of_many_files(tmp_path: Path) -> None:
    """A tar, packed or not, is as good as a zip."""
    for name, mode in (("bars.tar", "w"), ("bars.tar.gz", "w:gz")):
        with tarfile.open(tmp_path / name, mode) as archive:  # type: ignore[call-overload]
            for symbol in ("AAPL", "MSFT"):
                archive.add(write(tmp_path, f"in/{symbol}.csv", lines(DAY, OHLC)), f"data/{symbol}.csv")
        result = checked(tmp_path / name, ZONED)
        assert ([one.symbol for one in result.listings], result.present) == (["AAPL", "MSFT"], 768)


DAILY: dict[str, Callable[[int], str]] = {
    "a date": lambda day: f"2024-03-{day:02d}",
    "midnight": lambda day: f"2024-03-{day:02d} 00:00:00",
    "midnight UTC": lambda day: f"2024-03-{day:02d}T00:00:00Z",
}


@pytest.mark.parametrize("kind", DAILY)
def test_daily_bars_are_told_that_they_are_daily(kind: str, tmp_path: Path) -> None:
    """They have no minute that could be missing."""
    text = "Date,Open,Close\n" + "".join(f"{DAILY[kind](day)},1,2\n" for day in range(1, 28))
    with pytest.raises(BadInput, match="daily bars"):
        checked(write(tmp_path, "AAPL.csv", text), ZONED)


def test_dates_that_may_be_either_are_refused_with_both_options(tmp_path: Path) -> None:
    """The 3rd of December or the 12th of March: only a person knows."""
    path = write(tmp_path, "IBM.txt", lines(DAY, f"%m/%d/%Y,%H:%M,{PRICES}", NEW_YORK))
    with pytest.raises(BadInput, match="--dates month-first or --dates day-first"):
        checked(path, NY)
    assert checked(path, [*NY, "--dates", "month-first"]).present == 384


ODD = ("M&M", "NQ1!", "$SPX", "#AAPL", "BRK.B", "^GSPC", "O'X", 'A"B')


def test_odd_symbols_are_checked_under_their_own_names(tmp_path: Path) -> None:
    """Nothing of them reaches SQL as text."""
    rows = "".join(f"%Y-%m-%dT%H:%M:%SZ;{name};1\n" for name in ODD)
    text = "time;symbol;close\n" + "".join(f"{at:{rows}}" for at in DAY)
    result = checked(write(tmp_path, "x.csv", text), ZONED)
    assert [one.symbol for one in result.listings] == sorted(ODD)
    assert result.present == 384 * len(ODD)
