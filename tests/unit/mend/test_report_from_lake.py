"""A report of a lake shows each minute once, with the sentence that says why it is what it is."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from minutemend.core.answers import AnswerKind
from minutemend.core.bars import Bar, to_table
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range, from_epoch_minute
from minutemend.core.revocations import Revocation
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence, Failure, Observation, Verdict
from minutemend.services.lake import Lake

from mend.report.encode import encode
from mend.report.from_lake import NothingToReport, from_lake
from mend.report.model import ReportData
from tests.fakes.observed import left_out
from tests.fakes.store import FakeStore

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
SESSION = Session("XNYS", OPEN.date(), OPEN, OPEN + 390 * MINUTE)
NOW = datetime(2013, 10, 5, 6, tzinfo=UTC)


def report(
    lake: Lake, window: Range = SESSION.range, symbols: tuple[str, ...] | None = None, **options: Any
) -> ReportData:
    about = {"title": "t", "source": "stage dev", "command": "mend report", "written_at": NOW}
    return from_lake(lake, window, symbols, **about, **options)


def part(first: int, end: int) -> Range:
    return Range(OPEN + first * MINUTE, OPEN + end * MINUTE)


def bars(lake: Lake, symbol: str, window: Range, repair_id: str | None = None) -> None:
    rows = [Bar(symbol, window.start + n * MINUTE, 1.0, 2.0, 0.5, 1.5, 10.0) for n in range(window.minutes)]
    lake.put_bars(to_table(rows, source="finnhub", repair_id=repair_id, captured_at=NOW))


def observation(window: Range, *, job_id: str, attempt: int, omitted: tuple[Range, ...] = ()) -> Observation:
    return Observation(
        symbol="IBM",
        range=window,
        observed_at=NOW + attempt * MINUTE,
        vendor="finnhub",
        kind=AnswerKind.BARS,
        omitted=left_out(*omitted),
        rows=window.minutes,
        status=200,
        detail="",
        job_id=job_id,
        audit_id="a1",
        attempt=attempt,
    )


@pytest.fixture
def lake() -> Lake:
    """IBM with one minute of each verdict but present, SPY whole."""
    lake = Lake(FakeStore())
    lake.calendars.put([SESSION])
    lake.put_symbols([Listing("IBM", "XNYS"), Listing("SPY", "XNYS")])
    bars(lake, "SPY", SESSION.range)
    bars(lake, "IBM", part(0, 100))
    bars(lake, "IBM", part(110, 390))
    bars(lake, "IBM", part(100, 106), repair_id="job1")
    seen = [{"vendor": "finnhub", "observed_at": "2013-10-05T06:01:00Z", "job_id": job} for job in ("job1", "job2")]
    lake.put_absences([Absence("IBM", part(106, 108), "no_trade", json.dumps(seen), 2, NOW, rule=RULE)])
    refused = {"vendor": "finnhub", "kind": "give_up", "observed_at": "2013-10-05T06:03:00Z", "status": 403}
    lake.put_failures([Failure("IBM", part(108, 109), "vendor_refused", json.dumps([refused]), 3, "a1", NOW)])
    lake.answers.put(
        [
            observation(part(95, 115), job_id="job1", attempt=1, omitted=(part(106, 110),)),
            observation(part(100, 115), job_id="job2", attempt=2, omitted=(part(106, 110),)),
        ]
    )
    return lake


def told(data: ReportData) -> list[tuple[str, str, int, str, str]]:
    """Each run as symbol, verdict, minutes, reason, evidence."""
    return [
        (data.listings[symbol].symbol, cause.verdict.value, minutes, cause.reason, cause.evidence)
        for symbol, minutes, cause in (
            (symbol, minutes, data.causes[number])
            for symbol, minutes, number in zip(
                data.runs.symbol.tolist(), data.runs.minutes.tolist(), data.runs.cause.tolist(), strict=True
            )
        )
    ]


def test_each_minute_that_is_not_present_says_why(lake: Lake) -> None:
    """The vendor, the time, the job; for a refusal its status."""
    assert told(report(lake)) == [
        (
            "IBM",
            "repaired",
            6,
            "finnhub",
            "finnhub sent it at 2013-10-05T06:01:00Z (job job1, attempt 1 of audit a1)",
        ),
        (
            "IBM",
            "absent",
            2,
            "no_trade",
            "finnhub left it out at 2013-10-05T06:01:00Z (job job1); "
            "finnhub left it out at 2013-10-05T06:01:00Z (job job2)",
        ),
        (
            "IBM",
            "failed",
            1,
            "vendor_refused",
            "finnhub answered give_up with status 403 at 2013-10-05T06:03:00Z (job ?)",
        ),
        ("IBM", "missing", 1, "", ""),
    ]


def test_the_course_credits_each_attempt_with_what_it_mended(lake: Lake) -> None:
    """A bar belongs to the attempt of its job, an absence to the observation that completed the proof."""
    course = report(lake).attempts
    assert [(one.attempt, one.jobs, one.repaired, one.absent) for one in course] == [(1, 1, 6, 0), (2, 1, 0, 2)]
    assert course[0].answers == {"bars": 1}


def test_a_range_that_cuts_a_session_counts_only_its_minutes(lake: Lake) -> None:
    """The session is cut too, so that nothing outside the range seems present."""
    data = report(lake, window=part(104, 200))
    assert [session.minutes for session in data.sessions["XNYS"]] == [96]
    assert from_epoch_minute(int(data.runs.start[0])) == OPEN + 104 * MINUTE
    encode(data)


def test_only_the_symbols_asked_for_are_shown(lake: Lake) -> None:
    """SPY is whole, so there is nothing to list."""
    data = report(lake, symbols=("SPY",))
    assert [listing.symbol for listing in data.listings] == ["SPY"]
    assert len(data.runs) == 0


def test_an_unknown_symbol_is_refused_with_the_known_ones(lake: Lake) -> None:
    """The message says what would be right."""
    with pytest.raises(BadInput, match="XYZ is no symbol of interest: one of IBM, SPY"):
        report(lake, symbols=("IBM", "XYZ"))


def test_a_range_without_sessions_is_nothing_to_report(lake: Lake) -> None:
    """A weekend."""
    weekend = Range(OPEN + timedelta(days=1), OPEN + timedelta(days=2))
    with pytest.raises(NothingToReport, match="no session of XNYS"):
        report(lake, window=weekend)


def test_a_stage_that_never_ran_an_audit_is_told_to() -> None:
    """Symbols and sessions reach the lake with the first audit."""
    with pytest.raises(NothingToReport, match="come with its first audit, mend repair --start 2013-10-04T13:30:00Z"):
        report(Lake(FakeStore()))


def test_a_range_of_which_the_lake_knows_nothing_is_nothing_to_report(lake: Lake) -> None:
    """There are sessions, but no bar of them was ever loaded or asked for."""
    lake.calendars.put(
        [Session("XNYS", date(2013, 10, 7), OPEN + timedelta(days=3), OPEN + timedelta(days=3, hours=6))]
    )
    empty = Range(OPEN + timedelta(days=3), OPEN + timedelta(days=3, hours=6))
    with pytest.raises(NothingToReport, match="`mend load` puts bars there"):
        report(lake, window=empty)


def test_the_bar_of_progress_moves_once_a_session_date(lake: Lake) -> None:
    """One tick for each date that has been read, of all that there are."""
    ticks: list[tuple[int, int]] = []
    report(lake, tick=lambda *told: ticks.append(told))
    assert ticks == [(1, 1)]


def test_verdicts_of_the_page_are_those_of_the_lake(lake: Lake) -> None:
    """Present is what no run covers."""
    data = report(lake)
    minutes = dict.fromkeys(Verdict, 0)
    for run in told(data):
        minutes[Verdict(run[1])] += run[2]
    assert (minutes[Verdict.REPAIRED], minutes[Verdict.ABSENT]) == (6, 2)
    assert (minutes[Verdict.FAILED], minutes[Verdict.MISSING]) == (1, 1)


def test_a_proof_says_its_strength_and_a_revocation_who_said_so() -> None:
    """The report has the evidence that `mend verdicts` has."""
    seen = {"vendor": "finnhub", "source": "finnhub", "observed_at": "2013-10-05T06:01:00Z", "job_id": "j"}
    seen |= {"before": "2013-10-04T15:15:00Z", "after": "2013-10-04T15:18:00Z"}
    weak = Absence(
        "IBM", part(0, 2), "no_trade", json.dumps([seen]), 2, NOW, proof="two_looks", plausible=0.42, rule=RULE
    )
    lake = Lake(FakeStore())
    lake.calendars.put([SESSION])
    lake.put_symbols([Listing("IBM", "XNYS"), Listing("SPY", "XNYS")])
    lake.put_absences([weak])
    lake.put_revocations([Revocation("IBM", part(1, 2), "J. Doe", "the tape has trades", NOW)])
    (_, verdict, _, reason, evidence), (_, *revoked), *_ = told(report(lake))
    assert (verdict, reason) == ("absent", "no_trade")
    assert evidence == (
        "two looks, chance of such a run 0.42: finnhub left it out at 2013-10-05T06:01:00Z (job j) (source finnhub), "
        "bars around: 2013-10-04T15:15:00Z and 2013-10-04T15:18:00Z"
    )
    assert revoked[:3] == ["missing", 1, "revoked"]
    assert revoked[3].startswith("J. Doe revoked the proof at ")
