"""When things happen by themselves, in UTC: each minute a capture, each hour an audit, each night a review, a sweep and
rechecks."""

from __future__ import annotations

from datetime import timedelta

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.concerns import Concern, tag
from infra.constructs.grants import acknowledge, acknowledge_wildcard
from infra.constructs.job_queue import dead_letter_queue
from infra.settings import StageSettings

# Every event carries the time that it is for, not the time at which it came: a late one means the same.
SCHEDULED_AT = {"scheduled_at": scheduler.ContextAttribute.scheduled_time}

EACH_MINUTE = scheduler.ScheduleExpression.cron(minute="*")
REVIEW_NIGHTLY = scheduler.ScheduleExpression.cron(minute="10", hour="3")  # before the sweep, which makes facts anew
EACH_NIGHT = scheduler.ScheduleExpression.cron(minute="40", hour="3")
RECHECKS_NIGHTLY = scheduler.ScheduleExpression.cron(minute="40", hour="4")  # what the sweep found waits a day


# After the hour's last minute has settled, an audit may start a little late: its captures are under way until then.
AUDIT_MARGIN = timedelta(minutes=4)


class Schedules(Construct):
    """The five schedules, their `group` and `dead_letters`; a stage that has them off has them disabled, not absent.

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
        review_values: lambda_.IFunction,
        audit: sfn.IStateMachine,
        backfill: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        # A group of its own, because AWS measures schedules by group.
        self.group = scheduler.ScheduleGroup(self, "Group", removal_policy=RemovalPolicy.DESTROY)
        self.dead_letters = dead_letter_queue(self, settings=settings, name="schedules")
        acknowledge(self.dead_letters, "SQS3", reason="it is the schedules' dead-letter queue itself")
        self._role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
                    "ArnEquals": {"aws:SourceArn": self.group.schedule_group_arn},
                },
            ),
            description=f"What the schedules of {settings.stack_name} may start",
        )
        capture = self._invoke(request_captures, Duration.minutes(10))
        self._schedule("Capture", EACH_MINUTE, capture, "Asks for the bars of each minute", Concern.CAPTURE)
        settled = settings.settling_delay + AUDIT_MARGIN  # so that the hour before is due, and not the one before that
        each_hour = scheduler.ScheduleExpression.cron(minute=str(int(settled.total_seconds()) // 60))
        self._schedule("HourlyAudit", each_hour, self._start(audit), "Audits the hour before", Concern.AUDIT)
        sweep = self._start(audit, sweep=True)
        self._schedule("NightlySweep", EACH_NIGHT, sweep, f"Audits the last {settings.sweep_days} days", Concern.AUDIT)
        review = self._invoke(review_values, Duration.minutes(25))
        self._schedule("NightlyReview", REVIEW_NIGHTLY, review, "Compares what was seen again", Concern.AUDIT)
        rechecks = self._start(backfill)
        self._schedule("NightlyRechecks", RECHECKS_NIGHTLY, rechecks, "Asks again for what is due", Concern.REPAIR)
        tag(self, Concern.AUDIT)

    def _invoke(self, function: lambda_.IFunction, longest: Duration) -> targets.LambdaInvoke:
        acknowledge_wildcard(self, f"{function.function_arn}:*", reason="the versions of a function that is invoked")
        return targets.LambdaInvoke(
            function,
            role=self._role,
            input=scheduler.ScheduleTargetInput.from_object(SCHEDULED_AT),
            dead_letter_queue=self.dead_letters,
            max_event_age=longest,
            retry_attempts=3,
        )

    def _start(self, machine: sfn.IStateMachine, **more: object) -> targets.StepFunctionsStartExecution:
        return targets.StepFunctionsStartExecution(
            machine,
            role=self._role,
            input=scheduler.ScheduleTargetInput.from_object({**SCHEDULED_AT, **more}),
            dead_letter_queue=self.dead_letters,
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
            schedule_group=self.group,
            enabled=self._settings.schedules_enabled,
        )
        tag(schedule, concern)
