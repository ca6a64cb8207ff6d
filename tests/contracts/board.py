"""The Board's contract."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from minutemend.core.answers import VendorLimits
from minutemend.ports import Board, ClaimStatus, Grant

NOW = datetime(2026, 1, 5, 15, 30, 20, tzinfo=UTC)
LEASE = timedelta(seconds=30)


def limits(per_minute: int, *, per_second: int | None = None) -> VendorLimits:
    return VendorLimits("v", rows=1, symbols=1, per_minute=per_minute, per_second=per_second)


class BoardContract:
    """Subclass and give a `board`; names are new in each test, so that a real table may be shared."""

    @pytest.fixture
    @abstractmethod
    def board(self) -> Board: ...

    @pytest.fixture
    def name(self) -> str:
        return uuid.uuid4().hex

    def test_a_job_is_granted_to_one_and_busy_for_the_next(self, board: Board, name: str) -> None:
        first = board.claim(name, now=NOW, lease=LEASE)
        second = board.claim(name, now=NOW + timedelta(seconds=1), lease=LEASE)
        assert (first.status, first.until, first.tries) == (ClaimStatus.GRANTED, NOW + LEASE, 1)
        assert (second.status, second.until) == (ClaimStatus.BUSY, NOW + LEASE)

    def test_a_lease_that_ran_out_is_granted_anew_and_counts_as_a_try(self, board: Board, name: str) -> None:
        board.claim(name, now=NOW, lease=LEASE)
        again = board.claim(name, now=NOW + LEASE, lease=LEASE)
        assert (again.status, again.tries) == (ClaimStatus.GRANTED, 2)

    def test_of_many_at_once_one_is_granted(self, board: Board, name: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            claims = list(pool.map(lambda _: board.claim(name, now=NOW, lease=LEASE), range(8)))
        assert sorted(claim.status for claim in claims) == [ClaimStatus.BUSY] * 7 + [ClaimStatus.GRANTED]

    def test_a_postponed_job_is_free_at_once_and_its_try_is_given_back(self, board: Board, name: str) -> None:
        board.release(name, board.claim(name, now=NOW, lease=LEASE))
        again = board.claim(name, now=NOW, lease=LEASE)
        assert (again.status, again.tries) == (ClaimStatus.GRANTED, 1)

    def test_a_job_tried_in_vain_is_free_at_once_and_its_try_counts(self, board: Board, name: str) -> None:
        board.release(name, board.claim(name, now=NOW, lease=LEASE), tried=True)
        assert board.claim(name, now=NOW, lease=LEASE).tries == 2

    def test_a_lease_is_released_by_its_holder_alone(self, board: Board, name: str) -> None:
        late = board.claim(name, now=NOW, lease=LEASE)
        board.claim(name, now=NOW + LEASE, lease=LEASE)
        board.release(name, late)
        assert board.claim(name, now=NOW + LEASE, lease=LEASE).status is ClaimStatus.BUSY

    def test_a_settled_job_is_settled_for_everybody_and_counts_once(self, board: Board, name: str) -> None:
        board.open_attempt(name, 1, jobs=2)
        progress = [board.settle(name, audit_id=name, attempt=1, outcome="bars") for _ in range(2)]
        assert [one.settled for one in progress] == [1, 1]
        assert not progress[-1].done
        assert board.claim(name, now=NOW, lease=LEASE).status is ClaimStatus.SETTLED

    def test_a_failed_job_is_granted_to_a_redrive_and_bettered_without_counting_again(
        self, board: Board, name: str
    ) -> None:
        board.open_attempt(name, 1, jobs=1)
        board.claim(name, now=NOW, lease=LEASE)
        board.settle(name, audit_id=name, attempt=1, outcome="failed")
        assert board.claim(name, now=NOW, lease=LEASE).status is ClaimStatus.SETTLED
        redriven = board.claim(name, now=NOW, lease=LEASE, redo=NOW)
        assert (redriven.status, redriven.tries) == (ClaimStatus.GRANTED, 1)
        assert board.claim(name, now=NOW, lease=LEASE, redo=NOW).status is ClaimStatus.BUSY
        assert board.settle(name, audit_id=name, attempt=1, outcome="bars").settled == 1
        assert board.claim(name, now=NOW + 2 * LEASE, lease=LEASE, redo=NOW).status is ClaimStatus.SETTLED

    def test_the_tries_of_a_redriven_job_begin_anew_once_for_each_redrive(self, board: Board, name: str) -> None:
        """A vendor that is down is not asked for ever, only because somebody redrove the job."""
        board.open_attempt(name, 1, jobs=1)
        for _ in range(2):
            board.release(name, board.claim(name, now=NOW, lease=LEASE), tried=True)
        board.settle(name, audit_id=name, attempt=1, outcome="failed")
        tries = []
        for redo in (NOW, NOW, NOW, NOW + LEASE, NOW, NOW + LEASE):
            claim = board.claim(name, now=NOW, lease=LEASE, redo=redo)
            tries.append(claim.tries)
            board.release(name, claim, tried=True)
        assert tries == [1, 2, 3, 1, 2, 3]

    def test_a_good_outcome_never_becomes_failed(self, board: Board, name: str) -> None:
        board.open_attempt(name, 1, jobs=1)
        board.settle(name, audit_id=name, attempt=1, outcome="bars")
        board.settle(name, audit_id=name, attempt=1, outcome="failed")
        assert board.claim(name, now=NOW, lease=LEASE, redo=NOW).status is ClaimStatus.SETTLED

    def test_the_second_of_wait_and_last_settle_sees_both(self, board: Board, name: str) -> None:
        board.open_attempt(name, 1, jobs=1)
        assert not board.wait(name, 1, token="t").done
        settled = board.settle(f"{name}a", audit_id=name, attempt=1, outcome="bars")
        assert (settled.done, settled.token) == (True, "t")

        board.open_attempt(name, 2, jobs=1)
        assert board.settle(f"{name}b", audit_id=name, attempt=2, outcome="bars").token is None
        waiting = board.wait(name, 2, token="u")
        assert (waiting.done, waiting.token) == (True, "u")

    def test_opening_an_attempt_again_keeps_what_is_settled_and_the_token(self, board: Board, name: str) -> None:
        board.open_attempt(name, 1, jobs=1)
        board.settle(name, audit_id=name, attempt=1, outcome="bars")
        board.wait(name, 1, token="t")
        board.open_attempt(name, 1, jobs=1)
        progress = board.settle(name, audit_id=name, attempt=1, outcome="bars")
        assert (progress.jobs, progress.settled, progress.token) == (1, 1, "t")

    def test_an_attempt_that_was_not_opened_is_not_done(self, board: Board, name: str) -> None:
        assert not board.wait(name, 1, token="t").done
        assert not board.settle(name, audit_id=name, attempt=1, outcome="bars").done

    def test_a_mere_look_leaves_no_token(self, board: Board, name: str) -> None:
        board.open_attempt(name, 1, jobs=2)
        board.wait(name, 1, token="t")
        board.settle(name, audit_id=name, attempt=1, outcome="bars")
        seen = board.progress(name, 1)
        assert (seen.jobs, seen.settled, seen.token) == (2, 1, "t")
        assert not board.progress(name, 2).done, "an attempt that was not opened is not done"

    def test_the_latest_attempt_is_the_highest_that_was_opened(self, board: Board, name: str) -> None:
        assert board.latest_attempt(name) == 0
        for attempt in (1, 2, 1):
            board.open_attempt(name, attempt, jobs=1)
        assert board.latest_attempt(name) == 2

    def test_jobs_settled_at_the_same_time_are_all_counted(self, board: Board, name: str) -> None:
        board.open_attempt(name, 1, jobs=12)
        board.wait(name, 1, token="t")
        with ThreadPoolExecutor(6) as pool:
            progress = list(
                pool.map(
                    lambda number: board.settle(f"{name}{number}", audit_id=name, attempt=1, outcome="bars"), range(12)
                )
            )
        assert max(one.settled for one in progress) == 12
        assert any(one.done for one in progress)

    def test_the_budget_is_shared_and_comes_back_when_its_minute_is_over(self, board: Board, name: str) -> None:
        granted = [board.take(name, requests=1, limits=limits(2), now=NOW) for _ in range(3)]
        assert granted == [Grant(1), Grant(1), Grant(0, timedelta(seconds=65))]
        assert board.take(name, requests=1, limits=limits(2), now=NOW + timedelta(seconds=59)).requests == 0
        assert board.take(name, requests=1, limits=limits(2), now=NOW + timedelta(seconds=65)) == Grant(1)

    def test_of_many_requests_as_many_are_granted_as_the_minute_still_holds(self, board: Board, name: str) -> None:
        granted = [board.take(name, requests=wanted, limits=limits(60), now=NOW) for wanted in (50, 50, 1)]
        rest = timedelta(seconds=65)
        assert granted == [Grant(50), Grant(10, rest), Grant(0, rest)]
        assert board.take(name, requests=99, limits=limits(60), now=NOW + rest) == Grant(60, rest)

    def test_in_no_sixty_seconds_are_there_more_requests_than_a_minute_may_have(self, board: Board, name: str) -> None:
        """Around the stroke of a minute as well: a vendor may count by a minute that slides."""
        taken: list[datetime] = []
        for tenths in range(0, 2400, 7):
            now = NOW + timedelta(seconds=tenths / 10)
            taken += [now] * board.take(name, requests=3, limits=limits(20), now=now).requests
        for first in taken:
            assert sum(first <= one < first + timedelta(minutes=1) for one in taken) <= 20
        assert len(taken) >= 4 * 20, "in four minutes nearly four budgets"

    def test_what_was_wanted_and_not_given_is_no_debt(self, board: Board, name: str) -> None:
        """30 given at first, then 30 of 70 wanted: when the first 30 are over, there are 30 again."""
        board.take(name, requests=30, limits=limits(60), now=NOW)
        assert board.take(name, requests=70, limits=limits(60), now=NOW + timedelta(seconds=10)).requests == 30
        assert board.take(name, requests=99, limits=limits(60), now=NOW + timedelta(seconds=65)).requests == 30

    def test_a_second_holds_its_limit_and_leaves_the_rest_of_the_minute_alone(self, board: Board, name: str) -> None:
        """Of 60 a minute and 30 a second, each second gives 30, and nothing of the minute is lost to waiting."""
        both = limits(60, per_second=30)
        granted = [board.take(name, requests=50, limits=both, now=NOW) for _ in range(2)]
        assert granted == [Grant(30, timedelta(seconds=1)), Grant(0, timedelta(seconds=1))]
        assert board.take(name, requests=20, limits=both, now=NOW + timedelta(seconds=1)) == Grant(20)
        assert board.take(name, requests=20, limits=both, now=NOW + timedelta(seconds=2)).requests == 10

    def test_a_clock_that_is_behind_takes_nothing_of_a_minute_that_is_over(self, board: Board, name: str) -> None:
        board.take(name, requests=1, limits=limits(1), now=NOW)
        late = board.take(name, requests=1, limits=limits(1), now=NOW - timedelta(minutes=1))
        assert late.requests == 0
        assert late.wait > timedelta(0)

    def test_workers_at_once_take_no_more_than_the_budget(self, board: Board, name: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            granted = list(pool.map(lambda _: board.take(name, requests=3, limits=limits(10), now=NOW), range(8)))
        assert sum(one.requests for one in granted) == 10
        assert all(one.requests == 3 or one.wait > timedelta(0) for one in granted)

    def test_a_share_leaves_the_rest_of_the_budget_to_others(self, board: Board, name: str) -> None:
        """A request with a share is given nothing once so much is used by all; others have all of it."""
        both = limits(8)
        assert board.take(name, requests=3, limits=both, now=NOW).requests == 3
        shared = [board.take(name, requests=1, limits=both, now=NOW, share=0.75).requests for _ in range(5)]
        assert shared == [1, 1, 1, 0, 0]
        assert board.take(name, requests=9, limits=both, now=NOW).requests == 2

    def test_a_share_forgets_nothing_that_others_took(self, board: Board, name: str) -> None:
        """Seven of eight are used when a new slot begins: the one with a share begins it, and counts them all."""
        assert board.take(name, requests=7, limits=limits(8), now=NOW).requests == 7
        later = NOW + timedelta(seconds=10)
        assert board.take(name, requests=1, limits=limits(8), now=later, share=0.5).requests == 0
        assert board.take(name, requests=9, limits=limits(8), now=later).requests == 1

    def test_a_share_of_a_small_budget_is_one_request_at_least(self, board: Board, name: str) -> None:
        assert board.take(name, requests=1, limits=limits(1, per_second=1), now=NOW, share=0.75) == Grant(1)

    def test_a_run_is_stopped_for_good_and_no_other_with_it(self, board: Board, name: str) -> None:
        assert not board.stopped(name)
        board.stop(name)
        board.stop(name)
        assert board.stopped(name)
        assert not board.stopped(f"{name}-2")

    def test_a_pause_holds_everybody_and_the_longer_one_wins(self, board: Board, name: str) -> None:
        assert board.paused(name) is None
        board.pause(name, until=NOW + timedelta(seconds=90))
        board.pause(name, until=NOW + timedelta(seconds=30))
        assert board.paused(name) == NOW + timedelta(seconds=90)
        assert board.take(name, requests=1, limits=limits(9), now=NOW) == Grant(0, timedelta(seconds=90))
        assert board.take(name, requests=1, limits=limits(9), now=NOW + timedelta(seconds=90)) == Grant(1)
