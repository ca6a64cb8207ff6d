"""The environment of a function, read once and checked as a whole: one frozen settings object per handler."""

# ruff: noqa: RUF009 (`_from` makes a field, not a default value)

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import timedelta
from typing import Any, TypeVar

from minutemend.contract import Env
from minutemend.core.errors import BadInput, MissingEnvironment

Settings = TypeVar("Settings")


def get_environ_variable(name: str, *, environ: Mapping[str, str] = os.environ) -> str:
    """The variable's value. Raises MissingEnvironment when it is not set, or empty."""
    value = environ.get(name)
    if not value:
        raise MissingEnvironment(f"the environment variable {name} is not set")
    return value


@dataclass(frozen=True, slots=True)
class VendorSetting:
    """One vendor as the stage uses it: an entry of the variable VENDORS."""

    name: str
    url: str
    per_minute: int
    timeout: timedelta
    symbols: Mapping[str, str] = field(default_factory=dict)  # ours to the vendor's, where they differ
    per_second: int | None = None  # None: only the minute counts


def vendor_settings(text: str) -> tuple[VendorSetting, ...]:
    """The vendors in `text`, JSON as `contract.Env.VENDORS` says. Raises BadInput."""
    try:
        found = tuple(
            VendorSetting(
                name=entry["name"],
                url=entry["url"],
                per_minute=int(entry["per_minute"]),
                timeout=timedelta(seconds=float(entry["timeout_seconds"])),
                symbols=dict(entry.get("symbols", {})),
                per_second=int(entry["per_second"]) if "per_second" in entry else None,
            )
            for entry in json.loads(text)
        )
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
    symbols_parameter: str = _from(Env.SYMBOLS_PARAMETER)
    vendors: tuple[VendorSetting, ...] = _from(Env.VENDORS, vendor_settings)
    proof_apart: timedelta = _from(Env.PROOF_APART_SECONDS, _seconds)
    settling: timedelta = _from(Env.SETTLING_DELAY_SECONDS, _seconds)
    cadence_minutes: int = _from(Env.CADENCE_MINUTES, int)
    sweep_days: int = _from(Env.SWEEP_DAYS, int)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """QueueRepairs'."""

    stage: str = _from(Env.STAGE)
    results_bucket: str = _from(Env.RESULTS_BUCKET)
    board_table: str = _from(Env.BOARD_TABLE)
    repair_queue_url: str = _from(Env.REPAIR_QUEUE_URL)
    vendors: tuple[VendorSetting, ...] = _from(Env.VENDORS, vendor_settings)
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
    vendors: tuple[VendorSetting, ...] = _from(Env.VENDORS, vendor_settings)
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
    vendors: tuple[VendorSetting, ...] = _from(Env.VENDORS, vendor_settings)
    max_receives: int = _from(Env.MAX_RECEIVES, int)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSettings:
    """RequestCaptures'. Without the flaw's two variables nothing is dropped."""

    stage: str = _from(Env.STAGE)
    data_bucket: str = _from(Env.DATA_BUCKET)
    symbols_parameter: str = _from(Env.SYMBOLS_PARAMETER)
    queue_url: str = _from(Env.CAPTURE_QUEUE_URL)
    settling: timedelta = _from(Env.SETTLING_DELAY_SECONDS, _seconds)
    cadence_minutes: int = _from(Env.CADENCE_MINUTES, int)
    vendors: tuple[VendorSetting, ...] = _from(Env.VENDORS, vendor_settings)
    flaw_rate: float = _from(Env.FLAW_RATE, float, default=0.0)
    flaw_seed: int = _from(Env.FLAW_SEED, int, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSettings:
    """ExecuteDataTask's."""

    stage: str = _from(Env.STAGE)
    data_bucket: str = _from(Env.DATA_BUCKET)
    results_bucket: str = _from(Env.RESULTS_BUCKET)
    retire_after: timedelta = _from(Env.RETIRE_AFTER_SECONDS, _seconds)
    cadence_minutes: int = _from(Env.CADENCE_MINUTES, int)
    event_bus: str = _from(Env.EVENT_BUS)


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
    given, missing = [], []
    for entry in fields(settings):  # type: ignore[arg-type]
        if environ.get(entry.metadata["variable"]):
            given.append(entry)
        elif entry.default is MISSING:
            missing.append(entry.metadata["variable"])
    if missing:
        raise MissingEnvironment(f"the environment variables {', '.join(missing)} are not set")
    values = {}
    for entry in given:
        variable = entry.metadata["variable"]
        try:
            values[entry.name] = entry.metadata["parse"](environ[variable])
        except ValueError as error:
            raise BadInput(f"the environment variable {variable} is {environ[variable]!r}: {error}") from None
    return settings(**values)
