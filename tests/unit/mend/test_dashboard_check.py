"""A dashboard fails in silence; the check does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from minutemend.contract import Metric
from minutemend.core.minutes import Range

from mend.aws.cloudwatch import Alarm, MetricRef, Subscribers
from mend.dashboard_check import DUE_WITH, Row, State, check_dashboard
from tests.fakes.monitoring import FakeMonitoring

WINDOW = Range(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=3))
CHECK = "minutemend-dev-check-data-health"
TOPIC = "arn:aws:sns:us-east-1:000000000000:minutemend-dev-alarms"
MISSING = MetricRef("minutemend", "MissingMinutes", (("stage", "dev"),))
ERRORS = MetricRef("minutemend", "VendorErrors", (("stage", "dev"), ("vendor", "finnhub")))
DEPTH = MetricRef("AWS/SQS", "ApproximateNumberOfMessagesVisible", (("QueueName", "minutemend-dev-repair"),))
INVOCATIONS = MetricRef("AWS/Lambda", "Invocations", (("FunctionName", CHECK),))
UNDO = "`cdk deploy --revert-drift` puts it back"
ALARM = Alarm("minutemend-dev-gap", "OK", "", (TOPIC,), True, (MISSING,))


def graph(title: str, *metrics: MetricRef) -> dict[str, Any]:
    rows = [[one.namespace, one.name, *(word for pair in one.dimensions for word in pair)] for one in metrics]
    return {"type": "metric", "width": 8, "properties": {"title": title, "metrics": rows}}


@pytest.fixture
def well() -> FakeMonitoring:
    """A stage whose audits ran, on which nothing is wrong."""
    return FakeMonitoring(
        body={
            "widgets": [
                graph("Minutes", MISSING),
                graph("Vendors", ERRORS),
                graph("Depth", DEPTH),
                {"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:x:1:alarm:minutemend-dev-gap"]}},
            ]
        },
        there=[ALARM],
        stack={
            "AWS::Lambda::Function": {CHECK},
            "AWS::SQS::Queue": {"https://sqs.us-east-1.amazonaws.com/1/minutemend-dev-repair"},
        },
        data={MISSING: 12, DEPTH: 180, INVOCATIONS: 3},
    )


def check(monitoring: FakeMonitoring) -> dict[tuple[str, str], Row]:
    return {(row.kind, row.name): row for row in check_dashboard(monitoring, stage="dev", window=WINDOW)}


def unhealthy(monitoring: FakeMonitoring) -> dict[tuple[str, str], tuple[State, str]]:
    return {key: (row.state, row.detail) for key, row in check(monitoring).items() if not row.healthy}


def test_a_stage_that_is_well_has_nothing_unhealthy(well: FakeMonitoring) -> None:
    """No vendor error is no silence: nothing happened."""
    assert unhealthy(well) == {}
    assert check(well)["metric", str(ERRORS)].state is State.QUIET
    assert check(well)["dashboard", "-"].detail == "it shows 3 metrics"


def test_a_metric_without_data_is_silent_when_its_function_ran(well: FakeMonitoring) -> None:
    """It says why data was due."""
    del well.data[MISSING]
    assert unhealthy(well)["metric", str(MISSING)] == (State.SILENT, "no data, though check-data-health ran")


@pytest.mark.parametrize(("metric", "function"), DUE_WITH.items())
def test_what_is_due_with_a_function_is_emitted_by_it(metric: str, function: str) -> None:
    """The rule and the handler cannot drift apart."""
    handlers = Path(__file__).resolve().parents[3] / "runtime" / "handlers"
    handler = handlers / f"{function.replace('-', '_')}.py"
    assert f"Metric.{Metric(metric).name}" in handler.read_text()


def test_a_metric_without_data_is_quiet_when_its_function_did_not_run(well: FakeMonitoring) -> None:
    """An idle stage is not broken."""
    well.data = {DEPTH: 180}
    assert unhealthy(well) == {}


@pytest.mark.parametrize(
    ("told", "state"),
    [(Subscribers(1, 0), State.OK), (Subscribers(0, 1), State.BROKEN), (Subscribers(0, 0), State.QUIET)],
)
def test_alarms_without_a_subscriber_are_unhealthy(told: Subscribers, state: State, well: FakeMonitoring) -> None:
    """An address of the settings that is not confirmed: the alarms ring in an empty room."""
    well.stack["AWS::SNS::Topic"] = {TOPIC}
    well.told = told
    [row] = [row for row in check_dashboard(well, stage="dev", window=WINDOW) if row.kind == "topic"]
    assert (row.name, row.state, row.healthy) == ("minutemend-dev-alarms", state, state is not State.BROKEN)


def test_a_polled_queue_without_data_is_silent_and_a_dead_letter_queue_is_not(well: FakeMonitoring) -> None:
    """Workers poll the first all the time; the second is not polled."""
    dead = MetricRef("AWS/SQS", "ApproximateNumberOfMessagesVisible", (("QueueName", "minutemend-dev-repair-dlq"),))
    well.body["widgets"].append(graph("Dead", dead))
    well.stack["AWS::SQS::Queue"].add("https://sqs.us-east-1.amazonaws.com/1/minutemend-dev-repair-dlq")
    del well.data[DEPTH]
    assert list(unhealthy(well)) == [("metric", str(DEPTH))]


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        (replace(MISSING, name="MissingMinute"), "no function emits a metric MissingMinute"),
        (replace(MISSING, dimensions=(("stage", "prod"),)), "it is not of stage dev"),
        (replace(DEPTH, dimensions=(("QueueName", "old"),)), "the stack has no queue old"),
        (replace(INVOCATIONS, dimensions=(("FunctionName", "old"),)), "the stack has no function old"),
        (replace(MISSING, namespace="MinuteMend"), "the namespace MinuteMend is not ours"),
    ],
)
def test_a_metric_that_cannot_exist_is_broken(well: FakeMonitoring, metric: MetricRef, why: str) -> None:
    """A typing error, another stage, a resource that is gone: no data would ever come."""
    well.body["widgets"].append(graph("New", metric))
    assert unhealthy(well)["metric", str(metric)] == (State.BROKEN, why)


def test_shortened_metric_rows_are_written_out(well: FakeMonitoring) -> None:
    """`.` repeats a word of the row before, `...` all that came before; the console writes dashboards so."""
    dims = ["minutemend", "VendorErrors", "stage", "dev", "vendor", "finnhub"]
    rows = [dims, [".", "VendorRequests", ".", ".", ".", "."], ["...", "alpaca", {"stat": "Sum"}]]
    well.body["widgets"].append({"type": "metric", "properties": {"title": "W", "metrics": rows}})
    names = {name for kind, name in check(well) if kind == "metric"}
    assert "minutemend VendorRequests (stage=dev, vendor=finnhub)" in names
    assert "minutemend VendorRequests (stage=dev, vendor=alpaca)" in names


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "there is none"),
        ("{", "its body cannot be read"),
        ("[]", "its body cannot be read"),
        ('{"widgets": [{"properties": {"metrics": [["AWS/SQS"]]}}]}', "['AWS/SQS'] is no metric"),
        ('{"widgets": []}', "it shows no metric"),
    ],
)
def test_no_dashboard_is_no_success(well: FakeMonitoring, body: str | None, why: str) -> None:
    """Deleted, or overwritten with what is none."""
    well.body = body
    state, detail = unhealthy(well)["dashboard", "-"]
    assert state is State.BROKEN
    assert why in detail


@pytest.mark.parametrize(
    ("alarm", "state", "detail"),
    [
        (replace(ALARM, actions=()), State.BROKEN, "it has no action; its state is OK"),
        (replace(ALARM, enabled=False), State.BROKEN, "its actions are switched off; its state is OK"),
        (replace(ALARM, state="ALARM", reason="577 > 0"), State.RINGING, "577 > 0"),
        (replace(ALARM, state="INSUFFICIENT_DATA"), State.OK, "not enough data to judge; it has an action"),
        (ALARM, State.OK, "quiet; it has an action"),
    ],
)
def test_every_alarm_says_its_state_and_whether_it_would_be_heard(
    well: FakeMonitoring, alarm: Alarm, state: State, detail: str
) -> None:
    """An alarm that rings works: it is no failure of the check."""
    well.there = [alarm]
    row = check(well)["alarm", alarm.name]
    assert (row.state, row.detail) == (state, detail)


def test_an_alarm_that_watches_nothing_is_broken(well: FakeMonitoring) -> None:
    """Its queue was renamed; it would never ring."""
    gone = replace(DEPTH, dimensions=(("QueueName", "old"),))
    well.there = [replace(ALARM, metrics=(gone,))]
    assert unhealthy(well)["alarm", ALARM.name] == (State.BROKEN, f"it watches what does not exist: {gone}")


def test_an_alarm_that_was_deleted_is_missed(well: FakeMonitoring) -> None:
    """By the stack."""
    well.there, well.meant = [], frozenset({ALARM.name})
    assert unhealthy(well)["alarm", ALARM.name] == (State.BROKEN, f"it was deleted; {UNDO}")


def test_a_stage_without_alarms_is_broken(well: FakeMonitoring) -> None:
    """No alarm would be heard."""
    well.there = []
    assert unhealthy(well)["alarm", "-"] == (State.BROKEN, "the stage has no alarm")
