"""What the functions' variables say: `contract.READS` has which of them each function is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from minutemend.contract import Env, vendors_to_json

from infra.constructs.resources import Resources
from infra.rules import MARKET
from infra.settings import StageSettings


def variables(settings: StageSettings, resources: Resources) -> Mapping[Env, str]:
    """Every variable of the stage's functions; what the stage does not set is not there."""
    market = resources.market_url or MARKET
    vendors = [replace(vendor, url=market) if vendor.url == MARKET else vendor for vendor in settings.vendors]
    flaw, accept = settings.flaw, settings.accept_days
    values = {
        Env.DATA_BUCKET: resources.buckets.data.bucket_name,
        Env.RESULTS_BUCKET: resources.buckets.results.bucket_name,
        Env.DATABASE: resources.catalog.database,
        Env.WORKGROUP: resources.workgroup.name,
        Env.BOARD_TABLE: resources.board.table.table_name,
        Env.REPAIR_QUEUE_URL: resources.repair.queue.queue_url,
        Env.REPAIR_DLQ_URL: resources.repair.dead_letters.queue_url,
        Env.CAPTURE_QUEUE_URL: resources.capture.queue.queue_url,
        Env.CAPTURE_DLQ_URL: resources.capture.dead_letters.queue_url,
        Env.ALARM_TOPIC_ARN: resources.alarm_topic.topic.topic_arn,
        Env.EVENT_BUS: "default",
        Env.SYMBOLS_PARAMETER: resources.symbols.parameter_name,
        Env.VENDOR_SECRET: resources.vendor_tokens.secret_arn,
        Env.VENDORS: vendors_to_json(vendors),
        Env.MAX_RECEIVES: str(settings.max_receives),
        Env.PROOF_APART_SECONDS: _seconds(settings.proof_apart),
        Env.SETTLING_DELAY_SECONDS: _seconds(settings.settling_delay),
        Env.RETIRE_AFTER_SECONDS: _seconds(settings.retire_after),
        Env.SWEEP_DAYS: str(settings.sweep_days),
        Env.RECHECK_REQUESTS: str(settings.recheck_requests),
        Env.LOOK_SHARE: str(settings.look_share),
    }
    values |= {} if accept is None else {Env.ACCEPT_DAYS: str(accept)}
    return values | ({Env.FLAW_RATE: str(flaw.rate), Env.FLAW_SEED: str(flaw.seed)} if flaw else {})


def _seconds(span: timedelta) -> str:
    return str(int(span.total_seconds()))
