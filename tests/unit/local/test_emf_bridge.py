"""The bridge puts what the logs, the executions and the queues say, each value once."""

# ruff: noqa: N803 (boto3 names its arguments so)

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.emf_bridge import bridge, emf_points

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MILLISECONDS = int(NOW.timestamp() * 1000)
OUTPUTS = {"WorkerFunction": "worker", "StateMachineArn": "arn:machine", "RepairQueueUrl": "http://x/1/repair"}
EMF = {
    "_aws": {
        "Timestamp": MILLISECONDS,
        "CloudWatchMetrics": [
            {
                "Namespace": "minutemend",
                "Dimensions": [["stage", "vendor"]],
                "Metrics": [{"Name": "VendorRequests", "Unit": "Count"}, {"Name": "VendorErrors"}],
            }
        ],
    },
    "stage": "dev",
    "vendor": "finnhub",
    "VendorRequests": [9.0],
    "VendorErrors": 0,
}


class Cloud:
    """One function's log, one machine's executions, one queue; collects what is put."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.executions: list[dict[str, Any]] = []
        self.messages = 0
        self.put: list[tuple[str, str, dict[str, str], float]] = []
        pages = {"filter_log_events": self._log, "list_executions": self._executions}
        paginated = SimpleNamespace(get_paginator=lambda name: SimpleNamespace(paginate=pages[name]))
        self.logs = self.stepfunctions = paginated
        self.sqs = SimpleNamespace(get_queue_attributes=self._attributes)
        self.cloudwatch = SimpleNamespace(put_metric_data=self._put)

    def log(self, *lines: str, at: int = MILLISECONDS) -> None:
        self.events += [{"timestamp": at, "message": line} for line in lines]

    def invocation(self, request: str, *lines: str, at: int = MILLISECONDS) -> None:
        end = f"REPORT RequestId: {request}\tDuration: 120 ms\tBilled Duration: 120 ms"
        self.log(f"START RequestId: {request} Version: $LATEST", *lines, f"END RequestId: {request}", end, at=at)

    def values(self, namespace: str) -> list[tuple[str, float]]:
        return [(name, value) for space, name, _, value in self.put if space == namespace]

    def _log(self, *, logGroupName: str, startTime: int) -> Iterator[dict[str, Any]]:
        assert logGroupName == "/aws/lambda/worker"
        yield {"events": [event for event in self.events if event["timestamp"] >= startTime]}

    def _executions(self, *, stateMachineArn: str) -> Iterator[dict[str, Any]]:
        assert stateMachineArn == "arn:machine"
        yield {"executions": self.executions}

    def _attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.messages)}}

    def _put(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:
        for one in MetricData:
            dimensions = {pair["Name"]: pair["Value"] for pair in one["Dimensions"]}
            self.put.append((Namespace, one["MetricName"], dimensions, one["Value"]))


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def run(cloud: Cloud, folder: Path, *, now: datetime = NOW) -> int:
    return bridge(cloud, outputs=OUTPUTS, memory=folder / "bridged.json", now=now)


def test_an_emf_line_becomes_its_metrics(cloud: Cloud, tmp_path: Path) -> None:
    """With the dimensions it names, lists unfolded, numbers as they are."""
    cloud.invocation("r1", json.dumps(EMF))
    run(cloud, tmp_path)
    where = {"stage": "dev", "vendor": "finnhub"}
    assert [one for one in cloud.put if one[0] == "minutemend"] == [
        ("minutemend", "VendorRequests", where, 9.0),
        ("minutemend", "VendorErrors", where, 0.0),
    ]


@pytest.mark.parametrize("line", ["", "hello", '{"level": "INFO"}', '{"_aws": broken'])
def test_other_lines_become_nothing(line: str) -> None:
    """Logs are mostly words."""
    assert list(emf_points(line)) == []


def test_an_invocation_is_counted_with_its_duration_and_whether_it_raised(cloud: Cloud, tmp_path: Path) -> None:
    """A traceback between START and REPORT is an error of that invocation and of no other."""
    cloud.invocation("good")
    cloud.invocation("bad", "Traceback (most recent call last):", "KeyError: 'Records'")
    cloud.invocation("well")
    run(cloud, tmp_path)
    told = cloud.values("AWS/Lambda")
    assert [value for name, value in told if name == "Errors"] == [0, 1, 0]
    assert [value for name, value in told if name == "Duration"] == [120, 120, 120]


def test_nothing_is_put_twice(cloud: Cloud, tmp_path: Path) -> None:
    """The bridge remembers how far it came, over restarts of itself."""
    cloud.invocation("r1", json.dumps(EMF))
    cloud.executions = [{"executionArn": "e1", "status": "SUCCEEDED", "startDate": NOW, "stopDate": NOW}]
    run(cloud, tmp_path)
    before = len(cloud.put)
    run(cloud, tmp_path)
    assert {space for space, *_ in cloud.put[before:]} == {"AWS/SQS"}
    cloud.invocation("r2", at=MILLISECONDS + 5)
    before = len(cloud.put)
    run(cloud, tmp_path)
    assert ("AWS/Lambda", "Invocations") in {(space, name) for space, name, *_ in cloud.put[before:]}


def test_an_execution_is_counted_when_it_starts_and_when_it_ends(cloud: Cloud, tmp_path: Path) -> None:
    """Its end carries how long it took."""
    cloud.executions = [{"executionArn": "e1", "status": "RUNNING", "startDate": NOW}]
    run(cloud, tmp_path)
    assert cloud.values("AWS/States") == [("ExecutionsStarted", 1)]
    cloud.executions = [
        {"executionArn": "e1", "status": "FAILED", "startDate": NOW, "stopDate": NOW + timedelta(seconds=7)}
    ]
    run(cloud, tmp_path)
    assert cloud.values("AWS/States")[1:] == [("ExecutionsFailed", 1), ("ExecutionTime", 7000)]


def test_a_waiting_message_grows_older_until_the_queue_is_empty(cloud: Cloud, tmp_path: Path) -> None:
    """The age is a lower bound: since when the bridge has seen the queue not empty."""
    cloud.messages = 3
    run(cloud, tmp_path)
    run(cloud, tmp_path, now=NOW + timedelta(minutes=2))
    cloud.messages = 0
    run(cloud, tmp_path, now=NOW + timedelta(minutes=3))
    ages = [value for name, value in cloud.values("AWS/SQS") if name == "ApproximateAgeOfOldestMessage"]
    assert ages == [0, 120, 0]
