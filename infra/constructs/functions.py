"""The ten steps: what each is given, and what each may do."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from minutemend.contract import (
    AUDITS_PREFIX,
    BACKFILLS_PREFIX,
    INTEREST_KEYS,
    RECHECKS_KEY,
    SETTINGS_PREFIX,
    Env,
    Table,
)

from infra.concerns import Concern
from infra.constructs.function import Function
from infra.constructs.grants import allow, delete_objects, find_objects, keep_objects, read_objects, write_objects
from infra.constructs.resources import Resources
from infra.constructs.steps import Steps, seconds
from infra.rules import LONGEST_QUERY
from infra.settings import StageSettings

RETIRED, ANNOUNCED = "retired/", "announced/"  # compaction's and publish's own prefixes in the data bucket
DECIDED = f"{SETTINGS_PREFIX}revisions/"


class Functions(Steps):
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
        super().__init__(scope, construct_id, settings=settings, resources=resources, layers=layers)
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
        lake, stage = self._resources, self._settings
        step = self._function(
            "check_data_health",
            "Which expected minutes are missing, and what comes next",
            Concern.AUDIT,
            timeout=Duration.seconds(int(LONGEST_QUERY.total_seconds())),
            memory=2048,
            environment=self._buckets()
            | self._evidence()
            | self._board()
            | self._engine()
            | {
                Env.SYMBOLS_PARAMETER: lake.symbols.parameter_name,
                Env.SETTLING_DELAY_SECONDS: seconds(stage.settling_delay),
                Env.SWEEP_DAYS: str(stage.sweep_days),
            },
        )
        find_objects(step, step.role, lake.buckets.data, "")
        write_objects(step, step.role, lake.buckets.data, f"{Table.ABSENCES.value}/", *INTEREST_KEYS)
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
            environment=self._evidence()
            | self._board()
            | {
                Env.RESULTS_BUCKET: lake.buckets.results.bucket_name,
                Env.REPAIR_QUEUE_URL: lake.repair.queue.queue_url,
            },
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
            environment=self._board(),
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
            environment=self._worker()
            | {
                Env.REPAIR_QUEUE_URL: lake.repair.queue.queue_url,
                Env.REPAIR_DLQ_URL: lake.repair.dead_letters.queue_url,
            },
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
        lake, stage = self._resources, self._settings
        step = self._function(
            "publish_hours",
            "Compacts the range, makes its hourly facts, says that it is ready",
            Concern.PUBLISH,
            timeout=Duration.minutes(10),
            memory=2048,
            environment=self._buckets()
            | {
                Env.RETIRE_AFTER_SECONDS: seconds(stage.retire_after),
                Env.EVENT_BUS: "default",
            },
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
            environment=self._buckets() | {Env.ALARM_TOPIC_ARN: lake.alarm_topic.topic.topic_arn},
        )
        find_objects(step, step.role, lake.buckets.data, f"{Table.ANSWERS.value}/")
        write_objects(step, step.role, lake.buckets.data, f"{Table.FAILURES.value}/")
        keep_objects(step, step.role, lake.buckets.results, AUDITS_PREFIX)
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
                Env.SETTLING_DELAY_SECONDS: seconds(stage.settling_delay),
                Env.VENDORS: self._vendors,
            }
            | flaw,
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
            environment=self._worker()
            | {
                Env.CAPTURE_QUEUE_URL: lake.capture.queue.queue_url,
                Env.CAPTURE_DLQ_URL: lake.capture.dead_letters.queue_url,
            },
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
        policy = {} if stage.accept_days is None else {Env.ACCEPT_DAYS: str(stage.accept_days)}
        step = self._function(
            "review_values",
            "Which stored bars were seen otherwise, and the next look at them",
            Concern.AUDIT,
            timeout=Duration.minutes(10),
            memory=1024,
            environment=self._board()
            | self._engine()
            | {
                Env.DATA_BUCKET: lake.buckets.data.bucket_name,
                Env.REPAIR_QUEUE_URL: lake.repair.queue.queue_url,
                Env.EVENT_BUS: "default",
                Env.VENDORS: self._vendors,
                Env.SWEEP_DAYS: str(stage.sweep_days),
                Env.LOOK_SHARE: str(stage.look_share),
            }
            | policy,
        )
        find_objects(step, step.role, lake.buckets.data, "")
        if policy:
            write_objects(step, step.role, lake.buckets.data, f"{Table.BARS.value}/", DECIDED)
        self._let_query(step, Table.BARS, Table.LOOKS, Table.SUPERSEDED)
        self._let_use_board(step)
        lake.repair.queue.grant(step.role, "sqs:SendMessage")
        events.EventBus.from_event_bus_name(self, "ReviewBus", "default").grant_put_events_to(step.role)
        return step

    def _request_rechecks(self) -> Function:
        lake, stage = self._resources, self._settings
        step = self._function(
            "request_rechecks",
            "What is due to be asked again of dates before the sweep's",
            Concern.REPAIR,
            timeout=Duration.minutes(5),
            memory=512,
            environment=self._buckets()
            | {
                Env.VENDORS: self._vendors,
                Env.SWEEP_DAYS: str(stage.sweep_days),
                Env.RECHECK_REQUESTS: str(stage.recheck_requests),
            },
        )
        proofs = (f"{table.value}/" for table in (Table.ABSENCES, Table.FAILURES, Table.REVOCATIONS, Table.SYMBOLS))
        find_objects(step, step.role, lake.buckets.data, *proofs, RECHECKS_KEY)
        write_objects(step, step.role, lake.buckets.data, RECHECKS_KEY)
        find_objects(step, step.role, lake.buckets.results, BACKFILLS_PREFIX)
        write_objects(step, step.role, lake.buckets.results, BACKFILLS_PREFIX)
        return step
