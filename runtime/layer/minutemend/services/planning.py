"""What the next attempt of an audit would do, without doing any of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minutemend.core.evidence import needs, prove
from minutemend.core.gaps import Gap
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import Range, subtract
from minutemend.core.plan import Estimate, VendorLimits, estimate, plan
from minutemend.core.verdicts import ProofRule
from minutemend.ports import GapFinder
from minutemend.services.lake import Lake


@dataclass(frozen=True, slots=True)
class Outlook:
    """The gaps as the first look would leave them, the requests that would be queued for them, and what they take."""

    gaps: tuple[Gap, ...]
    expected: int  # minutes
    jobs: tuple[RepairJob, ...]
    estimate: Estimate
    scanned_bytes: int | None  # by this look

    @property
    def missing(self) -> int:
        return sum(gap.minutes for gap in self.gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Reads only: what CheckDataHealth and QueueRepairs would find and send for the first attempt."""

    lake: Lake
    finder: GapFinder
    vendors: Sequence[VendorLimits]
    rule: ProofRule

    def look(self, window: Range, symbols: Sequence[str] | None, *, token: str) -> Outlook:
        """The outlook for `window` and `symbols` (None: every symbol of interest). Raises QueryError."""
        found = self.finder.find(window, symbols, token=token)
        dates = sorted({day for gap in found.gaps for day in gap.range.dates()})
        told = self.lake.observations(dates, sorted({gap.symbol for gap in found.gaps})) if dates else []
        venues = {listing.symbol: listing.calendar for listing in self.lake.symbols()}
        proven: dict[str, list[Range]] = {}
        for absence in prove(found.gaps, told, self.rule, venues=venues):
            proven.setdefault(absence.symbol, []).append(absence.range)
        gaps = tuple(
            Gap(gap.symbol, part.start, part.end, gap.session_open, gap.session_close)
            for gap in found.gaps
            for part in subtract([gap.range], proven.get(gap.symbol, ()))
        )
        history = needs(gaps, told, audit_id="plan")
        jobs = plan(history, audit_id="plan", attempt=1, vendors=self.vendors, rule=self.rule)
        return Outlook(gaps, found.expected, tuple(jobs), estimate(jobs, self.vendors), found.scanned_bytes)
