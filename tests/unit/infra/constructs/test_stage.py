"""What holds for a stage as a whole: tags, outputs, protection, and what an update may never replace."""

from __future__ import annotations

import pytest
from aws_cdk.assertions import Template

from infra.concerns import TAG, Concern
from infra.settings import STAGES, StageSettings
from tests.unit.infra.conftest import Body, Synthesized, functions

# CloudFormation knows no tags for these, and none of them costs anything.
UNTAGGABLE = {
    "AWS::CloudWatch::Dashboard",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::Policy",
    "AWS::Lambda::LayerVersion",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
}

# Logical id, type, and the names whose change would replace it. They are those of the first deployed commit: bars,
# messages, subscriptions, tokens and logs of a running stage lie in these. S is the stack's name.
NEVER_REPLACED: dict[str, tuple[str, dict[str, str]]] = {
    "BucketsData941F65F0": ("AWS::S3::Bucket", {}),
    "BucketsResultsB59121EA": ("AWS::S3::Bucket", {}),
    "BoardTable8FA7246E": ("AWS::DynamoDB::Table", {"TableName": "S-board"}),
    "RepairQueue25D035F7": ("AWS::SQS::Queue", {"QueueName": "S-repair"}),
    "RepairDeadLetters8DEA5306": ("AWS::SQS::Queue", {"QueueName": "S-repair-dlq"}),
    "CaptureQueueF012A6B0": ("AWS::SQS::Queue", {"QueueName": "S-capture"}),
    "CaptureDeadLetters141072BF": ("AWS::SQS::Queue", {"QueueName": "S-capture-dlq"}),
    "ParametersSymbols8594A979": ("AWS::SSM::Parameter", {"Name": "/S/symbols"}),
    "ParametersVendorTokens15FCE2DB": ("AWS::SecretsManager::Secret", {"Name": "S/vendor-tokens"}),
    "AlarmTopic3247EDB7": ("AWS::SNS::Topic", {"TopicName": "S-alarms"}),
    "AlarmKeyBF0F1B70": ("AWS::KMS::Key", {}),
    "AthenaWorkgroup0523C8E5": ("AWS::Athena::WorkGroup", {"Name": "S"}),
    "CatalogDatabaseE63956BB": ("AWS::Glue::Database", {}),
    "CatalogBarsTable08863B85": ("AWS::Glue::Table", {}),
    "CatalogSessionsTableBDAA9B95": ("AWS::Glue::Table", {}),
    "CatalogSymbolsTableE94D221B": ("AWS::Glue::Table", {}),
    "CatalogAbsencesTable9201C0D0": ("AWS::Glue::Table", {}),
    "CatalogAnswersTable4C76D06A": ("AWS::Glue::Table", {}),
    "CatalogFailuresTable03D0CCDA": ("AWS::Glue::Table", {}),
    "CatalogHourlyTable2ED6E2BA": ("AWS::Glue::Table", {}),
    "AuditMachineF7E02BA8": ("AWS::StepFunctions::StateMachine", {"StateMachineName": "S-audit"}),
    "AuditLogsA35F3E1F": ("AWS::Logs::LogGroup", {"LogGroupName": "/aws/vendedlogs/states/S-audit"}),
    "FunctionsProcessRepairsFunction3C351260": ("AWS::Lambda::Function", {"FunctionName": "S-process-repairs"}),
    "FunctionsProcessRepairsLogs01B06EC1": ("AWS::Logs::LogGroup", {"LogGroupName": "/aws/lambda/S-process-repairs"}),
}

# What has a name of ours, and who calls it by that name. Everything else has CloudFormation's.
NAMED = {
    "AWS::Athena::WorkGroup": "people and dashboards query in it",
    "AWS::CloudWatch::Alarm": "it is what a person reads who is woken",
    "AWS::CloudWatch::Dashboard": "its address",
    "AWS::DynamoDB::Table": "running audits and workers use it: another name would replace it under them",
    "AWS::Glue::Database": "statements name it",
    "AWS::Glue::Table": "statements name it",
    "AWS::Lambda::Function": "executions in flight call it, and the commands of docs/only-on-aws.md",
    "AWS::Logs::LogGroup": "people read it by its name, and another would begin with no history",
    "AWS::SNS::Topic": "people subscribed to it",
    "AWS::SQS::Queue": "messages and dead letters lie in it",
    "AWS::SSM::Parameter": "people change it by its name",
    "AWS::SecretsManager::Secret": "people put tokens into it by its name",
    "AWS::Scheduler::ScheduleGroup": "the CDK names it, after the stack: it has to have a name",
    "AWS::StepFunctions::StateMachine": "the functions' roles name it before it is made",
}


@pytest.mark.parametrize("logical_id", sorted(NEVER_REPLACED))
def test_what_a_running_stage_needs_is_never_replaced(logical_id: str, body: Body, stage: StageSettings) -> None:
    kind, names = NEVER_REPLACED[logical_id]
    found = body["Resources"][logical_id]
    assert found["Type"] == kind
    for name, value in names.items():
        assert found["Properties"][name] == value.replace("S", stage.stack_name, 1)


def test_a_name_of_ours_has_its_reason(body: Body) -> None:
    keys = ("QueueName", "TableName", "TopicName", "BucketName", "RoleName", "LogGroupName", "StateMachineName")
    keys += ("FunctionName", "AlarmName", "DashboardName", "Name", "LayerName", "PolicyName", "ScheduleName")
    inner = ("TableInput", "DatabaseInput")
    named = set()
    for found in body["Resources"].values():
        properties = found["Properties"]
        for place in [properties, *(properties[key] for key in inner if key in properties)]:
            named |= {found["Type"] for key in keys if isinstance(place.get(key), str)}
    assert named - {"AWS::IAM::Policy"} == set(NAMED)  # the CDK names a role's own policy


def test_no_name_is_that_of_another_stage(synthesized: Synthesized) -> None:
    """Two stages, or a developer's own beside dev, live in one account."""
    first, second = (set(_names(synthesized.templates[name])) for name in ("dev", "prod"))
    assert first & second == {table["Name"] for table in _tables(synthesized.templates["dev"])}


def _names(body: Body) -> list[str]:
    keys = ("QueueName", "TableName", "TopicName", "LogGroupName", "StateMachineName", "FunctionName", "AlarmName")
    keys += ("DashboardName", "Name")
    found = [value for one in body["Resources"].values() for key, value in one["Properties"].items() if key in keys]
    found += [one["Properties"]["DatabaseInput"]["Name"] for one in _of(body, "AWS::Glue::Database")]
    return [*(name for name in found if isinstance(name, str)), *(table["Name"] for table in _tables(body))]


def _tables(body: Body) -> list[Body]:
    return [one["Properties"]["TableInput"] for one in _of(body, "AWS::Glue::Table")]


def _of(body: Body, kind: str) -> list[Body]:
    return [one for one in body["Resources"].values() if one["Type"] == kind]


def test_every_resource_names_its_concern(body: Body) -> None:
    """So that the bill can be read by them; what has no tags is listed above."""
    concerns = {concern.value for concern in Concern}
    seen = set()
    for name, found in body["Resources"].items():
        if found["Type"] in UNTAGGABLE:
            continue
        tags = {tag["Key"]: tag["Value"] for tag in _tags(found["Properties"])}
        assert tags.get(TAG) in concerns, f"{name} ({found['Type']}) says {tags.get(TAG)}"
        assert tags["app"] == "minutemend"
        seen.add(tags[TAG])
    assert seen == concerns


def _tags(properties: Body) -> list[dict[str, str]]:
    """As a list, which most types have, or from the mapping that some have."""
    tags = properties.get("Tags", [])
    return [{"Key": key, "Value": value} for key, value in tags.items()] if isinstance(tags, dict) else tags


def test_protected_stages_alone_are_protected_from_termination(synthesized: Synthesized) -> None:
    assert synthesized.protected == {name for name, stage in STAGES.items() if stage.protected}


def test_outputs_are_what_the_command_line_reads(template: Template, body: Body) -> None:
    for name in (
        *("DataBucket", "ResultsBucket", "Database", "Workgroup", "BoardTable", "RepairQueueUrl", "RepairDlqUrl"),
        *("CaptureQueueUrl", "CaptureDlqUrl", "AlarmTopicArn", "SymbolsParameter", "VendorSecret", "StateMachineArn"),
        "Dashboard",
    ):
        template.has_output(name, {})
    steps = {name for name in body["Outputs"] if name.endswith("Function")}
    assert steps == {
        "".join(word.capitalize() for word in handler.split("_")) + "Function" for handler in functions(body)
    }
