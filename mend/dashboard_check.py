"""Whether the deployed dashboard and alarms show what they are there to show.

A dashboard fails in silence: a renamed function, a metric that is not emitted any more. So every metric is looked up,
and where something ran, its metrics must have data; every alarm must be heard.
Format of the dashboard's body:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from minutemend.contract import NAMESPACE, Metric
from minutemend.core.minutes import Range

from mend.aws.cloudwatch import Alarm, CloudWatchMonitoring, MetricRef, Subscribers


class State(StrEnum):
    """What was found of one thing."""

    OK = "ok"
    QUIET = "quiet"  # no data, and none was due
    RINGING = "ringing"  # an alarm in ALARM: it works, and wants somebody
    SILENT = "silent"  # no data, though some was due
    BROKEN = "broken"


UNHEALTHY = frozenset({State.SILENT, State.BROKEN})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the check: `kind` is dashboard, metric, alarm or topic; `detail` is a sentence for people."""

    kind: str
    name: str
    state: State
    detail: str

    @property
    def healthy(self) -> bool:
        return self.state not in UNHEALTHY


# A metric of ours -> the function whose every invocation emits it. The others are emitted when something
# happens (a repair, an error, a refused list), so that their silence means that nothing did.
DUE_WITH: Mapping[str, str] = {
    Metric.MISSING: "check-data-health",
    Metric.OLDEST_GAP: "check-data-health",
    Metric.FAILED: "report-failure",
    Metric.BARS_CAPTURED: "capture-bars",
    Metric.LEFT_TO_AUDIT: "capture-bars",
    Metric.REVISIONS: "review-values",
}
# A deployment alone does not look at what was changed behind its back.
_UNDO = "`cdk deploy --revert-drift` puts it back"
_AUDIT = "check-data-health"  # it runs in every audit
_WITH_INVOCATIONS = frozenset({"Errors", "Duration", "Throttles"})
_TOPIC = "AWS::SNS::Topic"
_DEAD_LETTERS = "-dlq"  # the names of these queues end so
# Where the dimension of an AWS namespace has to name a resource of the stack: its type, and how the dimension
# shows the physical name.
_RESOURCES: Mapping[tuple[str, str], tuple[str, Callable[[str], str]]] = {
    ("AWS/Lambda", "FunctionName"): ("AWS::Lambda::Function", str),
    ("AWS/SQS", "QueueName"): ("AWS::SQS::Queue", lambda url: url.rpartition("/")[2]),
    ("AWS/States", "StateMachineArn"): ("AWS::StepFunctions::StateMachine", str),
    ("AWS/Athena", "WorkGroup"): ("AWS::Athena::WorkGroup", str),
    ("AWS/DynamoDB", "TableName"): ("AWS::DynamoDB::Table", str),
    ("AWS/S3", "BucketName"): ("AWS::S3::Bucket", str),
}


def check_dashboard(monitoring: CloudWatchMonitoring, *, stage: str, window: Range) -> list[Row]:
    """Every line of the check, the dashboard first, then metrics, alarms and topics."""
    shown, row = _dashboard(monitoring.dashboard())
    alarms = monitoring.alarms()
    resources = monitoring.resources()
    every = sorted(shown | {metric for alarm in alarms for metric in alarm.metrics})
    invocations = {
        name: MetricRef("AWS/Lambda", "Invocations", (("FunctionName", name),))
        for name in resources.get("AWS::Lambda::Function", ())
    }
    samples = monitoring.samples({*every, *invocations.values()}, window)
    ran = frozenset(name for name, metric in invocations.items() if samples.get(metric, 0))
    judged = {metric: _metric(metric, samples.get(metric, 0), stage, resources, ran) for metric in every}
    rows = [row, *judged.values(), *_alarms(alarms, monitoring.intended_alarms(), judged)]
    return rows + [_topic(topic, monitoring.subscribers(topic)) for topic in sorted(resources.get(_TOPIC, ()))]


def _topic(topic: str, subscribers: Subscribers) -> Row:
    name = topic.rpartition(":")[2]
    if subscribers.confirmed:
        return Row("topic", name, State.OK, f"{subscribers.confirmed} told of alarms")
    if subscribers.pending:
        return Row("topic", name, State.BROKEN, "alarms tell no person: no address has confirmed its subscription")
    return Row("topic", name, State.QUIET, "alarms tell no person; alarm_emails in infra/settings.py says whom")


def _dashboard(body: str | None) -> tuple[set[MetricRef], Row]:
    if body is None:
        return set(), Row("dashboard", "-", State.BROKEN, f"there is none; {_UNDO}")
    try:
        shown = set(shown_metrics(body))
    except (ValueError, LookupError, TypeError, AttributeError) as problem:
        return set(), Row("dashboard", "-", State.BROKEN, f"its body cannot be read: {problem}; {_UNDO}")
    if not shown:
        return set(), Row("dashboard", "-", State.BROKEN, f"it shows no metric; {_UNDO}")
    return shown, Row("dashboard", "-", State.OK, f"it shows {len(shown)} metrics")


def shown_metrics(body: str) -> Iterator[MetricRef]:
    """The metrics of a dashboard's body. Raises ValueError and its like for what is none."""
    for widget in json.loads(body)["widgets"]:
        before: list[str] = []
        for row in widget["properties"].get("metrics", ()):
            words = [str(word) for word in row if not isinstance(word, dict)]
            if not words:  # an expression over other rows
                continue
            if words[0] == "...":  # rows may shorten: `.` repeats a word of the row before, `...` all but the last
                words = before[: len(before) - len(words) + 1] + words[1:]
            words = before = [before[at] if word == "." else word for at, word in enumerate(words)]
            if len(words) < 2 or len(words) % 2:
                raise ValueError(f"{row!r} is no metric")
            yield MetricRef(words[0], words[1], tuple(sorted(zip(words[2::2], words[3::2], strict=True))))


def _metric(
    metric: MetricRef, samples: float, stage: str, resources: Mapping[str, frozenset[str]], ran: Collection[str]
) -> Row:
    name = str(metric)
    if problem := _nonsense(metric, stage, resources):
        return Row("metric", name, State.BROKEN, problem)
    if samples:
        return Row("metric", name, State.OK, f"{samples:,.0f} samples")
    if cause := _due(metric, ran):
        return Row("metric", name, State.SILENT, f"no data, though {cause}")
    return Row("metric", name, State.QUIET, "no data, and none was due")


def _nonsense(metric: MetricRef, stage: str, resources: Mapping[str, frozenset[str]]) -> str:
    """Why the metric cannot exist; empty when it can."""
    if metric.namespace == NAMESPACE:
        if metric.name not in set(Metric):
            return f"no function emits a metric {metric.name}"
        if dict(metric.dimensions).get("stage") != stage:
            return f"it is not of stage {stage}"
        return ""
    for key, value in metric.dimensions:
        kind = _RESOURCES.get((metric.namespace, key))
        if kind is not None and value not in {kind[1](name) for name in resources.get(kind[0], ())}:
            return f"the stack has no {kind[0].rpartition('::')[2].lower()} {value}"
    return "" if metric.namespace.startswith("AWS/") else f"the namespace {metric.namespace} is not ours"


def _due(metric: MetricRef, ran: Collection[str]) -> str:
    """What happened that must have left data; empty when nothing did."""
    dimensions = dict(metric.dimensions)
    function = ""
    match metric.namespace:
        case "AWS/SQS" if not dimensions.get("QueueName", "").endswith(_DEAD_LETTERS):
            return "its workers poll it all the time"
        case "AWS/Lambda" if metric.name in _WITH_INVOCATIONS:
            function = dimensions.get("FunctionName", "")
        case "AWS/States" if metric.name == "ExecutionsStarted" and dimensions["StateMachineArn"].endswith("-audit"):
            function = _AUDIT
        case space if space == NAMESPACE:
            function = DUE_WITH.get(metric.name, "")
    return f"{function} ran" if function and any(name.endswith(function) for name in ran) else ""


def _alarms(alarms: Iterable[Alarm], intended: frozenset[str], judged: Mapping[MetricRef, Row]) -> list[Row]:
    there = {alarm.name for alarm in alarms}
    rows = [_alarm(alarm, judged) for alarm in alarms]
    rows += [Row("alarm", name, State.BROKEN, f"it was deleted; {_UNDO}") for name in sorted(intended - there)]
    if not rows:
        rows = [Row("alarm", "-", State.BROKEN, "the stage has no alarm")]
    return rows


def _alarm(alarm: Alarm, judged: Mapping[MetricRef, Row]) -> Row:
    if not alarm.actions:
        return Row("alarm", alarm.name, State.BROKEN, f"it has no action; its state is {alarm.state}")
    if not alarm.enabled:
        return Row("alarm", alarm.name, State.BROKEN, f"its actions are switched off; its state is {alarm.state}")
    if broken := [judged[metric].name for metric in alarm.metrics if judged[metric].state is State.BROKEN]:
        return Row("alarm", alarm.name, State.BROKEN, f"it watches what does not exist: {', '.join(broken)}")
    if alarm.state == "ALARM":
        return Row("alarm", alarm.name, State.RINGING, alarm.reason)
    if alarm.state == "INSUFFICIENT_DATA":
        return Row("alarm", alarm.name, State.OK, "not enough data to judge; it has an action")
    return Row("alarm", alarm.name, State.OK, "quiet; it has an action")
