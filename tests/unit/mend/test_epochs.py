"""Epochs in files of bars: a part of a second is no rounding's to drop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from minutemend.core.errors import BadInput

from mend.check.api import Checked, check

OPEN = 1_710_250_200  # 2024-03-12T13:30:00Z
MINUTES = range(OPEN, OPEN + 390 * 60, 60)


def written(folder: Path, times: list[str], kind: str = "VARCHAR") -> Checked:
    path = folder / ("AAPL.csv" if kind == "VARCHAR" else "AAPL.parquet")
    if kind == "VARCHAR":
        path.write_text("\n".join(["time,open,close", *(f"{one},1,1" for one in times)]) + "\n")
    else:
        with duckdb.connect() as db:
            db.execute(
                f"COPY (SELECT CAST(unnest(?) AS {kind}) AS time, 1.0 AS open, 1.0 AS close) TO '{path}'",
                [times],
            )
    return check(path, calendar="XNYS")


@pytest.mark.parametrize("kind", ["VARCHAR", "DOUBLE", "DECIMAL(18,3)"])
def test_a_moment_before_a_minute_is_not_the_minute(tmp_path: Path, kind: str) -> None:
    """A stray row at 13:34:59.7, and the bar of 13:35 is missing. (Found by a stranger: whole.)"""
    times = [f"{one}.0" if one != OPEN + 300 else f"{one - 1}.7" for one in MINUTES]
    found = written(tmp_path, times, kind)
    assert found.totals["missing"] == 1
    assert "left out: 1 row off the whole minute" in found.said


@pytest.mark.parametrize("kind", ["VARCHAR", "DOUBLE"])
def test_times_beside_the_minutes_are_refused_in_seconds_too(tmp_path: Path, kind: str) -> None:
    with pytest.raises(BadInput, match="390 times are off the whole minute"):
        written(tmp_path, [f"{one}.4" for one in MINUTES], kind)


@pytest.mark.parametrize(
    "form",
    [
        lambda at: f"{at}.000000",
        lambda at: f"{at - 1}.99999999",  # what is left of a sum of floats
        lambda at: f"{at / 1e9:.10f}e9",
        lambda at: f"{at * 1000}.0",
        lambda at: f"{at * 10**9}.0",
        lambda at: f"{at * 10**9 + 7}",
    ],
)
def test_whole_minutes_with_a_point_are_minutes(tmp_path: Path, form: Callable[[int], str]) -> None:
    assert written(tmp_path, [form(one) for one in MINUTES]).whole


def test_the_last_moment_of_a_minute_keeps_all_digits(tmp_path: Path) -> None:
    """In nanoseconds, that a float would round to the next minute."""
    with pytest.raises(BadInput, match="390 times are off the whole minute"):
        written(tmp_path, [f"{one * 10**9 - 1}" for one in MINUTES])
