"""A calendar that is plainly another's earns no `whole`; extended hours are no sign of one."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mend.calendars.known import calendar_named
from mend.commands.check import command
from tests.unit.mend.test_bar_shapes import PRICES

MONDAY, FRIDAY = date(2024, 3, 11), date(2024, 3, 15)


def bars(calendar: str, *, first: date = MONDAY, last: date = FRIDAY, before: int = 0, after: int = 0) -> list[str]:
    """The minutes of a calendar's sessions, with extended hours around each."""
    minutes: list[str] = []
    for one in calendar_named(calendar).sessions(first, last):
        start, end = one.open - timedelta(minutes=before), one.close + timedelta(minutes=after)
        minutes += [
            f"{start + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},{PRICES},5" for n in range((end - start).seconds // 60)
        ] or [f"{start + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},{PRICES},5" for n in range(1440)]
    return minutes


def write(folder: Path, name: str, rows: list[str]) -> Path:
    path = folder / f"{name}.csv"
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(rows))
    return path


def run(path: Path, calendar: str, *options: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(command, [str(path), "--calendar", calendar, *options])


@pytest.mark.parametrize(
    ("market", "named", "right"),
    [
        ("24/7", "XNYS", "24/7"),
        ("24/7", "CMES", "24/7"),
        ("24/7", "XLON", "24/7"),
        ("CMES", "XNYS", "CMES"),
        ("forex", "XNYS", "forex"),
    ],
)
def test_a_calendar_that_is_plainly_anothers_earns_nothing(market: str, named: str, right: str, tmp_path: Path) -> None:
    """Two weeks of a market, whole by its own calendar: what another one leaves outside is said, and exit code 1."""
    last = FRIDAY + timedelta(days=9)  # a weekend lies between
    path = write(tmp_path, "ABC", bars(market, last=last))
    done = run(path, named)
    assert done.exit_code == 1, done.output
    assert "whole" not in done.stdout
    assert f"bars lie outside {named}; all lie in {right}: --calendar {right} would be right" in done.stderr
    told = json.loads(run(path, named, "--format", "json").stdout)
    assert [(one["symbol"], one["calendar"]) for one in told["doubted_calendars"]] == [("ABC", right)]
    own = run(path, market)
    assert ("whole: " in own.stdout, "lie outside" in own.stderr) == (True, False), own.output


def test_one_day_leaves_several_open(tmp_path: Path) -> None:
    """On a Monday coins and currencies trade alike; who means the calendar says so."""
    day = bars("24/7", last=MONDAY)
    path = write(tmp_path, "BTCUSDT", day[:300] + day[302:])
    done = run(path, "XNYS")
    assert "1,048 of 1,438 bars lie outside XNYS; all lie in 24/7 or forex: one of them as --calendar" in done.stderr
    assert done.stdout.startswith("not all looked at: 390 of 390")
    assert run(path, "XNYS", "--fail-under", "100").exit_code == 0


def test_a_session_of_another_market_is_told_by_its_edges(tmp_path: Path) -> None:
    """A session of New York, all of it inside London's extended hours: no edge of the bars is meant, but New York."""
    done = run(write(tmp_path, "IBM", bars("XNYS", last=MONDAY)), "XLON")
    assert done.exit_code == 1
    assert "210 of 390 bars lie outside XLON; all lie in XNYS, XTSE or" in done.stderr
    assert "--label" not in done.stderr


def test_in_a_folder_it_is_said_of_the_symbol(tmp_path: Path) -> None:
    write(tmp_path, "AAPL", bars("XNYS"))
    write(tmp_path, "BTCUSD", bars("24/7", last=FRIDAY + timedelta(days=2)))
    done = run(tmp_path, "XNYS")
    assert done.exit_code == 1
    assert "BTCUSD: 8,130 of 10,080 bars lie outside XNYS" in done.stderr
    assert "AAPL: " not in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "last"),
    [(330, 240, FRIDAY), (330, 0, MONDAY), (0, 240, MONDAY), (150, 120, FRIDAY), (330, 240, MONDAY)],
)
def test_extended_hours_are_quiet(before: int, after: int, last: date, tmp_path: Path) -> None:
    """From 04:00 to 20:00 in New York, every minute or some, on one day or many."""
    rows = bars("XNYS", before=before, after=after, last=last)
    done = run(write(tmp_path, "AAPL", rows), "XNYS")
    assert (done.exit_code, "lie outside" in done.stderr) == (0, False), done.output


def test_extended_hours_of_a_half_day_are_quiet(tmp_path: Path) -> None:
    """The day after Thanksgiving closes at 13:00; stocks trade on until 17:00."""
    friday = date(2024, 11, 29)
    done = run(write(tmp_path, "AAPL", bars("XNYS", first=friday, last=friday, before=330, after=240)), "XNYS")
    assert (done.exit_code, "lie outside" in done.stderr) == (0, False), done.output


def test_a_thin_night_session_is_only_noted(tmp_path: Path) -> None:
    """Stocks that trade by night, too, in a third of its minutes: the session's verdict stands."""
    day = datetime(2024, 3, 12, tzinfo=UTC)
    night = [f"{day + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},{PRICES},5" for n in range(0, 480, 3)]
    done = run(write(tmp_path, "TSLA", night + bars("XNYS", first=day.date(), last=day.date())), "XNYS")
    assert (done.exit_code, "whole: " in done.stdout) == (0, True), done.output


REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "real-minute-bars" / "xnys.parquet"


@pytest.mark.skipif(not REAL.exists(), reason="the real bars are kept outside the repository")
def test_real_stocks_with_extended_hours_are_quiet() -> None:
    """4,079 of their bars lie outside sessions."""
    done = run(REAL, "XNYS")
    assert "4,079 bars outside sessions" in done.stdout
    assert "lie outside" not in done.stderr
    assert "holes: 8,187 of 8,190" in done.stdout
