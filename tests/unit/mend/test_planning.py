"""A plan is what the machine would do, and does nothing itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from minutemend.core.answers import AnswerKind, VendorLimits
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence, Observation, ProofRule
from minutemend.services.lake import Lake

from mend.commands import plan as command
from mend.planning import Nightly, Outlook, Planning
from tests.fakes.gap_finder import FakeGapFinder
from tests.fakes.observed import left_out
from tests.fakes.store import FakeStore

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
SESSION = Session("XNYS", date(2013, 10, 4), OPEN, OPEN + 30 * MINUTE)
NOW = datetime(2013, 10, 5, tzinfo=UTC)
NIGHTLY = Nightly(looks=1, rechecks=3, dates=2, most=500)
VENDOR = VendorLimits("finnhub", rows=500, symbols=1, per_minute=60)


def _lake(*missing: int) -> Lake:
    lake = Lake(FakeStore(lambda: OPEN))
    lake.calendars.put([SESSION])
    lake.put_symbols([Listing("IBM", "XNYS")])
    bars = [Bar("IBM", OPEN + n * MINUTE, 1.0, 2.0, 0.5, 1.5, 10.0) for n in range(30) if n not in missing]
    lake.put_bars(to_table(bars, source="x", repair_id=None, captured_at=NOW))
    return lake


def _look(lake: Lake) -> Outlook:
    planning = Planning(lake=lake, finder=FakeGapFinder(lake), vendors=[VENDOR], rule=ProofRule(timedelta(seconds=3)))
    return planning.look(SESSION.range, None, token="plan", now=NOW)


def _omission(job_id: str, minute: int, when: datetime) -> Observation:
    gap = Range(OPEN + minute * MINUTE, OPEN + (minute + 1) * MINUTE)
    return Observation(
        "IBM", SESSION.range, when, "finnhub", AnswerKind.BARS, left_out(gap), 29, 200, "29 bars", job_id, "a1", 1
    )


def test_gaps_become_the_fewest_requests_and_nothing_is_written() -> None:
    """Two gaps near one another are one request."""
    lake = _lake(5, 6, 20)
    assert isinstance(lake.store, FakeStore)
    before = list(lake.store.puts)
    outlook = _look(lake)
    assert [(gap.minutes, (gap.start - OPEN) // MINUTE) for gap in outlook.gaps] == [(2, 5), (1, 20)]
    assert (outlook.expected, outlook.missing, len(outlook.jobs), outlook.estimate.requests) == (30, 3, 1, 1)
    assert lake.store.puts == before


def test_a_minute_that_the_answers_prove_absent_is_not_planned_for() -> None:
    """The machine's first look would fold the proof before it queues anything; the plan does as it would."""
    lake = _lake(5, 20)
    lake.answers.put([_omission("j1", 5, NOW), _omission("j2", 5, NOW + timedelta(minutes=1))])
    outlook = _look(lake)
    assert [(gap.start - OPEN) // MINUTE for gap in outlook.gaps] == [20]


def test_a_whole_session_plans_nothing() -> None:
    outlook = _look(_lake())
    assert (len(outlook.gaps), outlook.jobs, outlook.missing) == (0, (), 0)


def test_a_table_shows_the_first_gaps_and_json_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five years of 500 symbols have 630,000 gaps; and such a range is a backfill's."""
    monkeypatch.setattr(command, "SHOWN", 3)
    outlook = replace(_look(_lake(*range(1, 29, 2))), expected=10**7)
    assert len(outlook.gaps) == 14
    opened: Any = SimpleNamespace(option="dev")
    command._print(outlook, NIGHTLY, "table", attempts=3, opened=opened, chosen="--start 2013")
    said = capsys.readouterr().out
    assert "the first 3 of each are shown; --format json has all" in " ".join(said.split())
    assert said.count("2013-10-04 13:") + said.count("2013-10-04T13:") <= 10
    assert "next: mend backfill --stage dev --start 2013 --wait" in " ".join(said.split())
    command._print(outlook, NIGHTLY, "json", attempts=3, opened=opened, chosen="--start 2013")
    told = json.loads(capsys.readouterr().out)
    assert told["gaps"] == [gap.as_json() for gap in outlook.gaps]
    assert told["nightly"]["recheck_requests"] == 3


def test_the_plan_tells_what_the_night_asks_besides() -> None:
    """A share of yesterday's symbols is looked at once more, and what is due of old dates is asked again."""
    lake = _lake(*range(30))
    long_ago = OPEN - timedelta(days=30)
    proof = Absence("IBM", Range(long_ago, long_ago + MINUTE), "no_trade", "[]", 2, OPEN, "two_looks", 0.5, RULE)
    lake.put_absences([proof])
    settings: Any = SimpleNamespace(look_share=1.0, sweep_days=3, recheck_requests=7)
    planning = Planning(lake=lake, finder=FakeGapFinder(lake), vendors=[VENDOR], rule=ProofRule(MINUTE))
    tonight = planning.nightly(settings, now=OPEN + timedelta(days=1))
    assert tonight == Nightly(looks=1, rechecks=1, dates=1, most=7)
