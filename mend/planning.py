"""What the next attempt of an audit would do, without doing any of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from minutemend.core.answers import VendorLimits
from minutemend.core.gaps import Gaps
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import Range
from minutemend.core.plan import Estimate, estimate, plan
from minutemend.core.verdicts import ProofRule
from minutemend.ports import GapFinder
from minutemend.services.lake import Lake
from minutemend.services.look import look
from minutemend.services.queue_repairs import with_archives


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """The gaps as the first look would leave them, the requests that would be queued for them, and what they take."""

    gaps: Gaps
    expected: int  # minutes
    jobs: tuple[RepairJob, ...]
    estimate: Estimate
    scanned_bytes: int | None  # by this look

    @property
    def missing(self) -> int:
        return self.gaps.minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Reads only: what CheckDataHealth and QueueRepairs would find and send for the first attempt."""

    lake: Lake
    finder: GapFinder
    vendors: Sequence[VendorLimits]
    rule: ProofRule

    def look(self, window: Range, symbols: Sequence[str] | None, *, token: str, now: datetime) -> Outlook:
        """The outlook for `window` and `symbols` (None: every symbol of interest). Raises QueryError."""
        found = look(
            self.lake,
            self.finder,
            self.rule,
            window=window,
            listings=self.lake.symbols(),
            symbols=symbols,
            audit_id="plan",
            token=token,
            now=now,
            serves={one.name: one.calendars for one in self.vendors if one.calendars},
        )
        vendors = with_archives(self.vendors, found.needs.gaps)
        jobs = plan(found.needs, audit_id="plan", attempt=1, vendors=vendors, rule=self.rule)
        return Outlook(found.needs.gaps, found.expected, tuple(jobs), estimate(jobs, self.vendors), found.scanned_bytes)
