"""What a look reads, and which of the answers count."""

from __future__ import annotations

from datetime import timedelta

from minutemend.core.blackouts import crowd_of
from minutemend.core.evidence import NEVER, judge, microseconds
from minutemend.core.gaps import Gap, Gaps
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.revocations import Revocation
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Observation, ProofRule
from minutemend.services.look import _sessions_of

from tests.unit.services.loop import APART, OPEN
from tests.unit.services.test_absence_again import DAY, HOLE, proven


def test_a_look_goes_over_whole_sessions_as_far_as_minutes_are_due() -> None:
    """Where there is no session, it goes no further than it was asked."""
    session = Session("XNYS", OPEN.date(), DAY.start, DAY.end)
    later = OPEN + timedelta(days=700)
    assert _sessions_of(HOLE, [session], later) == DAY
    assert _sessions_of(HOLE, [session], OPEN + 30 * MINUTE) == Range(OPEN, OPEN + 30 * MINUTE)
    assert _sessions_of(HOLE, [session], OPEN) == Range(OPEN, HOLE.end)
    assert _sessions_of(HOLE, [], later) == HOLE


def test_an_answer_after_the_revocation_counts() -> None:
    first, second = proven().lake.answers.read(DAY.dates(), ["AAA"])
    gaps = Gaps.from_rows([Gap("AAA", HOLE.start, HOLE.end, DAY.start, DAY.end)])

    def looks(symbol: str, until: Observation) -> tuple[int, int]:
        """When the first look was that counts, and how many proofs there are."""
        one = Revocation(symbol, HOLE, "J. Doe", "no", until.observed_at)
        crowd = crowd_of([Listing("AAA", "XNYS")], [], [])
        found = judge(gaps, [first, second], ProofRule(APART), audit_id="a", window=DAY, crowd=crowd, revoked=[one])
        return int(found.needs.first.min(initial=NEVER)), len(found.absences)

    assert looks("AAA", second) == (NEVER, 0)
    assert looks("AAA", first) == (microseconds(second.observed_at), 0)
    assert looks("BBB", second) == (NEVER, 1)
