"""Evidence: what proves an absence, what never does, and what the planner is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from minutemend.core.answers import AnswerKind
from minutemend.core.evidence import needs, prove
from minutemend.core.gaps import Gap
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.verdicts import Observation, ProofRule

OPEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
SEEN = OPEN + timedelta(hours=9)
RULE = ProofRule(timedelta(minutes=10))
ALONE = {"A": "XNYS"}


def minutes(first: int, count: int = 1) -> Range:
    return Range(OPEN + first * MINUTE, OPEN + (first + count) * MINUTE)


def gap(first: int, count: int = 1, symbol: str = "A") -> Gap:
    span = minutes(first, count)
    return Gap(symbol, span.start, span.end, OPEN, OPEN + 390 * MINUTE)


def saw(
    *omitted: Range,
    after: int = 0,
    vendor: str = "v",
    kind: AnswerKind = AnswerKind.BARS,
    symbol: str = "A",
    audit: str = "a",
    rows: int = 5,
) -> Observation:
    """An answer `after` minutes later, about the first hour."""
    when = SEEN + timedelta(minutes=after)
    job = f"{vendor}{after}{symbol}"
    return Observation(symbol, minutes(0, 60), when, vendor, kind, omitted, rows, 200, "", job, audit, 1)


def test_two_answers_apart_prove_exactly_the_minutes_that_both_left_out() -> None:
    told = [saw(minutes(3, 4)), saw(minutes(5, 4), after=10)]
    (absence,) = prove([gap(0, 30)], told, RULE, venues=ALONE)
    assert (absence.range, absence.reason, absence.observations) == (minutes(5, 2), "no_trade", 2)
    assert [one["job_id"] for one in json.loads(absence.evidence)] == ["v0A", "v10A"]
    assert absence.proven_at == SEEN + timedelta(minutes=10)


def test_two_answers_too_soon_after_one_another_prove_nothing() -> None:
    assert prove([gap(3)], [saw(minutes(3)), saw(minutes(3), after=9)], RULE, venues=ALONE) == []


def test_a_third_answer_is_measured_against_the_first() -> None:
    told = [saw(minutes(3), after=n) for n in (0, 6, 12)]
    (absence,) = prove([gap(3)], told, RULE, venues=ALONE)
    assert [one["job_id"] for one in json.loads(absence.evidence)] == ["v0A", "v12A"]


def test_a_second_vendor_needs_no_time_between() -> None:
    assert len(prove([gap(3)], [saw(minutes(3)), saw(minutes(3), vendor="w")], RULE, venues=ALONE)) == 1


def test_no_data_refusals_garbage_and_failures_prove_nothing_however_often() -> None:
    for kind in set(AnswerKind) - {AnswerKind.BARS}:
        told = [saw(minutes(3), after=20 * n, kind=kind, vendor=str(n)) for n in range(5)]
        assert prove([gap(3)], told, RULE, venues=ALONE) == []


def test_an_answer_without_a_single_bar_of_the_symbol_proves_nothing() -> None:
    assert prove([gap(3)], [saw(minutes(3), after=20 * n, rows=0) for n in range(3)], RULE, venues=ALONE) == []


def test_one_job_delivered_twice_is_one_answer() -> None:
    from dataclasses import replace

    first = saw(minutes(3))
    again = replace(saw(minutes(3), after=60), job_id=first.job_id)
    assert prove([gap(3)], [first, again], RULE, venues=ALONE) == []


def test_minutes_that_every_symbol_of_a_venue_lacks_are_an_outage() -> None:
    told = [saw(minutes(3, 4), after=n, symbol="A") for n in (0, 20)]
    told += [saw(minutes(5, 4), after=n, symbol="B") for n in (0, 20)]
    found = prove([gap(0, 30), gap(0, 30, "B")], told, RULE, venues={"A": "XNYS", "B": "XNYS", "C": "24/7"})
    assert [(one.symbol, one.range, one.reason) for one in found] == [
        ("A", minutes(3, 2), "no_trade"),
        ("A", minutes(5, 2), "venue_outage"),
        ("B", minutes(5, 2), "venue_outage"),
        ("B", minutes(7, 2), "no_trade"),
    ]


def test_the_same_evidence_gives_the_same_proof_whenever_it_is_looked_at() -> None:
    told = [saw(minutes(3), after=n) for n in (0, 12)]
    later = [*told, saw(minutes(3), after=500), saw(minutes(3), after=900, vendor="w")]
    assert prove([gap(3)], told, RULE, venues=ALONE) == prove([gap(3)], later[::-1], RULE, venues=ALONE)


def test_needs_are_cut_where_the_history_changes_and_remember_the_first_look_of_each_vendor() -> None:
    told = [saw(minutes(4, 2), after=5), saw(minutes(5), after=7), saw(minutes(5), vendor="w")]
    found = needs([gap(3, 4)], told, audit_id="a")
    assert [(need.gap.range, need.seen) for need in found] == [
        (minutes(3), ()),
        (minutes(4), (("v", SEEN + timedelta(minutes=5)),)),
        (minutes(5), (("v", SEEN + timedelta(minutes=5)), ("w", SEEN))),
        (minutes(6), ()),
    ]


def test_a_refusal_counts_in_its_own_audit_and_in_no_other() -> None:
    refusal = saw(kind=AnswerKind.GIVE_UP)
    (mine,) = needs([gap(3)], [refusal], audit_id="a")
    (other,) = needs([gap(3)], [refusal], audit_id="b")
    assert (mine.refused, other.refused) == (("v",), ())
    assert not mine.repairable(["v"])
    assert mine.repairable(["v", "w"])
