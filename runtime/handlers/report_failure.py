"""ReportFailure: write what could not be mended, and tell a person. The state machine then ends in Fail."""

from __future__ import annotations

from typing import Any

from minutemend.contract import Metric
from minutemend.wiring import compose
from minutemend.wiring.telemetry import emit, logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
    """`event`: the state. Returns it with `report_key` and `reason`."""
    report = compose.report_failure().run(event, now=compose.utc_now())
    logger.error("not mended", extra={"minutes": dict(report.minutes), "state": report.state})
    emit(compose.settings_of("report_failure").stage, {Metric.FAILED: sum(report.minutes.values())})
    return report.state
