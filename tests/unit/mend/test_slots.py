"""`mend check` on bars of several minutes: those at an edge of the range or of a halt, and which edge names them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from mend.check.check_files import CheckRequest, check_files
from mend.check.check_result import CheckResult

DAY = datetime(2024, 3, 12)  # noqa: DTZ001 (written with a Z)
HEADER = "{},open,high,low,close,volume"


def bars(path: Path, first: int, after: int, *, step: int, but: int = -1, column: str = "time") -> Path:
    """The bars of a day from one minute of it to another, less one."""
    rows = [f"{DAY + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},1,1,1,1,1" for n in range(first, after, step) if n != but]
    path.write_text("\n".join([HEADER.format(column), *rows]) + "\n")
    return path


def at(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def check(path: Path, **options: object) -> CheckResult:
    with duckdb.connect() as connection:
        request = CheckRequest(paths=(str(path),), **options)  # type: ignore[arg-type]
        return check_files(request, now=datetime(2024, 4, 1, tzinfo=UTC), connection=connection)


def missing(found: CheckResult) -> list[str]:
    return [f"{gap.range.start:%H:%M}" for gap in found.gaps]


@pytest.mark.parametrize(
    ("start", "end", "lacks"),
    [
        ("13:32", "20:00", "13:30"),
        ("16:01", "17:00", "16:00"),
        ("16:01", "16:04", "16:00"),
        ("15:00", "16:03", "16:00"),
    ],
)
def test_a_bar_across_an_edge_of_the_range_is_looked_at(tmp_path: Path, start: str, end: str, lacks: str) -> None:
    """It is missing, and said is which range was looked at. (Found by a stranger: whole.)"""
    path = bars(tmp_path / "AAPL.csv", at("13:30"), at("20:00"), step=5, but=at(lacks))
    window = {"start": f"2024-03-12T{start}:00Z", "end": f"2024-03-12T{end}:00Z"}
    found = check(path, calendar="XNYS", **window)
    assert (found.whole, missing(found)) == (False, [lacks])
    assert any(line.startswith("range: [2024-03-12T") for line in found.said)
    there = check(bars(path, at("13:30"), at("20:00"), step=5), calendar="XNYS", **window)
    assert (there.whole, there.unexpected) == (True, 0)


def test_an_hour_by_the_clock_begins_before_the_range(tmp_path: Path) -> None:
    """The bar of 13:00 is that of the session's first half hour. (Found by a stranger: missing.)"""
    path = bars(tmp_path / "AAPL.csv", at("13:00"), at("20:00"), step=60)
    found = check(path, calendar="XNYS", start="2024-03-12T13:30:00Z", end="2024-03-12T20:00:00Z")
    assert (found.whole, found.expected, found.unexpected) == (True, 7, 0)
    assert not any(line.startswith("range:") for line in found.said)


@pytest.mark.parametrize(
    ("step", "end", "lacks"),
    [(5, "15:32", ["15:30"]), (5, "15:35", []), (5, "15:36", []), (60, "15:40", ["15:30"]), (60, "16:30", [])],
)
def test_a_halt_excuses_the_bars_that_it_covers(tmp_path: Path, step: int, end: str, lacks: list[str]) -> None:
    """A bar with a minute of trading is due. (Found by a stranger: whole.)"""
    path = bars(tmp_path / "AAPL.csv", at("13:30"), at("20:00"), step=step, but=at("15:30"))
    halt = {"kind": "halt", "symbol": "AAPL", "start": "2024-03-12T15:30:00Z", "end": f"2024-03-12T{end}:00Z"}
    (tmp_path / "halts.json").write_text(json.dumps([halt | {"by": "anna", "why": "LULD"}]))
    assert missing(check(path, calendar="XNYS", closures=tmp_path / "halts.json")) == lacks


@pytest.mark.parametrize(
    ("calendar", "first", "after", "but", "lacks"),
    [
        ("XNYS", "08:01", "23:59", "16:00", ["15:59"]),  # extended hours
        ("XNYS", "13:31", "20:01", "20:00", ["19:59"]),
        ("forex", "00:01", "21:01", "16:00", ["21:00", "15:59"]),
    ],
)
def test_a_column_that_is_called_an_end_holds_ends(  # noqa: PLR0917 (once)
    tmp_path: Path, calendar: str, first: str, after: str, but: str, lacks: list[str]
) -> None:
    """Where no session shows another edge. (Found by a stranger: whole, or the minute beside.)"""
    path = bars(tmp_path / "AAPL.csv", at(first), at(after), step=1, but=at(but), column="end_time")
    found = check(path, calendar=calendar)
    assert (found.label, missing(found)) == ("right", lacks)
    assert any("the column of times is called an end" in line for line in found.said)


def test_bars_that_fill_the_sessions_are_believed_before_a_name(tmp_path: Path) -> None:
    path = bars(tmp_path / "AAPL.csv", at("13:30"), at("20:00"), step=1, column="end_time")
    found = check(path, calendar="XNYS")
    assert (found.whole, found.label) == (True, "left")
    assert any("though their column is called an end" in line for line in found.said)


def test_ends_beside_beginnings_are_never_whole(tmp_path: Path) -> None:
    bars(tmp_path / "AAPL.csv", 0, 1440, step=1)
    bars(tmp_path / "IBM.csv", 0, 1440, step=1, column="close_time")
    found = check(tmp_path, calendar="24/7")
    assert (found.whole, found.missing) == (False, 0)
    assert "IBM.csv: the column of times is called an end" in found.unplaced[0]
