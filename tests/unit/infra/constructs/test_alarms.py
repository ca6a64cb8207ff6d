"""Alarms, runbook and redrive commands in step; and everything that is measured can be seen."""

from __future__ import annotations

import json
import re

from aws_cdk.assertions import Match, Template
from minutemend.contract import NAMESPACE, Metric

from infra.settings import DEV, PROD
from mend.commands.dlq import QUEUES
from mend.costs import bill, load_of
from tests.unit.infra.conftest import ROOT, Body, Synthesized, functions, resources
from tests.unit.infra.constructs.test_audit_machine import definition

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", RUNBOOK, flags=re.MULTILINE | re.DOTALL))


def alarms(body: Body) -> dict[str, Body]:
    """By their names without the stack's."""
    stack = f"{body['Outputs']['Dashboard']['Value']}-"
    found = resources(body, "AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"].removeprefix(stack): alarm for alarm in found}


def section_of(alarm: Body) -> str:
    described = re.search(r"What to do: docs/runbook\.md#([a-z-]+)$", alarm["AlarmDescription"])
    assert described, alarm["AlarmDescription"]
    return described[1]


def test_every_alarm_names_a_section_of_the_runbook_and_every_section_has_an_alarm(body: Body) -> None:
    named = {section_of(alarm) for alarm in alarms(body).values()}
    assert named <= set(SECTIONS)
    switched_off_in_dev = {"capture-not-asked", "audit-not-started"}
    assert set(SECTIONS) - named <= switched_off_in_dev


def test_prods_alarms_use_every_section(synthesized: Synthesized) -> None:
    assert {section_of(alarm) for alarm in alarms(synthesized.templates["prod"]).values()} == set(SECTIONS)


def test_every_dead_letter_queue_has_its_alarm_section_and_redrive_command(body: Body) -> None:
    dead = {
        found["QueueName"].removesuffix("-dlq").rpartition("-")[2]: name
        for name, found in resources(body, "AWS::SQS::Queue").items()
        if found["QueueName"].endswith("-dlq") and "-schedules-" not in found["QueueName"]
    }
    assert set(dead) == set(QUEUES)  # those that `mend dlq` knows
    for queue, logical_id in dead.items():
        alarm = alarms(body)[f"{queue}-dlq"]
        assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [logical_id, "QueueName"]}}]
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
        section = SECTIONS[section_of(alarm)]
        assert f"mend dlq list --stage S --queue {queue}" in section
        assert f"mend dlq redrive --stage S --queue {queue}" in section


def test_every_alarm_tells_the_topic(template: Template) -> None:
    [topic] = template.find_resources("AWS::SNS::Topic")
    template.all_resources_properties("AWS::CloudWatch::Alarm", {"AlarmActions": [{"Ref": topic}]})


def test_what_a_function_raises_is_heard(body: Body) -> None:
    """Workers end in dead letters, steps in a failed audit; those that schedules call have alarms of their own."""
    machine = [definition(body), definition(body, "backfill")]
    steps = {name for name in functions(body) if "".join(map(str.capitalize, name.split("_"))) in json.dumps(machine)}
    workers = {"process_repairs", "capture_bars"}
    assert set(functions(body)) - steps - workers == {"request_captures", "review_values"}
    assert {
        "request-captures-errors",
        "review-values-errors",
        "audit-failed",
        "backfill-failed",
        "repair-dlq",
        "capture-dlq",
    } <= set(alarms(body))


def test_open_revisions_are_an_alarm_from_as_many_on_as_the_settings_say(synthesized: Synthesized) -> None:
    for stage in (DEV, PROD):
        found = alarms(synthesized.templates[stage.name])["revisions-open"]
        assert (found["MetricName"], found["Threshold"]) == (Metric.REVISIONS, stage.revisions_alarm)


def test_silence_of_what_is_asked_for_is_an_alarm_and_silence_outside_sessions_is_not(
    synthesized: Synthesized,
) -> None:
    prod = alarms(synthesized.templates["prod"])
    assert prod["feed-silent"]["TreatMissingData"] == "notBreaching"
    for name in ("capture-not-asked", "audit-not-started"):
        # Data that stops is a change to INSUFFICIENT_DATA, which rings; a new stack begins there, which does not.
        assert prod[name]["TreatMissingData"] == "missing"
        assert prod[name]["InsufficientDataActions"] == prod[name]["AlarmActions"]
        assert name not in alarms(synthesized.templates["dev"])  # its schedules are off


def test_a_schedule_that_cannot_start_what_it_should_is_heard(template: Template, body: Body) -> None:
    [group] = template.find_resources("AWS::Scheduler::ScheduleGroup").values()
    errors = alarms(body)["schedule-errors"]
    assert (errors["Namespace"], errors["MetricName"]) == ("AWS/Scheduler", "TargetErrorCount")
    assert errors["Dimensions"] == [{"Name": "ScheduleGroup", "Value": group["Properties"]["Name"]}]
    dead = alarms(body)["schedules-dlq"]
    [queue] = template.find_resources(
        "AWS::SQS::Queue", {"Properties": {"QueueName": Match.string_like_regexp("-schedules-dlq$")}}
    )
    assert dead["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]


def test_watching_costs_at_most_seven_dollars_a_month_while_nothing_happens() -> None:
    standing = [line for line in bill(PROD, load_of(11, "24/7"), vendor_symbols=200) if line.concern == "standing"]
    assert sum(line.dollars for line in standing if line.service == "CloudWatch") <= 7


def test_our_alarms_look_where_our_handlers_write(body: Body) -> None:
    for alarm in alarms(body).values():
        if alarm["Namespace"] == NAMESPACE:
            assert alarm["MetricName"] in {metric.value for metric in Metric}
            assert [dimension["Name"] for dimension in alarm["Dimensions"]] == ["stage"]
