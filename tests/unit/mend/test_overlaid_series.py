"""Two series under one name are told from bars that were revised: by how much of what came twice, not by a count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mend.check.api import check

OPEN = datetime(2024, 3, 11, 13, 30, tzinfo=UTC)
SESSION = range(390)


def write(path: Path, minutes: Sequence[int], price: float, day: int = 0, step: int = 1) -> None:
    rows = [
        f"{OPEN + timedelta(days=day, minutes=n * step):%Y-%m-%dT%H:%M:%SZ},{price + n / 100},{price + n / 100}"
        for n in minutes
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["time,open,close", *rows, ""]))


def whole(folder: Path) -> bool:
    found = check(folder, calendar="XNYS")
    assert found.totals["missing"] == 0
    return found.whole


@pytest.mark.parametrize("but", [(3, 8), (2, 4), (0, 13), (5, 6)])
def test_hours_of_two_series_hide_each_others_holes(but: tuple[int, int], tmp_path: Path) -> None:
    """14 bars of each, one of each is missing: 12 bars conflict, fewer than 20."""
    for name, price, lacks in (("A", 100.0, but[0]), ("B", 400.0, but[1])):
        rows = []
        for n in range(14):
            at = OPEN + timedelta(days=n // 7, hours=n % 7)
            rows += [] if n == lacks else [f"{at:%Y-%m-%dT%H:%M:%SZ},{price + n}"]
        path = tmp_path / name / "TATA.csv"
        path.parent.mkdir()
        path.write_text("\n".join(["time,close", *rows, ""]))
    assert not whole(tmp_path)


def test_a_day_of_another_series_hides_a_hole_of_a_month(tmp_path: Path) -> None:
    """330 bars conflict, less than a twentieth; the others of that day are there in the other series alone."""
    every = [f"{OPEN + timedelta(days=day, minutes=n):%Y-%m-%dT%H:%M:%SZ}" for day in range(28) for n in SESSION]
    gone = {f"{OPEN + timedelta(days=14, minutes=n):%Y-%m-%dT%H:%M:%SZ}" for n in range(100, 160)}
    (tmp_path / "AAPL.csv").write_text(
        "\n".join(["time,close", *(f"{at},100.5" for at in every if at not in gone), ""])
    )
    write(tmp_path / "b" / "AAPL.csv", SESSION, 400.0, day=14)
    assert not whole(tmp_path)


@pytest.mark.parametrize(("overlap", "parts"), [(1, 10), (2, 10), (5, 2)])
def test_downloads_that_meet_may_revise_the_bars_there(overlap: int, parts: int, tmp_path: Path) -> None:
    """The last bars of each are written down again by the next, at other prices."""
    long = 390 // parts
    for part in range(parts):
        write(tmp_path / f"AAPL_{part}.csv", range(part * long, min(390, (part + 1) * long + overlap)), 100.0 + part)
    assert whole(tmp_path)


def test_a_download_again_may_round_and_correct(tmp_path: Path) -> None:
    write(tmp_path / "AAPL.csv", SESSION, 100.0)
    again = ["time,open,close"]
    for n in SESSION:
        price = 100 + n / 100 + (5 if n in (7, 8, 9, 200) else 0.00001)
        again.append(f"{OPEN + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},{price},{price}")
    (tmp_path / "AAPL (1).csv").write_text("\n".join([*again, ""]))
    assert whole(tmp_path)
