"""Bars of one minute that disagree: which are revisions, and what comes of a person's decision."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from minutemend.core.bars import Bar, to_table
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range
from minutemend.services.compaction import compact
from minutemend.services.lake import Lake
from minutemend.services.revisions import Revision, accept, note

import mend.stage
from mend.aws import executions
from mend.commands.revisions import AUDITS, _few, command
from mend.reading import read
from mend.revisions import find_revisions
from tests.fakes.store import FakeStore

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
EVENING = datetime(2013, 10, 4, 21, tzinfo=UTC)
DAY = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 5, tzinfo=UTC))
SAID = {"who": "J. Doe", "why": "restated by the exchange"}
WORDS = ["--who", SAID["who"], "--why", SAID["why"]]


class Clock:
    """The store's, which tests move."""

    now = EVENING

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lake(clock: Clock) -> Lake:
    """IBM's first two minutes, captured from alpaca."""
    made = Lake(FakeStore(clock))
    made.put_bars(bars(100.0, 0, 1))
    return made


def bars(
    close: float,
    *minutes: int,
    source: str = "alpaca",
    repair_id: str | None = None,
    later: int = 0,
    volume: float = 5.0,
) -> pa.Table:
    rows = [Bar("IBM", OPEN + minute * MINUTE, 100.0, 200.0, 50.0, close, volume) for minute in minutes]
    return to_table(rows, source=source, repair_id=repair_id, captured_at=EVENING + later * MINUTE)


def found(lake: Lake, **options: Any) -> list[Revision]:
    return list(find_revisions(lake, DAY, **options))


def told(lake: Lake, **options: Any) -> list[tuple[int, str, str, float, float]]:
    return [
        (int((one.minute - OPEN) / MINUTE), one.kind, one.vendor, one.stored[3], one.seen[3])
        for one in found(lake, **options)
    ]


def squeezed(lake: Lake, now: datetime) -> None:
    """Compact the date, however few its objects are."""
    for n in range(5):
        lake.put_bars(
            to_table([Bar("ZZZ", OPEN + n * MINUTE, 1, 1, 1, 1, 1)], source="x", repair_id=None, captured_at=now)
        )
    compact(lake, DAY, closed={OPEN.date()}, now=now, retire_after=timedelta(0))
    assert len(lake.store.list("bars/")) == 1


@pytest.mark.parametrize("where", ["bars", "looks", "compacted"])
def test_the_same_vendor_says_otherwise_later(lake: Lake, where: str, clock: Clock) -> None:
    """A capture that came again, what was sent around a gap, and what compaction took away from the readers."""
    (lake.put_looks if where == "looks" else lake.put_bars)(bars(101.0, 1, later=5))
    if where == "compacted":
        squeezed(lake, clock.now)
    assert told(lake) == [(1, "revised", "alpaca", 100.0, 101.0)]


def test_what_says_the_same_is_no_revision(lake: Lake) -> None:
    """Seen again, repaired again, captured again: the same values."""
    lake.put_looks(bars(100.0, 0, 1, later=5))
    lake.put_bars(bars(100.0, 0, repair_id="job", later=7))
    assert found(lake) == []


def test_another_volume_is_a_revision_of_the_same_vendor_alone(lake: Lake) -> None:
    """Volumes of two feeds differ by nature."""
    lake.put_looks(bars(100.0, 0, volume=6.0, later=5))
    lake.put_looks(bars(100.0, 1, volume=6.0, later=5, source="finnhub"))
    assert told(lake) == [(0, "revised", "alpaca", 100.0, 100.0)]


@pytest.mark.parametrize(
    ("close", "share", "disputed"),
    [(100.1, 0.001, False), (100.11, 0.001, True), (100.01, 0.0, False), (100.02, 0.0, True)],
)
def test_another_vendor_disputes_beyond_a_tick_and_the_tolerance(
    lake: Lake, close: float, share: float, disputed: bool
) -> None:
    lake.put_looks(bars(close, 0, source="finnhub"))
    assert told(lake, share=share) == ([(0, "disputed", "finnhub", 100.0, close)] if disputed else [])


def test_how_often_and_when_it_was_seen(lake: Lake) -> None:
    for n in (5, 9, 7):
        lake.put_looks(bars(101.0, 0, repair_id=f"job{n}", later=n))
    (one,) = found(lake)
    assert (one.times, one.first_seen, one.last_seen) == (3, EVENING + 5 * MINUTE, EVENING + 9 * MINUTE)


def test_looks_at_minutes_that_were_never_stored_are_no_revisions(lake: Lake) -> None:
    """They are missing, and the audit's."""
    lake.put_looks(bars(101.0, 7))
    assert found(lake) == []


@pytest.mark.parametrize("compacted", [False, True])
def test_an_accepted_bar_takes_the_place_and_the_past_stays(lake: Lake, clock: Clock, compacted: bool) -> None:
    lake.put_looks(bars(101.0, 1, later=60))
    old, (one,) = lake.read_bars(DAY), found(lake)
    clock.now = EVENING + timedelta(days=1)
    assert accept(lake, [one], **SAID, now=clock.now) == [Range(OPEN.replace(minute=0), OPEN + 30 * MINUTE)]
    if compacted:
        squeezed(lake, clock.now + MINUTE)
    now = lake.read_bars(DAY, ["IBM"])
    assert now["close"].to_pylist() == [100.0, 101.0]
    assert now["repair_id"].to_pylist() == [None, f"accepted:{one.supersedes}"]
    before = read(lake, "IBM", "2013-10-04", as_of=clock.now, provenance=True)
    assert before.select(["close", "source", "repair_id", "captured_at"]).equals(
        old.select(["close", "source", "repair_id", "captured_at"])
    )
    assert found(lake) == []  # the bar that it superseded is no revision of it


def test_accepting_twice_finds_nothing_and_a_stale_list_is_refused(lake: Lake, clock: Clock) -> None:
    lake.put_looks(bars(101.0, 0, later=60))
    stale = found(lake)
    clock.now += timedelta(hours=2)
    accept(lake, stale, **SAID, now=clock.now)
    before = dict(lake.store.objects)  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match="decided otherwise meanwhile"):
        accept(lake, stale, **SAID, now=clock.now + MINUTE)
    assert accept(lake, found(lake), **SAID, now=clock.now) == []
    assert lake.store.objects == before  # type: ignore[attr-defined]


def test_what_is_said_after_an_acceptance_is_a_revision_again_and_the_last_accepted_counts(
    lake: Lake, clock: Clock
) -> None:
    for close, hours in ((101.0, 1), (99.0, 3), (101.0, 5)):
        lake.put_looks(bars(close, 0, later=60 * hours, repair_id=f"job{hours}"))
        clock.now = EVENING + timedelta(hours=hours + 1)
        assert [one.seen[3] for one in found(lake)] == [close]
        accept(lake, found(lake), **SAID, now=clock.now)
        assert lake.read_bars(DAY)["close"].to_pylist()[0] == close


def test_of_several_values_of_a_minute_a_person_chooses(lake: Lake) -> None:
    lake.put_looks(bars(101.0, 0, later=1))
    lake.put_looks(bars(102.0, 0, later=2))
    with pytest.raises(BadInput, match=r"2013-10-04T13:30:00Z was seen with several values: --id"):
        accept(lake, found(lake), **SAID, now=EVENING)


def test_nothing_is_accepted_or_rejected_by_nobody(lake: Lake) -> None:
    lake.put_looks(bars(101.0, 0))
    before = dict(lake.store.objects)  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match="who is"):
        accept(lake, found(lake), who=" ", why="so", now=EVENING)
    with pytest.raises(BadInput, match="why is"):
        note(lake, found(lake), "rejected", who="me", why="", now=EVENING)
    assert lake.store.objects == before  # type: ignore[attr-defined]


def test_what_was_rejected_is_open_no_more_until_something_else_is_said(lake: Lake) -> None:
    lake.put_looks(bars(101.0, 0, later=1))
    note(lake, found(lake), "rejected", **SAID, now=EVENING)
    lake.put_looks(bars(101.0, 0, later=9, repair_id="again"))
    assert found(lake) == []
    assert [one.seen[3] for one in found(lake, rejected=True)] == [101.0]
    lake.put_looks(bars(102.0, 0, later=9))
    assert [one.seen[3] for one in found(lake)] == [102.0]
    assert lake.read_bars(DAY)["close"].to_pylist() == [100.0, 100.0]


@pytest.fixture
def stage(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """`--stage dev` is the lake; gives what executions were started with."""
    started: list[dict[str, Any]] = []
    opened = SimpleNamespace(
        lake=lake, option="dev", output=lambda _: "arn", clients=SimpleNamespace(stepfunctions=None)
    )
    monkeypatch.setattr(mend.stage, "open_stage", lambda _: opened)
    monkeypatch.setattr(executions, "start", lambda _sfn, _arn, given, **_: started.append(given))
    return started


def run(*words: str) -> Any:
    return CliRunner().invoke(command, [*words, "--stage", "dev", "--start", "2013-10-04"])


def test_the_commands_list_accept_and_reject(lake: Lake, stage: list[dict[str, Any]]) -> None:
    lake.put_looks(bars(101.0, 0, 1, later=5))
    listed = json.loads(run("list", "--format", "json").stdout)["revisions"]
    assert [(one["minute"], one["stored"]["close"], one["seen"]["close"]) for one in listed] == [
        ("2013-10-04T13:30:00Z", 100.0, 101.0),
        ("2013-10-04T13:31:00Z", 100.0, 101.0),
    ]
    assert "100 200 50 101 5" in " ".join(run("list").stdout.replace("\xa0", " ").split())  # as wide as it may be
    assert run("reject", "--id", listed[1]["id"], *WORDS).exit_code == 0
    done = run("accept", *WORDS)
    assert (done.exit_code, "1 revision accepted" in done.stderr) == (0, True)
    hours = {"start": "2013-10-04T13:00:00Z", "end": "2013-10-04T14:00:00Z"}
    assert stage == [{**hours, "symbols": ["IBM"], "attempts": 1}]
    assert lake.read_bars(DAY)["close"].to_pylist() == [101.0, 100.0]
    again = run("accept", *WORDS)
    assert (again.exit_code, "nothing was accepted" in again.stderr, len(stage)) == (0, True, 1)
    refused = run("accept", "--id", listed[0]["id"], *WORDS)
    assert isinstance(refused.exception, BadInput)
    assert "accepted already" in str(refused.exception)


def test_an_acceptance_of_many_hours_starts_few_audits() -> None:
    """Each hour is in one; those that lie furthest apart stay apart."""
    hours = [Range(DAY.start + timedelta(hours=n), DAY.start + timedelta(hours=n + 1)) for n in range(0, 80, 2)]
    later = Range(DAY.start + timedelta(days=30), DAY.start + timedelta(days=30, hours=1))
    assert _few(hours[:3]) == hours[:3]
    found = _few([*hours, later])
    assert len(found) == AUDITS
    assert (found[0].start, found[-1]) == (DAY.start, later)
    assert all(any(hour.start in one for one in found) for hour in hours)
