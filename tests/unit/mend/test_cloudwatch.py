"""What CloudWatch and CloudFormation say, as the port's words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from minutemend.core.minutes import Range

from mend.aws.cloudwatch import CloudWatchMonitoring, MetricRef, Subscribers

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def paginated(**pages: Any) -> Any:
    return SimpleNamespace(get_paginator=lambda name: SimpleNamespace(paginate=pages[name]))


def monitoring(cloudwatch: Any = None, cloudformation: Any = None, sns: Any = None) -> CloudWatchMonitoring:
    return CloudWatchMonitoring(
        cloudwatch=cloudwatch,
        cloudformation=cloudformation,
        sns=sns,
        stack_name="minutemend-dev",
        dashboard_name="minutemend-dev",
    )


def test_samples_are_asked_in_batches_and_added_up_over_pages_and_periods() -> None:
    """500 queries at once; a window over a day has several periods of a day."""
    metrics = [MetricRef("minutemend", f"M{number:03}", (("stage", "dev"),)) for number in range(501)]
    asked: list[int] = []

    def get_metric_data(*, MetricDataQueries: list[dict[str, Any]], **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        asked.append(len(MetricDataQueries))
        assert {query["MetricStat"]["Period"] for query in MetricDataQueries} == {86_400}
        yield {"MetricDataResults": [{"Id": "m0", "Values": [1.0, 2.0]}]}
        yield {"MetricDataResults": [{"Id": "m0", "Values": [4.0]}]}

    window = Range(NOON, NOON + timedelta(days=3))
    counts = monitoring(paginated(get_metric_data=get_metric_data)).samples(metrics, window)
    assert asked == [500, 1]
    assert (counts[metrics[0]], counts[metrics[1]], counts[metrics[500]]) == (7.0, 0.0, 7.0)


def test_alarms_on_a_metric_and_on_expressions_name_what_they_watch() -> None:
    """Both forms, sorted by name; those of the stack alone, not of another whose name begins with its."""
    plain = {
        "AlarmName": "minutemend-dev-b",
        "StateValue": "OK",
        "AlarmActions": ["topic"],
        "Namespace": "AWS/SQS",
        "MetricName": "Age",
        "Dimensions": [{"Name": "QueueName", "Value": "q"}],
    }
    metric = {"Namespace": "minutemend", "MetricName": "Gap", "Dimensions": [{"Name": "stage", "Value": "dev"}]}
    maths = {
        "AlarmName": "minutemend-dev-a",
        "StateValue": "ALARM",
        "StateReason": "high",
        "ActionsEnabled": False,
        "Metrics": [{"Id": "e", "Expression": "m * 2"}, {"Id": "m", "MetricStat": {"Metric": metric}}],
    }
    deployed = {alarm["AlarmName"]: alarm for alarm in (plain, maths, {**plain, "AlarmName": "minutemend-dev-alice-b"})}
    ours = [
        {"LogicalResourceId": name, "ResourceType": "AWS::CloudWatch::Alarm", "PhysicalResourceId": name}
        for name in ("minutemend-dev-a", "minutemend-dev-b")
    ]
    cloudwatch = SimpleNamespace(describe_alarms=lambda AlarmNames: {"MetricAlarms": [deployed[n] for n in AlarmNames]})  # noqa: N803
    stack = paginated(list_stack_resources=lambda **_: [{"StackResourceSummaries": ours}])
    first, second = monitoring(cloudwatch, stack).alarms()
    assert (first.name, first.state, first.reason, first.actions, first.enabled) == (
        "minutemend-dev-a",
        "ALARM",
        "high",
        (),
        False,
    )
    assert first.metrics == (MetricRef("minutemend", "Gap", (("stage", "dev"),)),)
    assert second.enabled
    assert second.metrics == (MetricRef("AWS/SQS", "Age", (("QueueName", "q"),)),)


def test_a_subscriber_counts_once_it_has_confirmed() -> None:
    subscriptions = [{"SubscriptionArn": arn} for arn in ("arn:aws:sns:x:1:t:u", "PendingConfirmation")]
    topics = paginated(list_subscriptions_by_topic=lambda **_: [{"Subscriptions": subscriptions}])
    assert monitoring(sns=topics).subscribers("arn:aws:sns:x:1:t") == Subscribers(confirmed=1, pending=1)


def refuse(code: str) -> Any:
    def call(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "GetDashboard")

    return SimpleNamespace(get_dashboard=call)


def test_a_dashboard_that_is_gone_is_none_and_a_refusal_is_raised() -> None:
    """No permission is not the same as no dashboard."""
    assert monitoring(refuse("ResourceNotFound")).dashboard() is None
    with pytest.raises(ClientError):
        monitoring(refuse("AccessDenied")).dashboard()
