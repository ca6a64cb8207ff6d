"""The loop: look, repair, look again; then publish; or report, publish what is whole, and fail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct
from minutemend.contract import MOST_WAITS, Key, Status

from infra.concerns import Concern, tag
from infra.constructs.grants import acknowledge_wildcard
from infra.constructs.user_task import UserTask
from infra.settings import StageSettings

MAX_ATTEMPTS = 10  # what an audit may ask for; core/audits.py refuses more

# A step's function may fail for reasons that pass: tried 3 times more after 2, 4 and 8 s; worst wait 14 s.
STEP_RETRY = {
    "errors": [sfn.Errors.TASKS_FAILED],  # every error but a timeout, those of the Lambda service among them
    "interval": Duration.seconds(2),
    "max_attempts": 3,
    "backoff_rate": 2,
}
# Concurrency that is used up comes back, if ten functions at once are all that a new account has: tried 12 times more,
# after 1, 2, 4, 8, 16, 32 and then each 60 s; worst wait 423 s.
THROTTLE_RETRY = {
    "errors": ["Lambda.TooManyRequestsException"],
    "interval": Duration.seconds(1),
    "max_attempts": 12,
    "backoff_rate": 2,
    "max_delay": Duration.seconds(60),
}


def machine_logs(scope: Construct, name: str) -> sfn.LogOptions:
    """What a state machine of that name logs, and where."""
    group = logs.LogGroup(
        scope,
        "Logs",
        log_group_name=f"/aws/vendedlogs/states/{name}",
        retention=logs.RetentionDays.ONE_MONTH,
        removal_policy=RemovalPolicy.DESTROY,
    )
    # Execution data holds task tokens: a reader could answer for a worker.
    return sfn.LogOptions(destination=group, level=sfn.LogLevel.ALL, include_execution_data=False)


def machine_name(settings: StageSettings) -> str:
    """Its name, fixed, so that functions that it runs can be allowed to answer it."""
    return f"{settings.stack_name}-audit"


class AuditMachine(Construct):
    """`machine`. Its state holds pointers and counts (contract.Key), never lists of minutes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        results_bucket: str,
        check_data_health: lambda_.IFunction,
        queue_repairs: lambda_.IFunction,
        await_repairs: lambda_.IFunction,
        publish_hours: lambda_.IFunction,
        report_failure: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        check = step(self, "CheckDataHealth", check_data_health)
        wait = self._wait(await_repairs, timeout=settings.repair_timeout.total_seconds())
        repair = step(self, "QueueRepairs", queue_repairs).next(wait).next(check)
        late = step(self, "CheckProgress", await_repairs)
        wait.add_catch(late, errors=["States.Timeout"], result_path=sfn.JsonPath.DISCARD)
        moving = sfn.Condition.boolean_equals(f"$.{Key.MOVING}", True)
        late.next(sfn.Choice(self, "still repairing?").when(moving, wait).otherwise(check))
        done = sfn.Succeed(self, "Done")
        publish = step(self, "ExecuteDataTask", publish_hours)
        # A long range is published date by date, in as many invocations as it takes.
        published = sfn.Choice(self, "all published?")
        published.when(sfn.Condition.is_present(f"$.{Key.PUBLISH_FROM}"), publish)
        # One bad symbol costs itself alone: what is whole is published, what is not has been reported.
        exhausted = sfn.Condition.string_equals(f"$.{Key.STATUS}", Status.EXHAUSTED.value)
        published.when(exhausted, self._missing(results_bucket))
        known = sfn.Condition.string_equals(f"$.{Key.STATUS}", Status.KNOWN.value)
        published.when(known, sfn.Succeed(self, "AskedAgain"))
        publish.next(published)
        if settings.task_arn:
            task = UserTask(
                self, "UserTask", arn=settings.task_arn, timeout=settings.task_timeout, bucket=results_bucket
            )
            published.otherwise(task.state.next(done))
        else:
            published.otherwise(done)
        report = step(self, "ReportFailure", report_failure).next(publish)
        refused = sfn.Fail(self, "Refused", error="BadInput", cause_path=f"$.{Key.REASON}")
        # A night hour, a weekend: nothing was looked at, and nothing is said to be ready.
        nothing = sfn.Succeed(self, "NothingExpected")
        status = sfn.Choice(self, "data ready?")
        for value, then in (
            (Status.READY, publish),
            (Status.REPAIR, repair),
            (Status.EXHAUSTED, report),
            (Status.KNOWN, publish),
            (Status.REFUSED, refused),
            (Status.NOTHING, nothing),
            (Status.STOPPED, sfn.Fail(self, "Stopped", error="Stopped", cause_path=f"$.{Key.REASON}")),
        ):
            status.when(sfn.Condition.string_equals(f"$.{Key.STATUS}", value.value), then)
        status.otherwise(sfn.Fail(self, "Confused", error="UnknownStatus", cause="CheckDataHealth gave no status"))
        check.next(status)
        self.machine = self._machine(settings, start=self._begin().next(check))
        for function in (check_data_health, queue_repairs, await_repairs, publish_hours, report_failure):
            acknowledge_wildcard(
                self, f"{function.function_arn}:*", reason="the versions of a function that is one of its steps"
            )
        tag(self, Concern.AUDIT)

    def _begin(self) -> sfn.Pass:
        """What the first look is told: the input as it was given, and which execution this is."""
        return sfn.Pass(
            self,
            "Begin",
            parameters={
                f"{Key.INPUT}.$": "$$.Execution.Input",
                f"{Key.AUDIT_ID}.$": "$$.Execution.Name",
                f"{Key.STARTED_AT}.$": "$$.Execution.StartTime",
            },
        )

    def _wait(self, function: lambda_.IFunction, *, timeout: float) -> tasks.LambdaInvoke:
        """Leaves the token on the board and waits until the last job is settled, or for the timeout.

        A fixed timeout, and on while jobs make progress (CheckProgress): docs/decisions/loop.md.
        """
        return step(
            self,
            "WaitForRepairs",
            function,
            timeout=Duration.seconds(int(timeout)),
            payload_response_only=False,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            payload=sfn.TaskInput.from_object(
                {
                    Key.AUDIT_ID.value: sfn.JsonPath.string_at(f"$.{Key.AUDIT_ID}"),
                    Key.ATTEMPT.value: sfn.JsonPath.number_at(f"$.{Key.ATTEMPT}"),
                    Key.TASK_TOKEN.value: sfn.JsonPath.task_token,
                }
            ),
            result_path=sfn.JsonPath.DISCARD,
        )

    def _missing(self, results_bucket: str) -> sfn.Fail:
        cause = f"States.Format('{{}}. The report: s3://{results_bucket}/{{}}', $.{Key.REASON}, $.{Key.REPORT_KEY})"
        return sfn.Fail(self, "MinutesMissing", error="MinutesMissing", cause_path=cause)

    def _machine(self, settings: StageSettings, *, start: sfn.IChainable) -> sfn.StateMachine:
        # Nothing may run for ever: each attempt's wait and its steps, waiting on, and the user's own task besides.
        attempts = MAX_ATTEMPTS * (settings.repair_timeout + timedelta(minutes=30))
        attempts += MOST_WAITS * (settings.repair_timeout + timedelta(minutes=1))
        machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=machine_name(settings),
            definition_body=sfn.DefinitionBody.from_chainable(start),
            timeout=Duration.seconds(int((attempts + settings.task_timeout).total_seconds())),
            tracing_enabled=True,
            logs=machine_logs(self, machine_name(settings)),
        )
        acknowledge_wildcard(
            machine, "*", reason="X-Ray's Put actions and the delivery of vended logs know no resources"
        )
        return machine


def step(
    scope: Construct,
    name: str,
    function: lambda_.IFunction,
    *,
    timeout: Duration | None = None,
    payload_response_only: bool = True,
    **how: Any,
) -> tasks.LambdaInvoke:
    """A step that invokes a function, for 15 minutes at most unless it is told another time, and is tried again."""
    made = tasks.LambdaInvoke(
        scope,
        name,
        lambda_function=function,
        payload_response_only=payload_response_only,
        retry_on_service_exceptions=False,
        task_timeout=sfn.Timeout.duration(timeout or Duration.minutes(15)),
        **how,
    )
    made.add_retry(**THROTTLE_RETRY)  # type: ignore[arg-type]
    made.add_retry(**STEP_RETRY)  # type: ignore[arg-type]
    return made
