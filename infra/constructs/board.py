"""The board: a DynamoDB table on which workers and the state machine leave word for one another."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.concerns import Concern, tag
from infra.settings import StageSettings


class Board(Construct):
    """`table`: key `pk`, rows expire by `expires`. All of it may be lost without losing a bar."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            table_name=f"{settings.stack_name}-board",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires",
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            # A board that stayed would have its name, and would block the next deploy of this stage.
            removal_policy=RemovalPolicy.DESTROY,
        )
        tag(self, Concern.REPAIR)
