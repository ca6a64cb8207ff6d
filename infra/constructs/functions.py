"""The ten steps: what each is given, and what each may do."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from minutemend.contract import (
    ATHENA_PREFIX,
    AUDITS_PREFIX,
    BACKFILLS_PREFIX,
    INTEREST_KEYS,
    READS,
    RECHECKS_KEY,
    SETTINGS_PREFIX,
    Table,
)

from infra.concerns import Concern
from infra.constructs.audit_machine import machine_name
from infra.constructs.environment import variables
from infra.constructs.function import Function
from infra.constructs.grants import (
    allow,
    delete_objects,
    find_objects,
    keep_objects,
    read_objects,
    states_arn,
    write_objects,
)
from infra.constructs.resources import Resources
from infra.rules import LONGEST_QUERY
from infra.settings import StageSettings

RETIRED, ANNOUNCED = "retired/", "announced/"  # compaction's and publish's own prefixes in the data bucket
DECIDED = f"{SETTINGS_PREFIX}revisions/"


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
        self._variables = variables(settings, resources)
        self.check_data_health = self._check_data_health()
        self.queue_repairs = self._queue_repairs()
        self.await_repairs = self._await_repairs()
        self.process_repairs = self._process_repairs()
        self.publish_hours = self._publish_hours()
        self.report_failure = self._report_failure()
        self.request_captures = self._request_captures()
        self.capture_bars = self._capture_bars()
        self.review_values = self._review_values()
        self.request_rechecks = self._request_rechecks()
        self.all = tuple(step for step in self.node.children if isinstance(step, Function))

    def _check_data_health(self) -> Function:
        lake = self._resources
        step = self._function(
            "check_data_health",
            "Which expected minutes are missing, and what comes next",
            Concern.AUDIT,
            timeout=Duration.seconds(int(LONGEST_QUERY.total_seconds())),
            memory=2048,
        )
        find_objects(step, step.role, lake.buckets.data, "")
        proofs = (f"{table.value}/" for table in (Table.ABSENCES, Table.REVOCATIONS))
        write_objects(step, step.role, lake.buckets.data, *proofs, *INTEREST_KEYS)
        keep_objects(step, step.role, lake.buckets.results, AUDITS_PREFIX)
        self._let_query(step, Table.BARS, Table.HOURS, Table.SYMBOLS)
        allow(step.role, "ssm:GetParameter", on=[lake.symbols.parameter_arn])
        lake.board.table.grant(step.role, "dynamodb:GetItem")
        return step

    def _queue_repairs(self) -> Function:
        lake = self._resources
        step = self._function(
            "queue_repairs",
            "Gaps become vendor requests, requests become jobs",
            Concern.REPAIR,
            timeout=Duration.minutes(2),
            memory=512,
        )
        read_objects(step, step.role, lake.buckets.results, AUDITS_PREFIX)
        self._let_use_board(step)
        lake.repair.queue.grant(step.role, "sqs:SendMessage")
        return step

    def _await_repairs(self) -> Function:
        step = self._function(
            "await_repairs",
            "Leaves the state machine's token where the last worker finds it",
            Concern.REPAIR,
            timeout=Duration.seconds(30),
            memory=256,
        )
        self._let_use_board(step, "dynamodb:GetItem")
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
            consumes_what_it_sends=True,
        )
        self._let_work(step, Table.BARS, Table.LOOKS, Table.ANSWERS)
        self._let_use_board(step, "dynamodb:GetItem")
        for queue in (lake.repair.queue, lake.repair.dead_letters):
            queue.grant(step.role, "sqs:SendMessage")
        self._let_resume(step)
        lake.repair.feed(step.function)
        return step

    def _publish_hours(self) -> Function:
        lake = self._resources
        step = self._function(
            "publish_hours",
            "Compacts the range, makes its hourly facts, says that it is ready",
            Concern.PUBLISH,
            timeout=Duration.minutes(10),
            memory=2048,
        )
        bars, answers, facts = (f"{table.value}/" for table in (Table.BARS, Table.ANSWERS, Table.HOURLY))
        find_objects(step, step.role, lake.buckets.data, "")
        lost = f"{Table.SUPERSEDED.value}/"
        write_objects(step, step.role, lake.buckets.data, bars, answers, lost, facts, RETIRED, ANNOUNCED)
        delete_objects(step, step.role, lake.buckets.data, bars, answers, RETIRED)
        keep_objects(step, step.role, lake.buckets.results, AUDITS_PREFIX)
        events.EventBus.from_event_bus_name(self, "Bus", "default").grant_put_events_to(step.role)
        return step

    def _report_failure(self) -> Function:
        lake = self._resources
        step = self._function(
            "report_failure",
            "Writes what could not be repaired and tells a person",
            Concern.AUDIT,
            timeout=Duration.minutes(2),
            memory=512,
        )
        find_objects(step, step.role, lake.buckets.data, f"{Table.ANSWERS.value}/")
        write_objects(step, step.role, lake.buckets.data, f"{Table.FAILURES.value}/")
        keep_objects(step, step.role, lake.buckets.results, AUDITS_PREFIX)
        lake.alarm_topic.let_publish(step.role)
        return step

    def _request_captures(self) -> Function:
        lake = self._resources
        step = self._function(
            "request_captures",
            "Asks for the bars of the minute that is due, inside sessions",
            Concern.CAPTURE,
            timeout=Duration.seconds(30),
            memory=512,
        )
        find_objects(step, step.role, lake.buckets.data, *INTEREST_KEYS)
        write_objects(step, step.role, lake.buckets.data, *INTEREST_KEYS)
        allow(step.role, "ssm:GetParameter", on=[lake.symbols.parameter_arn])
        lake.capture.queue.grant(step.role, "sqs:SendMessage")
        return step

    def _capture_bars(self) -> Function:
        lake, stage = self._resources, self._settings
        step = self._function(
            "capture_bars",
            "Fetches and writes the bars of a minute, by the path that repairs take",
            Concern.CAPTURE,
            timeout=Duration.seconds(int(stage.worker_timeout.total_seconds())),
            memory=1024,
            consumes_what_it_sends=True,
        )
        self._let_work(step, Table.BARS)
        self._let_use_board(step)
        for queue in (lake.capture.queue, lake.capture.dead_letters):
            queue.grant(step.role, "sqs:SendMessage")
        lake.capture.feed(step.function)
        return step

    def _review_values(self) -> Function:
        lake, stage = self._resources, self._settings
        step = self._function(
            "review_values",
            "Which stored bars were seen otherwise or cannot be right, and the next look",
            Concern.AUDIT,
            timeout=Duration.minutes(10),
            memory=1024,
        )
        find_objects(step, step.role, lake.buckets.data, "")
        accepted = () if stage.accept_days is None else (f"{Table.BARS.value}/", DECIDED)
        write_objects(step, step.role, lake.buckets.data, f"{Table.FLAGS.value}/", *accepted)
        self._let_query(step, Table.BARS, Table.LOOKS, Table.SUPERSEDED, Table.SYMBOLS, Table.HOURS, Table.SESSIONS)
        self._let_use_board(step)
        lake.repair.queue.grant(step.role, "sqs:SendMessage")
        events.EventBus.from_event_bus_name(self, "ReviewBus", "default").grant_put_events_to(step.role)
        return step

    def _request_rechecks(self) -> Function:
        lake = self._resources
        step = self._function(
            "request_rechecks",
            "What is due to be asked again of dates before the sweep's",
            Concern.REPAIR,
            timeout=Duration.minutes(5),
            memory=512,
        )
        proofs = (f"{table.value}/" for table in (Table.ABSENCES, Table.FAILURES, Table.REVOCATIONS, Table.SYMBOLS))
        find_objects(step, step.role, lake.buckets.data, *proofs, RECHECKS_KEY)
        write_objects(step, step.role, lake.buckets.data, RECHECKS_KEY)
        find_objects(step, step.role, lake.buckets.results, BACKFILLS_PREFIX)
        write_objects(step, step.role, lake.buckets.results, BACKFILLS_PREFIX)
        return step

    def _function(self, handler: str, description: str, concern: Concern, **how: Any) -> Function:
        return Function(
            self,
            "".join(word.capitalize() for word in handler.split("_")),
            settings=self._settings,
            handler=handler,
            description=description,
            concern=concern,
            environment={name: self._variables[name] for name in READS[handler] if name in self._variables},
            layers=self._layers,
            **how,
        )

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
        allow(step.role, "states:SendTaskSuccess", on=[states_arn(self, "stateMachine", machine_name(self._settings))])

    def _let_work(self, step: Function, *tables: Table) -> None:
        lake = self._resources
        write_objects(step, step.role, lake.buckets.data, *(f"{table.value}/" for table in tables))
        allow(step.role, "secretsmanager:GetSecretValue", on=[lake.vendor_tokens.secret_arn])
