"""One dashboard a stage: is the data whole, is it being mended, do the parts work, what does it cost."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct
from minutemend.contract import Metric

from infra.concerns import Concern, tag
from infra.constructs.cost_estimate import month_so_far
from infra.constructs.function import Function
from infra.constructs.job_queue import JobQueue
from infra.constructs.metrics import HOUR, ours, scanned_by_athena
from infra.settings import StageSettings

_THIRD, _HALF, _HEIGHT = 8, 12, 6


class OperationsDashboard(Construct):
    """The dashboard, named as the stack. `mend dashboard check` verifies what stands on it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        machine: sfn.StateMachine,
        backfill: sfn.StateMachine,
        workgroup: str,
        queues: Sequence[JobQueue],
        functions: Sequence[Function],
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=settings.stack_name,
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=[
                [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=5)],
                self._data(),
                self._audits(machine, backfill),
                self._vendors(),
                self._queues(queues),
                self._functions(functions),
                [
                    _graph("Bytes scanned", scanned_by_athena(workgroup)),
                    cloudwatch.SingleValueWidget(
                        title="Estimated cost, last 30 days (USD, list prices)",
                        metrics=[month_so_far(settings, workgroup=workgroup, machine=machine, functions=functions)],
                        start="-P30D",
                        set_period_to_time_range=True,
                        width=_HALF,
                        height=_HEIGHT,
                    ),
                ],
            ],
        )
        tag(self, Concern.OPERATE)

    def _ours(self, metric: Metric, statistic: str, **dimension: str) -> cloudwatch.Metric:
        label = " ".join([metric.value, *dimension.values()])
        return ours(metric, settings=self._settings, statistic=statistic, label=label, also=dimension)

    def _data(self) -> list[cloudwatch.IWidget]:
        verdicts = [
            self._ours(metric, "Sum") for metric in (Metric.MISSING, Metric.REPAIRED, Metric.ABSENT, Metric.FAILED)
        ]
        completeness = self._ours(Metric.COMPLETENESS, "Minimum")
        return [
            _graph("Completeness (%)", completeness, width=_THIRD),
            _graph("Minutes by verdict", *verdicts, width=_THIRD, stacked=True),
            _graph("Oldest open gap (s)", self._ours(Metric.OLDEST_GAP, "Maximum"), width=_THIRD),
        ]

    def _audits(self, machine: sfn.StateMachine, backfill: sfn.StateMachine) -> list[cloudwatch.IWidget]:
        executions = [
            machine.metric_started(period=HOUR),
            machine.metric_succeeded(period=HOUR),
            machine.metric_failed(period=HOUR),
            machine.metric_timed_out(period=HOUR),
        ]
        backfills = [
            backfill.metric_started(period=HOUR, label="backfills started"),
            backfill.metric_failed(period=HOUR, label="backfills with windows that are not whole"),
        ]
        return [
            _graph("Audits, by how they ended", *executions, width=_THIRD),
            _graph(
                "Audits, milliseconds from start to end",
                machine.metric_time(statistic="Maximum", period=HOUR),
                width=_THIRD,
            ),
            _graph("Backfills", *backfills, width=_THIRD),
        ]

    def _vendors(self) -> list[cloudwatch.IWidget]:
        names = [vendor.name for vendor in self._settings.vendors]
        asked = [
            self._ours(metric, "Sum", vendor=name)
            for name in names
            for metric in (Metric.VENDOR_REQUESTS, Metric.VENDOR_ERRORS, Metric.VENDOR_THROTTLES)
        ]
        return [
            _graph("Vendors: requests, errors, throttles", *asked),
            _graph(
                "Captured bars",
                self._ours(Metric.BARS_CAPTURED, "Sum"),
                self._ours(Metric.LEFT_TO_AUDIT, "Sum"),
                self._ours(Metric.SYMBOLS_REFUSED, "Sum"),
            ),
            _graph("Days of sessions left", self._ours(Metric.SESSION_DAYS, "Minimum")),
            _graph(
                "Doubted values",
                *(self._ours(metric, "Maximum") for metric in (Metric.REVISIONS, Metric.FLAGS, Metric.FLAGS_FAILED)),
            ),
        ]

    def _queues(self, queues: Sequence[JobQueue]) -> list[cloudwatch.IWidget]:
        visible, oldest = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
        work = [(one.queue, one.name) for one in queues]
        dead = [(one.dead_letters, one.name) for one in queues]
        shown = {"Queue depth": (work, visible), "Oldest message (s)": (work, oldest), "Dead letters": (dead, visible)}
        return [
            _graph(title, *[queue.metric(metric, statistic="Maximum", label=name) for queue, name in of], width=_THIRD)
            for title, (of, metric) in shown.items()
        ]

    def _functions(self, functions: Sequence[Function]) -> list[cloudwatch.IWidget]:
        shown = {
            "Errors": ("Errors", "Sum"),
            "Throttles": ("Throttles", "Sum"),
            "Duration, p95 (ms)": ("Duration", "p95"),
            "Concurrency": ("ConcurrentExecutions", "Maximum"),
        }
        return [
            _graph(
                title,
                *[step.function.metric(metric, statistic=how, label=step.handler) for step in functions],
                width=6,
            )
            for title, (metric, how) in shown.items()
        ]


def _graph(
    title: str, *metrics: cloudwatch.IMetric, width: int = _HALF, stacked: bool = False
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        width=width,
        height=_HEIGHT,
        stacked=stacked,
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
    )
