"""What an answer is worth to the job that asked: the bars that may be written, and what it observed."""

from __future__ import annotations

import numpy as np

from minutemend.core.answers import Answer, AnswerKind
from minutemend.core.columns import Bars
from minutemend.core.intervals import Intervals, Numbers, intersect, lanes, merge, numbers, place, runs, subtract
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import epoch_minute
from minutemend.core.verdicts import NONE, NOTHING, Observation, Omissions, Shown


def believed(job: RepairJob, answer: Answer) -> Bars:
    """The answer's bars that lie in the job's gaps. What was stored already is never touched."""
    bars = answer.bars
    code = {name: at for at, name in enumerate(bars.names)}
    lane, gaps = lanes(job.gaps)
    named = numbers([code.get(symbol, -1) for symbol in job.request.symbols])[lane]
    wanted = merge(*(place(named, edges)[named >= 0] for edges in (gaps.starts, gaps.ends)))
    return bars.where(wanted.holding(place(bars.codes, bars.minutes)) >= 0)


def learned(job: RepairJob, answer: Answer) -> list[Observation]:
    """One observation for each symbol that the vendor looked for, of the range that this answer was asked for.

    A run of the gaps counts as omitted only where the vendor looked (`covered`), and is kept with the nearest bars of
    that symbol that the answer showed around it: what it proves is for core/evidence.py to say. An answer with bars of
    other symbols alone is `no_data` for this one.
    """
    found = []
    for symbol in answer.looked_for():
        (kind, detail), looked, minutes = answer.said_of(symbol), answer.request.range, answer.bars.minutes_of(symbol)
        omitted, stated, shown, barred = NOTHING, runs([]), None, None
        if kind is AnswerKind.BARS and symbol in answer.covered:
            looked = answer.covered[symbol]
            covered = merge([epoch_minute(looked.start)], [epoch_minute(looked.end)])
            # Touching gaps of two sessions stay two: each is judged in its own session.
            inside = intersect(job.gaps_of(symbol), covered)[0]
            said = runs(answer.stated.get(symbol, numbers([])))
            stated = intersect(inside, said)[0]
            omitted = _omissions(subtract(subtract(inside, runs(minutes))[0], said)[0], minutes)
            points = covered.points()
            bars = np.isin(points, minutes)
            shown, barred = Shown.of(bars | np.isin(points, said.points())), Shown.of(bars)
        found.append(
            Observation(
                symbol=symbol,
                range=looked,
                observed_at=answer.observed_at,
                vendor=job.request.vendor,
                kind=kind,
                omitted=omitted,
                rows=len(minutes),
                status=answer.status,
                detail=detail,
                job_id=job.id,
                audit_id=job.audit_id,
                attempt=job.attempt,
                stated=stated,
                shown=shown,
                barred=barred,
            )
        )
    return found


def _omissions(left: Intervals, shown: Numbers) -> Omissions:
    """Runs with the nearest of the `shown` minutes (sorted) before and after each."""
    padded = np.concatenate([[NONE], shown, [NONE]])
    before = padded[np.searchsorted(shown, left.starts)]
    after = padded[np.searchsorted(shown, left.ends) + 1]
    return Omissions(left.starts, left.ends, numbers(before), numbers(after))
