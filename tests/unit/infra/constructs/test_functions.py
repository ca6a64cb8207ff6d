"""What each function has for itself, and what it may do."""

from __future__ import annotations

import json

from aws_cdk.assertions import Match, Template

from infra.settings import StageSettings
from tests.unit.infra.conftest import Body, functions, resources


def statements(body: Body) -> list[Body]:
    """Every statement of our own policies."""
    policies = resources(body, "AWS::IAM::Policy").values()
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def actions(statement: Body) -> list[str]:
    found = statement["Action"]
    return found if isinstance(found, list) else [found]


def test_every_function_has_a_role_and_a_log_of_its_own(body: Body) -> None:
    found = functions(body)
    assert len(found) == len(resources(body, "AWS::Lambda::Function"))
    for own in ("Role", "LoggingConfig"):
        assert len({json.dumps(function[own]) for function in found.values()}) == len(found)


def test_every_function_has_a_timeout_memory_and_traces(template: Template, body: Body) -> None:
    template.all_resources_properties("AWS::Lambda::Function", {"TracingConfig": {"Mode": "Active"}})
    for function in functions(body).values():
        assert 0 < function["Timeout"] <= 900
        assert function["MemorySize"] >= 256


def test_every_log_group_forgets(template: Template, stage: StageSettings) -> None:
    template.all_resources_properties("AWS::Logs::LogGroup", {"RetentionInDays": Match.any_value()})
    template.resource_properties_count_is("AWS::Logs::LogGroup", {"RetentionInDays": stage.log_retention_days}, 10)


def test_no_policy_of_aws_is_attached(template: Template) -> None:
    """They grant more than any step needs; cdk-nag sees to the wildcards of our own."""
    template.all_resources_properties("AWS::IAM::Role", {"ManagedPolicyArns": Match.absent()})


def test_no_action_is_a_wildcard(body: Body) -> None:
    granted = [action for statement in statements(body) for action in actions(statement)]
    assert granted
    assert [action for action in granted if "*" in action] == []


def test_who_reads_objects_is_told_when_one_is_missing(body: Body) -> None:
    """S3 says 404 only to those who may list, and a read carries no prefix: the emulator cannot show this."""
    conditions = [statement["Condition"] for statement in statements(body) if "s3:ListBucket" in actions(statement)]
    assert conditions
    assert {key for condition in conditions for key in condition} == {"StringLikeIfExists"}


def test_the_flaw_is_where_the_settings_say_so(template: Template, stage: StageSettings) -> None:
    rate = str(stage.flaw.rate) if stage.flaw else Match.absent()
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {"Handler": "request_captures.handler", "Environment": {"Variables": {"FLAW_RATE": rate}}},
    )
