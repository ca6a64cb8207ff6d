"""The metrics that alarms and dashboard look at: ours by contract.Metric, and those of the services in use."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from minutemend.contract import NAMESPACE, Metric

from infra.settings import StageSettings

FIVE_MINUTES = Duration.minutes(5)
HOUR = Duration.hours(1)


def ours(
    metric: Metric,
    *,
    settings: StageSettings,
    statistic: str,
    period: Duration = FIVE_MINUTES,
    label: str | None = None,
    also: Mapping[str, str] | None = None,
) -> cloudwatch.Metric:
    """A metric that a handler emits: dimension `stage`, and at most one more (contract.Metric says which)."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric.value,
        dimensions_map={"stage": settings.name, **(also or {})},
        statistic=statistic,
        period=period,
        label=label,  # None where an alarm looks: a label makes an expression of it, which the emulator refuses
    )


def scanned_by_athena(workgroup: str, *, period: Duration = FIVE_MINUTES) -> cloudwatch.Metric:
    """Bytes that the workgroup's queries read (AWS/Athena)."""
    return cloudwatch.Metric(
        namespace="AWS/Athena",
        metric_name="ProcessedBytes",
        dimensions_map={"WorkGroup": workgroup, "QueryState": "SUCCEEDED", "QueryType": "DML"},
        statistic="Sum",
        period=period,
        label="Athena, processed",
    )
