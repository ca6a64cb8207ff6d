"""Executions as Step Functions tells of them, in AWS and in the emulator."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mend.aws.executions import Execution, describe, newest, steps
from mend.commands import status

AT = datetime(2026, 1, 1, tzinfo=UTC)
FAIL = {"error": "BadInput", "cause": "start is late"}


class FakeStepFunctions:
    """Answers as they are given, pages of history one by one."""

    def __init__(
        self, described: dict[str, Any] | None = None, history: list[list[dict[str, Any]]] | None = None
    ) -> None:
        self._described = {"name": "a1", "startDate": AT, **(described or {})}
        self._history = history or []

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        return {"executionArn": executionArn, **self._described}

    def get_execution_history(self, nextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803
        page = int(nextToken)
        more = {"nextToken": str(page + 1)} if page + 1 < len(self._history) else {}
        return {"events": self._history[page], **more}

    def list_executions(self, stateMachineArn: str, maxResults: int) -> dict[str, Any]:  # noqa: N803
        days = [
            {
                "executionArn": f"{stateMachineArn}:{day}",
                "name": str(day),
                "status": "SUCCEEDED",
                "startDate": AT.replace(day=day),
            }
            for day in (2, 3, 1)
        ]
        return {"executions": days[:maxResults]}


def _left(number: int, state: str, output: object) -> dict[str, Any]:
    text = output if isinstance(output, str) else json.dumps(output)
    return {"id": number, "timestamp": AT, "stateExitedEventDetails": {"name": state, "output": text}}


@pytest.mark.parametrize(
    "told",
    [FAIL, {"output": json.dumps({"Error": FAIL["error"], "Cause": FAIL["cause"]})}],
    ids=["in AWS, beside the output", "in MiniStack, in the output"],
)
def test_what_a_fail_state_says_is_found_wherever_it_stands(told: dict[str, str]) -> None:
    found = describe(FakeStepFunctions({"status": "FAILED", **told}), "arn")
    assert (found.error, found.cause, found.output) == ("BadInput", "start is late", None)


def test_a_success_has_its_state_and_no_error() -> None:
    found = describe(FakeStepFunctions({"status": "SUCCEEDED", "output": '{"missing": 0}'}), "arn")
    assert (found.output, found.error, found.running) == ({"missing": 0}, None, False)


def test_steps_come_once_over_all_pages_with_their_size() -> None:
    """Following goes on after the event that was seen last; a state without an object has no output."""
    history = [
        [{"id": 1, "timestamp": AT}, _left(2, "CheckDataHealth", {"missing": 5})],
        [_left(3, "WaitForRepairs", "null"), _left(4, "CheckDataHealth", {"missing": 0})],
    ]
    sfn = FakeStepFunctions(history=history)
    found = [*steps(sfn, "arn")]
    assert [(one.number, one.state, one.output) for one in found] == [
        (2, "CheckDataHealth", {"missing": 5}),
        (3, "WaitForRepairs", None),
        (4, "CheckDataHealth", {"missing": 0}),
    ]
    assert found[0].size == len('{"missing": 5}')
    assert [one.number for one in steps(sfn, "arn", after=3)] == [4]


def test_the_newest_executions_come_first() -> None:
    assert [one.name for one in newest(FakeStepFunctions(), "machine", limit=10)] == ["3", "2", "1"]


def test_an_audit_that_ended_well_though_minutes_are_missing_says_so() -> None:
    """A night's recheck is quiet about holes that were reported before; the status is not."""
    known = {"status": "known", "missing": 1200}
    night = Execution("arn", "recheck-1-00000", "SUCCEEDED", AT, AT, {}, known)
    assert status._in_words(status._audit(night))["why"].startswith("1,200 minutes are still missing")
    whole = Execution("arn", "a1", "SUCCEEDED", AT, AT, {}, {"status": "ready", "missing": 0})
    assert status._in_words(status._audit(whole))["why"] == ""
