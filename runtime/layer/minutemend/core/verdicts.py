"""Verdicts: what is known of a minute, with the evidence for it.

A minute has exactly one verdict, by this order: a bar in the lake (`present`, or `repaired` when the bar carries a
repair id), else a proof of absence (`absent`), else a recorded failure that no revocation followed (`failed`), else
`missing`: expected and not yet accounted for. No file stores a verdict: `mend/spans.py` derives it whenever it is
asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from minutemend.core.answers import AnswerKind, Source
from minutemend.core.intervals import EMPTY, Intervals, Numbers, numbers
from minutemend.core.minutes import Range, epoch_minute


class Verdict(StrEnum):
    """What is known of an expected minute."""

    PRESENT = "present"
    REPAIRED = "repaired"
    ABSENT = "absent"
    FAILED = "failed"
    MISSING = "missing"


NONE = -1  # an answer that shows no bar before, or after


@dataclass(frozen=True, slots=True, eq=False)
class Omissions:
    """Runs `[start, end)` that one answer left out, with the nearest bars of the symbol that it showed around each
    (`before`, `after`: NONE where it showed none). Epoch minutes, int64, sorted."""

    start: Numbers
    end: Numbers
    before: Numbers
    after: Numbers

    def __len__(self) -> int:
        return len(self.start)

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Omissions) and self.rows() == other.rows()

    def rows(self) -> list[list[int]]:
        """`[start, end, before, after]` of each run."""
        columns = (self.start, self.end, self.before, self.after)
        return np.stack(columns, axis=1).tolist() if len(self) else []

    def within(self, start: int, end: int) -> Omissions:
        """The runs cut to `[start, end)`; the bars around them stay."""
        starts, ends = np.maximum(self.start, start), np.minimum(self.end, end)
        kept = ends > starts
        return Omissions(starts[kept], ends[kept], self.before[kept], self.after[kept])

    @classmethod
    def of(cls, *rows: tuple[int, int, int, int]) -> Omissions:
        """From `(start, end, before, after)` of each run."""
        return cls(*(numbers(column) for column in zip(*rows, strict=True))) if rows else NOTHING


NOTHING = Omissions(*(numbers([]) for _ in range(4)))


@dataclass(frozen=True, slots=True)
class Shown:
    """Some minutes of an answer's range, as those that it told of: a bit each, from the first."""

    bits: bytes

    @classmethod
    def of(cls, flags: npt.NDArray[np.bool_]) -> Shown:
        """From bool[minute of the range]."""
        return cls(np.packbits(flags).tobytes())

    def flags(self, window: Range) -> npt.NDArray[np.bool_]:
        """As bool[minute of the range]."""
        return np.unpackbits(np.frombuffer(self.bits, np.uint8), count=window.minutes).astype(np.bool_)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one settled job learned of the minutes of one symbol: the row of the `answers` table.

    `range` was asked for and looked at; `omitted` are the runs of the job's gaps for which a believable answer had no
    bar (none for every kind but BARS), `stated` the minutes of which the venue itself said that they had no trade.
    `shown` is what the answer told of, asked for or not (None: of its number alone, `rows`); `barred` is that of which
    it showed a bar (None: not known).
    """

    symbol: str
    range: Range
    observed_at: datetime
    vendor: str
    kind: AnswerKind
    omitted: Omissions
    rows: int
    status: int | None
    detail: str
    job_id: str
    audit_id: str
    attempt: int
    stated: Intervals = field(default_factory=lambda: EMPTY)
    shown: Shown | None = None
    barred: Shown | None = None

    def bars(self) -> Numbers:
        """The epoch minutes of which the answer is known to have shown a bar, asked for or not."""
        if self.barred is None:
            return numbers([])
        return epoch_minute(self.range.start) + np.flatnonzero(self.barred.flags(self.range))


class Proof(StrEnum):
    """How strong a proof of absence is, the strongest first."""

    STATEMENT = "venue_statement"  # the venue itself says that there was no trade
    SOURCES = "two_sources"  # two vendors that draw on different sources left it out
    LOOKS = "two_looks"  # one vendor left it out twice, and so few minutes are plausible for the symbol there


# Of the proofs that count; those of an older rule are judged anew (docs/absence.md). 3: a blackout is one whatever
# symbols an audit looks at. 4: an answer that lacks too much of the session is no look. 5: the whole session is judged,
# by sessions before it alone, and beside what was proven of other symbols. 6: what an answer showed or lacked
# beside what it was asked for counts; a silence goes over a break between sessions; history is of one calendar.
RULE = 6


@dataclass(frozen=True, slots=True, order=True)
class Absence:
    """Minutes of one symbol that are proven absent: the row of the `absences` table."""

    symbol: str
    range: Range
    reason: str  # `no_trade`; `venue_outage`: every symbol of the calendar lacks it, by two sources
    evidence: str  # JSON: the observations that prove it, [{vendor, source, observed_at, job_id, before, after}, …]
    observations: int
    proven_at: datetime
    proof: str = ""  # see Proof; empty: of an older rule
    plausible: float | None = None  # the chance of such a run by the symbol's own density; None: not asked
    rule: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """Minutes of one symbol that an audit could not mend: the row of the `failures` table."""

    symbol: str
    range: Range
    reason: str  # `attempts_exhausted`, `vendor_refused`, `garbage`, `no_data`, `vendor_hole_suspected`, `unsettled`
    evidence: str
    attempts: int
    audit_id: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class ProofRule:
    """What a proof of absence wants (core/evidence.py).

    Two looks of one vendor lie at least `apart`. A session is over `settling` after its close. `sources` says what each
    vendor draws on (one that is not named: unknown), `lags` how late its bars are complete (not named: not known).
    """

    apart: timedelta
    settling: timedelta = timedelta(0)
    sources: Mapping[str, Source] = field(default_factory=dict)
    lags: Mapping[str, timedelta | None] = field(default_factory=dict)
