"""The finder that the loop tests and the simulation use is held to the SQL: the same gaps of any lake."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minutemend.core.bars import to_table
from minutemend.core.columns import Bar, Bars
from minutemend.core.data_check import Question
from minutemend.core.evidence import proven
from minutemend.core.minutes import MINUTE, Range, hours_around
from minutemend.core.verdicts import RULE, Absence
from minutemend.services.lake import Lake

from tests.fakes.gap_finder import FakeGapFinder
from tests.fakes.sql_finder import SqlGapFinder
from tests.fakes.store import FakeStore
from tests.unit.simulation.beginnings import MARKETS, Market, minutes


def filled(market: Market, dice: random.Random) -> Lake:
    """A lake in which bars are missing, lie twice and thrice, came late for minutes that are proven absent, and lie
    outside the sessions."""
    lake = Lake(FakeStore())
    lake.calendars.put([*market.sessions, *market.earlier])
    lake.put_symbols(market.listings)
    share = dice.choice([0.1, 0.5, 0.9, 1.0])
    around = Range(market.window.start - 20 * MINUTE, market.window.end + 20 * MINUTE)
    for listing in market.listings:
        kept = [minute for minute in minutes(around) if dice.random() < share]
        for copy in range(dice.choice([1, 1, 2, 3])):
            chosen = [minute for minute in kept if copy == 0 or dice.random() < 0.3]
            bars = Bars.of(Bar(listing.symbol, minute, 2.0, 3.0, 1.0, 2.0, 5.0 + copy) for minute in chosen)
            at = market.window.end + timedelta(minutes=copy)
            lake.put_bars(to_table(bars, source=f"source-{copy}", repair_id=None, captured_at=at))
    lake.put_absences(
        Absence(symbol, Range(minute, minute + MINUTE), "no_trade", "[]", 2, market.window.end, rule=RULE)
        for symbol, minute in sorted(market.expected())
        if dice.random() < 0.2
    )
    return lake


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(seed=st.integers(0, 2**32), name=st.sampled_from(sorted(MARKETS)), part=st.booleans())
def test_both_finders_find_the_same(seed: int, name: str, part: bool) -> None:
    """Of whole windows and parts of them, of all symbols and of some; and what is proven taken away, too."""
    dice, market = random.Random(seed), MARKETS[name]
    lake, window = filled(market, dice), market.window
    if part:
        start = window.start + dice.randrange(window.minutes - 1) * MINUTE
        window = Range(start, start + dice.randrange(1, int((window.end - start) // MINUTE) + 1) * MINUTE)
    symbols = dice.choice([None, ["AAA"], ["BBB", "CCC"]])
    calendars = {one.calendar for one in market.listings}
    question = Question(window, market.listings, lake.calendars.sessions(hours_around(window), calendars), symbols)
    plain, sql = FakeGapFinder(lake).find(question, token="t"), SqlGapFinder(lake).find(question, token="t")
    assert list(sql.gaps) == list(plain.gaps)
    assert sql.expected == plain.expected
    left = [list(one.gaps.less(proven(lake.absences(window), one.gaps))) for one in (plain, sql)]
    assert left[0] == left[1]


@pytest.mark.parametrize("finder", [FakeGapFinder, SqlGapFinder])
def test_a_late_bar_between_two_missing_minutes_leaves_two_gaps(
    finder: type[FakeGapFinder] | type[SqlGapFinder],
) -> None:
    """A minute was proven absent, and its bar came: of three minutes two are missing, and they are two gaps."""
    market = MARKETS["hour"]
    window = market.window
    lake = Lake(FakeStore())
    lake.calendars.put(market.sessions)
    lake.put_symbols(market.listings)
    late = window.start + 5 * MINUTE
    lacking = {late - MINUTE, late + MINUTE}
    bars = Bars.of(Bar("AAA", minute, 2.0, 3.0, 1.0, 2.0, 5.0) for minute in minutes(window) if minute not in lacking)
    lake.put_bars(to_table(bars, source="one", repair_id=None, captured_at=window.end))
    absence = Absence("AAA", Range(late, late + MINUTE), "no_trade", "[]", 2, window.end, rule=RULE)
    lake.put_absences([absence, replace(absence, range=Range(late, late + 2 * MINUTE), proven_at=late)])
    question = Question(window, market.listings, lake.calendars.sessions(hours_around(window), {"XNYS"}), ["AAA"])
    found = finder(lake).find(question, token="t")
    assert [gap.start for gap in found.gaps] == sorted(lacking)
    assert [gap.start for gap in found.gaps.less(proven(lake.absences(window), found.gaps))] == [late - MINUTE]
