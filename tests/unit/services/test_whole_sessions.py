"""A proof speaks of its whole session: whatever an audit looks at, and whatever was proven before it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from minutemend.contract import Key, Status
from minutemend.core.answers import Answer, AnswerKind, Source, SourceKind, VendorLimits, VendorRequest
from minutemend.core.bars import Bar, to_table
from minutemend.core.closures import parse_closure
from minutemend.core.facts import FACTS
from minutemend.core.minutes import MINUTE, Range, day_range, format_instant
from minutemend.core.revocations import Revocation
from minutemend.core.sessions import Session
from minutemend.core.verdicts import RULE, Absence, ProofRule
from minutemend.services.check_data_health import CheckDataHealth
from minutemend.services.interest import set_interested_stocks
from minutemend.services.process_repairs import ProcessRepairs
from minutemend.services.publish import Publish
from minutemend.services.queue_repairs import QueueRepairs
from minutemend.services.report_failure import HOLE_SUSPECTED

from tests.fakes.signals import FakeSignals
from tests.fakes.vendor import FakeVendor
from tests.unit.services.loop import APART, OPEN, SYMBOLS, Loop, session_bars

SIP, VENUE = Source(SourceKind.FEED, "sip"), Source(SourceKind.VENUE, "venue")
SESSION = 390  # minutes
DARK = [one for one in session_bars() if one.minute != OPEN + 7 * MINUTE]
Said = list[tuple[str, int, int, str]]


def at(first: int, end: int) -> Range:
    """Minutes of the session."""
    return Range(OPEN + first * MINUTE, OPEN + end * MINUTE)


def less(*lacks: int, minutes: int = SESSION) -> list[Bar]:
    """The bars of AAA's session but for some minutes."""
    return [one for one in session_bars(["AAA"], minutes) if (one.minute - OPEN) // MINUTE not in lacks]


class Stage(Loop):
    """A stage of some symbols, with one vendor or a `second` one, which draws on a source of its own."""

    second: FakeVendor | None = None

    @classmethod
    def of(
        cls, truth: list[Bar], stored: list[Bar], *, symbols: Sequence[str] = ("AAA",), minutes: int = SESSION
    ) -> Stage:
        stage = cls(truth=truth, stored=stored, minutes=minutes)
        stage.read_parameter = lambda: json.dumps({"XNYS": symbols})
        stage.vendor.limits = VendorLimits("fake", 500, 1, 10_000)
        return stage

    def ask_two(self, truth: list[Bar], refused: Collection[str] = ()) -> Stage:
        """A second vendor, which does not know the `refused` symbols."""

        def refuse(request: VendorRequest, now: datetime) -> Answer | None:
            unknown = not set(refused).isdisjoint(request.symbols)
            return Answer(request, AnswerKind.GIVE_UP, now, status=404, detail="no such symbol") if unknown else None

        limits = VendorLimits("second", 500, 1, 10_000)
        self.second = FakeVendor(truth, clock=lambda: self.now, name="second", limits=limits, source=VENUE)
        self.second.misbehave = refuse
        return self

    @property
    def vendors(self) -> dict[str, FakeVendor]:
        return {one.name: one for one in (self.vendor, self.second) if one}

    @property
    def rule(self) -> ProofRule:
        return ProofRule(APART, sources={"fake": SIP, "second": VENUE})

    def auditor(self) -> CheckDataHealth:
        return replace(super().auditor(), vendors=[*self.vendors], rule=self.rule)

    def queuer(self) -> QueueRepairs:
        return replace(super().queuer(), vendors=[one.limits for one in self.vendors.values()], rule=self.rule)

    def worker(self) -> ProcessRepairs:
        return replace(super().worker(), vendors={**self.vendors})

    def audit(self, name: str, first: int = 0, end: int | None = None, **more: Any) -> tuple[str, int]:
        """How an audit of some minutes ends, and how many it leaves missing."""
        span = at(first, self.minutes if end is None else end)
        state = self.run(name, start=format_instant(span.start), end=format_instant(span.end), **more)
        return state[Key.STATUS], state[Key.MISSING]

    def told(self, vendor: FakeVendor, bars: Iterable[Bar]) -> None:
        vendor.bars = {(one.symbol, one.minute): one for one in bars}

    def absent(self) -> Said:
        found = self.lake.absences(at(0, self.minutes))
        edges = ((one, (one.range.start - OPEN) // MINUTE, (one.range.end - OPEN) // MINUTE) for one in found)
        return [(one.symbol, first, end, one.proof) for one, first, end in edges]

    def suspected(self) -> set[str]:
        return {one.symbol for one in self.lake.failures(at(0, self.minutes)) if one.reason == HOLE_SUSPECTED}

    def revoke(self, span: Range) -> None:
        self.lake.put_revocations([Revocation("AAA", span, "J. Doe", "the tape has trades", self.now)])

    def remember(self, days: Iterable[int], absent: Mapping[int, int], *proofs: Sequence[int]) -> Stage:
        """Sessions so many days ago: by the UTC hour how many of AAA's 60 minutes are `absent` by the facts. A proof is
        of an hour, of so many minutes, by a rule."""
        for back in days:
            midnight = day_range(OPEN.date() - timedelta(days=back)).start
            whole = Session("XNYS", midnight.date(), midnight, midnight + timedelta(days=1))
            self.lake.calendars.put([*self.lake.calendars.sessions(), whole])
            for hour, lacks in absent.items():
                self.lake.hourly.put(midnight + timedelta(hours=hour), facts(midnight, hour, lacks), replaces=None)
            for hour, count, rule in proofs:
                span = Range(begin := midnight + timedelta(hours=hour), begin + count * MINUTE)
                self.lake.put_absences([Absence("AAA", span, "no_trade", "[]", 2, span.end, "two_looks", 0.5, rule)])
        return self


def facts(midnight: datetime, hour: int, lacks: int) -> pa.Table:
    counts = {"minutes_present": 60 - lacks, "minutes_expected": 60, "minutes_absent": lacks}
    row = {"symbol": "AAA", "hour": (midnight + timedelta(hours=hour)).astimezone(UTC).replace(tzinfo=None)}
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    return pa.Table.from_pylist([row | prices | counts], schema=FACTS)


MONTH = ({15: 1}, (15, 1, RULE))  # each session lacked one minute: a later one may lack four


@pytest.mark.parametrize("open_", ["AAA", "AAA BBB"])
def test_a_minute_that_all_lack_is_suspected_though_some_of_them_are_proven_by_two_sources(open_: str) -> None:
    """The second vendor knows the others alone. It proves nothing of these."""
    stage = Stage.of(DARK, DARK, symbols=SYMBOLS, minutes=60).ask_two(DARK, refused=open_.split())
    assert stage.audit("audit-1") == (Status.EXHAUSTED, len(open_.split()))
    assert {symbol for symbol, *_ in stage.absent()} == {*SYMBOLS} - stage.suspected()
    assert stage.suspected() == {*open_.split()}


def test_a_minute_that_all_lack_is_suspected_though_one_of_them_was_followed_alone_before() -> None:
    """What was proven of it, then, is no word for those that are followed since."""
    stage = Stage.of(DARK, DARK, symbols=["CCC"], minutes=60)
    assert stage.audit("audit-1") == (Status.READY, 0)
    set_interested_stocks(stage.lake, json.dumps({"XNYS": SYMBOLS}), now=stage.now)
    stage.now += timedelta(days=1)
    assert stage.audit("audit-2") == (Status.EXHAUSTED, 2)
    assert stage.absent() == [("CCC", 7, 8, "two_looks")]
    assert stage.suspected() == {"AAA", "BBB"}


def test_a_running_session_is_no_history_of_its_own() -> None:
    """What its first hour lacked makes it not plausible that its second one lacks as much again."""
    lacks, stage = [12, 17, 22, 42, 54, 66, 78], Stage.of([], []).remember(range(1, 23), *MONTH)

    def ended(_request: VendorRequest, now: datetime) -> None:
        stage.told(stage.vendor, (one for one in less(*lacks) if one.minute + MINUTE <= now))

    stage.vendor.misbehave = ended
    found = []
    for first, end in ((0, 30), (30, 90)):
        stage.now = OPEN + (end + 5) * MINUTE
        captured = [one for one in less(*lacks) if one.minute < stage.now + 10 * MINUTE]
        stage.lake.put_bars(to_table(captured, source="capture", repair_id=None, captured_at=OPEN))
        found.append(stage.audit(f"audit-{first}", first, end))
        publisher = Publish(lake=stage.lake, signals=FakeSignals(), retire_after=timedelta(0))
        publisher.run(at(first, end), None, audit_id=f"audit-{first}", now=stage.now)
    assert found == [(Status.READY, 0), (Status.EXHAUSTED, 4)]
    assert [first for _, first, _, _ in stage.absent()] == lacks[:3]


@pytest.mark.parametrize("end", [SESSION, 60])
def test_an_answer_that_lacked_a_stored_minute_proves_nothing_however_far_from_it_an_audit_looks(end: int) -> None:
    """The first look left out minutes 10 and 300, of which the vendor loads the later one first."""
    stage = Stage.of(less(10, 300), less(10, 300))
    assert stage.audit("audit-1", attempts=1) == (Status.EXHAUSTED, 2)
    stage.told(stage.vendor, less(10))
    assert stage.audit("audit-2", 290, 310, attempts=1) == (Status.READY, 0)
    stage.now += timedelta(hours=1)
    assert stage.audit("audit-3", 0, end, attempts=1) == (Status.EXHAUSTED, 1)
    assert stage.absent() == []


@pytest.mark.parametrize(("first", "end"), [(0, SESSION), (90, 150)])
def test_a_silence_that_holds_a_stored_minute_proves_nothing_of_two_sources(first: int, end: int) -> None:
    """Both left out all from minute 100 to 290. Minute 280 was captured."""
    lacks = [*range(100, 290)]
    stage = Stage.of(less(*lacks), less(*(one for one in lacks if one != 280))).ask_two(less(*lacks))
    assert stage.audit("audit-1", first, end)[0] == Status.EXHAUSTED
    assert stage.absent() == []


@pytest.mark.parametrize("step", [SESSION, 60])
def test_audits_by_the_hour_prove_no_more_than_one_of_the_session(step: int) -> None:
    """The session lacks six minutes where its history allows for four. No hour, with what lies around it, lacks so
    many, nor does an answer about it."""
    lacks = [10, 80, 160, 240, 320, 385]
    stage = Stage.of(less(*lacks), less(*lacks)).remember(range(1, 23), *MONTH)
    stage.vendor.limits = replace(stage.vendor.limits, rows=200)
    for first in range(0, SESSION, step):
        stage.audit(f"audit-{first}", first, min(first + step, SESSION))
    assert stage.absent() == []
    assert stage.suspected() == {"AAA"}


def halted(stage: Stage, end: int) -> Stage:
    """AAA is halted from the open on."""
    record = {"kind": "halt", "symbol": "AAA", "by": "anna", "why": "LULD"}
    span = {"start": format_instant(OPEN), "end": format_instant(OPEN + end * MINUTE)}
    stage.lake.calendars.change_closures(lambda _: [parse_closure(record | span)])
    return stage


@pytest.mark.parametrize(("first", "end"), [(0, SESSION), (300, 360)])
def test_halted_minutes_make_no_answer_poor_however_far_from_them_an_audit_looks(first: int, end: int) -> None:
    """The answers show nothing of 150 minutes, in which nothing was expected."""
    bars = less(*range(150), 320)
    stage = halted(Stage.of(bars, bars).remember(range(1, 23), *MONTH), 150)
    assert stage.audit("audit-1", first, end) == (Status.READY, 0)
    assert stage.absent() == [("AAA", 320, 321, "two_looks")]


@pytest.mark.parametrize(("lacks", "proven"), [(18, 18), (19, 0)])
def test_halted_minutes_are_none_of_the_fifth_that_may_lack(lacks: int, proven: int) -> None:
    """Of 390 minutes 300 are halted. A fifth of the others is 18."""
    bars = less(*range(300), *range(301, 301 + 4 * lacks, 4))
    stage = halted(Stage.of(bars, bars), 300)
    assert stage.audit("audit-1") == (Status.EXHAUSTED if lacks > proven else Status.READY, lacks - proven)
    assert len(stage.absent()) == proven


THIN = less(0, 1, 2, *range(10, 51, 5), minutes=60)


@pytest.mark.parametrize("vendors", [1, 2])
def test_a_revoked_minute_behind_a_proven_open_is_proven_anew(vendors: int) -> None:
    """An answer shows no bar before it. With all of its parts it begins at the open."""
    stage = Stage.of(THIN, THIN, minutes=60)
    if vendors == 2:
        stage.ask_two(THIN)
    assert stage.audit("audit-1") == (Status.READY, 0)
    proof = "two_looks" if vendors == 1 else "two_sources"
    assert stage.absent()[0] == ("AAA", 0, 3, proof)
    stage.revoke(at(1, 2))
    stage.now += timedelta(days=1)
    assert stage.audit("audit-2") == (Status.READY, 0)
    assert sorted(stage.absent())[:3] == [("AAA", n, n + 1, proof) for n in range(3)]


def test_a_run_from_the_open_over_the_edge_of_two_audits_is_proven() -> None:
    stage = Stage.of(THIN, THIN, minutes=60)
    stage.audit("audit-1", 0, 2)
    stage.now += timedelta(days=1)
    assert stage.audit("audit-2") == (Status.READY, 0)
    assert [one[1:3] for one in stage.absent()[:2]] == [(0, 2), (2, 3)]


YESTERDAY = day_range(OPEN.date() - timedelta(days=1)).start
BESIDE = [(16, 30, RULE - 1), (15, 30, RULE)]


@pytest.mark.parametrize(
    ("absent", "proofs", "revoked", "missing"),
    [
        pytest.param({15: 0, 16: 30}, [(16, 30, RULE)], False, 0, id="sound"),
        pytest.param({15: 0, 16: 30}, BESIDE, False, 9, id="of an older rule, beside an hour whose bars came"),
        pytest.param({15: 0, 16: 30}, BESIDE, True, 9, id="of an older rule, beside an hour that was revoked"),
        pytest.param({15: 30, 16: 0}, [(15, 30, RULE)], True, 9, id="revoked since the facts were made"),
    ],
)
def test_a_date_is_history_only_where_its_absent_minutes_are_proven_hour_by_hour(
    absent: dict[int, int], proofs: list[tuple[int, int, int]], revoked: bool, missing: int
) -> None:
    """A date before that lacked 30 minutes makes nine of an hour plausible. By the other dates four are."""
    bars = less(*range(1, 59, 7), minutes=60)
    stage = Stage.of(bars, bars, minutes=60).remember(range(2, 23), *MONTH).remember([1], absent, *proofs)
    if revoked:
        stage.revoke(Range(YESTERDAY + timedelta(hours=15), YESTERDAY + timedelta(hours=16)))
    assert stage.audit("audit-1") == (Status.EXHAUSTED if missing else Status.READY, missing)
    assert len(stage.absent()) == 9 - missing


@pytest.mark.parametrize("revoked", [False, True])
def test_a_revoked_omission_shows_that_its_answer_lacked_a_stored_minute(revoked: bool) -> None:
    """Minute 300 was left out, and loaded later: what else that answer left out may have been traded, too."""
    stage = Stage.of(less(10, 300), less(10, 300))
    stage.audit("one", attempts=1)
    if revoked:
        stage.revoke(at(300, 301))
    stage.told(stage.vendor, less(10))
    stage.now += timedelta(hours=1)
    assert stage.audit("two", 290, 310) == (Status.READY, 0)
    stage.now += timedelta(hours=1)
    stage.audit("three", attempts=1)
    assert stage.absent() == []
