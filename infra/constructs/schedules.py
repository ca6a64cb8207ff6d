"""When things happen by themselves, in UTC: capture each minute, an audit each hour, a sweep each night."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.concerns import Concern, tag
from infra.constructs.grants import acknowledge_wildcard
from infra.settings import StageSettings

# Every event carries the time that it is for, not the time at which it came: a late one means the same.
SCHEDULED_AT = {"scheduled_at": scheduler.ContextAttribute.scheduled_time}

EACH_MINUTE = scheduler.ScheduleExpression.cron(minute="*")
FIVE_PAST_EACH_HOUR = scheduler.ScheduleExpression.cron(minute="5")
EACH_NIGHT = scheduler.ScheduleExpression.cron(minute="40", hour="3")


class Schedules(Construct):
    """The three schedules; a stage that has them off has them disabled, not absent.

    Scheduler delivers at least once and tries again for as long as `max_event_age`: audits and captures are
    idempotent, and a capture that is ten minutes late is the hourly audit's business.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        request_captures: lambda_.IFunction,
        audit: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"),
            description=f"What the schedules of {settings.stack_name} may start",
        )
        capture = targets.LambdaInvoke(
            request_captures,
            role=self._role,
            input=scheduler.ScheduleTargetInput.from_object(SCHEDULED_AT),
            max_event_age=Duration.minutes(10),
            retry_attempts=3,
        )
        self._schedule("Capture", EACH_MINUTE, capture, "Asks for the bars of each minute", Concern.CAPTURE)
        self._schedule("HourlyAudit", FIVE_PAST_EACH_HOUR, self._audit(audit), "Audits the hour before", Concern.AUDIT)
        sweep = self._audit(audit, sweep=True)
        self._schedule("NightlySweep", EACH_NIGHT, sweep, f"Audits the last {settings.sweep_days} days", Concern.AUDIT)
        acknowledge_wildcard(
            self, f"{request_captures.function_arn}:*", reason="the versions of the one function that is invoked"
        )
        tag(self, Concern.AUDIT)

    def _audit(self, audit: sfn.IStateMachine, **more: object) -> targets.StepFunctionsStartExecution:
        return targets.StepFunctionsStartExecution(
            audit,
            role=self._role,
            input=scheduler.ScheduleTargetInput.from_object({**SCHEDULED_AT, **more}),
            max_event_age=Duration.hours(1),
            retry_attempts=10,
        )

    def _schedule(
        self,
        name: str,
        expression: scheduler.ScheduleExpression,
        target: scheduler.IScheduleTarget,
        description: str,
        concern: Concern,
    ) -> None:
        schedule = scheduler.Schedule(
            self,
            name,
            schedule=expression,
            target=target,
            description=description,
            enabled=self._settings.schedules_enabled,
        )
        tag(schedule, concern)
