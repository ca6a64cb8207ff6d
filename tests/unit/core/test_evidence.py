"""Evidence: what proves an absence, what never does, and what the planner is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from minutemend.core.answers import AnswerKind, Source, SourceKind
from minutemend.core.blackouts import Crowd, crowd_of
from minutemend.core.density import Past
from minutemend.core.evidence import NEVER, Judged, judge
from minutemend.core.gaps import Gap, Gaps
from minutemend.core.intervals import EMPTY, Intervals, numbers, runs
from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import NONE, RULE, Absence, Observation, Omissions, Proof, ProofRule

OPEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
CLOSE = OPEN + 390 * MINUTE
SEEN = CLOSE + timedelta(hours=3)
SIP, BINANCE = Source(SourceKind.FEED, "sip"), Source(SourceKind.VENUE, "binance")
RULE_IN_FORCE = ProofRule(
    timedelta(minutes=10),
    timedelta(minutes=16),
    sources={"alpaca": SIP, "polygon": SIP, "binance": BINANCE, "v": Source(SourceKind.UNKNOWN, "v")},
    lags={"alpaca": timedelta(minutes=15), "binance": MINUTE, "v": None},
)


def minutes(first: int, count: int = 1) -> Range:
    return Range(OPEN + first * MINUTE, OPEN + (first + count) * MINUTE)


def gap(first: int, count: int = 1, symbol: str = "A") -> Gap:
    span = minutes(first, count)
    return Gap(symbol, span.start, span.end, OPEN, CLOSE)


def saw(
    *omitted: Range,
    after: int = 0,
    vendor: str = "alpaca",
    kind: AnswerKind = AnswerKind.BARS,
    symbol: str = "A",
    audit: str = "a",
    rows: int = 390,
    around: tuple[int, int] | None = None,
    stated: Sequence[int] = (),
) -> Observation:
    """An answer `after` minutes later, about the whole session, with bars right around each run (or `around`)."""
    when = SEEN + timedelta(minutes=after)
    edges = [(epoch_minute(run.start), epoch_minute(run.end)) for run in omitted]
    runs_left = Omissions.of(*((start, end, *(around or (start - 1, end))) for start, end in edges))
    job = f"{vendor}{after}{symbol}"
    said = runs([epoch_minute(OPEN) + minute for minute in stated])
    return Observation(symbol, Range(OPEN, CLOSE), when, vendor, kind, runs_left, rows, 200, "", job, audit, 1, said)


def crowd(*listings: Listing, halted: Sequence[tuple[str, Range]] = ()) -> Crowd:
    """Who is expected in the session."""
    calendars = {one.calendar for one in listings}
    return crowd_of(listings, [Session(name, OPEN.date(), OPEN, CLOSE) for name in calendars], halted)


def judged(
    gaps: list[Gap],
    told: list[Observation],
    *,
    calendars: dict[str, str] | None = None,
    past: Past | None = None,
    off: Intervals = EMPTY,
) -> Judged:
    listings = [Listing(name, calendar) for name, calendar in (calendars or {"A": "XNYS"}).items()]
    more: Any = {"window": Range(OPEN, CLOSE), "crowd": crowd(*listings), "past": (lambda: past) if past else None}
    more["off"] = off
    return judge(Gaps.from_rows(gaps), told, RULE_IN_FORCE, audit_id="a", **more)


def prove(gaps: list[Gap], told: list[Observation], **more: object) -> list[Absence]:
    return judged(gaps, told, **more).absences  # type: ignore[arg-type]


def test_two_looks_apart_prove_exactly_the_minutes_that_both_left_out() -> None:
    told = [saw(minutes(3)), saw(minutes(3), after=10)]
    (absence,) = prove([gap(3)], told)
    assert (absence.range, absence.reason, absence.observations) == (minutes(3), "no_trade", 2)
    assert (absence.proof, absence.rule) == (Proof.LOOKS, RULE)
    assert absence.plausible == pytest.approx(0.5 / 124, rel=0.01)  # 3 minutes before it and 120 after are there
    shown = json.loads(absence.evidence)
    assert [(one["job_id"], one["source"], one["before"]) for one in shown] == [
        ("alpaca0A", "sip", "2026-01-05T14:32:00Z"),
        ("alpaca10A", "sip", "2026-01-05T14:32:00Z"),
    ]
    assert absence.proven_at == SEEN + timedelta(minutes=10)


def test_two_looks_too_soon_after_one_another_prove_nothing() -> None:
    assert prove([gap(3)], [saw(minutes(3)), saw(minutes(3), after=9)]) == []


def test_a_third_look_is_measured_against_the_first() -> None:
    (absence,) = prove([gap(3)], [saw(minutes(3), after=n) for n in (0, 6, 12)])
    assert [one["job_id"] for one in json.loads(absence.evidence)] == ["alpaca0A", "alpaca12A"]


def test_no_data_refusals_garbage_and_failures_prove_nothing_however_often() -> None:
    for kind in set(AnswerKind) - {AnswerKind.BARS}:
        told = [saw(minutes(3), after=20 * n, kind=kind, vendor=name) for n, name in enumerate(("alpaca", "binance"))]
        assert prove([gap(3)], [*told, *told]) == []


def test_an_answer_without_a_single_bar_of_the_symbol_proves_nothing() -> None:
    assert prove([gap(3)], [saw(minutes(3), after=20 * n, rows=0) for n in range(3)]) == []


def test_one_job_delivered_twice_is_one_look() -> None:
    first = saw(minutes(3))
    assert prove([gap(3)], [first, replace(saw(minutes(3), after=60), job_id=first.job_id)]) == []


def test_an_omission_counts_only_between_bars_of_the_same_session() -> None:
    """A vendor that lags leaves out its newest minutes; a neighbouring session says nothing of this one."""
    early, late = epoch_minute(OPEN), epoch_minute(CLOSE)
    for around in ((early + 2, NONE), (NONE, early + 4), (early - 960, early + 4), (early + 2, late + 960)):
        told = [saw(minutes(3), after=n, around=around, vendor="v") for n in (0, 20)]
        assert prove([gap(3)], told) == [], around
        assert judged([gap(3)], told).needs.first.tolist() == [[NEVER]]


def test_a_run_after_the_open_needs_an_earlier_bar_of_the_session_though_all_before_it_is_missing() -> None:
    """The minute at the open is proven; the answer was asked from the next one on, and shows no bar before
    it."""
    early = epoch_minute(OPEN)
    told = [replace(saw(minutes(1), after=n, around=(NONE, early + 2)), range=minutes(1, 390)) for n in (0, 20)]
    more: Any = {"audit_id": "a", "window": Range(OPEN, CLOSE), "crowd": crowd(Listing("A", "XNYS"))}
    found = judge(Gaps.from_rows([gap(1)]), told, RULE_IN_FORCE, raw=Gaps.from_rows([gap(0, 2)]), **more)
    assert (found.absences, found.needs.first.tolist()) == ([], [[NEVER]])


def test_the_minutes_at_the_open_need_a_later_bar_alone() -> None:
    told = [saw(minutes(0), after=n, around=(NONE, epoch_minute(OPEN) + 1)) for n in (0, 20)]
    assert [one.range for one in prove([gap(0)], told)] == [minutes(0)]


def test_the_minutes_before_the_close_need_an_answer_after_it_and_a_known_lag() -> None:
    """Settling is 16 minutes; alpaca's lag is known, v's is not."""
    at_end = minutes(389)
    around = (epoch_minute(CLOSE) - 2, NONE)

    def ends(vendor: str, first: timedelta) -> list[Absence]:
        times = (CLOSE + first, CLOSE + first + timedelta(minutes=10))
        told = [
            replace(saw(at_end, vendor=vendor, around=around), observed_at=when, job_id=str(when)) for when in times
        ]
        return prove([gap(389)], told)

    assert len(ends("alpaca", timedelta(minutes=16))) == 1
    assert ends("alpaca", timedelta(minutes=15)) == []
    assert ends("v", timedelta(hours=5)) == []


def test_a_vendor_with_one_bar_of_a_session_proves_nothing_however_often_it_is_asked() -> None:
    """389 minutes are no quiet minutes: the vendor has a hole."""
    whole = [gap(0, 200), gap(201, 189)]
    bar = epoch_minute(OPEN) + 200
    told = [
        replace(
            saw(minutes(0, 200), minutes(201, 189), after=20 * n, rows=1),
            omitted=Omissions.of((bar - 200, bar, NONE, bar), (bar + 1, bar + 190, bar, NONE)),
        )
        for n in range(5)
    ]
    found = judged(whole, told)
    assert found.absences == []
    assert found.needs.suspected.all()
    assert not found.needs.repairable(["alpaca"]).any()
    assert found.needs.repairable(["alpaca", "v"]).all()


def test_a_run_that_is_not_plausible_is_never_proven_by_one_vendor() -> None:
    """Two minutes of a stock that lacks no other: (0.5 / 240) ** 2."""
    told = [saw(minutes(200, 2), after=20 * n) for n in range(4)]
    found = judged([gap(200, 2)], told)
    assert (found.absences, found.needs.suspected.tolist()) == ([], [True])
    two = [*told, saw(minutes(200, 2), vendor="polygon", after=200), saw(minutes(200, 2), vendor="v", after=300)]
    assert judged([gap(200, 2)], two).absences == []  # polygon draws on the same feed, what v draws on is not known


def test_an_answer_that_lacks_a_stored_minute_beside_the_gap_proves_nothing_there() -> None:
    """Found by the simulation (seed 33): of a hole of three minutes another vendor's answer mended two."""
    hole = (epoch_minute(OPEN) + 2, epoch_minute(OPEN) + 6)  # the answers show 2 and 6; of 3, 4 and 5 the lake lacks 5
    told = [saw(minutes(5), around=hole), saw(minutes(5), after=10, around=hole)]
    assert prove([gap(5)], told) == []
    told.append(saw(minutes(5), after=20, vendor="binance", around=hole))
    assert prove([gap(5)], told) == []


def test_a_silence_is_judged_whole_where_the_window_cuts_it() -> None:
    """The audit of an hour sees one minute of a vendor's hole that goes on after the hour."""
    window = Range(OPEN, OPEN + 60 * MINUTE)
    told = [
        saw(minutes(59), after=after, around=(epoch_minute(OPEN) + 58, epoch_minute(OPEN) + 65)) for after in (0, 10)
    ]
    alone = crowd(Listing("A", "XNYS"))
    found = judge(Gaps.from_rows([gap(59)]), told, RULE_IN_FORCE, audit_id="a", window=window, crowd=alone)
    assert (found.absences, found.needs.suspected.tolist()) == ([], [True])


def test_the_same_run_is_plausible_among_others() -> None:
    """A thin symbol: every tenth minute is empty."""
    thin = [gap(n, 2 if n == 200 else 1) for n in range(0, 380, 10)]
    told = [saw(*(one.range for one in thin), after=20 * n) for n in range(2)]
    assert minutes(200, 2) in [one.range for one in prove(thin, told)]


def test_what_a_young_lake_was_never_asked_for_says_nothing_against_a_quiet_minute() -> None:
    """Two hours before the stage began are missing: that is no word of a vendor. What one left out is; and where the
    symbol's sessions are known, they are the measure."""

    def found(*told: Observation, past: Past | None = None) -> list[Range]:
        more: Any = {"window": Range(OPEN, CLOSE), "crowd": crowd(Listing("A", "XNYS")), "audit_id": "a"}
        more |= {"raw": Gaps.from_rows([gap(0, 120), gap(150)]), "past": (lambda: past) if past else None}
        return [one.range for one in judge(Gaps.from_rows([gap(150)]), told, RULE_IN_FORCE, **more).absences]

    looks = (saw(minutes(150)), saw(minutes(150), after=10))
    assert found(*looks) == [minutes(150)]
    assert found(*looks, saw(minutes(0, 120), after=20, around=(NONE, epoch_minute(OPEN) + 120))) == []
    assert found(*looks, past=Past(numbers([5]), numbers([0]))) == []


def test_a_stock_that_lacked_nothing_in_twenty_sessions_lacks_nothing_now() -> None:
    told = [saw(minutes(3), after=20 * n) for n in range(2)]
    for sessions, most, proven in ((20, 0, False), (20, 1, True), (19, 0, True), (0, 0, True)):
        past = Past(numbers([sessions]), numbers([most]))
        assert bool(prove([gap(3)], told, past=past)) is proven, (sessions, most)


def test_a_session_that_lacks_far_more_than_ever_is_suspected() -> None:
    """Scattered holes: each by itself would be plausible."""
    holes = [gap(n) for n in range(0, 380, 10)]
    told = [saw(*(one.range for one in holes), after=20 * n) for n in range(2)]
    assert len(prove(holes, told)) == 38
    assert prove(holes, told, past=Past(numbers([20]), numbers([2]))) == []


def test_two_sources_prove_what_one_vendor_cannot() -> None:
    told = [saw(minutes(200, 30)), saw(minutes(200, 30), vendor="binance")]
    (absence,) = prove([gap(200, 30)], told)
    assert (absence.proof, absence.reason) == (Proof.SOURCES, "no_trade")


def test_the_venues_own_statement_proves_alone() -> None:
    (absence,) = prove([gap(200, 30)], [saw(vendor="binance", stated=range(200, 230))])
    assert (absence.range, absence.proof, absence.observations) == (minutes(200, 30), Proof.STATEMENT, 1)
    assert prove([gap(200)], [saw(vendor="v", stated=[200])]) == []  # how late it is complete is not known


def test_the_past_is_read_only_where_a_proof_rests_on_one_vendor() -> None:
    """It can take no other proof away, and costs a read of the facts of weeks."""
    asked: list[int] = []
    more: Any = {"window": Range(OPEN, CLOSE), "crowd": crowd(Listing("A", "XNYS"))}

    def past() -> Past:
        asked.append(1)
        return Past.unknown(1)

    for told in ([saw(vendor="binance", stated=[3])], [saw(minutes(3)), saw(minutes(3), after=10)]):
        judge(Gaps.from_rows([gap(3)]), told, RULE_IN_FORCE, audit_id="a", **more, past=past)
        assert len(asked) == (0 if told[0].stated else 1)


def test_minutes_that_every_symbol_lacks_at_once_are_the_feeds_until_two_sources_say_so() -> None:
    """Two symbols are no venue; three that are all that somebody follows at one vendor are no outage either."""
    three = {"A": "XNYS", "B": "XNYS", "C": "XNYS"}
    gaps = [gap(3, symbol=name) for name in three]
    told = [saw(minutes(3), after=n, symbol=name) for name in three for n in (0, 20)]
    found = judged(gaps, told, calendars=three)
    assert (found.absences, found.needs.suspected.tolist()) == ([], [True] * 3)
    told += [saw(minutes(3), symbol=name, vendor="binance") for name in three]
    assert {one.reason for one in prove(gaps, told, calendars=three)} == {"venue_outage"}
    two = {"A": "XNYS", "B": "XNYS"}
    assert {one.reason for one in prove(gaps[:2], told[:4], calendars=two)} == {"no_trade"}
    four = {**three, "D": "XNYS"}
    assert len(prove(gaps, told[:6], calendars=four)) == 3


def test_who_is_not_expected_is_not_missed_in_a_blackout() -> None:
    """A symbol that was delisted, is not listed yet or is halted shows no bar, and is no sign that the feed lives."""
    three = [Listing(name, "XNYS") for name in "ABC"]
    gaps = Gaps.from_rows([gap(3, symbol=name) for name in "ABC"])
    told = [saw(minutes(3), after=n, symbol=name) for name in "ABC" for n in (0, 20)]
    today = OPEN.date()
    more: Any = {"audit_id": "a", "window": Range(OPEN, CLOSE)}
    for one in (Listing("D", "XNYS", delisted=today), Listing("D", "XNYS", listed=today + timedelta(days=1))):
        found = judge(gaps, told, RULE_IN_FORCE, crowd=crowd(*three, one), **more)
        assert (found.absences, found.needs.suspected.tolist()) == ([], [True] * 3), one
    four = [*three, Listing("D", "XNYS")]
    halted = crowd(*four, halted=[("D", minutes(3))])
    assert judge(gaps, told, RULE_IN_FORCE, crowd=halted, **more).absences == []
    assert len(judge(gaps, told, RULE_IN_FORCE, crowd=crowd(*four), **more).absences) == 3


def test_the_same_evidence_gives_the_same_proof_whenever_it_is_looked_at() -> None:
    told = [saw(minutes(3), after=n) for n in (0, 12)]
    later = [*told, saw(minutes(3), after=500)]
    assert prove([gap(3)], told) == prove([gap(3)], later[::-1])


def test_needs_are_cut_where_the_history_changes_and_remember_the_first_look_of_each_vendor() -> None:
    told = [saw(minutes(4, 2), after=5), saw(minutes(5), after=7), saw(minutes(5), vendor="v")]
    found = judged([gap(3, 4)], told).needs
    assert [one.range for one in found.gaps] == [minutes(n) for n in (3, 4, 5, 6)]
    first = np.where(found.first < NEVER, (found.first - found.first.min()) // 60_000_000, -1)
    assert (found.vendors, first.tolist()) == (("alpaca", "v"), [[-1, -1], [5, -1], [5, 0], [-1, -1]])
    assert not found.closed.any()


def test_a_vendor_that_was_heard_twice_apart_has_no_more_to_say() -> None:
    found = judged([gap(200, 2)], [saw(minutes(200, 2), after=n) for n in (0, 20)]).needs
    assert found.closed_to("alpaca").tolist() == [True]
    assert found.repairable(["alpaca", "v"]).tolist() == [True]


def test_a_refusal_counts_in_its_own_audit_and_in_no_other() -> None:
    mine, other = (judged([gap(3)], [saw(kind=AnswerKind.GIVE_UP, audit=name)]).needs for name in ("a", "b"))
    assert (mine.closed_to("alpaca").tolist(), other.closed_to("alpaca").tolist()) == ([True], [False])
    assert not mine.repairable(["alpaca"]).any()
    assert mine.repairable(["alpaca", "v"]).all()


def test_a_vendor_is_not_asked_for_a_calendar_that_it_does_not_serve() -> None:
    needs = judged([gap(3), gap(3, symbol="B")], [], calendars={"A": "XNYS", "B": "24/7"}).needs
    served = needs.served({"A": "XNYS", "B": "24/7"}, {"alpaca": ("XNYS",), "coinbase": ("24/7",)})
    assert served.closed_to("alpaca").tolist() == [False, True]
    assert served.closed_to("coinbase").tolist() == [True, False]
    assert served.repairable(["alpaca"]).tolist() == [True, False]
    assert served.repairable(["alpaca", "coinbase"]).all()
    assert not served.closed_to("finnhub").any()
