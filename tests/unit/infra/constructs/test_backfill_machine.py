"""The backfill's machine, read from its definition, and what its role may do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from minutemend.contract import BACKFILLS_PREFIX

from infra.constructs.backfill_machine import NOT_WHOLE, START_RETRY, WHOLE, WINDOWS_AT_ONCE
from tests.unit.infra.conftest import Body, resources
from tests.unit.infra.constructs.test_audit_machine import definition

State = dict[str, Any]


@pytest.fixture
def states(body: Body) -> dict[str, State]:
    found: dict[str, State] = definition(body, "backfill")["States"]
    return found


def test_windows_are_read_from_s3_and_run_a_few_at_once(states: dict[str, State]) -> None:
    """Nothing in the state grows with the range, and a failed window ends no other."""
    windows = states["Windows"]
    assert (windows["Type"], windows["ItemProcessor"]["ProcessorConfig"]["Mode"]) == ("Map", "DISTRIBUTED")
    assert windows["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] == "STANDARD"
    assert windows["ItemReader"]["Parameters"]["Key.$"] == "$.key"
    assert 1 < windows["MaxConcurrency"] == WINDOWS_AT_ONCE <= 10
    assert windows["ToleratedFailurePercentage"] == 100


def test_a_window_is_an_ordinary_audit_by_its_own_name(states: dict[str, State]) -> None:
    audit = states["Windows"]["ItemProcessor"]["States"]["AuditWindow"]
    assert audit["Resource"].endswith(":states:::states:startExecution.sync:2")
    assert audit["Parameters"].pop("StateMachineArn")
    assert audit["Parameters"] == {"Input.$": "$.input", "Name.$": "$.name"}
    assert audit["TimeoutSeconds"] > 0
    [retry] = audit["Retry"]
    assert retry["ErrorEquals"] == START_RETRY["errors"], "a window that failed has made all of its attempts"


def test_what_comes_back_of_a_window_is_one_digit_and_a_failed_one_fails_the_run(states: dict[str, State]) -> None:
    inner = states["Windows"]["ItemProcessor"]["States"]
    [caught] = inner["AuditWindow"]["Catch"]
    assert (caught["ErrorEquals"], inner[caught["Next"]]["Result"]) == (["States.ALL"], NOT_WHOLE)
    assert inner[inner["AuditWindow"]["Next"]]["Result"] == WHOLE != NOT_WHOLE
    assert states["Windows"]["ResultSelector"] == {"failed.$": f"States.ArrayContains($, {NOT_WHOLE})"}
    [failed] = states[states["Windows"]["Next"]]["Choices"]
    assert (failed["Variable"], failed["BooleanEquals"]) == ("$.failed", True)
    assert states[failed["Next"]]["Type"] == "Fail"
    assert states[states[states["Windows"]["Next"]]["Default"]]["Type"] == "Succeed"


def test_its_role_reads_its_windows_alone_and_starts_two_machines(body: Body) -> None:
    """The CDK's own grants would read the whole bucket, and redrive."""
    policies = [
        one["PolicyDocument"]["Statement"]
        for one in resources(body, "AWS::IAM::Policy").values()
        if any("BackfillRole" in json.dumps(role) for role in one["Roles"])
    ]
    [statements] = policies
    by_action = {
        action: one["Resource"]
        for one in statements
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
        if not action.startswith(("logs:", "xray:"))
    }
    assert json.dumps(by_action["s3:GetObject"]).endswith(f'"/{BACKFILLS_PREFIX}*"]]}}')
    assert len(by_action["states:StartExecution"]) == 2
    assert set(by_action) == {
        "s3:GetObject",
        "lambda:InvokeFunction",
        "states:StartExecution",
        "states:DescribeExecution",
        "states:StopExecution",
        *(f"events:{one}" for one in ("PutTargets", "PutRule", "DescribeRule")),
    }


def test_only_this_machine_takes_the_role_on(body: Body) -> None:
    [role] = [one for name, one in resources(body, "AWS::IAM::Role").items() if name.startswith("BackfillRole")]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert "-backfill*" in json.dumps(trust["Condition"]["ArnLike"]["aws:SourceArn"])


def test_a_schedule_has_the_windows_named_first_and_a_person_names_them(states: dict[str, State]) -> None:
    """A night on which nothing is due ends well. A lost answer is tried again by the same name."""
    [named] = states["by name?"]["Choices"]
    assert (named["Variable"], named["IsPresent"], named["Next"]) == ("$.key", True, "Windows")
    asked = states[states["by name?"]["Default"]]
    assert asked["Parameters"] == {
        "run.$": "States.Format('recheck-{}', $$.Execution.Name)",
        "scheduled_at.$": "$.scheduled_at",
    }
    assert {error for retry in asked["Retry"] for error in retry["ErrorEquals"]} >= {"States.TaskFailed"}
    due = states[asked["Next"]]
    assert due["Choices"] == [named]
    assert states[due["Default"]]["Type"] == "Succeed"


def test_a_run_ends_before_its_windows_expire(body: Body) -> None:
    assert 0 < definition(body, "backfill")["TimeoutSeconds"] <= 90 * 86_400
