"""What parliament finds in the roles' policies of every template; the policies of resources it does not know."""

from __future__ import annotations

import json
from typing import Any

import pytest
from parliament import analyze_policy_string

from infra.settings import STAGES
from tests.unit.infra.conftest import Body, Synthesized

ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:us-east-1:111122223333:table/board",
    "AWS::KMS::Key": "kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "AWS::Lambda::Function": "lambda:us-east-1:111122223333:function:step",
    "AWS::Logs::LogGroup": "logs:us-east-1:111122223333:log-group:/aws/lambda/step:*",
    "AWS::S3::Bucket": "s3:::lake",
    "AWS::SNS::Topic": "sns:us-east-1:111122223333:alarms",
    "AWS::SQS::Queue": "sqs:us-east-1:111122223333:queue",
    "AWS::SecretsManager::Secret": "secretsmanager:us-east-1:111122223333:secret:tokens-abcdef",
    "AWS::StepFunctions::StateMachine": "states:us-east-1:111122223333:stateMachine:audit",
}
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "111122223333"}
# The linter's own words, and why they are wrong.
REASONS = {
    "RESOURCE_MISMATCH: states:DescribeExecution wants arn:*:states:*:*:express:*:*:*": "the audits that a backfill "
    "starts are standard executions, and none is express",
    "RESOURCE_MISMATCH: states:SendTaskSuccess wants *": "a token is judged on its state machine, as the CDK's "
    "grantTaskResponse has it: docs.aws.amazon.com/step-functions/latest/dg/concept-create-iam-advanced.html",
}


def plain(value: Any, body: Body) -> Any:
    """A policy as IAM would get it: every reference is an ARN or a name of its kind."""
    match value:
        case list():
            return [plain(one, body) for one in value]
        case {"Ref": str() as name}:
            return PSEUDO.get(name) or _arn(name, body)
        case {"Fn::GetAtt": [str() as name, _]}:
            return _arn(name, body)
        case {"Fn::Join": [str() as glue, list() as parts]}:
            return glue.join(plain(part, body) for part in parts)
        case {"Fn::GetStackOutput": _}:
            return f"arn:aws:{ARNS['AWS::SecretsManager::Secret']}"
    return {key: plain(one, body) for key, one in value.items()} if isinstance(value, dict) else value


def _arn(name: str, body: Body) -> str:
    kind = body["Resources"].get(name, {}).get("Type", "")
    if kind == "AWS::SSM::Parameter":
        return str(body["Resources"][name]["Properties"]["Name"])
    return f"arn:aws:{ARNS[kind]}" if kind in ARNS else name


def found(body: Body) -> tuple[int, set[str]]:
    """How many policies there are, and the findings: "ISSUE: what"."""
    policies, told = 0, set()
    for resource in body["Resources"].values():
        if resource["Type"] == "AWS::IAM::Policy":
            policies += 1
            document = json.dumps(plain(resource["Properties"]["PolicyDocument"], body))
            for finding in analyze_policy_string(document).findings:
                told |= _words(finding)
    return policies, told


def _words(finding: Any) -> set[str]:
    if finding.issue == "RESOURCE_MISMATCH":
        return {f"{finding.issue}: {one['action']} wants {one['required_format']}" for one in finding.detail}
    return {f"{finding.issue}: {finding.detail} {finding.location}"}


@pytest.mark.parametrize("name", [*STAGES, "dev-market"])
def test_parliament_has_no_finding_without_a_reason(synthesized: Synthesized, name: str) -> None:
    policies, told = found(synthesized.templates[name])
    assert policies >= (1 if name == "dev-market" else 10)
    assert told - set(REASONS) == set()


def test_no_reason_is_left_over(synthesized: Synthesized) -> None:
    assert found(synthesized.templates["prod"])[1] == set(REASONS)


def test_an_action_that_is_none_would_be_found(synthesized: Synthesized) -> None:
    """And a right on the wrong kind of resource: the linter does look."""
    body = json.loads(json.dumps(synthesized.templates["prod"]).replace('"athena:GetQueryResults"', '"athena:GetRows"'))
    assert any(one.startswith("UNKNOWN_ACTION") for one in found(body)[1])
