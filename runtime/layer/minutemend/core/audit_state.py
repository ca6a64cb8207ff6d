"""What the state machine carries from step to step: pointers and counts, never a list of minutes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditState:
    """An audit between two steps, its fields by the names of `contract.Key`, which says what each is. One that is None
    is not in the state; of a state that another version wrote, what is not known here is left out."""

    audit_id: str
    started_at: str | None = None
    status: str | None = None  # see contract.Status
    reason: str | None = None
    start: str | None = None
    end: str | None = None
    request_key: str | None = None
    gaps_key: str | None = None
    report_key: str | None = None
    attempt: int = 0
    attempts: int | None = None
    missing: int | None = None
    repairable: int | None = None
    expected: int | None = None
    found: int | None = None
    queued: int = 0
    jobs: int | None = None
    settled: int = 0
    waits: int = 0
    moving: bool | None = None
    unknown: str | None = None
    backfill: str | None = None
    publish_from: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> AuditState:
        """The state as a step is handed it."""
        return cls(**{one.name: given[one.name] for one in fields(cls) if given.get(one.name) is not None})

    def as_json(self) -> dict[str, Any]:
        """The state as a step hands it on."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in found.items() if value is not None}
