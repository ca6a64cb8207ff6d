"""Times on a wall clock about the hour that comes twice: only a clock that was put back makes another hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from minutemend.core.errors import BadInput

from mend.check.check_files import CheckRequest, check_files
from mend.check.check_result import CheckResult

NEW_YORK = "America/New_York"
AUTUMN = datetime(2024, 11, 3, 4, tzinfo=UTC)  # the clock is put back after two hours


def rows(first: int, after: int, *, start: datetime = AUTUMN, zone: str = NEW_YORK) -> list[str]:
    """The bars of some minutes after `start`, each with its own price."""
    times = ((n, (start + timedelta(minutes=n)).astimezone(ZoneInfo(zone))) for n in range(first, after))
    return [f"{at:%Y-%m-%d %H:%M:%S},{n}.5,{n}.5,{n}.5,{n}.5,{n}" for n, at in times]


def write(path: Path, bars: list[str]) -> Path:
    path.write_text("\n".join(["time,open,high,low,close,volume", *bars]) + "\n")
    return path


def check(path: Path, *, zone: str = NEW_YORK, start: datetime = AUTUMN, minutes: int = 300) -> CheckResult:
    first, end = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (start, start + timedelta(minutes=minutes)))
    request = CheckRequest(paths=(str(path),), calendar="24/7", zone=zone, start=first, end=end)
    with duckdb.connect() as connection:
        return check_files(request, now=datetime(2025, 1, 1, tzinfo=UTC), connection=connection)


PIECES = {
    "all, in two files that overlap": ([(0, 100), (90, 300)], 0, 10),
    "all, in two files that overlap in the second hour": ([(0, 150), (130, 300)], 0, 20),
    "the second hour is lost, the first was downloaded twice": ([(0, 120), (60, 120), (180, 300)], 60, 60),
    "half of the first is lost": ([(0, 60), (90, 300)], 30, 0),
}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("kind", PIECES)
def test_downloads_that_overlap_make_no_second_hour(tmp_path: Path, kind: str, *, together: bool) -> None:
    """In one file or in several. (Found by a stranger: whole, without an hour.)"""
    pieces, missing, duplicates = PIECES[kind]
    parts = [rows(*piece) for piece in pieces]
    if together:
        write(tmp_path / "BTC.csv", [row for part in parts for row in part])
    else:
        for number, part in enumerate(parts):
            write(tmp_path / f"BTC_{number}.csv", part)
    found = check(tmp_path)
    assert (found.missing, found.duplicates) == (missing, duplicates)


def test_prices_that_stand_still_are_told_apart_by_the_order(tmp_path: Path) -> None:
    still = [f"{row.split(',', maxsplit=1)[0]},1,1,1,1,0" for row in rows(0, 300)]
    assert check(write(tmp_path / "BTC.csv", still)).whole


def test_what_no_order_tells_is_refused(tmp_path: Path) -> None:
    """Rows that were sorted by the clock, and files of which each has other bars of the hour."""
    with pytest.raises(BadInput, match="the order of the rows does not tell"):
        check(write(tmp_path / "BTC.csv", sorted(rows(0, 300))))
    (tmp_path / "BTC.csv").unlink()
    write(tmp_path / "BTC_1.csv", rows(0, 120))
    write(tmp_path / "BTC_2.csv", rows(120, 300))
    with pytest.raises(BadInput, match="the order of the rows does not tell"):
        check(tmp_path)


@pytest.mark.parametrize("start", [datetime(2024, 4, 6, 12, tzinfo=UTC), datetime(2024, 10, 5, 12, tzinfo=UTC)])
def test_half_an_hour_that_comes_twice_or_never(tmp_path: Path, start: datetime) -> None:
    """On Lord Howe Island. (Found by a stranger: 30 minutes missing, and times that cannot be.)"""
    zone = "Australia/Lord_Howe"
    path = write(tmp_path / "BTC.csv", rows(0, 600, start=start, zone=zone))
    found = check(path, zone=zone, start=start, minutes=600)
    assert (found.whole, found.duplicates, found.expected) == (True, 0, 600)


@pytest.mark.parametrize(
    "zone", ["localtime", "posixrules", "posix/America/New_York", "right/America/New_York", "Mars"]
)
def test_a_zone_that_no_database_names_is_refused(tmp_path: Path, zone: str) -> None:
    """The machine's folder of zones has more files than that. (Found by a stranger: a traceback.)"""
    with pytest.raises(BadInput, match="is no time zone: UTC or America/New_York would be right"):
        check(write(tmp_path / "BTC.csv", rows(0, 300)), zone=zone)
