"""One step as a Lambda function: its own role, timeout, memory, log group and traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import Duration, IgnoreMode, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct
from minutemend.contract import NAMESPACE, Env

from infra.concerns import Concern, tag
from infra.constructs.grants import acknowledge, acknowledge_wildcard
from infra.constructs.log_retention import RETENTION
from infra.settings import StageSettings

HANDLERS = Path(__file__).resolve().parents[2] / "runtime" / "handlers"


class Function(Construct):
    """`function`, `role` and `handler`, its name. `environment` holds what this step needs, and no more."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        handler: str,
        description: str,
        concern: Concern,
        timeout: Duration,
        memory: int,
        environment: Mapping[Env, str],
        layers: Sequence[lambda_.ILayerVersion],
        consumes_what_it_sends: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        self.handler, self.memory = handler, memory
        name = f"{settings.stack_name}-{handler.replace('_', '-')}"
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=RETENTION[settings.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {name} may do",
        )
        log_group.grant_write(self.role)
        acknowledge_wildcard(
            self,
            log_group.log_group_arn,
            reason="the ARN of a log group ends in :*, its streams; this is the function's own log group",
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=description,
            code=lambda_.Code.from_asset(str(HANDLERS), exclude=["*", "!*.py"], ignore_mode=IgnoreMode.GIT),
            handler=f"{handler}.handler",
            runtime=lambda_.Runtime(f"python{settings.python}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.custom(settings.architecture),
            timeout=timeout,
            memory_size=memory,
            role=self.role,
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            layers=list(layers),
            environment=_environment(settings, environment, service=handler),
            # A postponed job is sent back to the queue it came from: without leave, Lambda takes that for a runaway
            # loop and stops it after some sixteen rounds.
            recursive_loop=lambda_.RecursiveLoop.ALLOW if consumes_what_it_sends else None,
        )
        acknowledge_wildcard(self, "*", reason="X-Ray's Put actions know no resources")
        newest = f"Python {settings.python}: the newest runtime for which the layer's libraries are tested"
        acknowledge(self.function, "L1", reason=newest)
        tag(self, concern)


def _environment(settings: StageSettings, environment: Mapping[Env, str], *, service: str) -> dict[str, str]:
    powertools = {
        "POWERTOOLS_SERVICE_NAME": service,
        "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    return powertools | {Env.STAGE.value: settings.name} | {key.value: value for key, value in environment.items()}
