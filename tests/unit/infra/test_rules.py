"""What must never change in a template, whatever a snapshot says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from minutemend.contract import COLUMNS, UNPARTITIONED, Table

from infra.concerns import TAG, Concern
from tests.unit.infra.conftest import Synthesized, Template, functions, resources

# CloudFormation knows no tags for these, and none of them costs anything.
UNTAGGABLE = {
    "AWS::CloudWatch::Dashboard",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::Policy",
    "AWS::Lambda::LayerVersion",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",
}


def attribute(name: str, key: str) -> Template:
    return {"Fn::GetAtt": [name, key]}


def test_buckets_are_private_encrypted_and_tls_only(template: Template) -> None:
    buckets = resources(template, "AWS::S3::Bucket")
    policies = resources(template, "AWS::S3::BucketPolicy")
    assert len(buckets) == 2
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]
        [policy] = [found for found in policies.values() if found["Bucket"] == {"Ref": name}]
        denied = [found["Condition"] for found in policy["PolicyDocument"]["Statement"] if found["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in denied


def test_everything_in_the_results_bucket_expires_and_nothing_in_the_data_bucket(template: Template) -> None:
    """Of the data bucket only versions that were replaced go away."""
    buckets = resources(template, "AWS::S3::Bucket")
    rules = {name: bucket["LifecycleConfiguration"]["Rules"] for name, bucket in buckets.items()}
    [results] = [found for name, found in rules.items() if "Results" in name]
    [data] = [found for name, found in rules.items() if "Data" in name]
    assert [rule["Status"] for rule in results if rule.get("ExpirationInDays") and "Prefix" not in rule] == ["Enabled"]
    assert not any("ExpirationInDays" in rule for rule in data)


def test_buckets_outlive_the_stack(template: Template) -> None:
    kept = [found for found in template["Resources"].values() if found["Type"] == "AWS::S3::Bucket"]
    assert {found["DeletionPolicy"] for found in kept} == {"Retain"}


def test_a_message_is_invisible_for_six_timeouts_of_its_worker(template: Template) -> None:
    """AWS's own advice: fewer, and a message comes again while its first worker is still at it."""
    queues = resources(template, "AWS::SQS::Queue")
    workers = {found["FunctionName"]: found for found in resources(template, "AWS::Lambda::Function").values()}
    mappings = resources(template, "AWS::Lambda::EventSourceMapping")
    assert len(mappings) == 2
    for mapping in mappings.values():
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
        name = template["Resources"][mapping["FunctionName"]["Ref"]]["Properties"]["FunctionName"]
        assert queue["VisibilityTimeout"] >= 6 * workers[name]["Timeout"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 10
        assert workers[name]["RecursiveLoop"] == "Allow"  # or Lambda stops postponed jobs as a runaway loop


def test_every_queue_has_dead_letters_or_is_a_dead_letter_queue(template: Template) -> None:
    queues = resources(template, "AWS::SQS::Queue")
    targets = {
        found["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]: found["RedrivePolicy"]["maxReceiveCount"]
        for found in queues.values()
        if "RedrivePolicy" in found
    }
    assert len(targets) == 2
    assert set(queues) - set(targets) == {name for name, found in queues.items() if "RedrivePolicy" in found}
    assert all(3 <= receives <= 10 for receives in targets.values())


def test_queues_and_topic_are_encrypted_and_tls_only(template: Template) -> None:
    queues = resources(template, "AWS::SQS::Queue")
    assert all(found["SqsManagedSseEnabled"] for found in queues.values())
    policies = [
        *resources(template, "AWS::SQS::QueuePolicy").values(),
        *resources(template, "AWS::SNS::TopicPolicy").values(),
    ]
    assert len(policies) == len(queues) + 1
    for policy in policies:
        statements = policy["PolicyDocument"]["Statement"]
        assert any(found.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}} for found in statements)
    [topic] = resources(template, "AWS::SNS::Topic").values()
    assert topic["KmsMasterKeyId"]


def test_the_topics_key_may_be_used_by_cloudwatch(template: Template) -> None:
    """With the account's own SNS key an alarm would fall silent."""
    [key] = resources(template, "AWS::KMS::Key").values()
    assert key["EnableKeyRotation"]
    principals = [found["Principal"] for found in key["KeyPolicy"]["Statement"]]
    assert {"Service": "cloudwatch.amazonaws.com"} in principals


def test_the_board_is_encrypted_backed_up_and_forgets(template: Template) -> None:
    [board] = resources(template, "AWS::DynamoDB::Table").values()
    assert board["SSESpecification"] == {"SSEEnabled": True}
    assert board["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert board["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert board["BillingMode"] == "PAY_PER_REQUEST"


def test_the_workgroup_enforces_its_settings(template: Template) -> None:
    [group] = resources(template, "AWS::Athena::WorkGroup").values()
    configuration = group["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"]
    assert configuration["EngineVersion"] == {"SelectedEngineVersion": "Athena engine version 3"}
    assert configuration["BytesScannedCutoffPerQuery"] >= 10 * 1024**2  # Athena takes no less
    assert configuration["ResultConfiguration"]["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}


def test_every_table_of_the_contract_is_there_and_partitions_are_projected(template: Template) -> None:
    tables = {
        found["TableInput"]["Name"]: found["TableInput"] for found in resources(template, "AWS::Glue::Table").values()
    }
    assert set(tables) == {table.value for table in Table}
    for table in Table:
        found = tables[table.value]
        columns = [(column["Name"], column["Type"]) for column in found["StorageDescriptor"]["Columns"]]
        assert columns == list(COLUMNS[table])
        assert (found["Parameters"].get("projection.enabled") == "true") is (table not in UNPARTITIONED)
        assert [key["Name"] for key in found["PartitionKeys"]] == ([] if table in UNPARTITIONED else ["dt"])


def test_every_function_has_a_role_timeout_memory_log_and_traces_of_its_own(template: Template) -> None:
    found = functions(template)
    assert len(found) == len(resources(template, "AWS::Lambda::Function")) == 8
    roles = {json.dumps(function["Role"]) for function in found.values()}
    logs = {json.dumps(function["LoggingConfig"]["LogGroup"]) for function in found.values()}
    assert len(roles) == len(logs) == len(found)
    for function in found.values():
        assert 0 < function["Timeout"] <= 900
        assert function["MemorySize"] >= 256
        assert function["TracingConfig"] == {"Mode": "Active"}


def test_every_log_group_forgets(template: Template) -> None:
    groups = resources(template, "AWS::Logs::LogGroup")
    assert len(groups) == 9  # the functions' and the state machine's
    assert all(found["RetentionInDays"] for found in groups.values())


def test_no_policy_of_aws_is_attached(template: Template) -> None:
    """They grant more than any step needs; cdk-nag sees to the wildcards of our own."""
    assert not any(found.get("ManagedPolicyArns") for found in resources(template, "AWS::IAM::Role").values())


def test_no_action_is_a_wildcard(template: Template) -> None:
    statements = [
        statement
        for policy in resources(template, "AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    actions = {action for statement in statements for action in _listed(statement["Action"])}
    assert actions
    assert not [action for action in actions if "*" in action]


def test_who_reads_objects_is_told_when_one_is_missing(template: Template) -> None:
    """S3 says 404 only to those who may list, and a read carries no prefix: the emulator cannot show this."""
    conditions = [
        statement["Condition"]
        for policy in resources(template, "AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if "s3:ListBucket" in _listed(statement["Action"])
    ]
    assert conditions
    assert {key for condition in conditions for key in condition} == {"StringLikeIfExists"}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_secrets_value_is_in_no_template(template: Template) -> None:
    [secret] = resources(template, "AWS::SecretsManager::Secret").values()
    assert "SecretString" not in secret
    assert secret["GenerateSecretString"]["SecretStringTemplate"] == "{}"
    assert "resolve:secretsmanager" not in json.dumps(template)


def test_every_resource_names_its_concern(template: Template) -> None:
    """So that the bill can be read by them; what has no tags is listed above."""
    concerns = {concern.value for concern in Concern}
    seen = set()
    for name, found in template["Resources"].items():
        if found["Type"] in UNTAGGABLE:
            continue
        tags = {tag["Key"]: tag["Value"] for tag in _tags(found["Properties"])}
        assert tags.get(TAG) in concerns, f"{name} ({found['Type']}) says {tags.get(TAG)}"
        assert tags["app"] == "minutemend"
        seen.add(tags[TAG])
    assert seen == concerns


def _tags(properties: Template) -> list[dict[str, str]]:
    """As a list, which most types have, or from the mapping that some have."""
    tags = properties.get("Tags", [])
    return [{"Key": key, "Value": value} for key, value in tags.items()] if isinstance(tags, dict) else tags


def test_prod_is_protected_and_dev_is_not(synthesized: Synthesized) -> None:
    [prod] = [
        found
        for found in synthesized.templates["prod"]["Resources"].values()
        if found["Type"] == "AWS::DynamoDB::Table"
    ]
    [dev] = [
        found for found in synthesized.templates["dev"]["Resources"].values() if found["Type"] == "AWS::DynamoDB::Table"
    ]
    assert synthesized.protected == {"prod"}
    assert prod["Properties"]["DeletionProtectionEnabled"]
    assert prod["DeletionPolicy"] == "Retain"
    assert not dev["Properties"]["DeletionProtectionEnabled"]


def test_the_flaw_is_in_devs_template_alone(synthesized: Synthesized) -> None:
    assert "FLAW_RATE" in json.dumps(synthesized.templates["dev"])
    assert "FLAW_" not in json.dumps(synthesized.templates["prod"])


def test_both_schedules_and_the_capture_are_in_both_templates_in_utc(template: Template) -> None:
    schedules = resources(template, "AWS::Scheduler::Schedule")
    said = {found["ScheduleExpression"]: found for found in schedules.values()}
    assert set(said) == {"cron(* * * * ? *)", "cron(5 * * * ? *)", "cron(40 3 * * ? *)"}
    for found in said.values():
        assert found["ScheduleExpressionTimezone"] == "Etc/UTC"
        assert json.loads(found["Target"]["Input"])["scheduled_at"] == "<aws.scheduler.scheduled-time>"
    assert json.loads(said["cron(40 3 * * ? *)"]["Target"]["Input"])["sweep"] is True


@pytest.mark.parametrize(("stage", "state"), [("dev", "DISABLED"), ("prod", "ENABLED")])
def test_schedules_run_where_the_settings_say_so(stage: str, state: str, synthesized: Synthesized) -> None:
    schedules = resources(synthesized.templates[stage], "AWS::Scheduler::Schedule")
    assert {found["State"] for found in schedules.values()} == {state}


def test_outputs_are_what_the_command_line_reads(template: Template) -> None:
    names = set(template["Outputs"])
    assert names >= {
        *("DataBucket", "ResultsBucket", "Database", "Workgroup", "BoardTable", "RepairQueueUrl", "RepairDlqUrl"),
        *("CaptureQueueUrl", "CaptureDlqUrl", "AlarmTopicArn", "SymbolsParameter", "VendorSecret", "StateMachineArn"),
        "Dashboard",
    }
    steps = {name for name in names if name.endswith("Function")}
    assert steps == {
        "".join(word.capitalize() for word in handler.split("_")) + "Function" for handler in functions(template)
    }
