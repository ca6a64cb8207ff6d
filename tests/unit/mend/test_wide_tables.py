"""A column for each symbol, in whatever spelling: each is looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from minutemend.core.errors import BadInput

from tests.unit.mend.test_bar_shapes import DAY, ZONED, checked, columns, lines, write

TIME = "%Y-%m-%dT%H:%M:%SZ"
HEADS: list[tuple[str, list[str]]] = [
    ("aapl,msft", ["aapl", "msft"]),
    ("AAPL,msft", ["AAPL", "msft"]),
    ("Apple,Microsoft", ["Apple", "Microsoft"]),
    ("AAPL US Equity,MSFT US Equity", ["AAPL US Equity", "MSFT US Equity"]),
    ("NASDAQ:AAPL,NASDAQ:MSFT", ["NASDAQ:AAPL", "NASDAQ:MSFT"]),
    ("6758,7203", ["6758", "7203"]),
    ("NIFTY 50,NIFTY BANK", ["NIFTY 50", "NIFTY BANK"]),
    ("BAJAJFINANCE.NS12,RELIANCE.NS", ["BAJAJFINANCE.NS12", "RELIANCE.NS"]),
    ("btc/usdt,eth/usdt", ["btc/usdt", "eth/usdt"]),
    ("aapl_close,msft_close", ["aapl", "msft"]),
    ("Close_AAPL,Close_MSFT", ["AAPL", "MSFT"]),
    ("Close AAPL,Close MSFT", ["AAPL", "MSFT"]),
    ("close(AAPL),close(MSFT)", ["AAPL", "MSFT"]),
    ("price_btc,price_eth", ["btc", "eth"]),
    ("adj_close_aapl,adj_close_msft", ["aapl", "msft"]),
    ("\"('Close', 'AAPL')\",\"('Close', 'MSFT')\"", ["AAPL", "MSFT"]),
    ("ALL,CME", ["ALL", "CME"]),
]


@pytest.mark.parametrize(("head", "symbols"), HEADS)
def test_each_column_is_a_symbol(head: str, symbols: list[str], tmp_path: Path) -> None:
    """The last one lacks a minute."""
    text = lines(DAY, f"{TIME},100.5,150.5", head=f"time,{head}").replace("13:40:00Z,100.5,150.5", "13:40:00Z,100.5,")
    result = checked(write(tmp_path, "closes.csv", text), ZONED)
    assert [one.symbol for one in result.listings] == symbols
    assert [(gap.symbol, gap.minutes) for gap in result.gaps if gap.minutes == 1] == [
        (symbols[0], 1),
        (symbols[1], 1),
        (symbols[1], 1),
    ]


MIXED: list[tuple[str, str, list[str]]] = [
    ("AAPL,LOW,MSFT", "1.5,2.5,3.5", ["AAPL", "LOW", "MSFT"]),  # a share of this name
    ("AAPL,DAY,S,SYM", "1.5,2.5,3.5,4.5", ["AAPL", "DAY", "S", "SYM"]),
    ("aapl,msft,flow", "1.5,2.5,3.5", ["aapl", "flow", "msft"]),
    ("btc,eth,sol,xrp", "100.5,300.5,50.5,200.5", ["btc", "eth", "sol", "xrp"]),  # the second is the highest
    ("es1a,es2a,es3a,es4a,es5a,es6a,es7a", "100.1,100.4,99.9,100.2,101.5,98.5,99.5", [f"es{n}a" for n in range(1, 8)]),
    ("aapl,,msft,note", "1.5,7,2.5,late", ["aapl", "msft"]),
    ("aapl_close,aapl_volume,msft_close,total_volume", "1.5,7,2.5,9", ["aapl", "msft"]),
]


@pytest.mark.parametrize(("head", "row", "symbols"), MIXED)
def test_names_of_values_do_not_hide_symbols(head: str, row: str, symbols: list[str], tmp_path: Path) -> None:
    result = checked(write(tmp_path, "closes.csv", lines(DAY, f"{TIME},{row}", head=f"time,{head}")), ZONED)
    assert ([one.symbol for one in result.listings], result.present) == (symbols, 384 * len(symbols))


ONE = [
    ("open,high,low,close,rsi,sma", "1,2,1,2,5,6"),
    ("bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close", "1,2,1,2,1,2,1,2"),
    ("openprice,highprice,lowprice,closeprice", "1.5,1.6,1.4,1.5"),
    ("mark_price,index_price", "1.5,1.6"),
    ("vwap,n", "1.5,7"),
    ("开盘,收盘", "1.5,1.6"),
]


@pytest.mark.parametrize(("head", "row"), ONE)
def test_values_of_a_bar_are_no_symbols(head: str, row: str, tmp_path: Path) -> None:
    result = checked(write(tmp_path, "AAPL.csv", lines(DAY, f"{TIME},{row}", head=f"time,{head}")), ZONED)
    assert ([one.symbol for one in result.listings], result.present) == (["AAPL"], 384)


def test_values_by_no_known_name_may_be_symbols(tmp_path: Path) -> None:
    path = write(tmp_path, "SAP.csv", lines(DAY, f"{TIME},1.5,1.6", head="time,eroeffnung,tief"))
    with pytest.raises(BadInput, match="may be values of SAP, or symbols: --symbol SAP would say the first"):
        checked(path, ZONED)
    assert checked(path, [*ZONED, "--symbol", "SAP"]).present == 384


def test_wide_tables_in_parquet_and_json(tmp_path: Path) -> None:
    table = columns(DAY, time=lambda at: at, aapl=1.5, msft=lambda at: None if at == DAY[5] else 2.5)
    pq.write_table(pa.table(table), tmp_path / "closes.parquet")
    rows = [{"time": f"{at:{TIME}}", "aapl": 1.5, "msft": None if at == DAY[5] else 2.5} for at in DAY]
    write(tmp_path, "closes.json", json.dumps(rows))
    for name in ("closes.parquet", "closes.json"):
        result = checked(tmp_path / name, ZONED)
        assert ([one.symbol for one in result.listings], result.present) == (["aapl", "msft"], 767)
