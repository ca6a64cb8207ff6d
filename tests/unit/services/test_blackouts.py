"""A minute that no symbol of a calendar has is its feed's hole, whichever symbols an audit looks at."""

from __future__ import annotations

import json

import pytest
from minutemend.contract import Key, Status
from minutemend.core.minutes import MINUTE, Range, format_instant

from tests.unit.services.loop import OPEN, SYMBOLS, Loop, session_bars

DAY = Range(OPEN, OPEN + 60 * MINUTE)
DARK = [one for one in session_bars() if one.minute != OPEN + 7 * MINUTE]


def loop(stored: object = DARK) -> Loop:
    """A stage that follows three symbols, and one that was delisted; its vendor lacks a minute of all."""
    made = Loop(truth=DARK, stored=list(stored))  # type: ignore[call-overload]
    followed = json.dumps({"XNYS": [*SYMBOLS, {"symbol": "OLD", "delisted": "2025-06-01"}]})
    made.read_parameter = lambda: followed
    return made


@pytest.mark.parametrize("symbols", [None, ["AAA"], ["AAA", "BBB"]])
def test_no_audit_proves_a_blackout_absent(symbols: list[str] | None) -> None:
    """Not one of some symbols either, and not for a symbol in the list that is expected no more."""
    stage = loop()
    state = stage.run(**({"symbols": symbols} if symbols else {}))
    assert (state[Key.STATUS], stage.lake.absences(DAY)) == (Status.EXHAUSTED, [])
    assert {one.reason for one in stage.lake.failures(DAY)} == {"vendor_hole_suspected"}


def test_symbols_of_which_nothing_is_stored_yet_are_no_part_of_a_blackout() -> None:
    """A young lake: the first symbols that are asked for have their quiet minutes all the same."""
    stage = loop([])
    assert stage.run(symbols=["AAA"])[Key.STATUS] == Status.READY
    assert [one.range.start for one in stage.lake.absences(DAY)] == [OPEN + 7 * MINUTE]


def test_the_others_are_looked_at_only_where_a_proof_of_one_vendor_rests_on_it() -> None:
    """It costs another question, of all symbols."""
    stage = loop(session_bars())
    stage.run(symbols=["AAA"])
    assert len(stage.finder.asked) == 1


@pytest.mark.parametrize("first", [0, 28, 50])
def test_a_short_range_is_judged_by_what_lies_around_it(first: int) -> None:
    """The vendor lacks four minutes of which three are stored, beside the range: it proves none."""
    bars, lacks = session_bars(), Range(OPEN + first * MINUTE, OPEN + (first + 4) * MINUTE)
    told = [one for one in bars if one.symbol != "AAA" or one.minute not in lacks]
    one = Range(lacks.start, lacks.start + MINUTE)
    stored = [bar for bar in bars if (bar.symbol, bar.minute) != ("AAA", one.start)]
    stage = Loop(truth=told, stored=stored)
    state = stage.run("audit-1", start=format_instant(one.start), end=format_instant(one.end))
    assert (state[Key.STATUS], state[Key.EXPECTED], state[Key.MISSING]) == (Status.EXHAUSTED, 3, 1)
    assert stage.lake.absences(DAY) == []
