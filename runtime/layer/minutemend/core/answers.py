"""Vendor answers: what a request may bring back, and what each kind of answer is worth.

An `Answer` is the only thing that leaves a vendor adapter: status codes, broken JSON and lying rows have
become one of five kinds here, so that no caller ever looks at HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from minutemend.core.bars import Bar
from minutemend.core.minutes import Range


class AnswerKind(StrEnum):
    """What an answer is worth."""

    BARS = "bars"  # well-formed, with at least one bar: its omissions count as observations
    NO_DATA = "no_data"  # well-formed and empty: proves nothing (field notes: Finnhub, 2025-11-04)
    RETRY = "retry"  # 418, 429, 5xx, time-outs, connections dropped: ask again, after `retry_after`
    GIVE_UP = "give_up"  # 400, 401, 403, 404: asking again cannot help
    GARBAGE = "garbage"  # an answer that cannot be believed; nothing of it is used


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """One question to a vendor: the bars of these symbols with left edges in `range`."""

    vendor: str
    symbols: tuple[str, ...]
    range: Range


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one `VendorRequest`.

    `bars` are validated, sorted, unique, inside the request (empty unless `kind` is BARS). `covered` is how
    far the vendor looked: a page limit may end it before the request's end; outside it nothing is proven.
    `status` is the HTTP status (None: no answer came), `detail` one line for people, never with a secret in it.
    """

    request: VendorRequest
    kind: AnswerKind
    observed_at: datetime
    bars: tuple[Bar, ...] = ()
    covered: Range | None = None
    status: int | None = None
    detail: str = ""
    retry_after: timedelta | None = None
    requests: int = field(default=1)  # HTTP requests that it took (pages)
