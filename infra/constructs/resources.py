"""What the functions work with, in one object that the stack makes and hands on."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm

from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.board import Board
from infra.constructs.buckets import Buckets
from infra.constructs.catalog import Catalog, Workgroup
from infra.constructs.job_queue import JobQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Everything of a stage that is not a function."""

    buckets: Buckets
    catalog: Catalog
    workgroup: Workgroup
    repair: JobQueue
    capture: JobQueue
    board: Board
    symbols: ssm.IStringParameter
    vendor_tokens: secretsmanager.ISecret
    market_url: str | None  # of the market simulator, where it stands for a vendor
    alarm_topic: AlarmTopic
