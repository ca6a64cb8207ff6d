"""What the next attempt of an audit would do, without doing any of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from minutemend.core.answers import VendorLimits
from minutemend.core.gaps import Gaps
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import Range, day_range
from minutemend.core.plan import Estimate, estimate, plan
from minutemend.core.verdicts import ProofRule
from minutemend.ports import GapFinder
from minutemend.services.lake import Lake
from minutemend.services.look import look
from minutemend.services.queue_repairs import with_archives
from minutemend.services.rechecks import RequestRechecks
from minutemend.services.review import nightly_looks, unsure_of


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


@dataclass(frozen=True, slots=True)
class Nightly:
    """What the coming night asks besides: requests of second looks at the day before, and of what is due again."""

    looks: int
    rechecks: int
    dates: int  # that the rechecks are of
    most: int  # requests that a night's rechecks may take

    def as_json(self) -> dict[str, int]:
        names = {"look_requests": self.looks, "recheck_requests": self.rechecks}
        return names | {"recheck_dates": self.dates, "recheck_requests_at_most": self.most}


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

    def nightly(self, settings: Any, *, now: datetime) -> Nightly:
        """What the next night asks by itself, by the stage's settings."""
        tomorrow = day_range(now.date()).start + timedelta(days=1)
        night = tomorrow + timedelta(hours=4)
        unsure = unsure_of(one.name for one in self.vendors)
        how: dict[str, Any] = {"today": tomorrow, "share": settings.look_share, "unsure": unsure, "now": night}
        looks = nightly_looks(self.lake, self.vendors, **how)
        made = RequestRechecks(
            lake=self.lake,
            results=self.lake.store,
            vendors=self.vendors,
            sweep_days=settings.sweep_days,
            most=settings.recheck_requests,
        )
        due = made.night(night)
        return Nightly(len(looks), due.requests, len(due.dates), settings.recheck_requests)
