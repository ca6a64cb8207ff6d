"""Alarms, runbook and redrive commands in step; and everything that is measured can be seen."""

from __future__ import annotations

import json
import re

from minutemend.contract import NAMESPACE, Metric

from cli.commands.dlq import QUEUES
from tests.unit.infra.conftest import ROOT, Synthesized, Template, functions, resources
from tests.unit.infra.rendering import _plain

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", RUNBOOK, flags=re.MULTILINE | re.DOTALL))


def alarms(template: Template) -> dict[str, Template]:
    found = resources(template, "AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"].split("-", 2)[2]: alarm for alarm in found}


def section_of(alarm: Template) -> str:
    described = re.search(r"What to do: docs/runbook\.md#([a-z-]+)$", alarm["AlarmDescription"])
    assert described, alarm["AlarmDescription"]
    return described[1]


def test_every_alarm_names_a_section_of_the_runbook_and_every_section_has_an_alarm(template: Template) -> None:
    named = {section_of(alarm) for alarm in alarms(template).values()}
    assert named <= set(SECTIONS)
    switched_off_in_dev = {"capture-not-asked"}
    assert set(SECTIONS) - named <= switched_off_in_dev


def test_prods_alarms_use_every_section(synthesized: Synthesized) -> None:
    assert {section_of(alarm) for alarm in alarms(synthesized.templates["prod"]).values()} == set(SECTIONS)


def test_every_dead_letter_queue_has_its_alarm_section_and_redrive_command(template: Template) -> None:
    dead = {
        found["QueueName"].split("-", 2)[2].removesuffix("-dlq"): name
        for name, found in resources(template, "AWS::SQS::Queue").items()
        if found["QueueName"].endswith("-dlq")
    }
    assert set(dead) == set(QUEUES)  # those that `mend dlq` knows
    for queue, logical_id in dead.items():
        alarm = alarms(template)[f"{queue}-dlq"]
        assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [logical_id, "QueueName"]}}]
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
        section = SECTIONS[section_of(alarm)]
        assert f"mend dlq list --stage S --queue {queue}" in section
        assert f"mend dlq redrive --stage S --queue {queue}" in section


def test_every_alarm_tells_the_topic(template: Template) -> None:
    [topic] = resources(template, "AWS::SNS::Topic")
    assert all(alarm["AlarmActions"] == [{"Ref": topic}] for alarm in alarms(template).values())


def test_every_function_has_alarms_for_errors_and_throttles(template: Template) -> None:
    steps = {handler.replace("_", "-") for handler in functions(template)}
    assert {name.removesuffix("-errors") for name in alarms(template) if name.endswith("-errors")} == steps
    assert {name.removesuffix("-throttles") for name in alarms(template) if name.endswith("-throttles")} == steps


def test_silence_of_what_is_asked_for_is_an_alarm_and_silence_outside_sessions_is_not(
    synthesized: Synthesized,
) -> None:
    prod = alarms(synthesized.templates["prod"])
    assert prod["feed-silent"]["TreatMissingData"] == "notBreaching"
    assert prod["capture-not-asked"]["TreatMissingData"] == "breaching"
    assert "capture-not-asked" not in alarms(synthesized.templates["dev"])  # its schedules are off


def test_our_alarms_look_where_our_handlers_write(template: Template) -> None:
    for alarm in alarms(template).values():
        if alarm["Namespace"] == NAMESPACE:
            assert alarm["MetricName"] in {metric.value for metric in Metric}
            assert [dimension["Name"] for dimension in alarm["Dimensions"]] == ["stage"]


def test_the_dashboard_shows_every_metric_of_ours_and_every_function(template: Template) -> None:
    [dashboard] = resources(template, "AWS::CloudWatch::Dashboard").values()
    body = json.loads(_plain(dashboard["DashboardBody"]))
    shown = {
        entry[1]
        for widget in body["widgets"]
        for entry in widget["properties"].get("metrics", [])
        if entry[0] == NAMESPACE
    }
    assert shown == {metric.value for metric in Metric}
    titles = [widget["properties"]["title"] for widget in body["widgets"]]
    assert len(titles) == len(set(titles))
    errors = next(widget for widget in body["widgets"] if widget["properties"]["title"] == "Errors")
    assert len(errors["properties"]["metrics"]) == len(functions(template))


def test_the_dashboard_asks_by_the_dimensions_that_the_contract_says(template: Template) -> None:
    """`stage`, and one more where contract.Metric says so."""
    [dashboard] = resources(template, "AWS::CloudWatch::Dashboard").values()
    more = {
        Metric.AUDITS.value: "outcome",
        Metric.VENDOR_REQUESTS.value: "vendor",
        Metric.VENDOR_ERRORS.value: "vendor",
        Metric.VENDOR_THROTTLES.value: "vendor",
    }
    for widget in json.loads(_plain(dashboard["DashboardBody"]))["widgets"]:
        for entry in widget["properties"].get("metrics", []):
            if entry[0] == NAMESPACE:
                names = {part for part in entry[2:] if part in ("stage", "outcome", "vendor")}
                assert names == {"stage", *([more[entry[1]]] if entry[1] in more else [])}
