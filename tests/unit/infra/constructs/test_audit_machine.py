"""The loop, read from the state machine's definition."""

from __future__ import annotations

import json
from typing import Any

import pytest
from minutemend.contract import Status

from infra.constructs.audit_machine import STEP_RETRY, THROTTLE_RETRY
from tests.unit.infra.conftest import Body, Synthesized, resources
from tests.unit.infra.rendering import plain

State = dict[str, Any]


def machine_of(body: Body, kind: str) -> Body:
    """The machine whose name ends so: audit or backfill."""
    machines = resources(body, "AWS::StepFunctions::StateMachine").values()
    return next(one for one in machines if one["StateMachineName"].endswith(f"-{kind}"))


def definition(body: Body, kind: str = "audit") -> State:
    found: State = json.loads(plain(machine_of(body, kind)["DefinitionString"]))
    return found


@pytest.fixture
def states(body: Body) -> dict[str, State]:
    found: dict[str, State] = definition(body)["States"]
    return found


def test_every_status_leads_somewhere(states: dict[str, State]) -> None:
    choices = {choice["StringEquals"]: choice["Next"] for choice in states["data ready?"]["Choices"]}
    assert choices == {
        Status.READY: "ExecuteDataTask",
        Status.REPAIR: "QueueRepairs",
        Status.EXHAUSTED: "ReportFailure",
        Status.KNOWN: "ExecuteDataTask",
        Status.REFUSED: "Refused",
        Status.NOTHING: "NothingExpected",
        Status.STOPPED: "Stopped",
    }
    assert states[states["data ready?"]["Default"]]["Type"] == "Fail"


def test_the_loop_goes_round_until_the_data_is_ready(states: dict[str, State]) -> None:
    way = ["QueueRepairs"]
    while way[-1] != "data ready?":
        way.append(states[way[-1]]["Next"])
    assert way == ["QueueRepairs", "WaitForRepairs", "CheckDataHealth", "data ready?"]


def test_publishing_goes_on_until_no_date_is_left(states: dict[str, State]) -> None:
    """A year does not fit into one invocation: the state says at which date the next one goes on."""
    assert states["ExecuteDataTask"]["Next"] == "all published?"
    assert "ResultPath" not in states["ExecuteDataTask"]
    again, *_ = states["all published?"]["Choices"]
    assert again == {"Variable": "$.publish_from", "IsPresent": True, "Next": "ExecuteDataTask"}
    assert states["all published?"]["Default"] in ("Done", "ExecuteUserTask")


def test_waiting_is_for_a_token_and_bounded_and_there_is_no_fixed_sleep(states: dict[str, State]) -> None:
    wait = states["WaitForRepairs"]
    assert wait["Resource"].endswith(":states:::lambda:invoke.waitForTaskToken")
    assert wait["Parameters"]["Payload"]["task_token.$"] == "$$.Task.Token"
    assert 0 < wait["TimeoutSeconds"] <= 3600
    [late] = wait["Catch"]
    assert late["ErrorEquals"] == ["States.Timeout"]
    assert late["Next"] == "CheckProgress"
    assert "Wait" not in {state["Type"] for state in states.values()}


def test_a_wait_that_timed_out_is_looked_at_by_the_function_that_knows_the_board(states: dict[str, State]) -> None:
    """The state goes there whole and comes back whole, and no attempt is counted on the way."""
    late = states["CheckProgress"]
    assert "AwaitRepairs" in json.dumps(late["Resource"])
    assert "Parameters" not in late
    assert "ResultPath" not in late


def test_the_wait_leaves_the_state_as_it_was(states: dict[str, State]) -> None:
    """What the last worker says is not believed: the next look is at the rows."""
    assert states["WaitForRepairs"]["ResultPath"] is None
    assert states["WaitForRepairs"]["Catch"][0]["ResultPath"] is None


def test_the_executions_input_does_not_travel_on(states: dict[str, State]) -> None:
    """A list of thousands of symbols is read once; each later state is what CheckDataHealth made."""
    assert states["Begin"]["Parameters"] == {
        "input.$": "$$.Execution.Input",
        "audit_id.$": "$$.Execution.Name",
        "started_at.$": "$$.Execution.StartTime",
    }
    assert "ResultPath" not in states["CheckDataHealth"]


def test_a_failed_audit_ends_in_fail(states: dict[str, State]) -> None:
    """What is whole is published before, and a user's own task is not run."""
    assert states["ReportFailure"]["Next"] == "ExecuteDataTask"
    _, exhausted, known = states["all published?"]["Choices"]
    assert exhausted == {"Variable": "$.status", "StringEquals": "exhausted", "Next": "MinutesMissing"}
    assert states["MinutesMissing"]["Type"] == "Fail"
    assert known == {"Variable": "$.status", "StringEquals": "known", "Next": "AskedAgain"}
    assert states["AskedAgain"]["Type"] == "Succeed"
    assert "$.report_key" in states["MinutesMissing"]["CausePath"]


def test_where_nothing_is_expected_nothing_is_published(states: dict[str, State]) -> None:
    assert states["NothingExpected"]["Type"] == "Succeed"


def test_unusable_input_ends_in_fail(states: dict[str, State]) -> None:
    assert states["Refused"] == {"Type": "Fail", "Error": "BadInput", "CausePath": "$.reason"}


def test_every_task_has_a_timeout_and_named_retries(states: dict[str, State]) -> None:
    """Worst waits as the comments beside the policies say: 423 s for concurrency, 14 s for a step that failed."""
    for state in states.values():
        if state["Type"] != "Task":
            continue
        assert state["TimeoutSeconds"]
        throttled, failed = state["Retry"]
        assert _worst_wait(throttled) == 423
        assert _worst_wait(failed) == 14
    assert STEP_RETRY != THROTTLE_RETRY


def _worst_wait(retry: State) -> int:
    waits = [retry["IntervalSeconds"] * retry["BackoffRate"] ** tried for tried in range(retry["MaxAttempts"])]
    return int(sum(min(wait, retry.get("MaxDelaySeconds", wait)) for wait in waits))


def test_nothing_runs_for_ever(body: Body) -> None:
    assert 0 < definition(body)["TimeoutSeconds"] <= 48 * 3600


def test_the_log_holds_no_task_token(body: Body) -> None:
    """With one, a reader of logs could answer for a worker."""
    for machine in (machine_of(body, kind) for kind in ("audit", "backfill")):
        assert machine["LoggingConfiguration"]["Level"] == "ALL"
        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
        assert machine["TracingConfiguration"] == {"Enabled": True}


def test_the_users_task_runs_after_publishing_and_its_failure_names_it(synthesized: Synthesized) -> None:
    states = definition(synthesized.templates["with_task"])["States"]
    task = states[states["all published?"]["Default"]]
    assert task["Resource"].endswith(":states:::states:startExecution.sync:2")
    assert task["Parameters"]["StateMachineArn"].endswith(":stateMachine:nightly")
    assert set(task["Parameters"]["Input"]) == {"start.$", "end.$", "audit_id.$", "request.$"}
    assert task["TimeoutSeconds"] == 3600
    [failure] = task["Catch"]
    assert failure["ErrorEquals"] == ["States.ALL"]  # a timeout, too
    ended = states[failure["Next"]]
    assert ended["Type"] == "Fail"
    assert "stateMachine:nightly did not end well" in ended["CausePath"]
    assert "UserTaskFailed" not in json.dumps(definition(synthesized.templates["dev"]))
