"""What `cdk -c key=value` may say, read into stages' settings. Standard library only.

(nothing)               every stage of infra/settings.py
stage=dev|prod          that stage alone
developer=alice         a copy of dev (or of another stage that is not protected) of her own: minutemend-dev-alice
target=local            for local AWS (wants a stage), with these:
  endpoint=URL          where local AWS is: the market simulator is below it
  vendor=NAME           ask this vendor, of the market simulator, or at …
  vendor-url=URL        … this address
schedules=on|off        schedules other than the settings say
delete-data=yes         the second switch: destroying the stack destroys its data
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import replace

from minutemend.contract import VendorSettings

from infra.rules import MARKET, UnsafeSettings
from infra.settings import STAGES, StageSettings, stage_settings

PER_MINUTE = 6000  # requests to a vendor that stands for one
Lookup = Callable[[str], object]

_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def stages_from_context(lookup: Lookup) -> list[StageSettings]:
    """The settings of every stage to synthesize. `lookup` gives a context value or None.

    Raises UnknownStage or UnsafeSettings, with what would be right.
    """
    stage = _choice(lookup, "stage")
    target = _choice(lookup, "target", "local")
    if target and not stage:
        raise UnsafeSettings("target=local wants one stage: -c stage=dev would be right")
    developer = _choice(lookup, "developer")
    if developer:
        chosen = [stage_settings(stage or "dev").for_developer(developer)]
    else:
        chosen = [stage_settings(stage)] if stage else list(STAGES.values())
    return [_adapted(settings, lookup, local=bool(target)) for settings in chosen]


def _adapted(settings: StageSettings, lookup: Lookup, *, local: bool) -> StageSettings:
    if _choice(lookup, "delete-data", "yes"):
        settings = replace(settings, delete_data=True)
    schedules = _choice(lookup, "schedules", "on", "off")
    if schedules:
        settings = replace(settings, schedules_enabled=schedules == "on")
    vendor = _vendor(lookup)
    if local:
        settings = settings.for_local_aws(
            python=f"{sys.version_info.major}.{sys.version_info.minor}",
            architecture=_architecture(),
            vendor=vendor,
            endpoint=_choice(lookup, "endpoint"),
        )
        if settings.market and not settings.endpoint:
            raise UnsafeSettings("the market simulator answers below local AWS: -c endpoint=URL would be right")
    elif vendor:
        raise UnsafeSettings("vendor and vendor-url are for -c target=local; infra/settings.py names a stage's vendors")
    return settings


def _vendor(lookup: Lookup) -> VendorSettings | None:
    name, url = _choice(lookup, "vendor"), _choice(lookup, "vendor-url")
    if not name and not url:
        return None
    if not name or (url and not url.startswith(("http://", "https://"))):
        raise UnsafeSettings("vendor-url=http(s)://… wants its vendor=NAME")
    return VendorSettings(name, url.rstrip("/") if url else MARKET, per_minute=PER_MINUTE)


def _architecture() -> str:
    machine = platform.machine().lower()
    if machine not in _ARCHITECTURES:
        raise UnsafeSettings(f"this machine is a {machine}; local AWS runs functions on x86_64 or arm64")
    return _ARCHITECTURES[machine]


def _choice(lookup: Lookup, key: str, *allowed: str) -> str | None:
    value = lookup(key)
    if value is None:
        return None
    if not isinstance(value, str) or (allowed and value not in allowed):
        raise UnsafeSettings(f"{key}={value}: {' or '.join(f'{key}={one}' for one in allowed)} would be right")
    return value
