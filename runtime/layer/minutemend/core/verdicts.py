"""Verdicts: what is known of a minute, with the evidence for it.

A minute has exactly one verdict, by this order: a bar in the lake (`present`, or `repaired` when the bar
carries a repair id), else a proof of absence (`absent`), else a recorded failure (`failed`), else `missing`:
expected and not yet accounted for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from minutemend.core.answers import AnswerKind
from minutemend.core.minutes import Range


class Verdict(StrEnum):
    """What is known of an expected minute."""

    PRESENT = "present"
    REPAIRED = "repaired"
    ABSENT = "absent"
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, order=True)
class Observation:
    """What one settled job learned of the minutes of one symbol: the row of the `answers` table.

    `range` was asked for and looked at; `omitted` are the minutes of the job's gaps for which a believable
    answer had no bar (empty for every kind but BARS).
    """

    symbol: str
    range: Range
    observed_at: datetime
    vendor: str
    kind: AnswerKind
    omitted: tuple[Range, ...]
    rows: int
    status: int | None
    detail: str
    job_id: str
    audit_id: str
    attempt: int


@dataclass(frozen=True, slots=True, order=True)
class Absence:
    """Minutes of one symbol that are proven absent: the row of the `absences` table."""

    symbol: str
    range: Range
    reason: str  # `no_trade`: the vendor has bars around it; `venue_outage`: every symbol of the venue lacks it
    evidence: str  # JSON: the observations that prove it, [{vendor, observed_at, job_id}, …]
    observations: int
    proven_at: datetime


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """Minutes of one symbol that an audit could not mend: the row of the `failures` table."""

    symbol: str
    range: Range
    reason: str  # `attempts_exhausted`, `vendor_refused`, `garbage`, `no_data`, `unsettled`
    evidence: str
    attempts: int
    audit_id: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class ProofRule:
    """When omissions prove absence: two observations at least `apart`, or two different vendors."""

    apart: timedelta
