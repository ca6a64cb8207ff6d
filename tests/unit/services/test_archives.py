"""With an archive a missing day or month is one job; a few minutes are the API's as before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from minutemend.adapters.vendors import limits_of
from minutemend.contract import VENDORS, VendorSettings
from minutemend.core.evidence import NEVER, Needs
from minutemend.core.gaps import Gaps
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import epoch_minute
from minutemend.core.plan import plan
from minutemend.core.verdicts import ProofRule
from minutemend.services.queue_repairs import with_archives

FIRST = epoch_minute(datetime(2024, 1, 1, tzinfo=UTC))
DAY = 1440


def _jobs(*gaps: tuple[int, int], archive: str | None) -> list[RepairJob]:
    """The plan of gaps of one symbol around the clock, as first minute and minutes since 2024 began."""
    start = np.array([FIRST + first for first, _ in gaps])
    end = start + np.array([minutes for _, minutes in gaps])
    opened = start // DAY * DAY
    found = Gaps(("BTCUSD",), np.zeros(len(gaps), np.int64), start, end, opened, opened + DAY)
    shape = (len(gaps), 1)
    needs = Needs(found, ("binance",), np.full(shape, NEVER), np.zeros(shape, np.bool_), np.zeros(len(gaps), np.bool_))
    vendors = with_archives([limits_of(VendorSettings("binance", "https://api", 60, archive=archive))], found)
    return plan(needs, audit_id="a", attempt=1, vendors=vendors, rule=ProofRule(timedelta(0)))


def test_a_month_is_one_job_with_an_archive_and_forty_six_without() -> None:
    days = [(day * DAY, DAY) for day in range(31)]
    [job] = _jobs(*days, archive="https://archive")
    assert job.request.range.minutes == 31 * DAY
    assert RepairJob.from_message(job.to_message()).id == job.id
    assert len(_jobs(*days, archive=None)) == 46


def test_a_few_minutes_of_several_days_stay_requests_of_their_own() -> None:
    apart = [(day * DAY + 700, 3) for day in range(0, 9, 3)]
    assert _jobs(*apart, archive="https://archive") == _jobs(*apart, archive=None)
    assert len(_jobs(*apart, archive=None)) == 3


def test_only_vendors_that_publish_files_have_an_archive() -> None:
    assert {name for name, known in VENDORS.items() if known.archive} == {"binance"}
    assert limits_of(VendorSettings("binance", "https://api", 60)).archive is None
