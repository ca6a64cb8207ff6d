"""What the steps share: how one is made, and what several are given and may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from aws_cdk import Duration, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from minutemend.contract import ATHENA_PREFIX, Env, Table, vendors_to_json

from infra.concerns import Concern
from infra.constructs.audit_machine import machine_arn
from infra.constructs.function import Function
from infra.constructs.grants import allow, keep_objects, write_objects
from infra.constructs.resources import Resources
from infra.rules import MARKET
from infra.settings import StageSettings


class Steps(Construct):
    """Makes the functions of a stage out of its settings and resources."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        resources: Resources,
        layers: list[lambda_.ILayerVersion],
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._resources, self._layers = settings, resources, layers
        market = resources.market_url or MARKET
        asked = [replace(vendor, url=market) if vendor.url == MARKET else vendor for vendor in settings.vendors]
        self._vendors = vendors_to_json(asked)

    def _function(
        self,
        handler: str,
        description: str,
        concern: Concern,
        *,
        timeout: Duration,
        memory: int,
        environment: Mapping[Env, str],
        consumes_what_it_sends: bool = False,
    ) -> Function:
        return Function(
            self,
            "".join(word.capitalize() for word in handler.split("_")),
            settings=self._settings,
            handler=handler,
            description=description,
            concern=concern,
            timeout=timeout,
            memory=memory,
            environment=environment,
            layers=self._layers,
            consumes_what_it_sends=consumes_what_it_sends,
        )

    def _buckets(self) -> dict[Env, str]:
        buckets = self._resources.buckets
        return {Env.DATA_BUCKET: buckets.data.bucket_name, Env.RESULTS_BUCKET: buckets.results.bucket_name}

    def _evidence(self) -> dict[Env, str]:
        return {Env.VENDORS: self._vendors, Env.PROOF_APART_SECONDS: seconds(self._settings.proof_apart)}

    def _board(self) -> dict[Env, str]:
        return {Env.BOARD_TABLE: self._resources.board.table.table_name}

    def _engine(self) -> dict[Env, str]:
        return {
            Env.DATABASE: self._resources.catalog.database,
            Env.WORKGROUP: self._resources.workgroup.name,
        }

    def _worker(self) -> dict[Env, str]:
        return self._board() | {
            Env.DATA_BUCKET: self._resources.buckets.data.bucket_name,
            Env.VENDORS: self._vendors,
            Env.VENDOR_SECRET: self._resources.vendor_tokens.secret_arn,
            Env.MAX_RECEIVES: str(self._settings.max_receives),
        }

    def _let_use_board(self, step: Function, *also: str) -> None:
        self._resources.board.table.grant(step.role, "dynamodb:UpdateItem", *also)

    def _let_query(self, step: Function, *tables: Table) -> None:
        lake = self._resources
        keep_objects(step, step.role, lake.buckets.results, ATHENA_PREFIX)
        allow(step.role, "s3:GetBucketLocation", on=[lake.buckets.data.bucket_arn, lake.buckets.results.bucket_arn])
        queries = ("StartQueryExecution", "GetQueryExecution", "GetQueryResults", "StopQueryExecution")
        allow(step.role, *(f"athena:{action}" for action in queries), on=[lake.workgroup.arn])
        allow(step.role, "glue:GetDatabase", on=lake.catalog.database_arns)
        allow(step.role, "glue:GetTable", on=lake.catalog.arns_of(*tables))

    def _let_resume(self, step: Function) -> None:
        allow(step.role, "states:SendTaskSuccess", on=[machine_arn(Stack.of(self), self._settings)])

    def _let_work(self, step: Function, *tables: Table) -> None:
        lake = self._resources
        write_objects(step, step.role, lake.buckets.data, *(f"{table.value}/" for table in tables))
        allow(step.role, "secretsmanager:GetSecretValue", on=[lake.vendor_tokens.secret_arn])


def seconds(span: timedelta) -> str:
    """A span as an environment variable has it."""
    return str(int(span.total_seconds()))
