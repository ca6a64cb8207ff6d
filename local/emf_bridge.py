"""What CloudWatch would do with the functions' logs, for local AWS, which turns no log line into a metric.

In AWS an EMF line in a log becomes metrics by itself, and queues, functions and state machines have metrics of
their own. MiniStack has none of these, so this bridge puts them there, each from the thing itself:

- EMF lines of the functions' log groups: their metrics, at their times.
- AWS/Lambda Invocations, Errors, Throttles (none), Duration: from the REPORT lines of the same logs. (MiniStack
  itself counts what is invoked through the API, and nothing that a queue or the state machine invokes; an
  invocation through the API is therefore counted twice.)
- AWS/States ExecutionsStarted, Succeeded, Failed, TimedOut, Aborted: from the list of executions.
- AWS/SQS number of visible messages: the queues' attributes, now. Age of the oldest message: how long the bridge
  has seen the queue not empty, which is a lower bound (an emulated queue does not tell its messages' ages).

Not bridged: AWS/Athena (scanned bytes of the emulator are not real), AWS/S3, ConcurrentExecutions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_BATCH = 500  # PutMetricData takes 1000 data; half of it keeps a request small
_REPORT = re.compile(r"^REPORT RequestId: (\S+)\s+Duration: ([\d.]+) ms")
_START = re.compile(r"^START RequestId: (\S+)")
# How a Python function that raised ends its log.
_RAISED = re.compile(r"^\[ERROR\]|^Traceback \(most recent call last\)|Runtime\.(?:HandlerError|ImportModuleError)")
_ENDED = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


Point = tuple[str, dict[str, Any]]  # a namespace, and one value of one metric at one time, as PutMetricData takes it


def _point(
    namespace: str, name: str, dimensions: Mapping[str, str], at: datetime, value: float, *, unit: str = "Count"
) -> Point:
    named = [{"Name": key, "Value": dimensions[key]} for key in sorted(dimensions)]
    return namespace, {"MetricName": name, "Dimensions": named, "Timestamp": at, "Value": value, "Unit": unit}


@dataclass(slots=True)
class Seen:
    """How far the bridge has come: nothing is put twice."""

    logs: dict[str, int] = field(default_factory=dict)  # log group -> newest event's milliseconds
    executions: dict[str, str] = field(default_factory=dict)  # ARN -> the state that was put
    waiting: dict[str, float] = field(default_factory=dict)  # queue -> not empty since (epoch seconds)

    @classmethod
    def read(cls, file: Path) -> Seen:
        return cls(**json.loads(file.read_text())) if file.exists() else cls()

    def write(self, file: Path) -> None:
        file.write_text(json.dumps({"logs": self.logs, "executions": self.executions, "waiting": self.waiting}))


def bridge(clients: Any, *, outputs: Mapping[str, str], memory: Path, now: datetime) -> int:
    """Put what is new since the last call into the stage's CloudWatch, and return how many values.

    `clients` is a `minutemend.wiring.clients.Clients` that leads to local AWS, `outputs` the stack's; `memory` is
    a file of the local stage's own.
    """
    seen = Seen.read(memory)
    points = [
        *_from_logs(clients.logs, [name for key, name in outputs.items() if key.endswith("Function")], seen),
        *_from_executions(clients.stepfunctions, outputs["StateMachineArn"], seen),
        *_from_queues(
            clients.sqs, [url for key, url in outputs.items() if key.endswith(("QueueUrl", "DlqUrl"))], seen, now
        ),
    ]
    _put(clients.cloudwatch, points)
    seen.write(memory)
    return len(points)


def _from_logs(logs: Any, functions: Sequence[str], seen: Seen) -> Iterator[Point]:
    for function in functions:
        group = f"/aws/lambda/{function}"
        since = seen.logs.get(group, -1) + 1
        raised: set[str] = set()
        request = ""
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since):
            for event in page["events"]:
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                seen.logs[group] = max(seen.logs.get(group, -1), event["timestamp"])
                line = event["message"]
                if start := _START.match(line):
                    request = start[1]
                elif _RAISED.search(line):
                    raised.add(request)
                elif report := _REPORT.match(line):
                    yield from _invocation(function, at, float(report[2]), failed=report[1] in raised)
                else:
                    yield from emf_points(line)


def _invocation(function: str, at: datetime, milliseconds: float, *, failed: bool) -> Iterator[Point]:
    values = {"Invocations": 1.0, "Errors": float(failed), "Throttles": 0.0}
    whose = {"FunctionName": function}
    for name, value in values.items():
        yield _point("AWS/Lambda", name, whose, at, value)
    yield _point("AWS/Lambda", "Duration", whose, at, milliseconds, unit="Milliseconds")


def emf_points(line: str) -> Iterator[Point]:
    """The values of one log line in CloudWatch's embedded metric format; none for any other line.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    if '"_aws"' not in line:
        return
    try:
        root = json.loads(line)
    except ValueError:
        return
    aws = root.get("_aws", {})
    at = datetime.fromtimestamp(aws.get("Timestamp", 0) / 1000, UTC)
    for directive in aws.get("CloudWatchMetrics", ()):
        for keys in directive["Dimensions"]:
            dimensions = {key: str(root[key]) for key in keys}
            for metric in directive["Metrics"]:
                values = root[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    about = directive["Namespace"], metric["Name"], dimensions
                    yield _point(*about, at, float(value), unit=metric.get("Unit", "None"))


def _from_executions(stepfunctions: Any, machine: str, seen: Seen) -> Iterator[Point]:
    whose = {"StateMachineArn": machine}
    for page in stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=machine):
        for execution in page["executions"]:
            arn, status, begun = execution["executionArn"], execution["status"], execution["startDate"]
            if arn not in seen.executions:
                yield _point("AWS/States", "ExecutionsStarted", whose, begun, 1)
            if status in _ENDED and seen.executions.get(arn) != status:
                ended = execution["stopDate"]
                yield _point("AWS/States", _ENDED[status], whose, ended, 1)
                took = (ended - begun).total_seconds() * 1000
                yield _point("AWS/States", "ExecutionTime", whose, ended, took, unit="Milliseconds")
            seen.executions[arn] = status


def _from_queues(sqs: Any, urls: Sequence[str], seen: Seen, now: datetime) -> Iterator[Point]:
    for url in urls:
        name = url.rpartition("/")[2]
        said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        visible = float(said["ApproximateNumberOfMessages"])
        if visible:
            seen.waiting.setdefault(name, now.timestamp())
        else:
            seen.waiting.pop(name, None)
        age = now.timestamp() - seen.waiting[name] if visible else 0.0
        whose = {"QueueName": name}
        yield _point("AWS/SQS", "ApproximateNumberOfMessagesVisible", whose, now, visible)
        yield _point("AWS/SQS", "ApproximateAgeOfOldestMessage", whose, now, age, unit="Seconds")


def _put(cloudwatch: Any, points: Sequence[Point]) -> None:
    by_namespace: dict[str, list[dict[str, Any]]] = {}
    for namespace, value in points:
        by_namespace.setdefault(namespace, []).append(value)
    for namespace, data in by_namespace.items():
        for first in range(0, len(data), _BATCH):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[first : first + _BATCH])
