"""The user's own task: a function or a state machine that is run with the range once it is whole."""

from __future__ import annotations

from datetime import timedelta

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct
from minutemend.contract import Key

from infra.constructs.grants import acknowledge_wildcard, states_arn
from infra.rules import UnsafeSettings


class UserTask(Construct):
    """`state` runs `arn` with {start, end, audit_id, request}; when it fails or never returns, the audit fails and says
    so.

    `request` is the S3 address of the audit's request, which names the symbols: there may be thousands. The range
    is published by then, and its event sent; neither is done again.
    """

    def __init__(self, scope: Construct, construct_id: str, *, arn: str, timeout: timedelta, bucket: str) -> None:
        super().__init__(scope, construct_id)
        self._arn = arn
        payload = sfn.TaskInput.from_object(
            {
                "start": sfn.JsonPath.string_at(f"$.{Key.START}"),
                "end": sfn.JsonPath.string_at(f"$.{Key.END}"),
                "audit_id": sfn.JsonPath.string_at(f"$.{Key.AUDIT_ID}"),
                "request": sfn.JsonPath.format(f"s3://{bucket}/{{}}", sfn.JsonPath.string_at(f"$.{Key.REQUEST_KEY}")),
            }
        )
        self.state = self._of_kind(scope, payload, Duration.seconds(int(timeout.total_seconds())))
        failed = sfn.Fail(
            self,
            "UserTaskFailed",
            error="UserTaskFailed",
            cause_path=(
                f"States.Format('the range {{}} to {{}} is whole and published, but the task {arn} did not end well: "
                f"{{}} {{}}', $.{Key.START}, $.{Key.END}, $.failure.Error, $.failure.Cause)"
            ),
        )
        self.state.add_catch(failed, errors=["States.ALL"], result_path="$.failure")

    def _of_kind(self, scope: Construct, payload: sfn.TaskInput, timeout: Duration) -> sfn.TaskStateBase:
        match self._arn.split(":"):
            case ["arn", _, "lambda", _, _, "function", _, *_]:
                acknowledge_wildcard(scope, f"{self._arn}:*", reason="the versions of the user's own function")
                return tasks.LambdaInvoke(
                    self,
                    "ExecuteUserTask",
                    lambda_function=lambda_.Function.from_function_arn(self, "Function", self._arn),
                    payload=payload,
                    result_path=sfn.JsonPath.DISCARD,
                    retry_on_service_exceptions=False,
                    task_timeout=sfn.Timeout.duration(timeout),
                )
            case ["arn", _, "states", _, _, "stateMachine", name]:
                executions = states_arn(self, "execution", f"{name}*")
                acknowledge_wildcard(scope, executions, reason="the executions of the user's own state machine")
                return tasks.StepFunctionsStartExecution(
                    self,
                    "ExecuteUserTask",
                    state_machine=sfn.StateMachine.from_state_machine_arn(self, "Machine", self._arn),
                    integration_pattern=sfn.IntegrationPattern.RUN_JOB,
                    input=payload,
                    result_path=sfn.JsonPath.DISCARD,
                    task_timeout=sfn.Timeout.duration(timeout),
                )
            case _:
                raise UnsafeSettings(
                    f"task_arn is {self._arn!r}: the ARN of a Lambda function or of a state machine would be right"
                )
