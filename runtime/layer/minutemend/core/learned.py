"""What an answer is worth to the job that asked: the bars that may be written, and what it proves."""

from __future__ import annotations

from collections import defaultdict

from minutemend.core.answers import Answer, AnswerKind
from minutemend.core.bars import Bar
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import MINUTE, Range, merge, subtract
from minutemend.core.verdicts import Observation


def believed(job: RepairJob, answer: Answer) -> list[Bar]:
    """The answer's bars that lie in the job's gaps, sorted. What was stored already is never touched."""
    if answer.kind is not AnswerKind.BARS:
        return []
    gaps = _gaps(job)
    return sorted(bar for bar in answer.bars if any(bar.minute in gap for gap in gaps.get(bar.symbol, ())))


def learned(job: RepairJob, answer: Answer) -> list[Observation]:
    """One observation for each symbol of the job.

    A minute of the gaps counts as omitted only where the vendor looked (`covered`) and showed at least one bar
    of that symbol; an answer with bars of other symbols alone is `no_data` for this one.
    """
    gaps, found = _gaps(job), []
    for symbol in job.request.symbols:
        minutes = [bar.minute for bar in answer.bars if bar.symbol == symbol]
        kind, looked = answer.kind, job.request.range
        omitted: tuple[Range, ...] = ()
        if kind is AnswerKind.BARS and answer.covered is not None and minutes:
            looked = answer.covered
            asked = [both for gap in gaps[symbol] if (both := gap.intersect(looked))]
            omitted = subtract(asked, merge(Range(minute, minute + MINUTE) for minute in minutes))
        elif kind is AnswerKind.BARS:
            kind = AnswerKind.NO_DATA
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
                detail=answer.detail,
                job_id=job.id,
                audit_id=job.audit_id,
                attempt=job.attempt,
            )
        )
    return found


def _gaps(job: RepairJob) -> dict[str, list[Range]]:
    by_symbol: dict[str, list[Range]] = defaultdict(list)
    for symbol, gap in job.gaps:
        by_symbol[symbol].append(gap)
    return by_symbol
