"""The market simulator of a stage: a vendor that makes bars up, so that a stage heals without a vendor's token."""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import (
    Annotations,
    AssetHashType,
    CfnOutput,
    Duration,
    Environment,
    Fn,
    RemovalPolicy,
    Stack,
    Tags,
)
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.concerns import Concern, tag
from infra.constructs.grants import acknowledge, allow, allow_wildcard
from infra.market_code import market_code
from infra.rules import UnsafeSettings
from infra.settings import StageSettings


class MarketStack(Stack):
    """`minutemend-<stage>-market`: `url`, where it answers as the vendor does, and `tokens_arn`, its secret.

    All of it may be deleted at any time: nothing in it is worth keeping, and idle it costs nothing but the
    secret ($0.40 a month). Raises UnsafeSettings for a protected stage.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        if settings.protected:
            raise UnsafeSettings(f"{settings.name}: the market simulator makes bars up, never for a protected stage")
        super().__init__(
            scope,
            construct_id,
            env=Environment(account=settings.account, region=settings.region),
            description=f"minutemend, the market simulator of stage {settings.name}: made-up bars, disposable",
        )
        tokens, table = self._tokens(), self._table()
        function = self._function(settings, table, tokens)
        # No IAM on the URL: the workers ask it as they ask a vendor, with the token, which the code checks before it
        # does anything. It gives made-up bars and takes no orders: those come by lambda:InvokeFunction alone.
        host = Fn.select(2, Fn.split("/", function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE).url))
        url = f"https://{host}"
        if settings.emulated:  # local AWS gives out the address that AWS would, and answers below its own
            url = f"{settings.endpoint}/_aws/lambda-url/{Fn.select(0, Fn.split('.', host))}"
        outputs = {
            "MarketUrl": url,
            "MarketTokens": tokens.secret_arn,
            "MarketFunction": function.function_name,
            "MarketTable": table.table_name,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
        # Read from the outputs, so that the stack may be destroyed while the stage stands.
        self.url, self.tokens_arn = (Fn.get_stack_output(construct_id, name) for name in ("MarketUrl", "MarketTokens"))
        tag(self, Concern.OPERATE)
        for key, value in {"app": "minutemend", "stage": settings.name, **settings.tags}.items():
            Tags.of(self).add(key, value)

    def _tokens(self) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            "Tokens",
            description="The token that the market simulator expects, as in a stage's vendor secret",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",  # noqa: S106 (the empty object, not a secret)
                generate_string_key="finnhub",
                exclude_punctuation=True,
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(secret, "SMG4", reason="it opens nothing but made-up bars; a new one comes with a new stack")
        return secret

    def _table(self) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "State",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires",
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            removal_policy=RemovalPolicy.DESTROY,
        )
        reason = "faults, counts and replayed bars of a simulator: what is lost is ordered again"
        acknowledge(table, "DDB3", reason=reason)
        return table

    def _function(
        self, settings: StageSettings, table: dynamodb.Table, tokens: secretsmanager.Secret
    ) -> lambda_.Function:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_WEEK, removal_policy=RemovalPolicy.DESTROY
        )
        allow_wildcard(
            self,
            role,
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            on=log_group.log_group_arn,
            reason="the ARN of a log group ends in :*, its streams; this is the function's own log group",
        )
        allow(role, "dynamodb:GetItem", "dynamodb:UpdateItem", on=[table.table_arn])
        allow(role, "secretsmanager:GetSecretValue", on=[tokens.secret_arn])
        built = market_code(settings.calendars)
        if not built.exists():  # the template is the same without it; the CDK deploys no stack with an error
            Annotations.of(self).add_error("The market's function is not built: `make layers` would do.")
        function = lambda_.Function(
            self,
            "Function",
            description="Answers as the vendors do, with made-up bars; fails when it is told to",
            code=lambda_.Code.from_asset(
                str(built if built.exists() else Path(__file__).parent),
                asset_hash=built.name,
                asset_hash_type=AssetHashType.CUSTOM,
            ),
            handler="market.handler.handler",
            runtime=lambda_.Runtime(f"python{settings.python}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.custom(settings.architecture),
            timeout=Duration.seconds(30),
            memory_size=512,
            role=role,
            log_group=log_group,
            environment={
                "MARKET_TABLE": table.table_name,
                "MARKET_SECRET": tokens.secret_arn,
                "MARKET_SYMBOLS": json.dumps(settings.symbols),
            },
        )
        acknowledge(function, "L1", reason=f"Python {settings.python}: the runtime of the stage's own functions")
        return function
