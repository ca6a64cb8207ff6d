"""Runs that an answer left out, with bars shown right before and after each: the plainest evidence."""

from __future__ import annotations

from minutemend.core.minutes import Range, epoch_minute
from minutemend.core.verdicts import Omissions


def left_out(*runs: Range) -> Omissions:
    edges = [(epoch_minute(run.start), epoch_minute(run.end)) for run in runs]
    return Omissions.of(*((start, end, start - 1, end) for start, end in edges))
