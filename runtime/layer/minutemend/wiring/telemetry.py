"""Logs and metrics of the functions: Powertools, structured lines and EMF."""

from __future__ import annotations

from collections.abc import Mapping

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from minutemend.contract import NAMESPACE, Metric

_UNITS = {
    Metric.COMPLETENESS: MetricUnit.Percent,
    Metric.OLDEST_GAP: MetricUnit.Seconds,
}

logger = Logger()  # the service's name is in the environment


def emit(stage: str, values: Mapping[Metric, float], **dimension: str) -> None:
    """Write metrics as one EMF line, with the dimension `stage` and at most one more. Nothing to say: no line."""
    if not values:
        return
    # service="": Powertools would add a dimension of its own, and the dashboard asks by `stage` alone.
    metrics = EphemeralMetrics(namespace=NAMESPACE, service="")
    metrics.add_dimension(name="stage", value=stage)
    for name, said in dimension.items():
        metrics.add_dimension(name=name, value=said)
    for metric, value in values.items():
        metrics.add_metric(name=metric.value, unit=_UNITS.get(metric, MetricUnit.Count), value=value)
    metrics.flush_metrics()


def emit_vendors(
    stage: str, *, requests: Mapping[str, int], errors: Mapping[str, int], throttles: Mapping[str, int]
) -> None:
    """What a worker's vendors were asked and how often they failed or refused, by vendor: one line for each."""
    for vendor, asked in requests.items():
        failed = {Metric.VENDOR_ERRORS: errors.get(vendor, 0), Metric.VENDOR_THROTTLES: throttles.get(vendor, 0)}
        # A metric is billed for each hour in which it is written: these are, when there is something to say.
        counts = {metric: float(count) for metric, count in failed.items() if count}
        emit(stage, {Metric.VENDOR_REQUESTS: asked, **counts}, vendor=vendor)
