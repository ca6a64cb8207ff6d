"""Repair jobs: one vendor request each, with an id made from its content, and the message that carries it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from minutemend.core.answers import VendorRequest
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, epoch_minute, format_instant, from_epoch_minute, parse_instant
from minutemend.core.symbols import valid_symbol


def content_id(*parts: object) -> str:
    """24 hex digits that depend on the parts alone: the same work has the same id wherever it is made."""
    text = json.dumps(parts, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class RepairJob:
    """One vendor request of one attempt of one audit, and the minutes that it is to mend.

    `gaps` are (symbol, range) pairs inside the request, sorted; only their minutes may be written. The
    request may be wider: neighbours that are stored already show that the vendor knows the range.
    """

    audit_id: str
    attempt: int
    request: VendorRequest
    gaps: tuple[tuple[str, Range], ...]
    not_before: datetime | None = None  # a second observation of an absence must be apart from the first

    @property
    def id(self) -> str:
        gaps = [[symbol, epoch_minute(gap.start), gap.minutes] for symbol, gap in self.gaps]
        request = self.request
        return content_id(self.audit_id, self.attempt, request.vendor, request.symbols, str(request.range), gaps)

    def to_message(self) -> dict[str, object]:
        """The SQS message body, as JSON types. Gaps are `[symbol, first epoch minute, minutes]`."""
        return {
            "audit_id": self.audit_id,
            "attempt": self.attempt,
            "vendor": self.request.vendor,
            "symbols": list(self.request.symbols),
            "start": format_instant(self.request.range.start),
            "end": format_instant(self.request.range.end),
            "gaps": [[symbol, epoch_minute(gap.start), gap.minutes] for symbol, gap in self.gaps],
            "not_before": format_instant(self.not_before) if self.not_before else None,
        }

    @classmethod
    def from_message(cls, body: object) -> RepairJob:
        """The job of a message body. Raises BadInput that says what is malformed: such a message is poison."""
        fields = {"audit_id", "attempt", "vendor", "symbols", "start", "end", "gaps", "not_before"}
        if not isinstance(body, dict) or set(body) != fields:
            raise BadInput(f"the message has to be an object with the fields {', '.join(sorted(fields))}")
        audit_id, attempt, vendor = body["audit_id"], body["attempt"], body["vendor"]
        if not isinstance(audit_id, str) or not isinstance(vendor, str) or type(attempt) is not int:
            raise BadInput("audit_id and vendor have to be text, attempt a whole number")
        if not isinstance(body["symbols"], list) or not isinstance(body["gaps"], list):
            raise BadInput("symbols and gaps have to be lists")
        window = Range(parse_instant(body["start"], name="start"), parse_instant(body["end"], name="end"))
        symbols = tuple(valid_symbol(symbol) for symbol in body["symbols"])
        gaps = []
        for entry in body["gaps"]:
            match entry:
                case [str() as symbol, int() as first, int() as minutes] if minutes > 0 and symbol in symbols:
                    gap = Range(from_epoch_minute(first), from_epoch_minute(first + minutes))
                case _:
                    raise BadInput(f"the gap {entry!r} is not [symbol of the job, first epoch minute, minutes]")
            if gap.intersect(window) != gap:
                raise BadInput(f"the gap {gap} of {symbol} is outside the request {window}")
            gaps.append((symbol, gap))
        not_before = body["not_before"]
        return cls(
            audit_id=audit_id,
            attempt=attempt,
            request=VendorRequest(vendor=vendor, symbols=symbols, range=window),
            gaps=tuple(gaps),
            not_before=datetime.fromisoformat(not_before) if isinstance(not_before, str) else None,
        )
