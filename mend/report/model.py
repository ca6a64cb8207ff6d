"""What a report shows, made by `mend check` on files or from a stage's lake.

One rule keeps it small at 500 symbols x 1 year: only what is *not* plainly present is listed, as runs of
minutes. Every other expected minute is `present`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.value_rules import Flag
from minutemend.core.verdicts import Observation, Verdict

# In the order of the report: mildest first. Their positions are the numbers in the file.
VERDICTS = (Verdict.PRESENT, Verdict.REPAIRED, Verdict.ABSENT, Verdict.FAILED, Verdict.MISSING)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run of minutes has its verdict: a reason in one word, and the evidence as one line of text.

    `evidence` is for people ("finnhub left it out at 2013-10-05T10:00:00Z, job 12ab…"); empty where
    nothing is recorded.
    """

    verdict: Verdict
    reason: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Minutes that are not plainly present: equally long columns, sorted by symbol, start; disjoint.

    Each run lies within one session of its symbol's calendar.
    """

    symbol: npt.NDArray[np.int32]  # position in ReportData.listings
    start: npt.NDArray[np.int64]  # epoch minute (UTC)
    minutes: npt.NDArray[np.int32]
    cause: npt.NDArray[np.int32]  # position in ReportData.causes

    def __len__(self) -> int:
        return len(self.symbol)

    @classmethod
    def of(cls, rows: Any) -> Runs:
        """The columns of rows (symbol, start, minutes, cause), sorted here."""
        table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 4)
        symbol, start, minutes, cause = table.T
        return cls(symbol.astype(np.int32), start.copy(), minutes.astype(np.int32), cause.astype(np.int32))


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt of one audit came to. Instants are aware UTC; minutes are counted once each."""

    audit_id: str
    attempt: int
    first_at: datetime
    last_at: datetime
    jobs: int
    answers: Mapping[str, int]  # kind of answer -> how many
    repaired: int  # minutes whose stored bar came from this attempt
    absent: int  # minutes proven absent by an observation of this attempt


@dataclass(frozen=True, slots=True, eq=False)
class ReportData:
    """Everything in one report. Built by `from_check` and `from_lake`, written by `page`."""

    title: str
    source: str  # what was looked at: "stage dev", or the paths
    range: Range
    written_at: datetime  # aware UTC
    command: str  # the command that makes this report again
    listings: tuple[Listing, ...]  # the rows, in the order shown
    sessions: Mapping[str, tuple[Session, ...]]  # calendar -> its sessions, clipped to `range`, sorted by open
    runs: Runs
    causes: tuple[Cause, ...]
    answers: tuple[Observation, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[str, ...] = field(default=())  # sentences that belong beside the totals
    values: tuple[Flag, ...] = ()  # what is doubted of the values, where that was asked
