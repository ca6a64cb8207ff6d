"""Nothing is final: what a person revokes, and what rests on one vendor's word, is asked for again."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from minutemend.contract import Key, Status
from minutemend.core.answers import Answer, AnswerKind, VendorRequest
from minutemend.core.bars import to_table
from minutemend.core.errors import BadInput
from minutemend.core.evidence import Needs
from minutemend.core.gaps import Gap, Gaps
from minutemend.core.minutes import MINUTE, Range, epoch_minute, from_epoch_minute
from minutemend.core.recheck import Recheck
from minutemend.core.revocations import Revocation, in_force
from minutemend.core.sessions import Session
from minutemend.core.verdicts import Absence, Observation, Omissions, ProofRule

from tests.unit.services.loop import APART, OPEN, Loop, bar, session_bars

TRUTH = session_bars()
DAY = Range(OPEN, OPEN + 60 * MINUTE)
HOLE = Range(OPEN + 7 * MINUTE, OPEN + 8 * MINUTE)
WITHOUT = [one for one in TRUTH if (one.symbol, one.minute) != ("AAA", HOLE.start)]


def proven() -> Loop:
    """A stage whose only vendor lacked one minute twice: it is absent, on that vendor's word alone."""
    loop = Loop(truth=WITHOUT, stored=WITHOUT)
    loop.run()
    assert [one.proof for one in loop.lake.absences(DAY)] == ["two_looks"]
    loop.vendor.asked.clear()
    return loop


def revoke(loop: Loop) -> Revocation:
    one = Revocation("AAA", HOLE, "J. Doe", "the tape has trades", loop.now)
    loop.lake.put_revocations([one])
    return one


def test_a_revoked_minute_is_missing_and_its_old_answers_prove_it_no_second_time() -> None:
    """The vendor is asked twice anew: the looks from before count for nothing, and the newer proof stands."""
    loop = proven()
    before = loop.now
    revoke(loop)
    assert loop.lake.absences(DAY) == []
    state = loop.begin("audit-2")
    assert (state[Key.STATUS], state[Key.MISSING]) == (Status.REPAIR, 1)
    loop.now += timedelta(minutes=5)
    assert loop.run("audit-3")[Key.STATUS] == Status.READY
    assert len(loop.vendor.asked) == 2
    (absence,) = loop.lake.absences(DAY)
    assert all(one["observed_at"] > before.isoformat() for one in json.loads(absence.evidence))


def test_what_the_vendor_has_after_a_revocation_is_repaired() -> None:
    loop = proven()
    revoke(loop)
    loop.vendor.bars["AAA", HOLE.start] = bar("AAA", HOLE.start)
    assert loop.run("audit-2")[Key.STATUS] == Status.READY
    assert loop.lake.read_bars(HOLE, ["AAA"])["repair_id"].to_pylist() != [None]


def test_a_revocation_voids_its_own_minutes_alone() -> None:
    """A proof of ten minutes of which one is revoked stays a proof of nine; another symbol's stays whole."""
    loop = proven()
    (absence,) = loop.lake.absences(DAY)
    window = Range(OPEN + 20 * MINUTE, OPEN + 30 * MINUTE)
    columns = {name: getattr(absence, name) for name in absence.__slots__}
    ten = [type(absence)(**columns | {"symbol": symbol, "range": window}) for symbol in ("BBB", "CCC")]
    loop.lake.put_absences(ten)
    middle = Range(OPEN + 24 * MINUTE, OPEN + 25 * MINUTE)
    one = Revocation("BBB", middle, "J. Doe", "no", loop.now)
    assert loop.lake.put_revocations([one]) == loop.lake.put_revocations([one])
    assert loop.lake.revocations(DAY) == [one]
    assert [(one.symbol, one.range.minutes) for one in loop.lake.absences(DAY)] == [
        ("AAA", 1),
        ("BBB", 4),
        ("BBB", 5),
        ("CCC", 10),
    ]


@pytest.mark.parametrize(("who", "why"), [("", "x"), ("J. Doe", "  "), ("a\nb", "x"), ("x", "y" * 1001)])
def test_a_revocation_says_who_and_why(who: str, why: str) -> None:
    with pytest.raises(BadInput, match="would be right"):
        Revocation("AAA", HOLE, who, why, OPEN)


HOLES = [one for one in TRUTH if one.symbol != "BBB" or not OPEN + 20 * MINUTE <= one.minute < OPEN + 30 * MINUTE]
HELD = Range(OPEN + 20 * MINUTE, OPEN + 30 * MINUTE)


def suspected() -> Loop:
    """A stage whose only vendor lacks ten minutes of a liquid symbol: its hole is suspected."""
    loop = Loop(truth=HOLES, stored=HOLES)
    assert loop.run()[Key.STATUS] == Status.EXHAUSTED
    assert {one.reason for one in loop.lake.failures(DAY)} == {"vendor_hole_suspected"}
    ((_, message),) = loop.signals.alarms
    assert "--symbols BBB --recheck --wait" in message
    loop.vendor.asked.clear()
    return loop


def sweep(loop: Loop, monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, Any]:
    """The nightly sweep at the loop's time, as its schedule starts it."""
    monkeypatch.setattr(loop, "audit_input", lambda: {"sweep": True})
    return loop.run(name)


def test_a_recheck_asks_once_for_what_one_vendor_proved_and_it_stays_accounted_for() -> None:
    """The first look counts nothing missing though it asks; the vendor has still nothing; the audit is whole."""
    loop = proven()
    state = loop.begin("audit-2", recheck=True)
    assert (state[Key.STATUS], state[Key.MISSING], state[Key.EXPECTED]) == (Status.REPAIR, 0, 180)
    assert loop.run("audit-3", recheck=True)[Key.STATUS] == Status.READY
    assert len(loop.vendor.asked) == 1
    assert len(loop.lake.absences(DAY)) == 1
    assert loop.lake.failures(DAY) == []


def test_what_the_vendor_has_by_a_recheck_is_repaired() -> None:
    loop = proven()
    loop.vendor.bars["AAA", HOLE.start] = bar("AAA", HOLE.start)
    assert loop.run("audit-2")[Key.STATUS] == Status.READY
    assert loop.vendor.asked == []
    assert loop.run("audit-3", recheck=True)[Key.STATUS] == Status.READY
    assert [bool(one) for one in loop.lake.read_bars(HOLE, ["AAA"])["repair_id"].to_pylist()] == [True]
    assert loop.run("audit-4", recheck=True)[Key.STATUS] == Status.READY
    assert len(loop.vendor.asked) == 1


def test_an_answer_that_shows_a_proven_minute_repairs_it_unasked() -> None:
    """The vendor is asked for another minute of the session, and has loaded this one by then: the proof is over, and
    no recheck has to come first."""
    loop = proven()
    other = OPEN + 9 * MINUTE
    for key in [key for key in loop.store.objects if key.startswith("bars/")]:
        del loop.store.objects[key]
    left = [one for one in WITHOUT if (one.symbol, one.minute) != ("AAA", other)]
    loop.lake.put_bars(to_table(left, source="capture", repair_id=None, captured_at=OPEN))
    loop.vendor.bars["AAA", HOLE.start] = bar("AAA", HOLE.start)
    state = loop.begin("audit-2")
    assert (state[Key.MISSING], state["repairable"]) == (1, 1)
    assert loop.run("audit-3")[Key.STATUS] == Status.READY
    assert len(loop.vendor.asked) == 1
    assert all(loop.lake.read_bars(Range(HOLE.start, other + MINUTE), ["AAA"])["repair_id"].to_pylist()[::2])


def test_a_recheck_without_a_vendor_to_ask_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof's vendor serves that calendar no longer, and there is no other: nothing is missing."""
    loop = proven()
    auditor = loop.auditor()
    monkeypatch.setattr(loop, "auditor", lambda: replace(auditor, serves={"fake": ("24/7",)}))
    state = loop.begin("audit-2", recheck=True)
    assert (state[Key.STATUS], state[Key.MISSING]) == (Status.READY, 0)


def test_a_recheck_without_an_answer_takes_nothing_from_the_proof() -> None:
    """A vendor that refuses today says nothing about the day."""

    def refuse(request: VendorRequest, now: Any) -> Answer:
        return Answer(request, AnswerKind.GIVE_UP, now, status=401, detail="refused")

    loop = proven()
    loop.vendor.misbehave = refuse
    assert loop.run("audit-2", recheck=True)[Key.STATUS] == Status.READY
    assert len(loop.lake.absences(DAY)) == 1


def test_a_suspected_hole_is_asked_once_more_by_a_recheck_alone() -> None:
    """An audit asks no vendor; a recheck asks once, and ends as before while the vendor has nothing."""
    loop = suspected()
    assert loop.run("audit-2")[Key.STATUS] == Status.EXHAUSTED
    assert loop.vendor.asked == []
    assert loop.run("audit-3", recheck=True)[Key.STATUS] == Status.EXHAUSTED
    assert len(loop.vendor.asked) == 1
    for minute in range(20, 30):
        loop.vendor.bars["BBB", OPEN + minute * MINUTE] = bar("BBB", OPEN + minute * MINUTE)
    assert loop.run("audit-4", recheck=True)[Key.STATUS] == Status.READY
    assert all(loop.lake.read_bars(HELD, ["BBB"])["repair_id"].to_pylist())
    assert len(loop.vendor.asked) == 2


@pytest.mark.parametrize("made", [proven, suspected])
def test_the_sweep_asks_after_a_day_and_not_again_before_the_week(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loop: Loop = made()
    around = [Session("XNYS", day.date(), day, day + MINUTE) for day in (OPEN - timedelta(3), OPEN + timedelta(4))]
    loop.lake.calendars.put([*loop.lake.calendars.sessions(), *around])
    asked = []
    for night in (2, 26, 28):  # hours after the second look
        loop.now = OPEN + timedelta(hours=8 + night, minutes=5)
        assert sweep(loop, monkeypatch, f"night-{night}")[Key.EXPECTED] == 180
        asked.append(len(loop.vendor.asked))
    assert asked == [0, 1, 1]


RAW = Gaps.from_rows([Gap("AAA", HOLE.start, HOLE.end, DAY.start, DAY.end)], ["AAA", "BBB"])


def test_the_sweep_asks_after_a_week_and_a_month_again() -> None:
    """By the clock alone: one, seven and thirty days after the proof, each once. Answers are read when it has come."""
    loop = proven()
    absences = loop.lake.absences(DAY)
    (first, second) = loop.lake.answers.read(DAY.dates(), ["AAA"])
    told, nights, read = [first, second], [], []
    for day in range(40):
        at = second.observed_at + timedelta(days=day, minutes=5)

        def answers(gaps: Gaps, day: int = day) -> list[Observation]:
            read.append(day) if len(gaps) else None
            return told

        if len(Recheck("sweep", ProofRule(APART), at).weak(absences, RAW, ["fake"], answers)):
            nights.append(day)
            told.append(replace(second, observed_at=at, job_id=f"job-{day}", audit_id=f"sweep-{day}"))
    assert nights == [1, 7, 30]
    assert read == list(range(1, 40))
    now = Recheck("now", ProofRule(APART)).weak(absences, RAW, ["fake"], lambda _: told)
    assert now.gaps == RAW


def test_only_proofs_of_one_vendor_are_weak_and_the_vendor_of_the_proof_is_asked() -> None:
    loop = proven()
    (absence,) = loop.lake.absences(DAY)
    strong = [replace(absence, proof=proof) for proof in ("two_sources", "venue_statement")]
    now = Recheck("now", ProofRule(APART))

    def asked(absences: list[Absence], *vendors: str) -> Needs:
        return now.weak(absences, RAW, vendors, lambda _: [])

    found = asked([absence], "another", "fake")
    assert [found.closed_to(vendor).tolist() for vendor in ("another", "fake")] == [[True], [False]]
    assert asked([absence], "another").closed_to("another").tolist() == [False]
    assert len(asked([absence, strong[0]], "fake")) == len(asked(strong, "fake")) == 0


def test_thousands_of_weak_proofs_are_asked_again_in_a_moment() -> None:
    """Not proofs by answers: 20,000 by 500 once took a minute. Each is asked, but the half that was heard of since."""
    loop = proven()
    (absence,) = loop.lake.absences(DAY)
    (_, answer) = loop.lake.answers.read(DAY.dates(), ["AAA"])
    minutes = np.arange(8_000) * 2 + epoch_minute(OPEN)
    whole = Range(OPEN, OPEN + 16_000 * MINUTE)
    ranges = [Range(from_epoch_minute(at), from_epoch_minute(at + 1)) for at in minutes.tolist()]
    absences = [replace(absence, range=one) for one in ranges]
    raw = Gaps.from_rows([Gap("AAA", one.start, one.end, whole.start, whole.end) for one in ranges])
    told = []
    for at in range(200):
        mine = minutes[at * 40 : at * 40 + 20]
        told.append(replace(answer, range=whole, omitted=Omissions(mine, mine + 1, mine - 1, mine + 1), audit_id="now"))
    begun = time.process_time()
    found = Recheck("now", ProofRule(APART)).weak(absences, raw, ["fake"], lambda _: told)
    assert time.process_time() - begun < 3
    assert len(found) == 4_000
    assert not set(found.gaps.start.tolist()) & {at for one in told for at in one.omitted.start.tolist()}


def test_a_proof_is_revoked_by_a_word_of_the_same_moment() -> None:
    """It voids the proofs that are as old as it is."""
    loop = proven()
    (absence,) = loop.lake.absences(DAY)
    one = Revocation("AAA", HOLE, "J. Doe", "no", absence.proven_at)
    assert list(in_force([absence], [one])) == []
    earlier = replace(one, revoked_at=absence.proven_at - timedelta(microseconds=1))
    assert list(in_force([absence], [earlier])) == [absence]


def test_weak_proofs_are_asked_again_by_the_first_attempt_alone() -> None:
    """A vendor that does not answer is asked as often as one attempt may, and not in each of three attempts."""

    def fail(request: VendorRequest, now: Any) -> Answer:
        return Answer(request, AnswerKind.RETRY, now, status=503, detail="down")

    loop = proven()
    loop.vendor.misbehave = fail
    assert loop.run("audit-2", recheck=True)[Key.STATUS] == Status.READY
    assert len(loop.vendor.asked) == loop.max_receives
