"""The live replay: an hour that its own audit could not mend is not left so, any more than on a stage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from mend import demo_live
from mend.aws.executions import Execution
from mend.follow import Followed
from mend.live_view import Day, HourLine

FIRST = datetime(2025, 11, 12, 14, tzinfo=UTC)
HOURS = [FIRST + timedelta(hours=n) for n in range(3)]
FAILS = HOURS[1]


class Replay:
    """What is asked of a replay, in order. Audits of the hour `FAILS` fail `failures` times."""

    failures = 0
    audits: list[tuple[str, datetime]]

    def __init__(self, stage):
        self.stage = stage
        Replay.audits = []

    def capture(self, minutes, *, tell):
        for minute in minutes:
            tell(SimpleNamespace(start=minute, symbols=1, dropped=()))

    def settle(self):
        pass

    def audit(self, hour):
        Replay.audits.append(("hourly", hour))
        return hour

    def audit_again(self, hour):
        Replay.audits.append(("again", hour))
        return hour


def follow(_stage, hour, *, tell):  # noqa: ARG001 (an audit that tells nothing)
    good = hour != FAILS or [at for _, at in Replay.audits].count(FAILS) > Replay.failures
    status, error = ("SUCCEEDED", None) if good else ("FAILED", "MinutesMissing")
    return Followed(Execution("arn", "name", status, hour, hour, error=error, cause=error and "the vendor was down"))


@pytest.fixture
def replayed(monkeypatch):
    """`replayed(failures) -> Day`: a day of three hours, one of whose audits fails that often."""
    monkeypatch.setattr("local.replay.Replay", Replay)
    monkeypatch.setattr("mend.follow.follow", follow)

    def run(failures):
        monkeypatch.setattr(Replay, "failures", failures)
        day = Day("a day", [HourLine(hour) for hour in HOURS])
        demo_live._replay(SimpleNamespace(), day)
        return day

    return run


def test_every_hour_that_ends_well_is_audited_once(replayed):
    """Nothing is left for the night."""
    day = replayed(failures=0)
    assert [line.good for line in day.hours] == [True] * 3
    assert sorted(Replay.audits) == [("hourly", hour) for hour in HOURS]


def test_an_hour_left_unmended_is_audited_again_when_all_are_done(replayed):
    """A vendor that was down for the length of one audit costs the day nothing."""
    day = replayed(failures=1)
    assert [line.good for line in day.hours] == [True] * 3
    assert Replay.audits[-1] == ("again", FAILS)
    assert len(Replay.audits) == 4
    assert day.hours[1].cause is None


def test_an_hour_that_stays_unmended_is_said_to_be(replayed):
    """The night does not last for ever, and the last word is the newest audit's."""
    day = replayed(failures=99)
    assert [line.good for line in day.hours] == [True, False, True]
    assert (day.hours[1].state, day.hours[1].cause) == ("MinutesMissing", "the vendor was down")
    assert Replay.audits.count(("again", FAILS)) == demo_live.NIGHTS
