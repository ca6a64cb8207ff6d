"""The eight steps: what each is given, and what each may do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from aws_cdk import Duration, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from minutemend.contract import ATHENA_PREFIX, AUDITS_PREFIX, SESSIONS_KEY, SYMBOLS_KEY, Env, Table

from infra.concerns import Concern
from infra.constructs.audit_machine import machine_arn
from infra.constructs.function import Function
from infra.constructs.grants import allow, read_objects, replace_objects, write_objects
from infra.settings import StageSettings
from infra.stacks.resources import Resources

RETIRED, ANNOUNCED = "retired/", "announced/"  # compaction's and publish's own prefixes in the data bucket


class Functions(Construct):
    """One function per step, by the names of their handlers."""

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
        self._vendors = json.dumps(
            [
                {
                    "name": vendor.name,
                    "url": vendor.url,
                    "per_minute": vendor.per_minute,
                    **({"per_second": vendor.per_second} if vendor.per_second else {}),
                    "timeout_seconds": vendor.timeout.total_seconds(),
                    "symbols": vendor.symbols,
                }
                for vendor in settings.vendors
            ]
        )
        self.check_data_health = self._check_data_health()
        self.queue_repairs = self._queue_repairs()
        self.await_repairs = self._await_repairs()
        self.process_repairs = self._process_repairs()
        self.publish_hours = self._publish_hours()
        self.report_failure = self._report_failure()
        self.request_captures = self._request_captures()
        self.capture_bars = self._capture_bars()

    @property
    def by_name(self) -> dict[str, Function]:
        """Every function under its handler's name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Function)}

    def _check_data_health(self) -> Function:
        lake, stage = self._resources, self._settings
        step = self._function(
            "check_data_health",
            "Which expected minutes are missing, and what comes next",
            Concern.AUDIT,
            timeout=Duration.minutes(10),
            memory=2048,
            environment=self._buckets()
            | self._evidence()
            | {
                Env.DATABASE: lake.catalog.database,
                Env.WORKGROUP: lake.workgroup.name,
                Env.SYMBOLS_PARAMETER: lake.symbols.parameter_name,
                Env.CADENCE_MINUTES: self._cadence,
                Env.SETTLING_DELAY_SECONDS: _seconds(stage.settling_delay),
                Env.SWEEP_DAYS: str(stage.sweep_days),
            },
        )
        read_objects(step, step.role, lake.buckets.data, "")
        write_objects(step, step.role, lake.buckets.data, f"{Table.ABSENCES.value}/", SESSIONS_KEY, SYMBOLS_KEY)
        write_objects(step, step.role, lake.buckets.results, ATHENA_PREFIX, AUDITS_PREFIX)
        allow(step.role, "s3:GetBucketLocation", on=[lake.buckets.data.bucket_arn, lake.buckets.results.bucket_arn])
        queries = ("StartQueryExecution", "GetQueryExecution", "GetQueryResults", "StopQueryExecution")
        allow(step.role, *(f"athena:{action}" for action in queries), on=[lake.workgroup.arn])
        allow(step.role, "glue:GetDatabase", "glue:GetTable", "glue:GetPartitions", on=lake.catalog.arns)
        allow(step.role, "ssm:GetParameter", on=[lake.symbols.parameter_arn])
        return step

    def _queue_repairs(self) -> Function:
        lake = self._resources
        step = self._function(
            "queue_repairs",
            "Gaps become vendor requests, requests become jobs",
            Concern.REPAIR,
            timeout=Duration.minutes(2),
            memory=512,
            environment=self._evidence()
            | self._board()
            | {
                Env.RESULTS_BUCKET: lake.buckets.results.bucket_name,
                Env.REPAIR_QUEUE_URL: lake.repair.queue.queue_url,
            },
        )
        write_objects(step, step.role, lake.buckets.results, AUDITS_PREFIX)
        self._let_use_board(step)
        allow(step.role, "sqs:SendMessage", on=[lake.repair.queue.queue_arn])
        return step

    def _await_repairs(self) -> Function:
        step = self._function(
            "await_repairs",
            "Leaves the state machine's token where the last worker finds it",
            Concern.REPAIR,
            timeout=Duration.seconds(30),
            memory=256,
            environment=self._board(),
        )
        self._let_use_board(step)
        self._let_resume(step)
        return step

    def _process_repairs(self) -> Function:
        lake, stage = self._resources, self._settings
        step = self._function(
            "process_repairs",
            "One vendor request a job: ask, validate, write, settle",
            Concern.REPAIR,
            timeout=Duration.seconds(int(stage.worker_timeout.total_seconds())),
            memory=1024,
            environment=self._worker()
            | {
                Env.REPAIR_QUEUE_URL: lake.repair.queue.queue_url,
                Env.REPAIR_DLQ_URL: lake.repair.dead_letters.queue_url,
            },
            consumes_what_it_sends=True,
        )
        self._let_work(step)
        allow(step.role, "sqs:SendMessage", on=[lake.repair.queue.queue_arn, lake.repair.dead_letters.queue_arn])
        self._let_resume(step)
        lake.repair.feed(step.function)
        return step

    def _publish_hours(self) -> Function:
        lake, stage = self._resources, self._settings
        bus = Stack.of(self).format_arn(service="events", resource="event-bus", resource_name="default")
        step = self._function(
            "publish_hours",
            "Compacts the range, makes its hourly facts, says that it is ready",
            Concern.PUBLISH,
            timeout=Duration.minutes(10),
            memory=2048,
            environment=self._buckets()
            | {
                Env.RETIRE_AFTER_SECONDS: _seconds(stage.retire_after),
                Env.CADENCE_MINUTES: self._cadence,
                Env.EVENT_BUS: "default",
            },
        )
        read_objects(step, step.role, lake.buckets.data, "")
        replace_objects(step, step.role, lake.buckets.data, f"{Table.BARS.value}/", f"{Table.HOURLY.value}/", RETIRED)
        write_objects(step, step.role, lake.buckets.data, ANNOUNCED)
        write_objects(step, step.role, lake.buckets.results, AUDITS_PREFIX)
        allow(step.role, "events:PutEvents", on=[bus])
        return step

    def _report_failure(self) -> Function:
        lake = self._resources
        step = self._function(
            "report_failure",
            "Writes what could not be repaired and tells a person",
            Concern.AUDIT,
            timeout=Duration.minutes(2),
            memory=512,
            environment=self._buckets() | {Env.ALARM_TOPIC_ARN: lake.alarm_topic.topic.topic_arn},
        )
        read_objects(step, step.role, lake.buckets.data, f"{Table.ANSWERS.value}/")
        write_objects(step, step.role, lake.buckets.data, f"{Table.FAILURES.value}/")
        write_objects(step, step.role, lake.buckets.results, AUDITS_PREFIX)
        lake.alarm_topic.let_publish(step.role)
        return step

    def _request_captures(self) -> Function:
        lake, stage = self._resources, self._settings
        flaw: dict[Env, str] = {}
        if stage.flaw:
            flaw = {Env.FLAW_RATE: str(stage.flaw.rate), Env.FLAW_SEED: str(stage.flaw.seed)}
        step = self._function(
            "request_captures",
            "Asks for the bars of the minute that is due, inside sessions",
            Concern.CAPTURE,
            timeout=Duration.seconds(30),
            memory=512,
            environment={
                Env.DATA_BUCKET: lake.buckets.data.bucket_name,
                Env.SYMBOLS_PARAMETER: lake.symbols.parameter_name,
                Env.CAPTURE_QUEUE_URL: lake.capture.queue.queue_url,
                Env.SETTLING_DELAY_SECONDS: _seconds(stage.settling_delay),
                Env.CADENCE_MINUTES: self._cadence,
                Env.VENDORS: self._vendors,
            }
            | flaw,
        )
        write_objects(step, step.role, lake.buckets.data, SESSIONS_KEY, SYMBOLS_KEY)
        allow(step.role, "ssm:GetParameter", on=[lake.symbols.parameter_arn])
        allow(step.role, "sqs:SendMessage", on=[lake.capture.queue.queue_arn])
        return step

    def _capture_bars(self) -> Function:
        lake, stage = self._resources, self._settings
        step = self._function(
            "capture_bars",
            "Fetches and writes the bars of a minute, by the path that repairs take",
            Concern.CAPTURE,
            timeout=Duration.seconds(int(stage.worker_timeout.total_seconds())),
            memory=1024,
            environment=self._worker()
            | {
                Env.CAPTURE_QUEUE_URL: lake.capture.queue.queue_url,
                Env.CAPTURE_DLQ_URL: lake.capture.dead_letters.queue_url,
            },
            consumes_what_it_sends=True,
        )
        self._let_work(step)
        allow(step.role, "sqs:SendMessage", on=[lake.capture.queue.queue_arn, lake.capture.dead_letters.queue_arn])
        lake.capture.feed(step.function)
        return step

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

    @property
    def _cadence(self) -> str:
        return str(int(self._settings.cadence.total_seconds()) // 60)

    def _buckets(self) -> dict[Env, str]:
        buckets = self._resources.buckets
        return {Env.DATA_BUCKET: buckets.data.bucket_name, Env.RESULTS_BUCKET: buckets.results.bucket_name}

    def _evidence(self) -> dict[Env, str]:
        return {Env.VENDORS: self._vendors, Env.PROOF_APART_SECONDS: _seconds(self._settings.proof_apart)}

    def _board(self) -> dict[Env, str]:
        return {Env.BOARD_TABLE: self._resources.board.table.table_name}

    def _worker(self) -> dict[Env, str]:
        return self._board() | {
            Env.DATA_BUCKET: self._resources.buckets.data.bucket_name,
            Env.VENDORS: self._vendors,
            Env.VENDOR_SECRET: self._resources.vendor_tokens.secret_arn,
            Env.MAX_RECEIVES: str(self._settings.max_receives),
        }

    def _let_use_board(self, step: Function) -> None:
        allow(step.role, "dynamodb:GetItem", "dynamodb:UpdateItem", on=[self._resources.board.table.table_arn])

    def _let_resume(self, step: Function) -> None:
        allow(step.role, "states:SendTaskSuccess", on=[machine_arn(Stack.of(self), self._settings)])

    def _let_work(self, step: Function) -> None:
        lake = self._resources
        write_objects(step, step.role, lake.buckets.data, f"{Table.BARS.value}/", f"{Table.ANSWERS.value}/")
        self._let_use_board(step)
        allow(step.role, "secretsmanager:GetSecretValue", on=[lake.vendor_tokens.secret_arn])


def _seconds(span: timedelta) -> str:
    return str(int(span.total_seconds()))
