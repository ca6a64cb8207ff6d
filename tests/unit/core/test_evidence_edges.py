"""The edges of the rule of absence: each of these would be crossed by one small mistake."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from minutemend.core.answers import AnswerKind
from minutemend.core.density import Past
from minutemend.core.evidence import NEVER, judge, proven
from minutemend.core.gaps import Gaps
from minutemend.core.intervals import merge, numbers, place
from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import NONE, NOTHING, RULE, Observation, Proof, Shown

from tests.unit.core.test_evidence import CLOSE, OPEN, RULE_IN_FORCE, SEEN, crowd, gap, judged, minutes, prove, saw

LAST = minutes(389)  # the session's last minute


def test_a_bar_of_the_next_session_is_no_later_bar() -> None:
    """Of a vendor whose lag is not known: it may not have had the last minute yet."""
    around = (epoch_minute(LAST.start) - 1, epoch_minute(CLOSE) + 1050)
    told = [saw(LAST, after=n, around=around, vendor="v") for n in (0, 20)]
    assert prove([gap(389)], told) == []
    assert judged([gap(389)], told).needs.first.tolist() != [[0]]


@pytest.mark.parametrize(("after", "counts"), [(timedelta(seconds=20), False), (timedelta(minutes=2), True)])
def test_a_venues_statement_counts_once_the_minute_is_final_there(after: timedelta, counts: bool) -> None:
    """Its lag is a minute, and clocks differ by some seconds: before that the row may still change."""
    told = [replace(saw(vendor="binance", stated=[3]), observed_at=minutes(3).end + after)]
    assert [one.proof for one in prove([gap(3)], told)] == ([Proof.STATEMENT] if counts else [])


def test_a_proof_of_an_older_rule_proves_nothing() -> None:
    (absence,) = prove([gap(3)], [saw(minutes(3)), saw(minutes(3), after=10)])
    gaps = Gaps.from_rows([gap(3)])
    assert len(proven([absence], gaps)) == 1
    assert len(proven([replace(absence, rule=RULE - 1)], gaps)) == 0


def test_an_answer_that_lacked_what_is_stored_by_now_was_incomplete_in_that_session() -> None:
    """A vendor that had one bar, twice; then it loaded the rest. What it has still not is asked for anew. (Found by the
    20,000 schedules: the old answers proved a traded minute absent, for it was the only one left.)"""
    looks = [saw(minutes(0), minutes(2, 388), after=n) for n in (0, 20)]
    assert prove([gap(0)], looks) == []
    assert judged([gap(0)], looks).needs.suspected.tolist() == [False]
    anew = [saw(minutes(0), after=n) for n in (40, 60)]
    (absence,) = prove([gap(0)], [*looks, *anew])
    assert absence.proven_at == SEEN + timedelta(minutes=60)


def test_another_run_counts_for_at_most_three_minutes_of_emptiness() -> None:
    """A long run is one event, and no sign of a thin symbol: q = (3 + 0.5) / (91 + 3 + 1) around the single minute."""
    told = [saw(minutes(90), minutes(100, 60), after=n) for n in (0, 20)]
    (absence,) = prove([gap(90), gap(100, 60)], told)
    around = 90 + 120 - 60  # stored minutes within two hours on either side
    assert absence.plausible == pytest.approx((3 + 0.5) / (around + 3 + 1), abs=1e-4)


@pytest.mark.parametrize(("holes", "believed"), [(4, True), (5, False)])
def test_a_session_may_lack_twice_what_one_ever_lacked_and_two(holes: int, believed: bool) -> None:
    """Of twenty sessions the worst lacked one minute: four are plausible, five are not."""
    lost = [gap(40 + 60 * n) for n in range(holes)]
    told = [saw(*(one.range for one in lost), after=n) for n in (0, 20)]
    found = prove(lost, told, past=Past(numbers([20]), numbers([1])))
    assert len(found) == (holes if believed else 0)


def test_a_quiet_minute_beside_a_halt_is_one_minute_of_silence() -> None:
    """No answer shows a bar of the halt, and none is expected there: that is no sign of a lacking answer."""
    edges = epoch_minute(OPEN) + 2, epoch_minute(OPEN) + 20
    told = [saw(minutes(3), after=n, around=edges) for n in (0, 20)]
    assert prove([gap(3)], told) == []
    halt = place(0, epoch_minute(OPEN) + 4)
    assert len(prove([gap(3)], told, off=merge([halt], [halt + 16]))) == 1


def test_an_answer_over_midnight_is_one_answer() -> None:
    """Its part of the one date lacked what is stored by now: what its part of the other lacks is asked for anew."""
    flags, parts = np.ones(390, np.bool_), []
    flags[[0, 200]] = False
    for one in (saw(minutes(0), minutes(200), after=n) for n in (0, 20)):
        parts += by_date(one, flags)
    assert len(prove([gap(0), gap(200)], parts)) == 2
    assert prove([gap(200)], parts) == []


def test_what_no_job_asked_for_is_left_out_all_the_same() -> None:
    """An audit of a session's last minute, of a young lake: the answers are silent over the last three. (Found by the
    20,000 schedules: of five minutes that are known three are too many, but one was not.)"""
    looks = [saw(LAST, after=n, around=(epoch_minute(minutes(386).start), NONE)) for n in (0, 20)]
    raw = Gaps.from_rows([gap(0, 385), gap(387, 3)])
    window = {"window": Range(OPEN, CLOSE), "crowd": crowd(Listing("A", "XNYS"))}
    found = judge(Gaps.from_rows([gap(389)]), looks, RULE_IN_FORCE, audit_id="a", raw=raw, **window)
    assert found.absences == []
    assert found.needs.suspected.tolist() == [True]


def test_an_answer_that_lacks_most_of_a_session_proves_nothing_of_the_rest() -> None:
    """Another vendor brought all but one minute, so no job asks for what this answer lacks: its silence there is not
    seen. (Found by the 20,000 schedules: a vendor with one bar of a session proved a traded minute absent.)"""
    poor = [saw(minutes(0), after=n, rows=1) for n in (0, 20)]
    found = judged([gap(0)], poor)
    assert found.absences == []
    assert found.needs.suspected.tolist() == [True]
    assert found.needs.closed.tolist() == [[True]]
    # Another audit asks again, for the vendor may have had little by then. (Found by the 20,000 schedules: one that
    # lagged by 20 minutes was asked for a quiet minute no more.)
    other = judged([gap(0)], [saw(minutes(0), after=n, rows=1, audit="before") for n in (0, 20)]).needs
    assert (other.suspected.tolist(), other.closed.tolist(), other.first.tolist()) == ([True], [[False]], [[NEVER]])
    better = [saw(minutes(0), after=n) for n in (40, 60)]
    (absence,) = prove([gap(0)], [*poor, *better])
    assert absence.proven_at == SEEN + timedelta(minutes=60)
    # With one better answer the vendor is asked for the second.
    needs = judged([gap(0)], [*poor, better[0]]).needs
    assert (needs.closed.tolist(), needs.suspected.tolist()) == ([[False]], [False])
    assert needs.first.tolist() == [[(SEEN + timedelta(minutes=40)).timestamp() * 1e6]]


@pytest.mark.parametrize(("rows", "proves"), [(196, True), (195, True), (194, False)])
def test_without_a_history_an_answer_may_lack_half_of_where_it_looked(rows: int, proves: bool) -> None:
    told = [saw(minutes(0), after=n, rows=rows) for n in (0, 20)]
    assert len(prove([gap(0)], told)) == proves


@pytest.mark.parametrize(("lacks", "proves"), [(8, True), (9, False)])
def test_with_a_history_an_answer_may_lack_what_a_session_may(lacks: int, proves: bool) -> None:
    """One of twenty sessions lacked three minutes."""
    told = [saw(minutes(0), after=n, rows=390 - lacks) for n in (0, 20)]
    assert len(prove([gap(0)], told, past=Past(numbers([20]), numbers([3])))) == proves


@pytest.mark.parametrize(("first", "proves"), [(0, True), (380, False)])
def test_bars_of_the_session_before_make_no_answer_full(first: int, proves: bool) -> None:
    """One request reaches over both; of this session the vendor has but the last minutes, as one that loads."""
    begun = OPEN - 500 * MINUTE
    flags = np.zeros(890, np.bool_)
    flags[:400] = flags[500 + first :] = True
    flags[500 + 385] = False
    told = [
        replace(saw(minutes(385), after=n, rows=400 + 389 - first), range=Range(begun, CLOSE), shown=Shown.of(flags))
        for n in (0, 20)
    ]
    assert len(prove([gap(385)], told)) == proves
    assert judged([gap(385)], told).needs.suspected.tolist() == ([] if proves else [True])


def by_date(one: Observation, flags: np.ndarray) -> list[Observation]:
    """An answer that told of these minutes of the session, as the lake keeps it: midnight is after the 200th."""
    parts = []
    for first, end in ((0, 200), (200, len(flags))):
        window = minutes(first, end - first)
        omitted = one.omitted.within(epoch_minute(window.start), epoch_minute(window.end))
        parts.append(replace(one, range=window, omitted=omitted, shown=Shown.of(flags[first:end])))
    return parts


@pytest.mark.parametrize(("lacks", "proves"), [(194, True), (195, False)])
def test_over_midnight_an_answer_lacks_what_its_parts_lack_together(lacks: int, proves: bool) -> None:
    """The lake keeps a part for each date. More than half of where both looked are too many; the first lacks more."""
    flags = np.ones(390, np.bool_)
    flags[[10, *range(15, 15 + lacks)]] = False
    told = []
    for one in (saw(minutes(10), after=n, rows=int(flags.sum())) for n in (0, 20)):
        told += by_date(one, flags)
    raw = Gaps.from_rows([gap(10), gap(15, lacks)])
    window = {"window": Range(OPEN, CLOSE), "crowd": crowd(Listing("A", "XNYS"))}
    found = judge(Gaps.from_rows([gap(10)]), told, RULE_IN_FORCE, audit_id="a", raw=raw, **window)
    assert len(found.absences) == proves


def test_a_short_part_of_an_answer_is_judged_with_the_rest() -> None:
    """Three minutes behind midnight, of which it shows one, after 200 that it shows all."""
    flags = np.ones(203, np.bool_)
    flags[[200, 202]] = False
    told = []
    for n in (0, 20):
        one = saw(minutes(200), after=n)
        told += by_date(one, flags)
    assert [one.range for one in prove([gap(200)], told)] == [minutes(200)]


def test_an_old_answer_that_told_of_more_than_fits_is_not_known_to_have_told_of_this_session() -> None:
    """It says how many rows it had, over two sessions, and not where."""
    told = [replace(saw(minutes(3), after=n, rows=600), range=Range(OPEN - 1440 * MINUTE, CLOSE)) for n in (0, 20)]
    assert prove([gap(3)], told) == []
    assert judged([gap(3)], told).needs.suspected.tolist() == [True]


def test_an_old_answer_of_two_dates_is_not_known_to_have_told_of_either() -> None:
    """Each part says how many rows the whole had."""
    told = []
    for one in (saw(minutes(203), after=n, rows=190) for n in (0, 20)):
        told += [replace(part, shown=None) for part in by_date(one, np.ones(390, np.bool_))]
    assert prove([gap(203)], told) == []
    assert judged([gap(203)], told).needs.suspected.tolist() == [True]


def test_what_the_venue_stated_is_no_lack() -> None:
    """Half of the session may lack: it showed 130 of 390 minutes, and told that 70 had no trade."""
    told = [saw(minutes(0), vendor="binance", after=n, rows=130, stated=range(10, 80)) for n in (0, 20)]
    assert minutes(0) in [one.range for one in prove([gap(0), gap(10, 70)], told)]


def test_in_a_young_lake_three_minutes_of_which_one_is_shown_prove_nothing() -> None:
    """(Found by the 20,000 schedules: the minute beside the one bar was asked for, and the other one was not.)"""
    where = minutes(0, 3)
    around = epoch_minute(OPEN), NONE
    looks = [replace(saw(minutes(1), after=n, rows=1, around=around), range=where) for n in (0, 20)]
    looks = [replace(one, omitted=replace(one.omitted, after=one.omitted.end)) for one in looks]
    raw = Gaps.from_rows([gap(1), gap(3, 387)])
    window = {"window": Range(OPEN, CLOSE), "crowd": crowd(Listing("A", "XNYS"))}
    assert judge(Gaps.from_rows([gap(1)]), looks, RULE_IN_FORCE, audit_id="a", raw=raw, **window).absences == []
    full = [replace(one, rows=2) for one in looks]
    assert len(judge(Gaps.from_rows([gap(1)]), full, RULE_IN_FORCE, audit_id="a", raw=raw, **window).absences) == 1


def two_sources(*runs: Range) -> list[Observation]:
    """The ends of two answers that show no bar after minute 387."""
    around = epoch_minute(minutes(387).start), NONE
    return [saw(*runs, vendor=name, around=around) for name in ("alpaca", "binance")]


def until(told: list[Observation], minute: int) -> list[Observation]:
    """Their parts before a minute of the session."""
    begun = minutes(minute).start
    return [replace(one, range=Range(OPEN, begun), omitted=one.omitted.within(0, epoch_minute(begun))) for one in told]


def test_the_end_of_a_session_that_is_asked_for_in_two_parts_is_one_silence() -> None:
    """One of the last two minutes was proven before, so the job names both apart. (Found by the 20,000 schedules: the
    first part never counted, for its run ends before the close; it failed, though it was quiet.)"""
    apart = two_sources(minutes(388), minutes(389))
    assert [one.range for one in prove([gap(388), gap(389)], apart)] == [minutes(388), minutes(389)]
    raw, told = Gaps.from_rows([gap(388, 2)]), until(apart, 389)  # no answer was looked at up to the close
    window = {"window": Range(OPEN, CLOSE), "crowd": crowd(Listing("A", "XNYS"))}
    # A job may be done in parts: one without a bar tells nothing of its minutes.
    rest = Range(minutes(389).start, CLOSE)
    silent = [replace(one, range=rest, omitted=NOTHING, kind=AnswerKind.NO_DATA, rows=0) for one in apart]
    for looks in (told, [*told, *silent]):
        assert judge(Gaps.from_rows([gap(388)]), looks, RULE_IN_FORCE, audit_id="a", raw=raw, **window).absences == []


def test_the_end_of_a_session_over_midnight_is_one_silence() -> None:
    """The answer's part of the first date ends at midnight, before the close."""
    told, middle = two_sources(minutes(388, 2)), minutes(389).start
    second = [
        replace(one, range=Range(middle, CLOSE), omitted=one.omitted.within(epoch_minute(middle), epoch_minute(CLOSE)))
        for one in told
    ]
    first = until(told, 389)
    for parts in ([*first, *second], [*second, *first]):
        assert sum(one.range.minutes for one in prove([gap(388, 2)], parts)) == 2


def test_a_history_allows_more_than_a_fifth() -> None:
    """The session lacks a quarter, and sessions before lacked 60: what is not plausible without a history is judged
    with it, whatever is proven of other symbols."""
    lost = [*range(2, 389, 4)]
    told = [saw(*map(minutes, lost), after=n, rows=390 - len(lost)) for n in (0, 20)]
    assert prove([gap(one) for one in lost], told) == []
    assert len(prove([gap(one) for one in lost], told, past=Past(numbers([20]), numbers([60])))) == len(lost)


@pytest.mark.parametrize(("bars", "counts"), [(2, True), (0, False)])
def test_an_answer_begins_with_the_first_part_that_has_bars(bars: int, counts: bool) -> None:
    """Two sources were asked from the open, in two parts: of a part without a bar they say nothing."""
    told = []
    for vendor in ("alpaca", "binance"):
        behind = saw(minutes(2), vendor=vendor, around=(NONE, epoch_minute(OPEN) + 3))
        first = replace(behind, range=minutes(0, 2), omitted=NOTHING, rows=bars)
        told += [first, replace(behind, range=minutes(2, 388), rows=387)]
    found = judge(
        Gaps.from_rows([gap(2)]),
        told,
        RULE_IN_FORCE,
        audit_id="a",
        window=Range(OPEN, CLOSE),
        crowd=crowd(Listing("A", "XNYS")),
        raw=Gaps.from_rows([gap(0, 3)]),
    )
    assert len(found.absences) == counts
