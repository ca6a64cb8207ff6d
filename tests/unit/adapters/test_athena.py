"""Submitting a query and waiting for it, at the seam of the boto3 client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from minutemend.adapters.athena import (
    DEAD,
    LONGEST_DELAY,
    RESTARTS,
    FinishedQuery,
    run_athena_query,
    submit_athena_query,
    wait_for_athena_results,
)
from minutemend.core.errors import (
    BadInput,
    MinutemendError,
    QueryCancelled,
    QueryCutOff,
    QueryError,
    QueryFailed,
    QueryTimedOut,
)

from tests.fakes.athena import FakeAthena

QUEUED, RUNNING, SUCCEEDED = ({"State": state} for state in ("QUEUED", "RUNNING", "SUCCEEDED"))
CANCELLED = {"State": "CANCELLED", "StateChangeReason": "by user"}
RETRYABLE = {"State": "FAILED", "StateChangeReason": "INTERNAL_ERROR", "AthenaError": {"Retryable": True}}
CUT_OFF = {"State": "CANCELLED", "StateChangeReason": "Bytes scanned limit was exceeded"}


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


def submit(athena: FakeAthena, sql: str = "SELECT 1 AS n", **other: str) -> str:
    asked = {"workgroup": "minutemend-dev", "database": "minutemend_dev", "token": "audit-1/attempt-1", **other}
    return submit_athena_query(sql, athena=athena, **asked)


def wait(athena: FakeAthena, *, seconds: float = 60.0, time: FakeTime | None = None) -> FinishedQuery:
    time = time or FakeTime()
    return wait_for_athena_results("query-0", athena=athena, deadline=time.now + seconds, clock=time, sleep=time.sleep)


def run(athena: FakeAthena) -> FinishedQuery:
    time = FakeTime()
    asked = {"workgroup": "minutemend-dev", "database": "minutemend_dev", "token": "audit-1/attempt-1"}
    return run_athena_query("SELECT 1 AS n", athena=athena, deadline=1060, clock=time, sleep=time.sleep, **asked)


def test_a_statement_longer_than_athena_takes_is_refused_before_it_is_sent() -> None:
    athena = FakeAthena()
    with pytest.raises(BadInput, match=r"262,145 bytes and Athena takes 262,144: fewer symbols"):
        submit(athena, "x" * 262_145)
    assert athena.calls == []


def test_a_retried_submit_finds_the_running_query() -> None:
    """The same work asked for twice is one query."""
    athena = FakeAthena(states=[RUNNING])
    assert submit(athena) == submit(athena)
    assert len(athena.tokens) == 1


@pytest.mark.parametrize(
    "other", [{"sql": "SELECT 2 AS n"}, {"token": "audit-1/attempt-2"}, {"database": "other"}, {"workgroup": "other"}]
)
def test_other_work_is_another_query(other: dict[str, str]) -> None:
    """A token never comes back with another statement, database or workgroup: AWS would refuse it."""
    athena = FakeAthena(states=[RUNNING])
    assert submit(athena) != submit(athena, **other)


def test_the_request_token_is_of_a_length_that_aws_takes_whatever_ours_is() -> None:
    """botocore's model says 32 to 128; the fake checks it for a short token and for a very long one."""
    athena = FakeAthena(states=[RUNNING])
    submit(athena, token="a")
    submit(athena, token="a" * 500)
    assert all(32 <= len(token) <= 128 for token in athena.tokens)


@pytest.mark.parametrize("dead", [CANCELLED, RETRYABLE], ids=["cancelled", "retryable"])
def test_a_dead_query_is_started_anew_and_a_retry_finds_the_new_one(dead: dict[str, Any]) -> None:
    """A try that ran out of time cancelled its query; the next must not be handed the corpse for ever."""
    athena = FakeAthena(fates=[[dead]])
    assert run(athena).query_id == "query-1"
    assert run(athena).query_id == "query-1"
    assert len(athena.tokens) == 2


@pytest.mark.parametrize(
    ("end", "error"),
    [(CUT_OFF, QueryCutOff), ({"State": "FAILED", "AthenaError": {"Retryable": False}}, QueryFailed)],
    ids=["cut off", "failed for good"],
)
def test_a_query_that_would_end_the_same_way_again_is_not_started_again(
    end: dict[str, Any], error: type[QueryError]
) -> None:
    """Starting it again would only be billed again."""
    athena = FakeAthena(states=[end])
    with pytest.raises(error):
        run(athena)
    assert len(athena.tokens) == 1


@pytest.mark.parametrize("retryable", [True, False])
def test_a_retry_runs_a_query_of_its_own_whatever_the_first_died_of(retryable: bool) -> None:
    """The step's own retries come with the same token: they must not be handed the dead query, four times over."""
    failed = {"State": "FAILED", "StateChangeReason": "HIVE_BAD_DATA", "AthenaError": {"Retryable": retryable}}
    earlier = {**failed, "SubmissionDateTime": datetime.now(UTC) - timedelta(minutes=1)}
    athena = FakeAthena(fates=[[earlier], [earlier], [earlier]])
    assert run(athena).query_id == "query-3"


def test_what_the_scan_limit_cut_off_is_not_billed_again_by_a_retry() -> None:
    athena = FakeAthena(states=[{**CUT_OFF, "SubmissionDateTime": datetime.now(UTC) - timedelta(minutes=1)}])
    with pytest.raises(QueryCutOff):
        run(athena)
    assert len(athena.tokens) == 1


def test_dead_queries_of_earlier_tries_are_passed_by_only_so_often() -> None:
    dead = {"State": "FAILED", "SubmissionDateTime": datetime.now(UTC) - timedelta(minutes=1)}
    athena = FakeAthena(states=[dead])
    with pytest.raises(QueryFailed):
        run(athena)
    assert len(athena.tokens) == 1 + DEAD


def test_a_query_that_always_dies_is_given_up_after_a_few_restarts() -> None:
    """The loop is bounded, and the error is what the last one died of."""
    athena = FakeAthena(states=[CANCELLED])
    with pytest.raises(QueryCancelled, match="query-2"):
        run(athena)
    assert len(athena.tokens) == 1 + RESTARTS


def test_a_query_that_ran_out_of_our_time_is_not_started_again_in_this_try() -> None:
    """There is no time left for another; the next try has its own."""
    athena = FakeAthena(fates=[[RUNNING]])
    with pytest.raises(QueryTimedOut):
        run(athena)
    assert run(athena).query_id == "query-1"


def test_waiting_returns_what_the_query_cost() -> None:
    """Bytes scanned and Athena's time, as it reports them."""
    statistics = {"DataScannedInBytes": 12_345, "TotalExecutionTimeInMillis": 678}
    assert wait(FakeAthena(statistics=statistics)) == FinishedQuery(
        "query-0", "s3://results/athena/query-0.csv", 12_345, 678
    )


def test_waiting_backs_off_and_never_sleeps_long() -> None:
    """Each sleep is longer than the one before, up to the longest."""
    time = FakeTime()
    wait(FakeAthena(states=[QUEUED, *[RUNNING] * 20, SUCCEEDED]), time=time)
    assert len(time.sleeps) == 21
    assert all(before < after or after == LONGEST_DELAY for before, after in pairwise(time.sleeps))
    assert max(time.sleeps) == LONGEST_DELAY


def test_a_finished_query_is_not_waited_for() -> None:
    """A retry that finds its query done loses no time."""
    time = FakeTime()
    wait(FakeAthena(), time=time)
    assert time.sleeps == []


@pytest.mark.parametrize(
    ("end", "error", "reason"),
    [
        ({"State": "FAILED", "StateChangeReason": "TABLE_NOT_FOUND: bars"}, QueryFailed, "TABLE_NOT_FOUND: bars"),
        ({"State": "FAILED"}, QueryFailed, "Athena gave no reason"),
        (CANCELLED, QueryCancelled, "by user"),
        (CUT_OFF, QueryCutOff, "Bytes scanned limit was exceeded"),
        ({**CUT_OFF, "State": "FAILED"}, QueryCutOff, "Bytes scanned limit was exceeded"),
    ],
    ids=["failed", "no reason", "cancelled", "cut off", "cut off before engine 3"],
)
def test_a_query_that_ends_badly_is_a_typed_error_with_its_evidence(
    end: dict[str, Any], error: type[QueryError], reason: str
) -> None:
    """Type, Athena's reason, bytes scanned, query id: on the error and in its message."""
    athena = FakeAthena(states=[RUNNING, end], statistics={"DataScannedInBytes": 99})
    with pytest.raises(error) as caught:
        wait(athena)
    assert type(caught.value) is error
    assert isinstance(caught.value, MinutemendError)
    assert (caught.value.reason, caught.value.scanned_bytes, caught.value.query_id) == (reason, 99, "query-0")
    assert all(part in str(caught.value) for part in (reason, "99 bytes", "query-0"))
    assert athena.stopped == []


def test_bytes_that_athena_does_not_report_are_unknown_and_not_zero() -> None:
    """A failure before the scan has no statistics."""
    with pytest.raises(QueryFailed) as caught:
        wait(FakeAthena(states=[{"State": "FAILED"}], statistics={}))
    assert caught.value.scanned_bytes is None


def test_at_the_deadline_the_query_is_cancelled_and_the_wait_ends() -> None:
    """Its answer will not be read; the function still has its own time left."""
    time = FakeTime()
    athena = FakeAthena(states=[RUNNING], statistics={"DataScannedInBytes": 7})
    with pytest.raises(QueryTimedOut, match="still RUNNING") as caught:
        wait(athena, seconds=10, time=time)
    assert time.now == pytest.approx(1010)
    assert athena.stopped == ["query-0"]
    assert (caught.value.query_id, caught.value.scanned_bytes) == ("query-0", 7)


def test_a_deadline_that_is_past_still_takes_an_answer_that_is_there() -> None:
    """The state is looked at before the clock."""
    assert wait(FakeAthena(), seconds=-1).query_id == "query-0"


def test_an_interrupted_wait_cancels_the_query() -> None:
    """Ctrl-C in the terminal must not leave a scan running and billed."""
    athena = FakeAthena(states=[RUNNING])

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wait_for_athena_results("query-0", athena=athena, deadline=10, clock=lambda: 0, sleep=interrupted)
    assert athena.stopped == ["query-0"]
