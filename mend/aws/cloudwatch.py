"""The dashboard, the alarms and the metrics of a deployed stack, from CloudWatch and CloudFormation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError
from minutemend.core.minutes import Range

_ALARMS = 50  # DescribeAlarms gives no more on a page, and is asked for no more
_QUERIES = 500  # GetMetricData takes no more at once
_LONGEST_PERIOD = 86_400  # seconds
_ALARM = "AWS::CloudWatch::Alarm"


@dataclass(frozen=True, slots=True, order=True)
class MetricRef:
    """One metric: namespace, name, and its dimensions as sorted pairs."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        where = ", ".join(f"{key}={value}" for key, value in self.dimensions)
        return f"{self.namespace} {self.name}" + (f" ({where})" if where else "")


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it is deployed. `actions` are those of the ALARM state."""

    name: str
    state: str  # OK, ALARM or INSUFFICIENT_DATA
    reason: str
    actions: tuple[str, ...]
    enabled: bool  # whether its actions are
    metrics: tuple[MetricRef, ...]


@dataclass(frozen=True, slots=True)
class Subscribers:
    """How many are told what a topic is told, and how many have yet to confirm that they want to be."""

    confirmed: int
    pending: int


def subscribers_of(sns: Any, topic: str) -> Subscribers:
    """How many the topic tells, and how many have yet to confirm it."""
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    arns = [one["SubscriptionArn"] for page in pages for one in page["Subscriptions"]]
    confirmed = sum(arn.startswith("arn:") for arn in arns)  # else it says PendingConfirmation
    return Subscribers(confirmed, len(arns) - confirmed)


class CloudWatchMonitoring:
    """Reads the stack `stack_name` and the dashboard `dashboard_name`; changes nothing."""

    def __init__(self, *, cloudwatch: Any, cloudformation: Any, sns: Any, stack_name: str, dashboard_name: str) -> None:
        self._cloudwatch = cloudwatch
        self._cloudformation = cloudformation
        self._sns = sns
        self._stack_name = stack_name
        self._dashboard_name = dashboard_name

    def dashboard(self) -> str | None:
        """The body of the deployed dashboard, JSON, or None when there is none."""
        try:
            return str(self._cloudwatch.get_dashboard(DashboardName=self._dashboard_name)["DashboardBody"])
        except ClientError as refused:
            if refused.response["Error"]["Code"] in {"ResourceNotFound", "ResourceNotFoundException", "404"}:
                return None
            raise

    def alarms(self) -> list[Alarm]:
        """The stage's alarms that are there, sorted by name."""
        intended = sorted(self.intended_alarms())  # by name: the prefix is that of a developer's own stage, too
        batches = [intended[first : first + _ALARMS] for first in range(0, len(intended), _ALARMS)]
        answers = [self._cloudwatch.describe_alarms(AlarmNames=batch) for batch in batches]
        found = [_alarm(alarm) for answer in answers for alarm in answer["MetricAlarms"]]
        return sorted(found, key=lambda alarm: alarm.name)

    def intended_alarms(self) -> frozenset[str]:
        """The names of the alarms that the deployed stack has."""
        return self.resources().get(_ALARM, frozenset())

    def resources(self) -> Mapping[str, frozenset[str]]:
        """The physical names of the stack's resources by their types, as `AWS::Lambda::Function`."""
        found: dict[str, set[str]] = defaultdict(set)
        for one in self._stack_resources:
            found[one["ResourceType"]].add(one["PhysicalResourceId"])
        return {kind: frozenset(names) for kind, names in found.items()}

    def subscribers(self, topic: str) -> Subscribers:
        return subscribers_of(self._sns, topic)

    def samples(self, metrics: Collection[MetricRef], window: Range) -> dict[MetricRef, float]:
        """How many samples each metric has in the window; 0 for none."""
        period = min(window.minutes * 60, _LONGEST_PERIOD)
        counts: dict[MetricRef, float] = {}
        asked = sorted(metrics)
        for first in range(0, len(asked), _QUERIES):
            batch = asked[first : first + _QUERIES]
            queries = [
                {"Id": f"m{number}", "MetricStat": {"Metric": _asked(metric), "Period": period, "Stat": "SampleCount"}}
                for number, metric in enumerate(batch)
            ]
            pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries, StartTime=window.start, EndTime=window.end
            )
            for page in pages:
                for result in page["MetricDataResults"]:
                    metric = batch[int(result["Id"][1:])]
                    counts[metric] = counts.get(metric, 0.0) + sum(result["Values"])
        return {metric: counts.get(metric, 0.0) for metric in metrics}

    @cached_property
    def _stack_resources(self) -> list[dict[str, Any]]:
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self._stack_name)
        return [one for page in pages for one in page["StackResourceSummaries"] if "PhysicalResourceId" in one]


def _asked(metric: MetricRef) -> dict[str, Any]:
    dimensions = [{"Name": key, "Value": value} for key, value in metric.dimensions]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}


def _alarm(alarm: Mapping[str, Any]) -> Alarm:
    if "MetricName" in alarm:
        metrics: list[Mapping[str, Any]] = [alarm]
    else:
        metrics = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", ()) if "MetricStat" in one]
    return Alarm(
        name=alarm["AlarmName"],
        state=alarm["StateValue"],
        reason=alarm.get("StateReason", ""),
        actions=tuple(alarm.get("AlarmActions", ())),
        enabled=bool(alarm.get("ActionsEnabled", True)),
        metrics=tuple(
            MetricRef(
                one["Namespace"],
                one["MetricName"],
                tuple(sorted((dimension["Name"], dimension["Value"]) for dimension in one.get("Dimensions", ()))),
            )
            for one in metrics
        ),
    )
