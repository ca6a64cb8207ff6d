"""The environment of a function, read once and checked as a whole: one frozen settings object per handler."""

# ruff: noqa: RUF009 (`_from` makes a field, not a default value)

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import timedelta
from typing import Any, TypeVar

from minutemend.contract import Env, VendorSettings, vendors_from_json
from minutemend.core.errors import BadInput, MissingEnvironment

Settings = TypeVar("Settings")


def get_environ_variable(name: str, *, environ: Mapping[str, str] = os.environ) -> str:
    """The variable's value. Raises MissingEnvironment when it is not set, or empty."""
    value = environ.get(name)
    if not value:
        raise MissingEnvironment(f"the environment variable {name} is not set")
    return value


def vendor_settings(text: str) -> tuple[VendorSettings, ...]:
    """The vendors in `text`, JSON as `contract.vendors_to_json` writes it. Raises BadInput."""
    try:
        found = vendors_from_json(text)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{Env.VENDORS} is not usable ({type(error).__name__}: {error}): a JSON list of objects with name, url, "
            "per_minute and timeout_seconds would be right"
        ) from None
    if not found:
        raise BadInput(f"{Env.VENDORS} names no vendor: one at least would be right")
    return found


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=float(text))


def _from(variable: Env, parse: Callable[[str], Any] = str, *, default: Any = MISSING) -> Any:
    return field(default=default, metadata={"variable": variable, "parse": parse})


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """CheckDataHealth's."""

    stage: str = _from(Env.STAGE)
    data_bucket: str = _from(Env.DATA_BUCKET)
    results_bucket: str = _from(Env.RESULTS_BUCKET)
    database: str = _from(Env.DATABASE)
    workgroup: str = _from(Env.WORKGROUP)
    board_table: str = _from(Env.BOARD_TABLE)
    symbols_parameter: str = _from(Env.SYMBOLS_PARAMETER)
    vendors: tuple[VendorSettings, ...] = _from(Env.VENDORS, vendor_settings)
    proof_apart: timedelta = _from(Env.PROOF_APART_SECONDS, _seconds)
    settling: timedelta = _from(Env.SETTLING_DELAY_SECONDS, _seconds)
    sweep_days: int = _from(Env.SWEEP_DAYS, int)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """QueueRepairs'."""

    stage: str = _from(Env.STAGE)
    results_bucket: str = _from(Env.RESULTS_BUCKET)
    board_table: str = _from(Env.BOARD_TABLE)
    repair_queue_url: str = _from(Env.REPAIR_QUEUE_URL)
    vendors: tuple[VendorSettings, ...] = _from(Env.VENDORS, vendor_settings)
    proof_apart: timedelta = _from(Env.PROOF_APART_SECONDS, _seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitSettings:
    """WaitForRepairs'."""

    stage: str = _from(Env.STAGE)
    board_table: str = _from(Env.BOARD_TABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """The repair worker's."""

    stage: str = _from(Env.STAGE)
    data_bucket: str = _from(Env.DATA_BUCKET)
    board_table: str = _from(Env.BOARD_TABLE)
    queue_url: str = _from(Env.REPAIR_QUEUE_URL)
    dead_letter_url: str = _from(Env.REPAIR_DLQ_URL)
    vendor_secret: str = _from(Env.VENDOR_SECRET)
    vendors: tuple[VendorSettings, ...] = _from(Env.VENDORS, vendor_settings)
    max_receives: int = _from(Env.MAX_RECEIVES, int)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSettings:
    """The capture worker's."""

    stage: str = _from(Env.STAGE)
    data_bucket: str = _from(Env.DATA_BUCKET)
    board_table: str = _from(Env.BOARD_TABLE)
    queue_url: str = _from(Env.CAPTURE_QUEUE_URL)
    dead_letter_url: str = _from(Env.CAPTURE_DLQ_URL)
    vendor_secret: str = _from(Env.VENDOR_SECRET)
    vendors: tuple[VendorSettings, ...] = _from(Env.VENDORS, vendor_settings)
    max_receives: int = _from(Env.MAX_RECEIVES, int)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSettings:
    """RequestCaptures'. Without the flaw's two variables nothing is dropped."""

    stage: str = _from(Env.STAGE)
    data_bucket: str = _from(Env.DATA_BUCKET)
    symbols_parameter: str = _from(Env.SYMBOLS_PARAMETER)
    queue_url: str = _from(Env.CAPTURE_QUEUE_URL)
    settling: timedelta = _from(Env.SETTLING_DELAY_SECONDS, _seconds)
    vendors: tuple[VendorSettings, ...] = _from(Env.VENDORS, vendor_settings)
    flaw_rate: float = _from(Env.FLAW_RATE, float, default=0.0)
    flaw_seed: int = _from(Env.FLAW_SEED, int, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSettings:
    """ExecuteDataTask's."""

    stage: str = _from(Env.STAGE)
    data_bucket: str = _from(Env.DATA_BUCKET)
    results_bucket: str = _from(Env.RESULTS_BUCKET)
    retire_after: timedelta = _from(Env.RETIRE_AFTER_SECONDS, _seconds)
    event_bus: str = _from(Env.EVENT_BUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSettings:
    """ReviewValues'. Without ACCEPT_DAYS nothing is accepted unasked."""

    stage: str = _from(Env.STAGE)
    data_bucket: str = _from(Env.DATA_BUCKET)
    database: str = _from(Env.DATABASE)
    workgroup: str = _from(Env.WORKGROUP)
    board_table: str = _from(Env.BOARD_TABLE)
    repair_queue_url: str = _from(Env.REPAIR_QUEUE_URL)
    event_bus: str = _from(Env.EVENT_BUS)
    vendors: tuple[VendorSettings, ...] = _from(Env.VENDORS, vendor_settings)
    sweep_days: int = _from(Env.SWEEP_DAYS, int)
    look_share: float = _from(Env.LOOK_SHARE, float)
    accept_days: int | None = _from(Env.ACCEPT_DAYS, int, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecheckSettings:
    """RequestRechecks'."""

    stage: str = _from(Env.STAGE)
    data_bucket: str = _from(Env.DATA_BUCKET)
    results_bucket: str = _from(Env.RESULTS_BUCKET)
    vendors: tuple[VendorSettings, ...] = _from(Env.VENDORS, vendor_settings)
    sweep_days: int = _from(Env.SWEEP_DAYS, int)
    requests: int = _from(Env.RECHECK_REQUESTS, int)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """ReportFailure's."""

    stage: str = _from(Env.STAGE)
    data_bucket: str = _from(Env.DATA_BUCKET)
    results_bucket: str = _from(Env.RESULTS_BUCKET)
    alarm_topic_arn: str = _from(Env.ALARM_TOPIC_ARN)


def read_environment(settings: type[Settings], *, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a function. Raises MissingEnvironment that names every variable that is missing, at once,
    or BadInput for one that is there and unusable."""
    values, missing = {}, []
    for entry in fields(settings):  # type: ignore[arg-type]
        variable = entry.metadata["variable"]
        try:
            text = get_environ_variable(variable, environ=environ)
            values[entry.name] = entry.metadata["parse"](text)
        except MissingEnvironment:
            missing += [variable] if entry.default is MISSING else []
        except ValueError as error:
            raise BadInput(f"the environment variable {variable} is {text!r}: {error}") from None
    if missing:
        raise MissingEnvironment(f"the environment variables {', '.join(missing)} are not set")
    return settings(**values)
