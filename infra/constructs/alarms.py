"""The alarms. Each tells the alarm topic, and names the section of docs/runbook.md that says what to do.

Single metrics throughout: the emulator refuses alarms on expressions, and so they are the same everywhere.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct
from minutemend.contract import FEWEST_SESSION_DAYS, Metric

from infra.concerns import Concern, tag
from infra.constructs.function import Function
from infra.constructs.job_queue import JobQueue
from infra.constructs.metrics import FIVE_MINUTES, HOUR, ours
from infra.constructs.schedules import Schedules
from infra.settings import StageSettings

RUNBOOK = "docs/runbook.md"
_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_AT_MOST = cloudwatch.ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD


class Alarms(Construct):
    """`all`: every alarm of the stage."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        topic: sns.ITopic,
        machine: sfn.StateMachine,
        backfill: sfn.StateMachine,
        queues: tuple[JobQueue, ...],
        schedules: Schedules,
        request_captures: Function,
        review_values: Function,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._action = settings, actions.SnsAction(topic)
        self.all: list[cloudwatch.Alarm] = []
        for queue in queues:
            self._of_queue(queue)
        self._of_audits(machine)
        self._of_backfills(backfill)
        self._of_feed(request_captures)
        self._of_schedules(schedules)
        self._of_functions(request_captures, review_values)
        self._of_values()
        tag(self, Concern.OPERATE)

    def _of_queue(self, queue: JobQueue) -> None:
        dead = queue.dead_letters.metric_approximate_number_of_messages_visible(
            statistic="Maximum", period=Duration.minutes(1)
        )
        self._alarm(f"{queue.name}-dlq", dead, 1, says="A job was given up: its message lies on the dead-letter queue.")
        # A job may rightly wait for the vendor's rate budget; longer than an attempt may stand still it may not.
        oldest = queue.queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=FIVE_MINUTES)
        limit = int(self._settings.repair_timeout.total_seconds())
        says = f"A message has waited on the {queue.name} queue for longer than an attempt may stand still."
        self._alarm(f"{queue.name}-queue-age", oldest, limit, says=says, operator=_ABOVE)

    def _of_audits(self, machine: sfn.StateMachine) -> None:
        failed = machine.metric_failed(period=FIVE_MINUTES)
        self._alarm("audit-failed", failed, 1, says="An audit ended in Fail: minutes are missing, or a step broke.")
        timed_out = machine.metric_timed_out(period=FIVE_MINUTES)
        self._alarm("audit-timed-out", timed_out, 1, says="An audit ran into its time limit.")
        limit = int(self._settings.gap_alarm_after.total_seconds())
        gap = ours(Metric.OLDEST_GAP, settings=self._settings, statistic="Maximum", period=HOUR)
        self._alarm("gap-open-too-long", gap, limit, says="A gap is open for too long.", operator=_ABOVE)
        if self._settings.schedules_enabled:
            started = machine.metric_started(period=HOUR)
            self._silence("audit-not-started", started, says="The schedule that audits each hour does not run.")

    def _of_backfills(self, machine: sfn.StateMachine) -> None:
        failed = machine.metric_failed(period=FIVE_MINUTES)
        self._alarm("backfill-failed", failed, 1, says="A backfill ended, and some of its windows are not whole.")

    def _of_feed(self, request_captures: Function) -> None:
        # Handlers write a 0 for each minute that is asked for inside a session: outside there is no data, no alarm.
        bars = ours(Metric.BARS_CAPTURED, settings=self._settings, statistic="Sum")
        says = "Ten minutes inside a session were asked for, and not one bar came."
        self._alarm("feed-silent", bars, 0, says=says, operator=_AT_MOST, periods=2)
        refused = ours(Metric.SYMBOLS_REFUSED, settings=self._settings, statistic="Sum")
        says = "The list of interested symbols is malformed or gone; the last good one stays in force."
        self._alarm("symbols-refused", refused, 1, says=says)
        days = ours(Metric.SESSION_DAYS, settings=self._settings, statistic="Minimum", period=HOUR)
        says = f"The sessions of a followed calendar end in less than {FEWEST_SESSION_DAYS} days."
        self._alarm("sessions-run-out", days, FEWEST_SESSION_DAYS, says=says, operator=_BELOW)
        if self._settings.schedules_enabled:
            asked = request_captures.function.metric_invocations(statistic="Sum", period=FIVE_MINUTES)
            self._silence("capture-not-asked", asked, says="The schedule that asks for each minute does not run.")

    def _of_schedules(self, schedules: Schedules) -> None:
        dead = schedules.dead_letters.metric_approximate_number_of_messages_visible(
            statistic="Maximum", period=FIVE_MINUTES
        )
        self._alarm("schedules-dlq", dead, 1, says="A schedule could not start what it is there to start.")
        errors = schedules.group.metric_target_errors(period=FIVE_MINUTES)
        says = "A schedule's target refused it; it is tried again."
        self._alarm("schedule-errors", errors, 1, says=says, periods=3)

    def _of_values(self) -> None:
        if self._settings.revisions_alarm is not None:
            found = ours(Metric.REVISIONS, settings=self._settings, statistic="Maximum", period=HOUR)
            says = "Vendors said otherwise of bars that are stored, and no decision was made."
            self._alarm("revisions-open", found, self._settings.revisions_alarm, says=says)

    def _of_functions(self, *scheduled: Function) -> None:
        """What the other functions raise ends in an alarm of its own: a failed audit, or a dead letter."""
        for step in scheduled:
            name = step.handler.replace("_", "-")
            errors = step.function.metric_errors(statistic="Sum", period=FIVE_MINUTES)
            self._alarm(f"{name}-errors", errors, 1, says=f"{name} raised.", runbook="function-errors")
        throttles = lambda_.Function.metric_all_throttles(statistic="Sum", period=FIVE_MINUTES)
        says = "Functions of this account found no concurrency."
        self._alarm("function-throttles", throttles, 1, says=says, periods=3)

    def _silence(self, name: str, metric: cloudwatch.IMetric, *, says: str) -> None:
        """Rings when data stops. A stack that was just made has none yet, which is no change of state and no alarm."""
        alarm = self._alarm(name, metric, 0, says=says, operator=_AT_MOST, missing=cloudwatch.TreatMissingData.MISSING)
        alarm.add_insufficient_data_action(self._action)

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        *,
        says: str,
        runbook: str | None = None,
        operator: cloudwatch.ComparisonOperator = _AT_LEAST,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            "".join(word.capitalize() for word in name.split("-")),
            alarm_name=f"{self._settings.stack_name}-{name}",
            alarm_description=f"{says} What to do: {RUNBOOK}#{runbook or name}",
            metric=metric,
            threshold=threshold,
            comparison_operator=operator,
            evaluation_periods=periods,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(self._action)
        self.all.append(alarm)
        return alarm
