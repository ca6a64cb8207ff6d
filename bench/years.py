"""A history of years: the plan of what is wholly missing, the look that proves, and the steps of a backfill's window.

`python -m bench years` runs it. CPU seconds are of the step alone, in a process of its own; megabytes are the peak of
that whole process. The code that the plan is held against is 2d554fb, of our history, on the same input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from minutemend.contract import WINDOW_MINUTES
from minutemend.core.minutes import epoch_minute

from bench.bound import at_least, whole
from bench.process import took
from bench.table import ROOT, Figure

BEFORE = "2d554fb"
CHECK_MB, CHECK_SECONDS = 2048, 600  # CheckDataHealth: memory and timeout
QUEUE_MB, QUEUE_SECONDS = 512, 120  # QueueRepairs
HOLES = (10_000, 20_000, 50_000, 100_000)


def run() -> list[Figure]:
    """Every figure, in the order in which a person reads them."""
    with tempfile.TemporaryDirectory() as folder:
        return [*plans(Path(folder)), *looks(Path(folder)), *windows(Path(folder))]


def plans(folder: Path) -> Iterator[Figure]:
    """A year of 500 symbols, five of them, and one of 5,000: everything is missing, and Alpaca is asked."""
    year, five = sessions(folder, "2023-01-01", "2023-12-31"), sessions(folder, "2019-01-01", "2023-12-31")
    old = source(folder)
    now = step("plan_whole", year, 500, turns=3)
    if old is not None:
        before = step("plan_whole", year, 500, code=old)
        ratio = before["cpu"] / now["cpu"]
        beside = f"{now['cpu']:.2f} s, then {before['cpu']:.1f} s and {before['peak']:.0f} MB"
        yield Figure(f"plan, 500 symbols, a year: times less CPU than {BEFORE}", ratio, "x", beside, 15, at_least=True)
    least = at_least(whole(*np.load(year).T, 500), rows=10_000, symbols=200)
    beside = f"{now['requests']:,} requests, {least:,} at least with room for neighbours"
    yield Figure("the same: requests over the bound", now["requests"] / least, "x", beside, 1.03)
    yield Figure("the same: peak memory", now["peak"], "MB", f"{now['gaps']:,} gaps", 300)
    for name, table, symbols, most in (("5 years, 500 symbols", five, 500, 6), ("a year, 5,000", year, 5000, 12)):
        found = step("plan_whole", table, symbols, turns=3)
        beside = f"{found['requests']:,} requests, {found['cpu']:.1f} s"
        yield Figure(f"plan, {name}: CPU to that year's", found["cpu"] / now["cpu"], "x", beside, most)
        yield Figure(f"plan, {name}: peak memory", found["peak"], "MB", "", 512)


def looks(folder: Path) -> Iterator[Figure]:
    """The third look at single minutes of one symbol that one vendor left out twice: all of them are proven absent."""
    days = folder / "24-7.npy"
    opens = 20_000 * 1440 + np.arange(500) * 1440
    np.save(days, np.stack([opens, opens + 1440], axis=1))
    found = {count: step("third_look", days, count, turns=2) for count in HOLES}
    for small, large in (HOLES[:2], HOLES[2:]):
        ratio = found[large]["cpu"] / found[small]["cpu"]
        beside = f"{found[large]['cpu']:.1f} s, {found[large]['peak']:.0f} MB, {found[large]['proven']:,} proofs"
        yield Figure(f"third look at {large:,} holes: CPU to that of {small:,}", ratio, "x", beside, 2.3)


def windows(folder: Path) -> Iterator[Figure]:
    """The steps at the largest window that a backfill makes: a month of XNYS."""
    month = sessions(folder, "2023-08-01", "2023-08-31")
    opens, closes = np.load(month).T
    symbols = WINDOW_MINUTES // int((closes - opens).sum())
    for name, title, memory, seconds in (
        ("needs_whole", "QueueRepairs, all of a window is missing", QUEUE_MB, QUEUE_SECONDS),
        ("needs_holes", "QueueRepairs, every other minute of it", QUEUE_MB, QUEUE_SECONDS),
        ("look_window", "CheckDataHealth, a tenth left out twice, minute by minute", CHECK_MB, CHECK_SECONDS),
        ("look_half", "CheckDataHealth, every other minute left out twice", CHECK_MB, CHECK_SECONDS),
    ):
        found = step(name, month, symbols)
        if name.startswith("needs"):  # written by another process, as CheckDataHealth does
            found |= step("queue", month, symbols)
        beside = ", ".join(f"{found[key]:,} {key}" for key in ("gaps", "holes", "requests", "proven") if key in found)
        yield Figure(f"{title}: CPU", found["cpu"], "s", f"{symbols} symbols, {beside}", seconds / 5)
        yield Figure(f"{title}: peak memory", found["peak"], "MB", f"of {memory}", memory / 2)


def step(name: str, table: Path, count: int, *, code: Path | None = None, turns: int = 1) -> dict[str, Any]:
    """What bench/years_process.py says of one step, of some turns the quickest, and the peak of its process in MB."""
    if turns > 1:
        return min((step(name, table, count, code=code) for _ in range(turns)), key=lambda found: float(found["cpu"]))
    layer = (code or ROOT) / "runtime" / "layer"
    environment = {"PYTHONPATH": os.pathsep.join([str(layer), str(ROOT)]), "OMP_NUM_THREADS": "1"}
    done = took([sys.executable, "-m", "bench.years_process", name, str(table), str(count)], environment)
    return {**json.loads(done.said), "peak": done.megabytes}


def source(folder: Path) -> Path | None:
    """The code that the plan is held against; None in a clone that does not reach back so far."""
    kept = subprocess.run(["git", "archive", BEFORE, "runtime/layer"], check=False, cwd=ROOT, capture_output=True)
    if kept.returncode:
        return None
    old = folder / "before"
    old.mkdir()
    subprocess.run(["tar", "-x", "-C", str(old)], input=kept.stdout, check=True)
    return old


def sessions(folder: Path, first: str, last: str) -> Path:
    """The sessions of XNYS as a file: open and close in epoch minutes, a row each."""
    from mend.calendars.known import calendar_named

    known = calendar_named("XNYS").sessions(date.fromisoformat(first), date.fromisoformat(last))
    edges = [[epoch_minute(getattr(one, edge)) for one in known] for edge in ("open", "close")]
    path = folder / f"{first}-{last}.npy"
    np.save(path, np.stack(edges, axis=1))
    return path
