"""What a repair job is to bring, as ranges for literals in tests."""

from __future__ import annotations

from minutemend.core.intervals import Intervals, on_lanes
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import Range, epoch_minute, from_epoch_minute


def wanted(job: RepairJob) -> list[tuple[str, Range]]:
    """By symbol of the request, the ranges that the job is to bring."""
    return [
        (symbol, Range(from_epoch_minute(start), from_epoch_minute(end)))
        for symbol in job.request.symbols
        for gaps in [job.gaps_of(symbol)]
        for start, end in zip(gaps.starts.tolist(), gaps.ends.tolist(), strict=True)
    ]


def only(window: Range) -> Intervals:
    """The gaps of a job of one symbol that lacks `window`."""
    return on_lanes([0], ([epoch_minute(window.start)], [epoch_minute(window.end)]))
