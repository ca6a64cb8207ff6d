"""The largest window of a backfill fits QueueRepairs: what its plan takes, in the worst of cases."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import numpy as np
from minutemend.adapters.vendors import limits_of
from minutemend.contract import WINDOW_MINUTES, VendorSettings
from minutemend.core.evidence import NEVER, Needs
from minutemend.core.gaps import Gaps
from minutemend.core.plan import plan
from minutemend.core.verdicts import ProofRule

MEMORY = 512  # MB of QueueRepairs: infra/constructs/functions.py
IMPORTS = 75  # MB that the process has before it plans anything, measured


def test_every_other_minute_of_a_window_missing_is_planned_in_half_of_the_memory() -> None:
    """A month of XNYS, each gap one minute long."""
    days = 21
    symbols = WINDOW_MINUTES // (390 * days)
    opened = 28_000_000 + 1440 * np.arange(days)
    minutes = (opened[:, None] + np.arange(0, 390, 2)).ravel()
    start, opens = np.tile(minutes, symbols), np.tile(np.repeat(opened, 195), symbols)
    names = tuple(f"S{n:03}" for n in range(symbols))
    gaps = Gaps(names, np.repeat(np.arange(symbols), len(minutes)), start, start + 1, opens, opens + 390)
    shape = (len(gaps), 1)
    vendors = [limits_of(VendorSettings("alpaca", "https://api", 180))]
    tracemalloc.start()
    needs = Needs(gaps, ("alpaca",), np.full(shape, NEVER), np.zeros(shape, np.bool_), np.zeros(len(gaps), np.bool_))
    held = sum(column.nbytes for column in (start, start, opens, opens, gaps.symbol)) / 1e6
    jobs = plan(needs, audit_id="a", attempt=1, vendors=vendors, rule=ProofRule(timedelta(0)))
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert sum(job.gaps.minutes for job in jobs) == len(gaps)
    assert IMPORTS + held + peak < MEMORY / 2, f"{held:.0f} MB of needs, {peak:.0f} MB of plan"
