"""Whose bars a file holds, by its name."""

from __future__ import annotations

import pytest

from mend.bars.names import day_of, symbol_of, symbols_of

NAMES = {
    "AAPL.csv": "AAPL",
    "AAPL_1min.csv": "AAPL",
    "AAPL_M1.csv": "AAPL",
    "AAPL_full_1min_adjsplit.txt": "AAPL",
    "7203.T.csv": "7203.T",
    "600519.csv": "600519",
    "0700.HK_5m.parquet": "0700.HK",
    "BRK.B.csv": "BRK.B",
    "BRK-B_1min.csv": "BRK-B",
    "^GSPC.csv": "^GSPC",
    "BTCUSDT-1m-2024-02-05.csv": "BTCUSDT",
    "BTCUSDT-1m-2024-02.zip/BTCUSDT-1m-2024-02.csv": "BTCUSDT",
    "XBTUSD_1.csv": "XBTUSD",
    "ETH_BTC-1m.feather": "ETH/BTC",
    "BTC_USDT_USDT-1m-futures.feather": "BTC/USDT:USDT",
    "binance_BTC-USDT_1m.csv": "BTC-USDT",
    "Bitstamp_BTCUSD_2024_minute.csv": "BTCUSD",
    "EURUSD_M1_202402050000_202402052359.csv": "EURUSD",
    "DAT_ASCII_EURUSD_M1_2024.csv": "EURUSD",
    "NASDAQ_AAPL, 1.csv": "AAPL",
    "BATS_MSFT, 1_3b0f2.csv": "MSFT",
    "AAPL/2024-03-12.csv": "AAPL",
    "lake/symbol=BTC%2FUSD/part-0.parquet": "BTC/USD",
    "lake/symbol=__HIVE_DEFAULT_PARTITION__/part-0.parquet": None,
    "AAPL/year=2024/month=3/9f3c1b2a.parquet": "AAPL",
    "lake/stock=AAPL/year=2024/part-0.parquet": "AAPL",
    "lake/security=AAPL/part-0.parquet": "AAPL",
    "lake/ticker_symbol=AAPL/part-0.parquet": "AAPL",
    "lake/instrument_id=AAPL/part-0.parquet": "AAPL",
    "lake/s=aapl/part-0.parquet": "aapl",
    "lake/symbol=AAPL/asset=stocks/part-0.parquet": "AAPL",
    "lake/contract=perp/part-0.parquet": None,
    "lake/security=equity/AAPL_1min.parquet": "AAPL",
    "lake/market=us/part-0.parquet": None,
    "lake/year=2024/AAPL_1min.parquet": "AAPL",
    "AAPL/part-00001-1f3c9a2e-c000.csv": "AAPL",
    "NIFTY 50_minute.csv": "NIFTY 50",
    "NIFTY BANK_minute.csv": "NIFTY BANK",
    "AAPL 30 min.csv": "AAPL",
    "AAPL 2024.csv": "AAPL",
    "ES 03-24.Last.txt": "ES 03-24",
    "ESH24-CME.scid_BarData.txt": "ESH24",
    "EURUSD1.csv": "EURUSD",
    "eurusd-m1-bid-2024-02-05-2024-02-06.csv": "eurusd",
    "AAPL.arrows": "AAPL",
    "data.csv": None,
    "2024-03-12.csv.gz": None,
    "2024.csv": None,
    "bars/part-0001.parquet": None,
    "standard input": None,
}


@pytest.mark.parametrize(("path", "symbol"), NAMES.items())
def test_the_symbol_of_a_name(path: str, symbol: str | None) -> None:
    assert symbol_of(path) == symbol


def test_the_day_of_a_path() -> None:
    """One date, or none: that a folder was made on is none."""
    assert day_of("equity/usa/minute/aapl/20240312_trade.zip") == "2024-03-12"
    assert day_of("a/2024-03-12/2024-03-13.csv") is None
    assert day_of("AAPL.csv") is None
    for name in (
        "2024-03-12/AAPL.csv",
        "date=2024-03-12/AAPL.csv",
        "20240312_aapl.zip/bars.csv",
        "x/AAPL_20240312.csv",
    ):
        assert day_of(name) == "2024-03-12"
    assert day_of("backup_2024-03-14/AAPL.csv") is None  # (found by a stranger: whole)
    assert day_of("backup_2024-03-14/AAPL_2024-03-12.csv") == "2024-03-12"


def test_a_word_beside_symbols_is_one() -> None:
    """Allstate, Spotify and CME Group are called as words are. (Found by a stranger: they refused the whole folder, or
    took the folder's name.)"""
    paths = [f"SP500/{name}.csv" for name in ("AAPL", "ALL", "CME", "SPOT", "BRK.B")]
    assert list(symbols_of(paths).values()) == ["AAPL", "ALL", "CME", "SPOT", "BRK.B"]
    assert symbols_of(["SP500/AAPL.csv", "SP500/readme.csv"])["SP500/readme.csv"] == "readme"
    assert symbols_of(["MSFT/DATA.csv", "AAPL/DATA.csv"]) == {"MSFT/DATA.csv": "MSFT", "AAPL/DATA.csv": "AAPL"}
    assert symbols_of(["x/DATA.csv"]) == {"x/DATA.csv": None}
