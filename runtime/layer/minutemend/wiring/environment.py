"""The environment of a function, read once and checked as a whole: `contract.READS` says which variables are its."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from minutemend.contract import OPTIONAL, READS, Env, VendorSettings, vendors_from_json
from minutemend.core.errors import BadInput, MissingEnvironment


class Settings(SimpleNamespace):
    """What the environment says, by the variables' names. Only what the handler reads is there; an optional variable
    that is not set is None."""

    stage: str
    data_bucket: str
    results_bucket: str
    database: str
    workgroup: str
    board_table: str
    repair_queue_url: str
    repair_dlq_url: str
    capture_queue_url: str
    capture_dlq_url: str
    alarm_topic_arn: str
    event_bus: str
    symbols_parameter: str
    vendor_secret: str
    vendors: tuple[VendorSettings, ...]
    max_receives: int
    proof_apart: timedelta
    settling_delay: timedelta
    retire_after: timedelta
    sweep_days: int
    recheck_requests: int
    look_share: float
    accept_days: int | None  # None: nothing is accepted unasked
    flaw_rate: float | None  # None: nothing is dropped
    flaw_seed: int | None


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


# How a value is read; what is not named here is text.
_PARSED: Mapping[Env, Callable[[str], Any]] = {
    Env.VENDORS: vendor_settings,
    Env.MAX_RECEIVES: int,
    Env.PROOF_APART_SECONDS: _seconds,
    Env.SETTLING_DELAY_SECONDS: _seconds,
    Env.RETIRE_AFTER_SECONDS: _seconds,
    Env.SWEEP_DAYS: int,
    Env.RECHECK_REQUESTS: int,
    Env.LOOK_SHARE: float,
    Env.ACCEPT_DAYS: int,
    Env.FLAW_RATE: float,
    Env.FLAW_SEED: int,
}


def read_environment(handler: str, *, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a function. Raises MissingEnvironment that names every variable that is missing, at once,
    or BadInput for one that is there and unusable."""
    values: dict[str, Any] = {}
    missing = []
    for variable in (Env.STAGE, *READS[handler]):
        name = variable.name.lower().removesuffix("_seconds")
        try:
            text = get_environ_variable(variable, environ=environ)
            values[name] = _PARSED.get(variable, str)(text)
        except MissingEnvironment:
            values[name] = None
            missing += [] if variable in OPTIONAL else [variable]
        except ValueError as error:
            raise BadInput(f"the environment variable {variable} is {text!r}: {error}") from None
    if missing:
        raise MissingEnvironment(f"the environment variables {', '.join(missing)} are not set")
    return Settings(**values)
