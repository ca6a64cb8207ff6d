"""The topic at which a person is told."""

from __future__ import annotations

from aws_cdk.assertions import Match, Template

from infra.settings import StageSettings

CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}
OURS = {  # alarms of this account whose names begin with the stack's
    "StringEquals": {"aws:SourceAccount": Match.any_value()},
    "ArnLike": {"aws:SourceArn": Match.any_value()},
}


USES_IT = Match.array_with(["kms:Decrypt", "kms:GenerateDataKey"])


def statement(**parts: object) -> Match:
    return Match.array_with([Match.object_like(parts)])


def test_it_is_encrypted_with_a_key_of_its_own_that_cloudwatch_may_use(template: Template) -> None:
    """With the account's own SNS key an alarm would fall silent."""
    template.resource_properties_count_is("AWS::SNS::Topic", {"KmsMasterKeyId": Match.any_value()}, 1)
    template.has_resource_properties(
        "AWS::KMS::Key",
        {
            "EnableKeyRotation": True,
            "KeyPolicy": {
                "Statement": statement(
                    Effect="Allow",
                    Principal=CLOUDWATCH,
                    Action=USES_IT,
                )
            },
        },
    )


def test_it_is_tls_only_and_cloudwatch_may_publish(template: Template) -> None:
    template.has_resource_properties(
        "AWS::SNS::TopicPolicy",
        {
            "PolicyDocument": {
                "Statement": statement(Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})
            }
        },
    )
    template.has_resource_properties(
        "AWS::SNS::TopicPolicy",
        {
            "PolicyDocument": {
                "Statement": statement(Effect="Allow", Principal=CLOUDWATCH, Action="sns:Publish", Condition=OURS)
            }
        },
    )


def test_a_protected_stage_has_a_subscriber(template: Template, stage: StageSettings) -> None:
    """Whom the settings name."""
    template.resource_count_is("AWS::SNS::Subscription", len(stage.alarm_emails))
    for email in stage.alarm_emails:
        template.has_resource_properties("AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": email})
    assert stage.alarm_emails or not stage.protected
