"""Observations, absences, failures, sessions and listings as rows of their lake tables, and back.

A row lies in the partition of its minutes' UTC date: what spans midnight becomes one row a date.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from minutemend.core.answers import AnswerKind
from minutemend.core.minutes import Range, epoch_minute, from_epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Absence, Failure, Observation
from minutemend.services.tables import aware, naive

Ranged = TypeVar("Ranged", Observation, Absence, Failure)
Row = Mapping[str, Any]


def day_range(day: date) -> Range:
    """The minutes of a UTC date."""
    start = datetime.combine(day, time(0), UTC)
    return Range(start, start + timedelta(days=1))


def by_date(item: Ranged) -> Iterator[tuple[date, Ranged]]:
    """The parts of `item` by the UTC dates that its range touches."""
    for day in item.range.dates():
        part = item.range.intersect(day_range(day))
        if part is None:
            continue
        if isinstance(item, Observation):
            omitted = tuple(cut for gap in item.omitted if (cut := gap.intersect(part)) is not None)
            yield day, replace(item, range=part, omitted=omitted)
        else:
            yield day, replace(item, range=part)


def observation_row(item: Observation) -> dict[str, object]:
    return {
        "symbol": item.symbol,
        "start": naive(item.range.start),
        "end": naive(item.range.end),
        "observed_at": naive(item.observed_at),
        "vendor": item.vendor,
        "kind": str(item.kind),
        "omitted": json.dumps([[epoch_minute(gap.start), gap.minutes] for gap in item.omitted]),
        "rows": item.rows,
        "status": item.status,
        "detail": item.detail,
        "job_id": item.job_id,
        "audit_id": item.audit_id,
        "attempt": item.attempt,
    }


def observation_of(row: Row) -> Observation:
    omitted = [Range(from_epoch_minute(first), from_epoch_minute(first + n)) for first, n in json.loads(row["omitted"])]
    return Observation(
        symbol=row["symbol"],
        range=_range(row),
        observed_at=aware(row["observed_at"]),
        vendor=row["vendor"],
        kind=AnswerKind(row["kind"]),
        omitted=tuple(omitted),
        rows=row["rows"],
        status=row["status"],
        detail=row["detail"],
        job_id=row["job_id"],
        audit_id=row["audit_id"],
        attempt=row["attempt"],
    )


def absence_row(item: Absence) -> dict[str, object]:
    return {
        "symbol": item.symbol,
        "start": naive(item.range.start),
        "end": naive(item.range.end),
        "reason": item.reason,
        "evidence": item.evidence,
        "observations": item.observations,
        "proven_at": naive(item.proven_at),
    }


def absence_of(row: Row) -> Absence:
    return Absence(
        symbol=row["symbol"],
        range=_range(row),
        reason=row["reason"],
        evidence=row["evidence"],
        observations=row["observations"],
        proven_at=aware(row["proven_at"]),
    )


def failure_row(item: Failure) -> dict[str, object]:
    return {
        "symbol": item.symbol,
        "start": naive(item.range.start),
        "end": naive(item.range.end),
        "reason": item.reason,
        "evidence": item.evidence,
        "attempts": item.attempts,
        "audit_id": item.audit_id,
        "failed_at": naive(item.failed_at),
    }


def failure_of(row: Row) -> Failure:
    return Failure(
        symbol=row["symbol"],
        range=_range(row),
        reason=row["reason"],
        evidence=row["evidence"],
        attempts=row["attempts"],
        audit_id=row["audit_id"],
        failed_at=aware(row["failed_at"]),
    )


def session_row(item: Session) -> dict[str, object]:
    return {
        "calendar": item.calendar,
        "dt": item.dt.isoformat(),
        "open": naive(item.open),
        "close": naive(item.close),
        "minutes": item.minutes,
    }


def session_of(row: Row) -> Session:
    return Session(row["calendar"], date.fromisoformat(row["dt"]), aware(row["open"]), aware(row["close"]))


def listing_row(item: Listing) -> dict[str, object]:
    return {
        "symbol": item.symbol,
        "calendar": item.calendar,
        "listed": item.listed.isoformat() if item.listed else None,
        "delisted": item.delisted.isoformat() if item.delisted else None,
    }


def listing_of(row: Row) -> Listing:
    listed, delisted = row["listed"], row["delisted"]
    return Listing(
        row["symbol"],
        row["calendar"],
        date.fromisoformat(listed) if listed else None,
        date.fromisoformat(delisted) if delisted else None,
    )


def _range(row: Row) -> Range:
    return Range(aware(row["start"]), aware(row["end"]))
