"""The user's own task by the form of its ARN."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_stepfunctions as sfn

from infra.constructs.user_task import UserTask
from infra.rules import UnsafeSettings


def task_of(arn: str) -> sfn.TaskStateBase:
    return UserTask(Stack(App(), "S"), "T", arn=arn, timeout=timedelta(minutes=5), bucket="results").state


def test_a_function_is_invoked() -> None:
    state = task_of("arn:aws:lambda:us-east-1:111122223333:function:mine").to_state_json()
    assert state["Parameters"]["FunctionName"] == "arn:aws:lambda:us-east-1:111122223333:function:mine"
    assert state["TimeoutSeconds"] == 300
    assert state["Parameters"]["Payload"]["request.$"] == "States.Format('s3://results/{}', $.request_key)"


@pytest.mark.parametrize("arn", ["", "mine", "arn:aws:sqs:us-east-1:111122223333:queue", "arn:aws:lambda:us-east-1"])
def test_anything_else_is_refused(arn: str) -> None:
    with pytest.raises(UnsafeSettings, match="of a Lambda function or of a state machine would be right"):
        task_of(arn)
