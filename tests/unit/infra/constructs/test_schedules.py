"""What starts by itself, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from aws_cdk.assertions import Capture, Match, Template
from minutemend.core.audits import AuditRequest

from infra.settings import StageSettings

SCHEDULED = "<aws.scheduler.scheduled-time>"


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("cron(* * * * ? *)", {"scheduled_at": SCHEDULED}),
        ("cron(10 3 * * ? *)", {"scheduled_at": SCHEDULED}),
        ("cron(40 4 * * ? *)", {"scheduled_at": SCHEDULED}),
        ("cron(40 3 * * ? *)", {"scheduled_at": SCHEDULED, "sweep": True}),
    ],
)
def test_each_runs_in_utc_where_the_settings_say_so_and_is_told_its_time(
    expression: str, told: dict[str, object], template: Template, stage: StageSettings
) -> None:
    """A stage that has them off has them disabled, not absent."""
    template.resource_properties_count_is(
        "AWS::Scheduler::Schedule",
        {
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "Etc/UTC",
            "State": "ENABLED" if stage.schedules_enabled else "DISABLED",
            "Target": {"Input": Match.serialized_json(told)},
        },
        1,
    )


def test_each_hour_is_audited_when_the_hour_before_has_settled(template: Template, stage: StageSettings) -> None:
    """And not an hour later: what CheckDataHealth makes of the scheduled time is the hour that has just ended."""
    expression = Capture()
    template.has_resource_properties(
        "AWS::Scheduler::Schedule",
        {
            "Description": "Audits the hour before",
            "ScheduleExpression": expression,
            "Target": {"Input": Match.serialized_json({"scheduled_at": SCHEDULED})},
        },
    )
    minute = re.fullmatch(r"cron\((\d+) \* \* \* \? \*\)", expression.as_string())
    assert minute
    at = datetime(2025, 11, 20, 15, int(minute[1]), tzinfo=UTC)
    asked = AuditRequest.from_input({}, scheduled_at=at, due=at, settling=stage.settling_delay)
    assert asked.range.start == datetime(2025, 11, 20, 14, tzinfo=UTC)
    assert asked.range.end == datetime(2025, 11, 20, 15, tzinfo=UTC)


def test_what_they_could_not_start_is_kept(template: Template) -> None:
    template.all_resources_properties(
        "AWS::Scheduler::Schedule",
        {"Target": {"DeadLetterConfig": {"Arn": Match.any_value()}}, "GroupName": Match.any_value()},
    )


def test_only_our_own_group_may_use_their_role(template: Template) -> None:
    template.has_resource_properties(
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": {
                "Statement": [
                    {
                        "Principal": {"Service": "scheduler.amazonaws.com"},
                        "Condition": {
                            "StringEquals": {"aws:SourceAccount": Match.any_value()},
                            "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": Match.any_value()}},
                        },
                    }
                ]
            }
        },
    )


def test_there_is_no_other(template: Template) -> None:
    template.resource_count_is("AWS::Scheduler::Schedule", 5)
