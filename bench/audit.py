"""The audit: a year of 500 symbols against the bare scan of its two columns, and beside other ways to do it.

The limit that counts is taken inside one process, the two taking turns (imports and connections cost neither). The
other ways are whole processes, with their peak memory. Every way must find exactly the minutes that were left out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median

from bench.audit_ways import BARE, audit, connect
from bench.lake import BenchLake, build
from bench.process import Took, took
from bench.table import Figure

TURNS = 15
YEAR, QUARTER = 365, 90


def run() -> list[Figure]:
    """Every figure, in the order in which a person reads them."""
    year = build()
    return [*in_process(year), *beside(year)]


def in_process(lake: BenchLake) -> list[Figure]:
    """The year's audit, ranges in hand, against the bare scan; duplicates are part of the second.

    A machine's speed drifts more than the ratio does: each turn is divided by the bare scans just before and after it,
    and the median of the turns is the figure.
    """
    connection = connect(lake.root, YEAR)
    found = audit(connection, YEAR)
    assert found.minutes == lake.missing

    def bare() -> float:
        return timed(lambda: connection.execute(BARE).fetchall())

    bare()
    scans, ours = [bare()], []
    for _ in range(TURNS):
        ours.append(timed(lambda: audit(connection, YEAR)))
        scans.append(bare())
    ratios = to_neighbours(ours, scans)
    size = f"{lake.rows / 1e6:.1f}M bars, {len(found):,} ranges; best of {TURNS} turns each"
    return [
        Figure("bare scan of symbol and minute", min(scans), "s", size),
        Figure("the year's audit", min(ours), "s"),
        Figure(
            "the year's audit to the bare scan", median(ratios), "×", f"{spread(ratios)}; best known before: 6.1", 4.3
        ),
    ]


def to_neighbours(turns: list[float], around: list[float]) -> list[float]:
    """Each turn by the mean of the two that were just before and after it."""
    return [turn / ((before + after) / 2) for turn, (before, after) in zip(turns, pairwise(around), strict=True)]


def spread(ratios: list[float]) -> str:
    """What a median was taken of."""
    if len(ratios) == 1:
        return "one turn"
    return f"median of {len(ratios)} turns, {min(ratios):.2f} to {max(ratios):.2f}"


def timed(run: Callable[[], object]) -> float:
    """Seconds of one run."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def beside(lake: BenchLake) -> list[Figure]:
    """Other ways as whole processes, on the year; the original's grid on a quarter, for it bears no more."""
    names = {
        "calendar": "EXCEPT over calendar minutes",
        "pandas": "pandas reindex per symbol",
        "polars": "polars anti-join",
    }
    ours: list[Took] = []
    found: list[Figure] = []
    for way, name in names.items():
        mine, others = in_turns(way, lake, YEAR, turns=9 if way == "calendar" else 3)
        for one in (*mine, *others):
            assert one.said == str(lake.missing), f"{way}: {one.said} found, {lake.missing} are missing"
        ours += mine
        found += compared(name, mine, others)
    part, grid = in_turns("grid", lake, QUARTER, turns=1)
    assert {one.said for one in part} == {one.said for one in grid}
    found += compared("the original's EXCEPT over a 24/7 grid (a quarter, and ours of that quarter)", part, grid)
    return [
        Figure("ours, whole process", min(one.seconds for one in ours), "s", f"best of {len(ours)}"),
        Figure("ours, peak memory", max(one.megabytes for one in ours), "MB", "", 500),
        *found,
    ]


def in_turns(way: str, lake: BenchLake, days: int, *, turns: int) -> tuple[list[Took], list[Took]]:
    """Ours and the other way in turns, ours before and after each of the other's."""
    ours, others = [once("ours", lake, days)], []
    for _ in range(turns):
        others.append(once(way, lake, days))
        ours.append(once("ours", lake, days))
    return ours, others


def compared(name: str, ours: list[Took], others: list[Took]) -> list[Figure]:
    """Time and memory of another way as multiples of ours: time by turns, as in `in_process`."""
    ratios = to_neighbours([other.seconds for other in others], [one.seconds for one in ours])
    seconds = min(other.seconds for other in others)
    memory = min(other.megabytes for other in others)
    most = max(one.megabytes for one in ours)
    return [
        Figure(f"{name}: time", median(ratios), "× ours", f"{seconds:.1f} s; {spread(ratios)}", 5, at_least=True),
        Figure(f"{name}: memory", memory / most, "× ours", f"{memory:,.0f} MB", 8, at_least=True),
    ]


def once(way: str, lake: BenchLake, days: int) -> Took:
    """One run as a process of its own; it says how many minutes it counted missing."""
    return took([sys.executable, "-m", "bench.audit_ways", way, str(lake.root), str(days)])
