"""A monitoring of literals."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from minutemend.core.minutes import Range

from mend.aws.cloudwatch import Alarm, CloudWatchMonitoring, MetricRef, Subscribers


@dataclass
class FakeMonitoring(CloudWatchMonitoring):
    """`body` is deployed; `data` holds the metrics that have samples."""

    body: Any = None
    there: list[Alarm] = field(default_factory=list)
    meant: frozenset[str] | None = None
    stack: dict[str, set[str]] = field(default_factory=dict)
    data: dict[MetricRef, float] = field(default_factory=dict)
    told: Subscribers = Subscribers(0, 0)  # noqa: RUF009 (frozen)

    def dashboard(self) -> str | None:
        return self.body if self.body is None or isinstance(self.body, str) else json.dumps(self.body)

    def alarms(self) -> list[Alarm]:
        return sorted(self.there, key=lambda alarm: alarm.name)

    def intended_alarms(self) -> frozenset[str]:
        return frozenset(alarm.name for alarm in self.there) if self.meant is None else self.meant

    def resources(self) -> Mapping[str, frozenset[str]]:
        return {kind: frozenset(names) for kind, names in self.stack.items()}

    def subscribers(self, topic: str) -> Subscribers:  # noqa: ARG002
        return self.told

    def samples(self, metrics: Collection[MetricRef], window: Range) -> dict[MetricRef, float]:  # noqa: ARG002
        return {metric: self.data.get(metric, 0.0) for metric in metrics}
