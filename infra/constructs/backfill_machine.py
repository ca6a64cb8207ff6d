"""A backfill: ordinary audits, window by window, in a Distributed Map. docs/backfill.md. A night's rechecks are one.

Nothing grows with the range: the list of windows lies in S3, each window is an execution of the audit's own machine,
and what comes back of it is one digit.
"""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct
from minutemend.contract import BACKFILLS_PREFIX

from infra.concerns import Concern, tag
from infra.constructs.audit_machine import machine_logs, machine_name, step
from infra.constructs.grants import allow, allow_wildcard, read_objects, states_arn
from infra.settings import StageSettings

# Windows under way together: while one is looked at and one is published, two keep the vendor's share in use.
WINDOWS_AT_ONCE = 4
LONGEST = Duration.days(90)  # results expire by then, and the list of windows with them
WHOLE, NOT_WHOLE = 0, 1
# Executions that could not be started, if too many start at once: tried 6 times more, after 2, 4, 8, 16, 32 and 60 s;
# worst wait 122 s. A window that failed is not tried again by itself: its audit has made all of its attempts.
START_RETRY = {
    "errors": ["StepFunctions.ExecutionLimitExceeded", "StepFunctions.ThrottlingException"],
    "interval": Duration.seconds(2),
    "max_attempts": 6,
    "backoff_rate": 2,
    "max_delay": Duration.seconds(60),
}

# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html and …/xray-iam.html
_LOG_DELIVERY: tuple[str, ...] = (
    "CreateLogDelivery",
    "GetLogDelivery",
    "UpdateLogDelivery",
    "DeleteLogDelivery",
    "ListLogDeliveries",
)
_LOG_DELIVERY += ("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups")
_TRACES = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")


class BackfillMachine(Construct):
    """`machine`. Its input is `{"key": …}`: where in the results bucket the windows of one run lie; or a schedule's
    `{"scheduled_at": …}`: then `request_rechecks` says so."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        results: s3.IBucket,
        audit: sfn.StateMachine,
        request_rechecks: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        self._rechecks = request_rechecks
        self._settings, self._name = settings, f"{settings.stack_name}-backfill"
        self._results, self._audit = results, audit
        role = self._role()
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=self._name,
            definition_body=sfn.DefinitionBody.from_chainable(self._definition()),
            # The CDK would let it read every object of the bucket: what it may do is all in `_role`.
            role=role.without_policy_updates(),
            timeout=LONGEST,
            tracing_enabled=True,
            logs=machine_logs(self, self._name),
        )
        # A policy of the CDK's own making goes past that; what of it is needed is in `_role`.
        self.machine.node.try_remove_child("DistributedMapPolicy")
        self.machine.node.add_dependency(role)
        tag(self, Concern.REPAIR)

    def _definition(self) -> sfn.IChainable:
        windows = sfn.DistributedMap(
            self,
            "Windows",
            label="Windows",
            item_reader=sfn.S3JsonItemReader(bucket=self._results, key=sfn.JsonPath.string_at("$.key")),
            max_concurrency=WINDOWS_AT_ONCE,
            map_execution_type=sfn.StateMachineType.STANDARD,
            tolerated_failure_percentage=100,  # a window costs itself alone
            result_selector={"failed.$": f"States.ArrayContains($, {NOT_WHOLE})"},
        )
        window = tasks.StepFunctionsStartExecution(
            self,
            "AuditWindow",
            state_machine=self._audit,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            input=sfn.TaskInput.from_json_path_at("$.input"),
            name=sfn.JsonPath.string_at("$.name"),  # by it `mend backfill` finds what became of the window
            associate_with_parent=False,  # an audit refuses keys that it does not know
            task_timeout=sfn.Timeout.duration(LONGEST),  # the audit's own machine has the timeout that counts
        )
        window.add_retry(**START_RETRY)  # type: ignore[arg-type]
        window.add_catch(sfn.Pass(self, "NotWhole", result=sfn.Result.from_number(NOT_WHOLE)), errors=["States.ALL"])
        windows.item_processor(window.next(sfn.Pass(self, "Whole", result=sfn.Result.from_number(WHOLE))))
        missing = sfn.Fail(
            self,
            "WindowsNotWhole",
            error="WindowsNotWhole",
            cause="some windows are not whole: `mend backfill status` lists them, `mend backfill resume` asks again",
        )
        whole = sfn.Choice(self, "all whole?")
        whole.when(sfn.Condition.boolean_equals("$.failed", True), missing)
        windows.next(whole.otherwise(sfn.Succeed(self, "AllWhole")))
        named = sfn.Condition.is_present("$.key")
        due = sfn.Choice(self, "anything due?").when(named, windows).otherwise(sfn.Succeed(self, "NothingDue"))
        return sfn.Choice(self, "by name?").when(named, windows).otherwise(self._request_rechecks().next(due))

    def _request_rechecks(self) -> tasks.LambdaInvoke:
        return step(
            self,
            "RequestRechecks",
            self._rechecks,
            payload=sfn.TaskInput.from_object(
                {
                    "run": sfn.JsonPath.format("recheck-{}", sfn.JsonPath.string_at("$$.Execution.Name")),
                    "scheduled_at": sfn.JsonPath.string_at("$.scheduled_at"),
                }
            ),
        )

    def _role(self) -> iam.Role:
        """What it may do: read its windows, run them as audits and as children of its map, and stop both.

        https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html and
        https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
        """
        stack = Stack.of(self)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    # Its map's children are machines of their own by the name of NAME/Windows.
                    "ArnLike": {"aws:SourceArn": states_arn(self, "stateMachine", f"{self._name}*")},
                },
            ),
            description=f"What {self._name} may do",
        )
        read_objects(self, role, self._results, BACKFILLS_PREFIX)
        allow(role, "lambda:InvokeFunction", on=[self._rechecks.function_arn])
        own = states_arn(self, "stateMachine", self._name)
        allow(role, "states:StartExecution", on=[self._audit.state_machine_arn, own])
        for machine in (machine_name(self._settings), self._name):
            allow_wildcard(
                self,
                role,
                "states:DescribeExecution",
                "states:StopExecution",
                on=states_arn(self, "execution", f"{machine}:*"),
                reason="executions that it started, whose names are made when it runs",
            )
        rule = stack.format_arn(
            service="events", resource="rule", resource_name="StepFunctionsGetEventsForStepFunctionsExecutionRule"
        )
        allow(role, "events:PutTargets", "events:PutRule", "events:DescribeRule", on=[rule])
        allow_wildcard(
            self,
            role,
            *(f"logs:{action}" for action in _LOG_DELIVERY),
            *(f"xray:{action}" for action in _TRACES),
            on="*",
            reason="X-Ray's actions and the delivery of vended logs know no resources",
        )
        return role
