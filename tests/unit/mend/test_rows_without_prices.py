"""A row that is no bar, for it was cut off or has no price, is missed: nothing is whole by leaving it out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mend.commands.check import command

OPEN = datetime(2025, 11, 4, 14, 30, tzinfo=UTC)
HEAD = "time,open,high,low,close,volume"
NEXT = OPEN + timedelta(days=1)


def bar(at: datetime, values: str = "101.1,101.2,100.9,101.15,120") -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ},{values}"


SESSION = [bar(OPEN + timedelta(minutes=n)) for n in range(390)]


def check(folder: Path, rows: list[str], *options: str, head: str = HEAD) -> tuple[int, dict[str, Any]]:
    path = folder / "IBM.csv"
    path.write_text("\n".join([head, *rows]))
    done = CliRunner().invoke(command, [str(path), "--calendar", "XNYS", "--format", "json", *options])
    return done.exit_code, json.loads(done.stdout)


@pytest.mark.parametrize("cut", ["101.1,101.2,100.9,101", "101.1,101.2,100.9,1", "101.1,101.2,100.9,101.15"])
@pytest.mark.parametrize("at", [200, 389])
def test_a_row_that_was_cut_off_is_no_bar(cut: str, at: int, tmp_path: Path) -> None:
    """Its last value may be a part of one, though all prices are numbers."""
    rows = [*SESSION]
    rows[at] = bar(OPEN + timedelta(minutes=at), cut)
    code, found = check(tmp_path, rows)
    assert (code, found["missing"], found["gaps"][0]["minutes"]) == (1, 1, 1)
    assert found["left_out"] == {"with fewer cells than the others": 1}


def test_a_file_that_leaves_out_cells_by_habit_is_read(tmp_path: Path) -> None:
    """Every tenth row ends after the close: it is how this file says that no volume is known."""
    rows = [row.rpartition(",")[0] if n % 10 == 0 else row for n, row in enumerate(SESSION)]
    code, found = check(tmp_path, rows)
    assert (code, found["missing"], found["left_out"]) == (0, 0, {})


def test_rows_may_end_with_a_delimiter_or_not(tmp_path: Path) -> None:
    rows = [row if n == 7 else f"{row}," for n, row in enumerate(SESSION)]
    assert check(tmp_path, rows, head=f"{HEAD},")[0] == 0


NOTHING = [",,,,", "nan,nan,nan,nan,0", "0,0,0,0,0", "NULL,NULL,NULL,NULL,", "inf,inf,inf,inf,1", ""]


@pytest.mark.parametrize("values", ["abc,100,100,100,5", "-,-,-,-,5", "101.1,,,,", "101.1", *NOTHING])
def test_the_files_reach_to_their_last_row(values: str, tmp_path: Path) -> None:
    """A row of the next session has no price that can be read: that session is looked at, and is missing."""
    code, found = check(tmp_path, [*SESSION, bar(NEXT, values)])
    assert (code, found["expected"], found["missing"], found["sessions"]) == (1, 780, 390, 2)
    assert check(tmp_path, [*SESSION, bar(NEXT, values)], "--start", "2025-11-04")[0] == 0


def test_times_without_a_zone_reach_as_far(tmp_path: Path) -> None:
    rows = [row.replace("Z", "") for row in [*SESSION, bar(NEXT, "-,-,-,-,")]]
    assert check(tmp_path, rows, "--zone", "UTC")[1]["missing"] == 390


def test_a_right_edge_at_midnight_reaches_into_no_new_day(tmp_path: Path) -> None:
    """The row named 00:00 is the last minute of the day before."""
    day = datetime(2025, 11, 4, tzinfo=UTC)
    rows = [bar(day + timedelta(minutes=n)) for n in range(1, 1440)] + [bar(day + timedelta(days=1), "-,-,-,-,")]
    code, found = check(tmp_path, rows, "--calendar", "24/7", "--label", "right")
    assert (code, found["expected"], found["missing"]) == (1, 1440, 1)


def test_bars_off_the_minute_reach_as_far(tmp_path: Path) -> None:
    """The second day is named by the last second of each minute: none of its minutes is there."""
    rows = [bar(NEXT + timedelta(minutes=n, seconds=59)) for n in range(390)]
    assert check(tmp_path, [*SESSION, *rows])[1]["missing"] == 390


@pytest.mark.parametrize("day", [OPEN, NEXT])
def test_a_panel_expects_what_it_has_rows_of(day: datetime, tmp_path: Path) -> None:
    """A feed that died for one symbol, as a frame is filled up: its rows are there, without a price. A symbol that was
    not listed then is told by a file of closures."""
    rows = [f"{row},IBM" for row in SESSION] + [f"{bar(day + timedelta(minutes=n), ',,,,')},MSFT" for n in range(390)]
    rows += [f"{row},MSFT" for row in SESSION if day != OPEN]
    code, found = check(tmp_path, rows, head=f"{HEAD},symbol")
    assert (code, found["symbols"], found["missing"]) == (1, 2, 390)
    assert found["left_out"] == {"without a price that can be read": 390}


def test_a_wide_table_expects_what_it_has_rows_of(tmp_path: Path) -> None:
    rows = [f"{OPEN + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},1.5,2.5" for n in range(390)]
    rows += [f"{NEXT + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},1.5," for n in range(390)]
    (tmp_path / "closes.csv").write_text("\n".join(["time,AAA,BBB", *rows]))
    done = CliRunner().invoke(command, [str(tmp_path), "--calendar", "XNYS", "--format", "json"])
    assert [(gap["symbol"], gap["minutes"]) for gap in json.loads(done.stdout)["gaps"]] == [("BBB", 390)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("2025-11-05T", "05/11/2025 "), "without a time after 1970 that can be read"),
        (("2025-11-05T", "1925-11-05T"), "without a time after 1970 that can be read"),
        ((",IBM", ","), "without a symbol"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--fail-under", "50")])
def test_bars_of_no_known_place_make_nothing_whole(
    change: tuple[str, str], why: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    """The second day is written otherwise. (Found by a stranger: whole, and half of the bars were left out.)"""
    rows = [f"{row},IBM" for row in SESSION]
    rows += [row.replace("2025-11-04T", "2025-11-05T").replace(*change) for row in rows]
    code, found = check(tmp_path, rows, *options, head=f"{HEAD},symbol")
    assert (code, found["whole"], found["missing"], found["left_out"]) == (1, False, 0, {why: 390})
    assert "IBM.csv" in found["unplaced"][0]
    assert f"390 bars {why}" in found["unplaced"][0]
    shown = CliRunner().invoke(command, [str(tmp_path), "--calendar", "XNYS"]).stdout
    assert "not all looked at" in shown
    assert "390 bars" in shown


def test_lines_of_text_are_no_bars(tmp_path: Path) -> None:
    """The header again, and a foot: they have no time, and no price."""
    code, found = check(tmp_path, [*SESSION[:100], HEAD, *SESSION[100:], "Total,,,,,39000"])
    assert (code, found["whole"], found["unplaced"]) == (0, True, [])


def test_a_symbol_of_which_no_price_can_be_read_is_missing(tmp_path: Path) -> None:
    rows = [f"{row},IBM" for row in SESSION]
    rows += [f"{bar(OPEN + timedelta(minutes=n), '-,-,-,-,')},MSFT" for n in range(390)]
    code, found = check(tmp_path, rows, head=f"{HEAD},symbol")
    assert (code, found["symbols"], found["missing"]) == (1, 2, 390)
    assert [gap["symbol"] for gap in found["gaps"]] == ["MSFT"]
    assert check(tmp_path, rows, "--symbols", "IBM", head=f"{HEAD},symbol")[0] == 0


def test_a_row_that_is_cut_in_its_symbol_names_none(tmp_path: Path) -> None:
    head = "time,symbol,open,high,low,close,volume"
    rows = [row.replace("Z,", "Z,AAPL,") for row in SESSION]
    code, found = check(tmp_path, [*rows[:-1], rows[-1][:23]], head=head)
    assert (code, found["symbols"], found["missing"]) == (1, 1, 1)


@pytest.mark.parametrize("day", ["9999-12-31", "2099-12-31", "2027-06-01"])
@pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
def test_a_row_of_a_day_to_come_reaches_nowhere(day: str, calendar: str, tmp_path: Path) -> None:
    """As a sentinel has it. (Found by a reviewer: a traceback, or minutes of counting.)"""
    rows = [row.replace("Z", "") for row in SESSION] + [f"{day} 23:59:00,-,-,-,-,"]
    found = check(tmp_path, rows, "--zone", "UTC", "--calendar", calendar)[1]
    assert found["sessions"] == 1


def test_cells_that_may_be_left_out_are_no_sign_of_a_cut(tmp_path: Path) -> None:
    """The number of trades is not known of some rows: all of their prices are there, and the volume."""
    rows = [row if n % 50 == 7 else f"{row},12" for n, row in enumerate(SESSION)]
    assert check(tmp_path, rows, head=f"{HEAD},trades")[0] == 0


def test_a_habit_is_that_of_a_file(tmp_path: Path) -> None:
    """One of many leaves the volume out often, and another one is cut off."""
    for name in ("AAA", "BBB", "CCC", "DDD"):
        rows = [row.rpartition(",")[0] if name == "DDD" and n % 2 else row for n, row in enumerate(SESSION)]
        rows = [*rows[:-1], rows[-1].rpartition(",")[0]] if name == "AAA" else rows
        (tmp_path / f"{name}.csv").write_text("\n".join([HEAD, *rows]))
    done = CliRunner().invoke(command, [str(tmp_path), "--calendar", "XNYS", "--format", "json"])
    assert [gap["symbol"] for gap in json.loads(done.stdout)["gaps"]] == ["AAA"]


def test_a_wide_row_that_is_cut_costs_the_symbols_behind_the_cut(tmp_path: Path) -> None:
    """It ends in BBB's price, which may be a part of one, and has none of CCC."""
    rows = [bar(OPEN + timedelta(minutes=n), "1.5,2.5,3.5") for n in range(390)]
    rows[100] = rows[100].rpartition(",")[0]
    (tmp_path / "closes.csv").write_text("\n".join(["time,AAA,BBB,CCC", *rows]))
    done = CliRunner().invoke(command, [str(tmp_path), "--calendar", "XNYS", "--format", "json"])
    assert [(gap["symbol"], gap["minutes"]) for gap in json.loads(done.stdout)["gaps"]] == [("BBB", 1), ("CCC", 1)]


def test_a_foot_without_a_time_reaches_nowhere(tmp_path: Path) -> None:
    assert check(tmp_path, [*SESSION, "total,,,,,46800"])[0] == 0
    assert check(tmp_path, [*SESSION, "1970-01-01T00:00:00Z,,,,,"])[0] == 0
