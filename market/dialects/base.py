"""What every vendor's API has in common in the simulator: what is asked, the rows for it, how it is refused."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from minutemend.core.minutes import EPOCH, epoch_minute

from market.known import Rows
from market.sources import Source

Query = Mapping[str, str]
Headers = Mapping[str, str]  # names in lower case


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer of the simulator."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Refusal(Exception):
    """The vendor refuses; the status and the body are those of the real one."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.response = Response(status, json.dumps(body).encode())


@dataclass(slots=True)
class Question:
    """What a request asks: epoch minutes `[first, end)` of symbols, at most `limit` rows, after a page token."""

    symbols: list[str]
    first: int
    end: int
    limit: int = 1_000_000
    token: tuple[str, int] | None = None


@dataclass(slots=True)
class Found:
    """The rows for a question, and where the next page begins."""

    rows: Rows
    token: tuple[str, int] | None = None


def look_up(source: Source, question: Question) -> Found:
    """The rows in order of symbol, then time, cut at the limit."""
    found: Rows = {}
    left = question.limit
    for symbol in question.symbols:
        first = question.first
        if question.token:
            if symbol < question.token[0]:
                continue
            first = question.token[1] if symbol == question.token[0] else first
        rows = source.rows(symbol, first, question.end) if first < question.end else []
        if rows and left == 0:
            return Found(found, (symbol, rows[0][0]))
        found[symbol] = [[minute * 60_000, *values] for minute, *values in rows[:left]]
        if len(rows) > left:
            return Found(found, (symbol, rows[left][0]))
        left -= len(rows)
    return Found(found)


class Dialect(ABC):
    """A vendor's API as the simulator speaks it. `routes` are its paths; one that names the symbol has `{symbol}` in
    that place. `asks_by` is the parameter of the symbols, `continuous` whether a minute without trade is a flat row of
    volume 0, `error` the JSON body of an error with status 200."""

    name: ClassVar[str]
    routes: ClassVar[tuple[str, ...]]
    asks_by: ClassVar[str] = "symbol"
    continuous: ClassVar[bool] = False
    error: ClassVar[str] = '{"error": "internal error"}'

    def check(self, headers: Headers, query: Query, expected: object) -> None:  # noqa: B027 (public data has no check)
        """Whether the request has the right token (`expected`; None: any). Raises Refusal."""

    @abstractmethod
    def parse(self, query: Query, source: Source) -> Question:
        """What is asked. Raises Refusal."""

    @abstractmethod
    def render(self, question: Question, found: Found) -> object:
        """The body, as JSON will have it."""


def start_and_end(query: Query) -> tuple[int, int]:
    """The epoch minutes `[first, end)` from `start` to `end`, both of them in it; in UTC where they name no zone.
    Raises KeyError, ValueError."""
    named = (datetime.fromisoformat(query[name]) for name in ("start", "end"))
    first, last = (one if one.tzinfo else one.replace(tzinfo=UTC) for one in named)
    return -(-(first - EPOCH) // timedelta(minutes=1)), epoch_minute(last) + 1


def decimal_text(value: object) -> object:
    """A float as a vendor's decimal text, every digit of it; a spoiled value (text) as a bare number."""
    if isinstance(value, str):
        return float(value)
    whole, _, fraction = format(Decimal(repr(value)), "f").partition(".")
    return f"{whole}.{fraction:0<8}"
