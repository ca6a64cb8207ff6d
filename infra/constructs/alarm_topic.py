"""Where a person is told."""

from __future__ import annotations

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.concerns import Concern, tag
from infra.constructs.grants import allow
from infra.settings import StageSettings


class AlarmTopic(Construct):
    """`topic`: TLS only, encrypted with a key of its own, because CloudWatch may not use the account's SNS key."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        self._key = kms.Key(
            self,
            "Key",
            description=f"The alarm topic of {settings.stack_name}",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,  # it guards messages in flight and nothing that is kept
        )
        stack = Stack.of(self)
        alarms = stack.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=f"{settings.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        cloudwatch = iam.ServicePrincipal(
            "cloudwatch.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": alarms}},
        )
        self._key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[cloudwatch],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in a key's own policy `*` is that key
            )
        )
        self.topic = sns.Topic(
            self,
            "Topic",
            topic_name=f"{settings.stack_name}-alarms",
            display_name=f"minutemend {settings.name}",
            master_key=self._key,
            enforce_ssl=True,
        )
        # Not `grant_publish`, which would open the key once more, and wider.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(principals=[cloudwatch], actions=["sns:Publish"], resources=[self.topic.topic_arn])
        )
        for email in settings.alarm_emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        tag(self, Concern.OPERATE)

    def let_publish(self, role: iam.IRole) -> None:
        """Let a function tell somebody."""
        allow(role, "sns:Publish", on=[self.topic.topic_arn])
        allow(role, "kms:Decrypt", "kms:GenerateDataKey", on=[self._key.key_arn])
