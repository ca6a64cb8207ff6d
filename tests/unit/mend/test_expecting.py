"""What is expected changes after hours were published: their facts follow, so that none says that it is complete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.services.publish import Publish

from mend.commands import closures, sessions, symbols
from mend.stage import Stage
from tests.fakes.signals import FakeSignals
from tests.unit.mend.test_interest_commands import run, stage

__all__ = ["stage"]  # a fixture


def _published(stage: Stage) -> list[tuple[str, int, int]]:
    """Of the facts what each row expects, and has."""
    rows = stage.lake.hourly.facts(DAY).to_pylist()
    return [(row["symbol"], row["minutes_expected"], row["minutes_present"]) for row in rows]


HOUR = Range(datetime(2026, 1, 5, 15, tzinfo=UTC), datetime(2026, 1, 5, 16, tzinfo=UTC))
DAY = Range(HOUR.start, HOUR.start + timedelta(hours=2))


@pytest.fixture
def known(stage: Stage) -> Stage:
    """An hour of a day of two hours, followed by two symbols, of which one lacks the first twenty minutes."""
    stage.lake.calendars.put([Session("XNYS", HOUR.start.date(), DAY.start, DAY.end)])
    stage.interest(write=True)
    bars = [
        Bar(symbol, HOUR.start + n * MINUTE, 1.0, 1.0, 1.0, 1.0, 1.0)
        for symbol, first in (("AIG", 0), ("IBM", 20))
        for n in range(first, 60)
    ]
    stage.lake.put_bars(to_table(bars, source="sim", repair_id=None, captured_at=HOUR.end))
    return stage


def _publish(stage: Stage) -> None:
    signals = FakeSignals()
    Publish(lake=stage.lake, signals=signals, retire_after=timedelta(0)).run(HOUR, None, audit_id="a", now=HOUR.end)


SHORT = [("AIG", 60, 60), ("IBM", 60, 40)]
RECORDS = {
    "halt": (["symbol=IBM", "start=2026-01-05T15:00:00Z", "end=2026-01-05T15:20:00Z"], [SHORT[0], ("IBM", 40, 40)]),
    "closed": (
        ["calendar=XNYS", "start=2026-01-05T15:00:00Z", "end=2026-01-05T15:20:00Z"],
        [("AIG", 40, 40), ("IBM", 40, 40)],
    ),
    "break": (
        ["calendar=XNYS", "from=15:00", "to=15:20", "zone=UTC"],
        [("AIG", 40, 40), ("IBM", 40, 40)],
    ),
    "hours": (
        ["calendar=XNYS", "date=2026-01-05", "open=2026-01-05T15:20:00Z", "close=2026-01-05T16:00:00Z"],
        [("AIG", 40, 40), ("IBM", 40, 40)],
    ),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_facts_follow_a_record_and_its_taking_back(known: Stage, kind: str) -> None:
    """Or an hour would be published as complete that is not."""
    fields, fewer = RECORDS[kind]
    _publish(known)
    assert _published(known) == SHORT
    done = run(closures.command, "add", "--why", "storm", "--by", "anna", kind, *fields)
    assert _published(known) == fewer
    assert "next: mend repair --stage dev --start 2026-01-05T15:00:00Z --end 2026-01-05T16:00:00Z" in done.output
    (one,) = known.lake.calendars.closures()
    run(closures.command, "remove", one.id)
    assert _published(known) == SHORT


def test_facts_follow_a_symbol_to_another_calendar(known: Stage) -> None:
    known.lake.calendars.put([Session("XLON", HOUR.start.date(), HOUR.start + 40 * MINUTE, HOUR.end)])
    run(symbols.command, "set", "-", text='{"XNYS": ["AIG"], "XLON": ["IBM"]}')
    _publish(known)
    assert _published(known) == [SHORT[0], ("IBM", 20, 20)]
    done = run(symbols.command, "set", "-", text='{"XNYS": ["AIG", "IBM"], "XLON": ["VOD"]}')
    assert "the facts of 1 hour" in done.output
    assert [row for row in _published(known) if row[0] != "VOD"] == SHORT


def test_facts_follow_sessions_of_a_newer_release(known: Stage) -> None:
    """The package says that this day had its ordinary hours."""
    known.lake.calendars.put([Session("XNYS", HOUR.start.date(), HOUR.start + 20 * MINUTE, HOUR.end)])
    _publish(known)
    assert _published(known) == [("AIG", 40, 40), ("IBM", 40, 40)]
    run(sessions.command, "refresh", "--calendar", "XNYS")
    assert _published(known) == SHORT


def test_where_nothing_was_published_a_record_makes_no_facts(known: Stage) -> None:
    done = run(closures.command, "add", "--why", "x", "halt", *RECORDS["halt"][0])
    assert "facts" not in done.output
    assert _published(known) == []
