"""A lake that commit 2d554fb wrote, opened by the code of today: nothing of it is lost, and no unsound proof is kept.

`lake_of_2d554fb.zip` was made by that commit's own loop: an hour of three symbols. Its vendor lacked one quiet minute
of AAA, had five more, lacked ten minutes of BBB (which that rule took for proven absent, too), and refused CCC.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from minutemend.contract import Key, Status
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.verdicts import Verdict
from minutemend.services.look import _past
from minutemend.services.publish import Publish

from mend.spans import verdicts
from tests.fakes.signals import FakeSignals
from tests.unit.services.loop import OPEN, SYMBOLS, Loop, session_bars

FILE = Path(__file__).with_name("lake_of_2d554fb.zip")
HOUR = Range(OPEN, OPEN + 60 * MINUTE)
TRUTH = session_bars()
QUIET = ("AAA", OPEN + 7 * MINUTE)


def minutes(symbol: str, numbers: Iterable[int]) -> set[tuple[str, object]]:
    return {(symbol, OPEN + n * MINUTE) for n in numbers}


@pytest.fixture
def loop() -> Loop:
    """Its vendor has loaded what it lacked, but for the quiet minute, and refuses nothing any more."""
    made = Loop(truth=[one for one in TRUTH if (one.symbol, one.minute) != QUIET], stored=[])
    made.now = OPEN + timedelta(days=300)
    made.store.objects.clear()
    with zipfile.ZipFile(FILE) as old:
        for name in old.namelist():
            made.store.put(name, old.read(name))
    return made


def test_its_bars_and_what_is_known_of_them_are_read(loop: Loop) -> None:
    """By column names: what that commit did not write is null, or has its default."""
    lake = loop.lake
    stored = lake.read_bars(HOUR)
    keys = zip(stored["symbol"].to_pylist(), stored["minute"].to_pylist(), strict=True)
    held = dict(zip(keys, stored["close"].to_pylist(), strict=True))
    lacks = minutes("AAA", [7]) | minutes("BBB", range(30, 40)) | minutes("CCC", range(50, 55))
    assert held == {
        (one.symbol, one.minute.replace(tzinfo=None)): one.close
        for one in TRUTH
        if (one.symbol, one.minute) not in lacks
    }
    assert sum(name is not None for name in stored["repair_id"].to_pylist()) == 5
    assert [one.symbol for one in lake.symbols()] == list(SYMBOLS)
    assert len(lake.answers.read(HOUR.dates())) == 5
    assert {(one.symbol, one.reason) for one in lake.failures(HOUR)} == {("CCC", "vendor_refused")}
    assert lake.hourly.facts(HOUR).num_rows == 6


def test_its_proofs_are_asked_for_anew(loop: Loop) -> None:
    """The verdicts of what an older rule proved are `missing`; what failed has failed."""
    assert loop.lake.absences(HOUR) == []
    told = {
        verdict: sum(span.range.minutes for span in verdicts(loop.lake, HOUR, list(SYMBOLS)) if span.verdict is verdict)
        for verdict in Verdict
    }
    assert told == {
        Verdict.PRESENT: 159,
        Verdict.REPAIRED: 5,
        Verdict.ABSENT: 0,
        Verdict.FAILED: 5,
        Verdict.MISSING: 11,
    }


def test_an_audit_heals_it_and_the_facts_follow(loop: Loop) -> None:
    """The ten minutes that were said to be absent were a vendor's hole: they are repaired. The quiet one is proven."""
    state = loop.run("today")
    assert (state[Key.STATUS], state[Key.FOUND]) == (Status.READY, 16)
    assert [(one.symbol, one.range.minutes, one.proof) for one in loop.lake.absences(HOUR)] == [("AAA", 1, "two_looks")]
    Publish(lake=loop.lake, signals=FakeSignals(), retire_after=timedelta(0)).run(
        HOUR, None, audit_id="today", now=loop.now
    )
    facts = loop.lake.hourly.facts(HOUR).to_pylist()
    counts = [sum(row[f"minutes_{what}"] for row in facts) for what in ("expected", "present", "absent")]
    assert counts == [180, 179, 1]


def test_what_it_took_for_absent_makes_no_later_session_plausible(loop: Loop) -> None:
    """Its facts say that BBB lacked ten minutes, so that another session might lack 22. A date counts by the proofs in
    force, once they and the facts are made anew."""
    tomorrow = HOUR.start.date() + timedelta(days=1)

    def past() -> list[tuple[int, int]]:
        known = _past(loop.lake, tomorrow, dict.fromkeys(SYMBOLS, "XNYS"))
        return [*zip(known.sessions.tolist(), known.most.tolist(), strict=True)]

    assert past() == [(0, 0), (0, 0), (0, 0)]
    loop.run("today")
    Publish(lake=loop.lake, signals=FakeSignals(), retire_after=timedelta(0)).run(
        HOUR, None, audit_id="today", now=loop.now
    )
    assert past() == [(1, 1), (1, 0), (1, 0)]
