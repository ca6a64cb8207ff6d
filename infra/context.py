"""What `cdk -c key=value` may say, read into stages' settings. Standard library only.

(nothing)               both stages
stage=dev|prod          that stage alone
target=local            for local AWS (wants a stage), with these:
  vendor=NAME           ask this vendor, at …
  vendor-url=URL        … this address (the market simulator's), …
  vendor-per-minute=N   … so often (6000 unless told)
schedules=on|off        schedules other than the settings say
delete-data=yes         the second switch: destroying the stack destroys its data
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import replace

from infra.settings import STAGES, StageSettings, UnsafeSettings, VendorSettings, stage_settings

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
    names = [stage] if stage else sorted(STAGES)
    return [_adapted(stage_settings(name), lookup, local=bool(target)) for name in names]


def _adapted(settings: StageSettings, lookup: Lookup, *, local: bool) -> StageSettings:
    if _choice(lookup, "delete-data", "yes"):
        settings = replace(settings, delete_data=True)
    schedules = _choice(lookup, "schedules", "on", "off")
    if schedules:
        settings = replace(settings, schedules_enabled=schedules == "on")
    vendor = _vendor(lookup)
    if local:
        settings = settings.for_local_aws(
            python=f"{sys.version_info.major}.{sys.version_info.minor}", architecture=_architecture(), vendor=vendor
        )
    elif vendor:
        raise UnsafeSettings("vendor and vendor-url are for -c target=local; infra/settings.py names a stage's vendors")
    return settings


def _vendor(lookup: Lookup) -> VendorSettings | None:
    name, url = _choice(lookup, "vendor"), _choice(lookup, "vendor-url")
    if not name and not url:
        return None
    if not name or not url or not url.startswith(("http://", "https://")):
        raise UnsafeSettings("vendor=NAME and vendor-url=http(s)://… go together")
    per_minute = _choice(lookup, "vendor-per-minute") or "6000"
    if not per_minute.isdecimal() or int(per_minute) < 1:
        raise UnsafeSettings(f"vendor-per-minute is {per_minute!r}: a whole number of requests would be right")
    return VendorSettings(name, url.rstrip("/"), per_minute=int(per_minute))


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
