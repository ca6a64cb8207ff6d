"""The board on which workers and the state machine leave word."""

from __future__ import annotations

from aws_cdk.assertions import Match, Template


def test_it_is_encrypted_backed_up_and_forgets(template: Template) -> None:
    template.resource_properties_count_is(
        "AWS::DynamoDB::Table",
        {
            "SSESpecification": {"SSEEnabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
            "BillingMode": "PAY_PER_REQUEST",
        },
        1,
    )


def test_it_goes_with_the_stack(template: Template) -> None:
    """All of it may be lost without losing a bar; what stayed would block the next deploy by its name."""
    template.has_resource(
        "AWS::DynamoDB::Table",
        {"DeletionPolicy": "Delete", "Properties": {"DeletionProtectionEnabled": Match.absent()}},
    )
