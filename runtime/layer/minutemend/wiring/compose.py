"""The composition root of the functions: services over real adapters, made when they are first asked for.

Clients are made once a process, by `Clients`. What a function does not need is not imported.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minutemend.wiring.clients import READERS, Clients
from minutemend.wiring.environment import Settings, read_environment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minutemend.adapters.athena_gaps import AthenaGapFinder
    from minutemend.adapters.secrets import VendorCredentials
    from minutemend.contract import VendorSettings
    from minutemend.core.verdicts import ProofRule
    from minutemend.ports import Board, Store, Vendor
    from minutemend.services.await_repairs import AwaitRepairs
    from minutemend.services.check_data_health import CheckDataHealth
    from minutemend.services.lake import Lake
    from minutemend.services.process_repairs import ProcessRepairs
    from minutemend.services.publish import Publish
    from minutemend.services.queue_repairs import QueueRepairs
    from minutemend.services.rechecks import RequestRechecks
    from minutemend.services.report_failure import ReportFailure
    from minutemend.services.review import ReviewValues


def utc_now() -> datetime:
    """The only clock of the functions."""
    return datetime.now(UTC)


@cache
def settings_of(handler: str) -> Settings:
    """The function's settings, read at its first invocation: a missing variable fails the cold start."""
    return read_environment(handler)


@cache
def clients() -> Clients:
    return Clients()


def check_data_health(*, deadline: float) -> CheckDataHealth:
    """CheckDataHealth. `deadline` is a reading of time.monotonic at which its query is given up."""
    from minutemend.adapters.parameters import read_parameter
    from minutemend.services.check_data_health import CheckDataHealth

    settings = settings_of("check_data_health")
    return CheckDataHealth(
        lake=lake(settings.data_bucket),
        results=store(settings.results_bucket),
        finder=_athena(settings, deadline=deadline),
        board=board(settings.board_table),
        parameter=lambda: read_parameter(ssm=clients().ssm, name=settings.symbols_parameter),
        shipped_sessions=shipped_sessions,
        vendors=[vendor.name for vendor in settings.vendors],
        serves={vendor.name: vendor.calendars for vendor in settings.vendors if vendor.calendars},
        rule=proof_rule(settings.proof_apart, settling=settings.settling_delay),
        settling=settings.settling_delay,
        sweep_days=settings.sweep_days,
    )


def review_values(*, deadline: float) -> ReviewValues:
    """ReviewValues. `deadline` is a reading of time.monotonic at which its query is given up."""
    from minutemend.adapters.signals import AwsSignals
    from minutemend.adapters.sqs import SqsJobQueue
    from minutemend.adapters.vendors import limits_of
    from minutemend.services.review import ReviewValues, unsure_of

    settings = settings_of("review_values")
    return ReviewValues(
        lake=lake(settings.data_bucket),
        board=board(settings.board_table),
        queue=SqsJobQueue(clients().sqs, queue_url=settings.repair_queue_url, dead_letter_url=""),
        signals=AwsSignals(events=clients().events, bus=settings.event_bus),
        vendors=[limits_of(vendor) for vendor in settings.vendors],
        unsure=unsure_of(vendor.name for vendor in settings.vendors),
        ask=_athena(settings, deadline=deadline).rows,
        days=settings.sweep_days,
        share=settings.look_share,
        accept_days=settings.accept_days,
    )


def request_rechecks() -> RequestRechecks:
    from minutemend.adapters.vendors import limits_of
    from minutemend.services.rechecks import RequestRechecks

    settings = settings_of("request_rechecks")
    return RequestRechecks(
        lake=lake(settings.data_bucket),
        results=store(settings.results_bucket),
        vendors=[limits_of(vendor) for vendor in settings.vendors],
        sweep_days=settings.sweep_days,
        most=settings.recheck_requests,
    )


def _athena(settings: Settings, *, deadline: float) -> AthenaGapFinder:
    from minutemend.adapters.athena_gaps import AthenaGapFinder

    return AthenaGapFinder(
        athena=clients().athena,
        s3=clients().s3,
        workgroup=settings.workgroup,
        database=settings.database,
        deadline=deadline,
    )


def queue_repairs() -> QueueRepairs:
    from minutemend.adapters.sqs import SqsJobQueue
    from minutemend.adapters.vendors import limits_of
    from minutemend.core.verdicts import ProofRule
    from minutemend.services.queue_repairs import QueueRepairs

    settings = settings_of("queue_repairs")
    return QueueRepairs(
        results=store(settings.results_bucket),
        board=board(settings.board_table),
        queue=SqsJobQueue(clients().sqs, queue_url=settings.repair_queue_url, dead_letter_url=""),
        vendors=[limits_of(vendor) for vendor in settings.vendors],
        rule=ProofRule(settings.proof_apart),
    )


def await_repairs() -> AwaitRepairs:
    from minutemend.adapters.signals import AwsSignals
    from minutemend.services.await_repairs import AwaitRepairs

    settings = settings_of("await_repairs")
    return AwaitRepairs(board=board(settings.board_table), signals=AwsSignals(stepfunctions=clients().stepfunctions))


def process_repairs(*, lease: timedelta) -> ProcessRepairs:
    """The worker; `lease` is longer than this invocation can last."""
    from minutemend.adapters.signals import AwsSignals
    from minutemend.adapters.sqs import SqsJobQueue
    from minutemend.services.process_repairs import ProcessRepairs

    settings = settings_of("process_repairs")
    return ProcessRepairs(
        lake=lake(settings.data_bucket),
        board=board(settings.board_table),
        queue=SqsJobQueue(clients().sqs, queue_url=settings.repair_queue_url, dead_letter_url=settings.repair_dlq_url),
        signals=AwsSignals(stepfunctions=clients().stepfunctions),
        vendors=vendors(settings.vendors, settings.vendor_secret),
        clock=utc_now,
        lease=lease,
        max_receives=settings.max_receives,
    )


def publish() -> Publish:
    from minutemend.adapters.signals import AwsSignals
    from minutemend.services.publish import Publish

    settings = settings_of("publish_hours")
    return Publish(
        lake=lake(settings.data_bucket),
        signals=AwsSignals(events=clients().events, bus=settings.event_bus),
        retire_after=settings.retire_after,
    )


def report_failure() -> ReportFailure:
    from minutemend.adapters.signals import AwsSignals
    from minutemend.services.report_failure import ReportFailure

    settings = settings_of("report_failure")
    return ReportFailure(
        lake=lake(settings.data_bucket),
        results=store(settings.results_bucket),
        signals=AwsSignals(sns=clients().sns, topic_arn=settings.alarm_topic_arn),
        stage=settings.stage,
    )


def proof_rule(apart: timedelta, *, settling: timedelta) -> ProofRule:
    """The rule of absence, with what each known vendor says of itself."""
    from minutemend.contract import VENDORS
    from minutemend.core.answers import Source, SourceKind
    from minutemend.core.verdicts import ProofRule

    sources = {name: Source(SourceKind(vendor.kind), vendor.source) for name, vendor in VENDORS.items()}
    lags = {name: vendor.lag for name, vendor in VENDORS.items()}
    return ProofRule(apart, settling, sources, lags)


def store(bucket: str) -> Store:
    from minutemend.adapters.s3_store import S3Store

    return S3Store(clients().s3, bucket)


def lake(bucket: str) -> Lake:
    from minutemend.services.lake import Lake

    return Lake(store(bucket), readers=READERS)


def board(table: str) -> Board:
    from minutemend.adapters.dynamo_board import DynamoBoard

    return DynamoBoard(clients().dynamodb, table, clock=utc_now)


def vendors(settings: Iterable[VendorSettings], secret: str) -> dict[str, Vendor]:
    """The vendors by name, made anew for each batch: a rotated token is taken up without a cold start."""
    from minutemend.adapters.vendors import adapter_of

    return {
        vendor.name: adapter_of(vendor.name)(
            vendor,
            credentials=_credential(secret, vendor.name),
            reread=partial(_credential, secret, vendor.name, again=True),
            http=_http(),
            clock=utc_now,
        )
        for vendor in settings
    }


def shipped_sessions() -> bytes:
    """The `sessions` table that the layer was built with."""
    return (Path(__file__).resolve().parents[1] / "data" / "sessions.parquet").read_bytes()


def _credential(secret: str, vendor: str, *, again: bool = False) -> Any:
    from minutemend.core.errors import BadInput
    from minutemend.wiring.telemetry import logger

    try:
        known = _credentials(secret)
        return known.again(vendor) if again else known.of(vendor)
    except BadInput as reason:  # the vendor then gives up, job by job, and the report says why
        logger.warning(str(reason))
        return None


@cache
def _credentials(secret: str) -> VendorCredentials:
    from minutemend.adapters.secrets import VendorCredentials

    return VendorCredentials(clients().secrets, secret, clock=utc_now)


@cache
def _http() -> Any:
    from minutemend.adapters.http import UrllibHttp

    return UrllibHttp()
