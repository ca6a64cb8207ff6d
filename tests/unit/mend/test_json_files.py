"""JSON: nothing that a document names or holds is left out in silence, and an odd one costs itself alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mend.commands.check import command

OPEN = datetime(2024, 3, 12, 13, 30, tzinfo=UTC)
ROWS = [
    {"t": f"{OPEN + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ}", "o": 100 + n % 7, "h": 120, "l": 80, "c": 101, "v": n}
    for n in range(390)
]
OTHER = [{**row, "o": 90} for row in ROWS]
LISTS = [list(row.values()) for row in ROWS]
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}
BY_TIME = {str(row["t"]): row for row in ROWS}
SPLIT = {"columns": list("ohlcv"), "index": COLUMNS["t"], "data": [row[1:] for row in LISTS]}
BARE = [{"t": row["t"], "v": 0} if n in (0, 1, 200) else row for n, row in enumerate(ROWS)]


def put(folder: Path, files: dict[str, Any]) -> None:
    """Documents, and lines where the value is several under the name of lines."""
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if isinstance(value, bytes):
            path.write_bytes(value)
        else:
            path.write_text("\n".join(map(json.dumps, value)) if name.endswith("l") else json.dumps(value))


def check(path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(command, [str(path), "--calendar", "XNYS", "--format", "json", *options])
    assert done.exit_code in (0, 1), done.output
    return done.exit_code, json.loads(done.stdout)


NAMED = [
    {"bars": {"AAPL": ROWS, "MSFT": []}},
    {"bars": {"AAPL": ROWS, "MSFT": None}},
    {"bars": {"AAPL": ROWS, "MSFT": [None, None]}},
    {"AAPL": BY_TIME, "MSFT": {}},
    {"AAPL": {"bars": ROWS}, "MSFT": {"bars": []}},
    {"AAPL": COLUMNS, "MSFT": {"t": [], "c": []}},
    [{"symbol": "AAPL", "bars": ROWS}, {"symbol": "MSFT", "bars": []}],
    [{"symbol": "MSFT", "bars": []}, {"symbol": "AAPL", "bars": ROWS}],
    [{"ticker": "AAPL", "results": ROWS}, {"ticker": "MSFT", "status": "OK", "resultsCount": 0}],
    [{"AAPL": ROWS}, {"MSFT": []}],
    {"AAPL": ROWS, "MSFT": "not found"},
    {"AAPL": ROWS, "MSFT": False},
    {"AAPL": {**COLUMNS, "s": "ok"}, "MSFT": {"s": "no_data"}},
    {"AAPL": ROWS, "MSFT": [], "S": "ok"},
]


WRITTEN = [
    {"aapl": ROWS, "msft": []},
    {"bars": {"aapl": ROWS, "msft": None}},
    {"aapl": LISTS, "msft": "no data"},
    {"aapl": ROWS, "msft": {"error": "not found"}},
    {"aapl": BY_TIME, "msft": {}},
    {"aapl": COLUMNS, "msft": {"t": [], "c": []}},
    {"aapl": {"bars": ROWS}, "msft": {"bars": []}},
    {"aapl": {"bars": ROWS}, "msft": {"bars": []}, "next_page_token": None, "count": 390},
    {"AAPL": ROWS, "msft": []},
    [{"aapl": ROWS}, {"msft": []}],
]


@pytest.mark.parametrize("document", WRITTEN)
def test_a_symbol_may_be_written_in_small_letters(document: Any, tmp_path: Path) -> None:
    """The file's name would say whose bars these are, if its keys did not."""
    put(tmp_path, {"AAPL.json": document})
    code, found = check(tmp_path)
    assert (code, found["missing"]) == (1, 0)
    assert found["unplaced"] == [f"msft: {tmp_path / 'AAPL.json'} names it and has no bar of it"]


@pytest.mark.parametrize(
    ("full", "empty"),
    [
        ("600519", "000001"),
        ("T", "F"),
        ("tBTCUSD", "tETHUSD"),
        ("aapl.us", "brk-b.us"),
        ("Apple Inc", "Microsoft"),
        ("AAPL US Equity", "SPX Index"),
    ],
)
def test_a_symbol_may_be_a_code(full: str, empty: str, tmp_path: Path) -> None:
    put(tmp_path, {"x.json": {full: ROWS, empty: []}, "y.json": {full: ROWS, empty: OTHER[1:]}})
    said = f"{empty}: {tmp_path / 'x.json'} names it and has no bar of it"
    assert check(tmp_path / "x.json")[1]["unplaced"] == [said]
    _, found = check(tmp_path / "y.json")
    assert (found["symbols"], found["missing"], [gap["symbol"] for gap in found["gaps"]]) == (2, 1, [empty])


@pytest.mark.parametrize("document", NAMED)
def test_a_symbol_that_is_named_without_bars_was_not_looked_at(document: Any, tmp_path: Path) -> None:
    put(tmp_path, {"x.json": document})
    code, found = check(tmp_path / "x.json")
    assert (code, found["whole"], found["symbols"], found["missing"]) == (1, False, 1, 0)
    assert found["unplaced"] == [f"MSFT: {tmp_path / 'x.json'} names it and has no bar of it"]
    assert check(tmp_path, "--symbols", "AAPL")[0] == 0


def test_lines_may_be_responses(tmp_path: Path) -> None:
    """With those of which nothing came. (Found by a stranger: a line that was never written was shown.)"""
    answers = [{"symbol": "AAPL", "bars": ROWS}, {"symbol": "MSFT", "bars": OTHER[:300]}, {"symbol": "IBM", "bars": []}]
    put(tmp_path, {"x.jsonl": [*answers, {"symbol": "SPY", "error": "not found"}]})
    code, found = check(tmp_path)
    assert (code, found["symbols"], found["missing"]) == (1, 2, 90)
    assert [one.split(":")[0] for one in found["unplaced"]] == ["IBM", "SPY"]


@pytest.mark.parametrize("around", [lambda one: one, lambda one: {"bars": one}])
def test_columns_of_several_symbols_are_several_tables(around: Any, tmp_path: Path) -> None:
    """The columns of the first were read alone."""
    few = {name: [row[name] for row in OTHER[:300]] for name in COLUMNS}
    put(tmp_path, {"x.json": around({"AAPL": COLUMNS, "MSFT": few})})
    code, found = check(tmp_path)
    assert (code, found["symbols"], [gap["symbol"] for gap in found["gaps"]]) == (1, 2, ["MSFT"])


@pytest.mark.parametrize("key", ["next_page_token", "next_url", "next_page", "nextPageToken"])
def test_the_last_page_says_that_no_more_follow(key: str, tmp_path: Path) -> None:
    pages = {
        "page1.json": {"bars": {"AAPL": ROWS, "MSFT": OTHER[:100]}, key: "x"},
        "page2.json": {"bars": {"MSFT": OTHER[100:200]}, key: "y"},
        "page3.json": {"bars": {"MSFT": OTHER[200:]}, key: None},
    }
    put(tmp_path, pages)
    assert check(tmp_path)[0] == 0
    put(tmp_path, {"page3.json": {"bars": {"MSFT": OTHER[200:]}, key: "z"}})
    code, found = check(tmp_path)
    assert (code, found["missing"], len(found["unplaced"])) == (1, 0, 1)
    assert "page3.json: more pages follow" in found["unplaced"][0]


def test_a_page_in_the_middle_is_missed(tmp_path: Path) -> None:
    """With the symbols that it alone holds. Of the pages that have the newest bars first, the next one goes back."""
    put(tmp_path, {"p1.json": {"bars": {"AAPL": ROWS}, "next_page_token": "x"}, "p3.json": {"bars": {"SPY": OTHER}}})
    assert "p1.json: more pages follow" in check(tmp_path)[1]["unplaced"][0]
    down = ROWS[::-1]
    put(tmp_path, {"p1.json": {"bars": {"AAPL": down[:99]}, "next_url": "x"}, "p2.json": {"bars": {"AAPL": down[99:]}}})
    assert check(tmp_path)[0] == 0


def test_pages_may_be_lines(tmp_path: Path) -> None:
    pages = [{"symbol": "AAPL", "bars": ROWS[:99], "next_url": "x"}, {"symbol": "AAPL", "bars": ROWS[99:]}]
    put(tmp_path, {"AAPL.jsonl": pages})
    assert check(tmp_path)[0] == 0
    put(tmp_path, {"AAPL.jsonl": [{**pages[0], "bars": ROWS}, {"symbol": "SPY", "bars": OTHER}]})
    assert check(tmp_path)[0] == 1


@pytest.mark.parametrize("name", ["AAPL.json", "AAPL.ndjson"])
def test_the_columns_are_those_of_all_records(name: str, tmp_path: Path) -> None:
    """The first record has a time and a volume alone."""
    put(tmp_path, {name: BARE})
    code, found = check(tmp_path)
    assert (code, found["missing"], len(found["gaps"])) == (1, 3, 2)


def test_a_line_that_is_no_json_may_have_been_a_bar(tmp_path: Path) -> None:
    put(tmp_path, {"AAPL.jsonl": ("\n".join(map(json.dumps, ROWS)) + '\n{"t": "2024-03-13T13:3').encode()})
    code, found = check(tmp_path)
    assert (code, found["missing"]) == (1, 0)
    assert "AAPL.jsonl: 1 line of no JSON" in found["unplaced"][0]


ODD = {
    "null": [*ROWS[:25], None, *ROWS[26:]],
    "an early null": [*ROWS[:5], None, *ROWS[6:]],
    "a number": [*ROWS[:25], 5, *ROWS[26:]],
    "a text": [*ROWS[:5], "bar", *ROWS[6:]],
    "nothing": [*ROWS[:5], {}, *ROWS[6:]],
    "null among lists": [*LISTS[:25], None, *LISTS[26:]],
    "null at a time": {**BY_TIME, str(ROWS[25]["t"]): None},
    "null at the first time": {**BY_TIME, str(ROWS[0]["t"]): None},
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_row_costs_its_minute(name: str, tmp_path: Path) -> None:
    put(tmp_path, {"AAPL.json": ODD[name]})
    code, found = check(tmp_path)
    assert (code, found["missing"], found["unread"]) == (1, 1, [])


REFUSED = {
    "its column t has 390 entries and c 300": {**COLUMNS, "c": COLUMNS["c"][:300]},
    "its column t has 390 entries and c 0": {**COLUMNS, "c": []},
    "its column t has 300 entries and o 390": {**COLUMNS, "t": COLUMNS["t"][:300]},
    "its column t has 390 entries and MSFT 300": {"t": COLUMNS["t"], "AAPL": COLUMNS["o"], "MSFT": COLUMNS["o"][:300]},
    "its index has 390 entries and its data 389 rows": {**SPLIT, "data": SPLIT["data"][:-1]},
    "row 390 of its data has 1 cell,": {**SPLIT, "data": [*SPLIT["data"][:-1], [1]]},
    "row 1 of its data has 0 cells,": {**SPLIT, "data": [None, *SPLIT["data"][1:]]},
    "some of its rows are objects and others lists": [*ROWS[:200], *LISTS[200:]],
    "others lists": [*LISTS[:200], *ROWS[200:]],
    "it is JSON without rows": {"columns": 1, "index": 2, "data": 3, "bars": []},
    "JSON without rows": {"schema": {}, "data": 5, "candles": []},
    "without rows": {"schema": {}, "data": [1, 2, 3], "results": []},
    "it is nested too deeply": b"[" * 100_000,
    "nested too deeply": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_document_that_cannot_be_read_costs_itself(why: str, tmp_path: Path) -> None:
    put(tmp_path, {"AAPL.json": ROWS, "MSFT.json": REFUSED[why]})
    code, found = check(tmp_path)
    assert (code, found["symbols"], found["missing"]) == (1, 1, 0)
    assert [Path(one["file"]).name for one in found["unread"]] == ["MSFT.json"]
    assert why in found["unread"][0]["why"]


@pytest.mark.parametrize("name", ["AAPL.json", "AAPL.jsonl"])
def test_json_may_be_latin_1(name: str, tmp_path: Path) -> None:
    """As CSV may; two names that differ in such a letter stay two."""
    rows = [{**row, "symbol": symbol} for symbol in ("Nestlé", "Nestlè") for row in ROWS]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    put(tmp_path, {name: (text if name.endswith("l") else f"[{text.replace(chr(10), ',')}]").encode("latin-1")})
    code, found = check(tmp_path)
    assert (code, found["symbols"]) == (0, 2)


def test_half_a_letter_is_no_fault_of_the_rows(tmp_path: Path) -> None:
    put(tmp_path, {"x.json": [{**row, "symbol": symbol} for symbol in ("A\ud800", "A\ud801") for row in ROWS]})
    code, found = check(tmp_path)
    assert (code, found["symbols"]) == (0, 2)


NOTHING = [
    {"bars": {"AAPL": []}, "next_page_token": None},
    {"bars": {"AAPL": [], "MSFT": []}},
    {"result": {"candles": []}},
    [{"symbol": "AAPL", "data": []}, {"symbol": "MSFT", "data": []}],
]


@pytest.mark.parametrize("document", NOTHING)
def test_a_response_without_a_bar_is_missed(document: Any, tmp_path: Path) -> None:
    """Beside that of another day, and as an empty file is."""
    put(tmp_path, {"12.json": {"bars": {"AAPL": ROWS}}, "13.json": document})
    code, found = check(tmp_path)
    assert (code, found["missing"], [Path(one["file"]).name for one in found["unread"]]) == (1, 0, ["13.json"])


SEEN = [
    {"request": {"params": {"symbol": "AAPL", "limit": None}}, "data": ROWS},
    {"ticker": "AAPL", "meta": {"symbol": "AAPL", "ranges": [1, 2]}, "results": ROWS, "next_url": None},
    {"range": ["1d", "5d"], "numbers": {"used": [1, 2]}, **COLUMNS},
    [{**row, "conditions": ["@"] if n % 3 else []} for n, row in enumerate(ROWS)],
    [{**row, "trades": [{"p": 1, "s": 2}]} for row in ROWS],
    {"bars": ROWS, "errors": []},
    {"intradayBars": ROWS, "splits": [], "requestId": "x"},
    {"fills": ROWS, "provider": "x", "live": True},
    {"2024": ROWS, "2025": []},
    {"1m": ROWS, "5m": []},
    {"rth": ROWS, "overnight": []},
    {"AAPL": ROWS, "TZ": "UTC", "COUNT": 390},
    {"DATA": COLUMNS, "META": {"currency": "USD"}},
]


@pytest.mark.parametrize("document", SEEN)
def test_what_lies_beside_the_bars_is_none(document: Any, tmp_path: Path) -> None:
    put(tmp_path, {"AAPL.json": document})
    code, found = check(tmp_path)
    assert (code, found["expected"], found["unplaced"]) == (0, 390, [])
