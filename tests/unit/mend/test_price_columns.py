"""Prices under names that are not known are looked at: a row without one is no bar."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from minutemend.core.errors import BadInput

from tests.unit.mend.test_bar_shapes import DAY, ZONED, checked, lines, write

TIME = "%Y-%m-%dT%H:%M:%SZ"


def holed(row: str, head: str, without: str) -> str:
    """A table of which ten rows are `without`."""
    full, bare = (lines(DAY, f"{TIME},{one}", head=f"time,{head}").splitlines() for one in (row, without))
    return "\n".join(bare[n] if 50 <= n < 60 else full[n] for n in range(len(full)))


ONE = ["PX_LAST", "ltp", "mid", "rate", "value", "kurs", "closeprice", "2", "Adj Close", "what"]


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("without", ["", "nan", "-", "#N/A N/A"])
def test_one_column_of_numbers_is_the_price(name: str, without: str, tmp_path: Path) -> None:
    path = write(tmp_path, "AAPL.csv", holed("100.03", name, without))
    assert checked(path, ZONED).present == 374


SEVERAL = [
    ("100.1,100.0,99.9,100.2,970", "Schluss,Eroeffnung,Tief,Hoch,Umsatz", "nan,nan,nan,nan,970"),
    ("100.03,100.05", "bid,ask", "100.03,"),  # who lacks one side has no price to trade at
    ("100.03,100.05,7", "Adj Close,vwap,trades", "100.03,,7"),
    ("100.03,150.2,7", "aapl,msft,volume", "100.03,,7"),
    ("1.1,2.1,3.1,4.1", "AAPL,MSFT,O,C", "1.1,,3.1,4.1"),
    ("100.1,100.4,99.9,100.2,101.5", "esh4,esm4,esu4,esz4,esh5", "100.1,100.4,99.9,100.2,"),  # they lie as a bar's do
]


@pytest.mark.parametrize(("row", "head", "without"), SEVERAL)
def test_a_row_fills_every_column_that_may_be_a_price(row: str, head: str, without: str, tmp_path: Path) -> None:
    result = checked(write(tmp_path, "closes.csv", holed(row, head, without)), ZONED)
    assert ([one.symbol for one in result.listings], result.present) == (["closes"], 374)


@pytest.mark.parametrize("head", ["px", "close"])
def test_a_column_of_prices_that_is_empty_holds_no_bar(head: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="384 rows without a price that can be read"):
        checked(write(tmp_path, "SAP.csv", lines(DAY, f"{TIME},", head=f"time,{head}")), ZONED)


@pytest.mark.parametrize("head", ["v", "Volume", "trades"])
def test_a_table_without_a_price_is_refused(head: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=rf"no column of it holds a price, beside its time \({head}\)"):
        checked(write(tmp_path, "SAP.csv", lines(DAY, f"{TIME},5", head=f"time,{head}")), ZONED)


def test_a_list_of_times_says_that_no_price_was_looked_at(tmp_path: Path) -> None:
    result = checked(write(tmp_path, "x.csv", lines(DAY, f"{{n}},AAPL,{TIME}", head=",symbol,minute")), ZONED)
    assert result.present == 384
    assert any("no column holds a price: each time counts as a bar" in line for line in result.said)


def test_what_stands_beside_known_prices_may_be_empty(tmp_path: Path) -> None:
    """An average needs some bars before it."""
    path = write(tmp_path, "AAPL.csv", holed("1,2,1,2,1.5", "open,high,low,close,sma_20", "1,2,1,2,"))
    assert checked(path, ZONED).present == 384


@pytest.mark.parametrize("between", [",\n", "\n"])
def test_the_first_record_need_not_have_each_price(between: str, tmp_path: Path) -> None:
    """It has a volume alone, as two more have: they are no bars. (Found by a stranger: whole.)"""
    bars = [
        {"t": f"{at:{TIME}}", "v": 5} | ({} if n in (0, 7, 8) else {"o": 1.5, "c": 1.5}) for n, at in enumerate(DAY)
    ]
    text = between.join(map(json.dumps, bars))
    assert checked(write(tmp_path, "AAPL.json", f"[{text}]" if "," in between else text), ZONED).present == 381
