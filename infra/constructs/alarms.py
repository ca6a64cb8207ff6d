"""The alarms. Each tells the alarm topic, and names the section of docs/runbook.md that says what to do.

Single metrics throughout: the emulator refuses alarms on expressions, and so they are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct
from minutemend.contract import Metric

from infra.concerns import Concern, tag
from infra.constructs.function import Function
from infra.constructs.job_queue import JobQueue
from infra.constructs.metrics import FIVE_MINUTES, HOUR, of_audits, ours
from infra.settings import StageSettings

RUNBOOK = "docs/runbook.md"
_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
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
        machine_arn: str,
        queues: tuple[JobQueue, ...],
        functions: Mapping[str, Function],
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._action = settings, actions.SnsAction(topic)
        self.all: list[cloudwatch.Alarm] = []
        for queue in queues:
            self._of_queue(queue)
        self._of_audits(machine_arn)
        self._of_feed(functions["request_captures"])
        for name, step in functions.items():
            self._of_function(name.replace("_", "-"), step)
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

    def _of_audits(self, machine_arn: str) -> None:
        failed = of_audits("ExecutionsFailed", machine_arn)
        self._alarm("audit-failed", failed, 1, says="An audit ended in Fail: minutes are missing, or a step broke.")
        timed_out = of_audits("ExecutionsTimedOut", machine_arn)
        self._alarm("audit-timed-out", timed_out, 1, says="An audit ran into its time limit.")
        limit = int(self._settings.gap_alarm_after.total_seconds())
        gap = ours(Metric.OLDEST_GAP, settings=self._settings, statistic="Maximum", period=HOUR)
        self._alarm("gap-open-too-long", gap, limit, says="A gap is open for too long.", operator=_ABOVE)

    def _of_feed(self, request_captures: Function) -> None:
        # Handlers write a 0 for each minute that is asked for inside a session: outside there is no data, no alarm.
        bars = ours(Metric.BARS_CAPTURED, settings=self._settings, statistic="Sum")
        says = "Ten minutes inside a session were asked for, and not one bar came."
        self._alarm("feed-silent", bars, 0, says=says, operator=_AT_MOST, periods=2)
        refused = ours(Metric.SYMBOLS_REFUSED, settings=self._settings, statistic="Sum")
        says = "The list of interested symbols is malformed; the last good one stays in force."
        self._alarm("symbols-refused", refused, 1, says=says)
        if self._settings.schedules_enabled:  # silence is the alarm here, so it must not watch what is switched off
            asked = request_captures.function.metric_invocations(statistic="Sum", period=FIVE_MINUTES)
            self._alarm(
                "capture-not-asked",
                asked,
                0,
                says="The schedule that asks for each minute does not run.",
                operator=_AT_MOST,
                missing=cloudwatch.TreatMissingData.BREACHING,
            )

    def _of_function(self, name: str, step: Function) -> None:
        errors = step.function.metric_errors(statistic="Sum", period=FIVE_MINUTES)
        self._alarm(f"{name}-errors", errors, 1, says=f"{name} raised.", runbook="function-errors")
        throttles = step.function.metric_throttles(statistic="Sum", period=FIVE_MINUTES)
        says = f"{name} found no concurrency."
        self._alarm(f"{name}-throttles", throttles, 1, says=says, runbook="function-throttles", periods=3)

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
    ) -> None:
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
