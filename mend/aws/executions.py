"""Executions of the audit state machine: start one, follow it, list the newest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution. `status` is Step Functions' own: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED.

    `output` is the final state of one that succeeded; `error` and `cause` are those of one that did not.
    """

    arn: str
    name: str
    status: str
    started: datetime
    stopped: datetime | None
    input: dict[str, Any] | None = None
    output: dict[str, Any] | None = None
    error: str | None = None
    cause: str | None = None

    @property
    def running(self) -> bool:
        return self.status == "RUNNING"


@dataclass(frozen=True, slots=True)
class Step:
    """A state that an execution left, with the state's output (None where it is no JSON object)."""

    number: int  # of the history event, from 1
    state: str
    at: datetime
    output: dict[str, Any] | None
    size: int  # bytes of the output


def start(sfn: Any, machine_arn: str, given: Mapping[str, Any], *, name: str) -> str:
    """Start an execution and return its ARN. The same name with the same input finds the running one."""
    answer = sfn.start_execution(stateMachineArn=machine_arn, name=name, input=json.dumps(given))
    return str(answer["executionArn"])


def describe(sfn: Any, arn: str) -> Execution:
    """How an execution is."""
    answer = sfn.describe_execution(executionArn=arn)
    output = _object(answer.get("output")) or {}
    succeeded = answer["status"] == "SUCCEEDED"
    # What a Fail state says is beside the output in AWS; MiniStack puts it into the output.
    return Execution(
        arn=arn,
        name=answer["name"],
        status=answer["status"],
        started=answer["startDate"],
        stopped=answer.get("stopDate"),
        input=_object(answer.get("input")),
        output=output if succeeded else None,
        error=answer.get("error") or (None if succeeded else output.get("Error")),
        cause=answer.get("cause") or (None if succeeded else output.get("Cause")),
    )


def newest(sfn: Any, machine_arn: str, *, limit: int) -> list[Execution]:
    """The newest executions first, without their inputs and outputs."""
    answer = sfn.list_executions(stateMachineArn=machine_arn, maxResults=limit)
    rows = [
        Execution(
            arn=row["executionArn"],
            name=row["name"],
            status=row["status"],
            started=row["startDate"],
            stopped=row.get("stopDate"),
        )
        for row in answer["executions"]
    ]
    return sorted(rows, key=lambda row: row.started, reverse=True)[:limit]


def named(sfn: Any, machine_arn: str, *, prefix: str, since: datetime) -> dict[str, str]:
    """The status of every execution whose name begins with `prefix`, by name; none of them began before `since`."""
    found: dict[str, str] = {}
    asked: dict[str, Any] = {"stateMachineArn": machine_arn, "maxResults": 1000}
    while True:
        answer = sfn.list_executions(**asked)
        rows = answer["executions"]
        found.update((row["name"], row["status"]) for row in rows if row["name"].startswith(prefix))
        # The newest come first.
        if not answer.get("nextToken") or min(row["startDate"] for row in rows) < since:
            return found
        asked["nextToken"] = answer["nextToken"]


def execution_arn(machine_arn: str, name: str) -> str:
    """The ARN of a machine's execution."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def status_of(sfn: Any, arn: str) -> str | None:
    """How an execution is; None when there is none."""
    try:
        return str(sfn.describe_execution(executionArn=arn)["status"])
    except sfn.exceptions.ExecutionDoesNotExist:
        return None


def steps(sfn: Any, arn: str, *, after: int = 0) -> Iterator[Step]:
    """The states that the execution has left, oldest first, from the history event after number `after`."""
    asked: dict[str, Any] = {"executionArn": arn, "maxResults": 1000, "includeExecutionData": True}
    while True:
        answer = sfn.get_execution_history(**asked)
        for event in answer["events"]:
            left = event.get("stateExitedEventDetails")
            if left is None or event["id"] <= after:
                continue
            text = left.get("output") or ""
            yield Step(event["id"], left["name"], event["timestamp"], _object(text), len(text.encode()))
        if not answer.get("nextToken"):
            return
        asked["nextToken"] = answer["nextToken"]


def _object(text: str | None) -> dict[str, Any] | None:
    try:
        value = json.loads(text) if text else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
