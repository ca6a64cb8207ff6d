"""A backfill is begun once, stopped, resumed with what is not whole, and told window by window."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range
from minutemend.ports.store import StoreConflict

from mend.backfill.backfills import CURRENT, Backfills
from mend.backfill.model import Asked, State
from mend.backfill.windows import Window
from mend.problems import Problem
from tests.fakes.board import FakeBoard
from tests.fakes.store import FakeStore

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ASKED = Asked(Range(NOW - 90 * DAY, NOW - 60 * DAY), None, 3, oldest_first=False)
WINDOWS = [Window(Range(NOW - n * DAY, NOW - (n - 1) * DAY), None, 1000) for n in range(62, 66)]
MACHINE, AUDITS = "arn:aws:states:r:1:stateMachine:backfill", "arn:aws:states:r:1:stateMachine:audit"


class _Gone(Exception):
    pass


class FakeStepFunctions:
    """Executions by ARN, with what DescribeExecution tells; two names to a page of a list."""

    exceptions = SimpleNamespace(ExecutionDoesNotExist=_Gone)

    def __init__(self) -> None:
        self.there: dict[str, dict[str, Any]] = {}
        self.described: list[str] = []

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> dict[str, str]:  # noqa: N803
        arn = f"{stateMachineArn.replace('stateMachine', 'execution')}:{name}"
        self.there[arn] = {"name": name, "status": "RUNNING", "startDate": NOW, "input": input}
        return {"executionArn": arn}

    def stop_execution(self, executionArn: str, error: str, cause: str) -> None:  # noqa: N803
        self.there[executionArn] |= {"status": "ABORTED", "error": error, "cause": cause}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if executionArn not in self.there:
            raise _Gone
        self.described.append(executionArn)
        return self.there[executionArn]

    def list_executions(self, stateMachineArn: str, nextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803
        rows = [
            one
            for arn, one in self.there.items()
            if arn.startswith(stateMachineArn.replace("stateMachine", "execution"))
        ]
        first = int(nextToken)
        more = {"nextToken": str(first + 2)} if first + 2 < len(rows) else {}
        return {"executions": rows[first : first + 2], **more}

    def get_execution_history(self, executionArn: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        looks = self.there[executionArn].get("looks", [])
        events = [
            {"id": n, "timestamp": NOW, "stateExitedEventDetails": {"name": name, "output": json.dumps(output)}}
            for n, (name, output) in enumerate(looks, 1)
        ]
        return {"events": events}


@pytest.fixture
def sfn() -> FakeStepFunctions:
    return FakeStepFunctions()


@pytest.fixture
def backfills(sfn: FakeStepFunctions) -> Backfills:
    outputs = {"StateMachineArn": AUDITS, "BackfillMachineArn": MACHINE}
    opened: Any = SimpleNamespace(
        name="dev", option="dev", output=outputs.__getitem__, clients=SimpleNamespace(stepfunctions=sfn)
    )
    return Backfills(opened, FakeStore(), FakeBoard(), [("finnhub", 400, 60)])


def audited(sfn: FakeStepFunctions, name: str, status: str, **more: Any) -> None:
    """The audit of a window, by its name."""
    sfn.there[f"{AUDITS.replace('stateMachine', 'execution')}:{name}"] = {
        "name": name,
        "status": status,
        "startDate": NOW,
        **more,
    }


WHOLE = {"output": json.dumps({"found": 900, "missing": 0, "queued": 5})}


def test_a_run_is_its_windows_in_s3_and_one_execution(backfills: Backfills, sfn: FakeStepFunctions) -> None:
    backfill, begun = backfills.begin(ASKED, WINDOWS, now=NOW)
    assert begun
    [run] = sfn.there.values()
    assert run["name"] == backfill.run_name
    assert len(run["input"]) < 200, "the state holds a pointer"
    items = json.loads(backfills.store.get(json.loads(run["input"])["key"]) or b"")
    assert [one["name"] for one in items] == [f"{backfill.run_name}-{n:05d}" for n in range(4)]
    assert items[0]["input"] == {
        "start": "2024-03-31T12:00:00Z",
        "end": "2024-04-01T12:00:00Z",
        "attempts": 3,
        "backfill": backfill.run_name,
    }
    assert backfills.current()[0] == backfill


def test_begun_twice_it_is_one_and_another_is_refused_while_it_runs(
    backfills: Backfills, sfn: FakeStepFunctions
) -> None:
    first, _ = backfills.begin(ASKED, WINDOWS, now=NOW)
    assert backfills.begin(ASKED, WINDOWS, now=NOW + DAY) == (first, False)
    other = Asked(Range(NOW - 9 * DAY, NOW), None, 3, oldest_first=False)
    with pytest.raises(BadInput, match="is running: to wait for it, or to stop it"):
        backfills.begin(other, WINDOWS, now=NOW)
    assert len(sfn.there) == 1
    backfills.stop()
    assert backfills.begin(other, WINDOWS, now=NOW)[1]


def test_of_two_that_begin_at_once_one_is_told_so(backfills: Backfills, monkeypatch: pytest.MonkeyPatch) -> None:
    put = backfills.store.put

    def lose(key: str, body: bytes, **conditions: Any) -> str:
        if key == CURRENT:
            raise StoreConflict(key)
        return put(key, body, **conditions)

    monkeypatch.setattr(backfills.store, "put", lose)
    with pytest.raises(Problem, match="somebody else begins a backfill just now"):
        backfills.begin(ASKED, WINDOWS, now=NOW)


def test_each_window_is_told_by_its_audit(backfills: Backfills, sfn: FakeStepFunctions) -> None:
    backfill, _ = backfills.begin(ASKED, WINDOWS, now=NOW)
    run = backfill.run_name
    audited(sfn, f"{run}-00000", "SUCCEEDED", **WHOLE)
    looks = [("CheckDataHealth", {"found": 800, "missing": 800}), ("QueueRepairs", {"queued": 7})]
    looks += [("CheckDataHealth", {"found": 800, "missing": 300, "queued": 7})]
    audited(sfn, f"{run}-00001", "FAILED", error="MinutesMissing", cause="300 of 1,000 minutes", looks=looks)
    audited(sfn, f"{run}-00002", "RUNNING")
    backfills.board.open_attempt(f"{run}-00002", 1, jobs=9)
    backfills.board.settle("j", audit_id=f"{run}-00002", attempt=1, outcome="bars")
    audited(sfn, "an-audit-of-the-day", "FAILED")
    course = backfills.look(backfill)
    assert [part.state for part in course.parts] == [State.WHOLE, State.NOT_WHOLE, State.RUNNING, State.WAITING]
    assert course.settled == 900 + 500
    [lost] = course.not_whole
    assert (lost.missing, lost.reason) == (300, "MinutesMissing: 300 of 1,000 minutes")
    # 8 of the running attempt, and 5 for the window to come, as the whole one took for as many minutes.
    assert course.requests_left == 8 + 5
    assert course.time_left == timedelta(minutes=13 / 45)
    before = list(sfn.described)
    backfills.look(backfill)
    assert len(sfn.described) == len(before) + 1, "what has ended is read once"


def test_a_stop_leaves_its_word_first_and_what_is_stopped_waits(backfills: Backfills, sfn: FakeStepFunctions) -> None:
    assert backfills.stop() is None
    backfill, _ = backfills.begin(ASKED, WINDOWS, now=NOW)
    run = backfill.run_name
    assert backfills.stop() == backfill
    assert backfills.board.stopped(run)
    audited(sfn, f"{run}-00000", "ABORTED")
    audited(sfn, f"{run}-00001", "FAILED", error="Stopped", cause="…")
    course = backfills.look(backfill)
    assert {part.state for part in course.parts} == {State.WAITING}
    assert (course.status, course.not_whole) == ("ABORTED", [])
    assert backfills.stop() is None


def test_resuming_starts_what_is_not_whole_under_a_name_that_was_not_stopped(
    backfills: Backfills, sfn: FakeStepFunctions
) -> None:
    backfill, _ = backfills.begin(ASKED, WINDOWS, now=NOW)
    assert backfills.resume() == (backfill, 0), "it is running"
    audited(sfn, f"{backfill.run_name}-00001", "SUCCEEDED", **WHOLE)
    audited(sfn, f"{backfill.run_name}-00002", "FAILED", error="MinutesMissing", cause="…")
    backfills.stop()
    again, count = backfills.resume()
    assert (again.id, again.run, count) == (backfill.id, 2, 3)
    assert not backfills.board.stopped(again.run_name)
    key = f"backfills/{backfill.id}/run-2.json"
    assert [one["name"][-5:] for one in json.loads(backfills.store.get(key) or b"")] == ["00000", "00002", "00003"]
    for number in (0, 2, 3):
        audited(sfn, f"{again.run_name}-{number:05d}", "SUCCEEDED", **WHOLE)
    sfn.there[f"{MACHINE.replace('stateMachine', 'execution')}:{again.run_name}"]["status"] = "SUCCEEDED"
    course = backfills.look(again)
    assert course.count(State.WHOLE) == 4
    assert backfills.resume() == (again, 0)


def test_a_run_that_was_named_and_never_started_is_resumed(backfills: Backfills, sfn: FakeStepFunctions) -> None:
    """`mend` died between the two."""
    backfill, _ = backfills.begin(ASKED, WINDOWS, now=NOW)
    sfn.there.clear()
    assert backfills.look(backfill).status is None
    assert backfills.resume()[1] == 4


def test_nothing_to_resume_and_windows_that_expired_are_said(backfills: Backfills) -> None:
    with pytest.raises(Problem, match="there is no backfill in dev"):
        backfills.resume()
    backfill, _ = backfills.begin(ASKED, WINDOWS, now=NOW)
    backfills.store.delete([f"backfills/{backfill.id}/windows.json"])
    with pytest.raises(Problem, match="have expired"):
        backfills.look(backfill)
