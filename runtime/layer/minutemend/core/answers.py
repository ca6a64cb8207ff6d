"""Vendor answers: what a request may bring back, and what each kind of answer is worth.

An `Answer` is the only thing that leaves a vendor adapter: status codes, broken JSON and lying rows have
become one of five kinds here, so that no caller ever looks at HTTP.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NamedTuple

from minutemend.core.bars import Bar
from minutemend.core.errors import MinutemendError
from minutemend.core.minutes import EPOCH, Range, format_instant


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


class Garbage(MinutemendError):
    """An answer cannot be believed. The message says which row and why, and quotes no more than one value."""


LONGEST_PAUSE = timedelta(days=1)  # Binance bans for up to three days; a job outlives no more than one


def kind_of_status(status: int) -> AnswerKind | None:
    """What an HTTP status alone says of an answer. None: 200, the body decides.

    408 and 425 ask for a repetition by definition (RFC 9110, RFC 8470); 418 is Binance's ban after 429s were
    ignored. A redirect is given up: a vendor's API has none, and our token would travel along.
    """
    if status == 200:
        return None
    if status in {408, 418, 425, 429} or status >= 500:
        return AnswerKind.RETRY
    return AnswerKind.GIVE_UP if 300 <= status < 500 else AnswerKind.GARBAGE


def pause_asked(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """How long a vendor asks us to wait, or None when it does not say so intelligibly; at most LONGEST_PAUSE.

    `headers` have names in lower case. `Retry-After` holds seconds or an HTTP date (RFC 9110, 10.2.3); without
    it `X-RateLimit-Reset` counts, which Alpaca and Finnhub send as seconds since 1970.
    """
    text = headers.get("retry-after", "").strip()
    seconds: float
    if text.isascii() and text.isdigit():
        seconds = float(text)
    elif text:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    else:
        reset = headers.get("x-ratelimit-reset", "").strip()
        if not (reset.isascii() and reset.isdigit()):
            return None
        seconds = float(reset) - (now - EPOCH).total_seconds()
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_PAUSE.total_seconds()))


def parse_body(body: bytes) -> object:
    """The JSON value of an answer's body. Raises Garbage for HTML, truncated JSON, NaN, or what is no UTF-8."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except Garbage:
        raise
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        if body.lstrip()[:1] == b"<":
            raise Garbage("the body is HTML or XML, not JSON") from None
        raise Garbage(f"the body of {len(body)} bytes is no JSON: {type(error).__name__}") from None


def _no_constant(name: str) -> float:
    raise Garbage(f"the body holds {name}, which is no JSON number")


class RawBar(NamedTuple):
    """One row as a vendor adapter found it, `at` aware and in UTC. Nothing of it is believed yet."""

    symbol: str
    at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


def instant_of(count: object, *, unit: timedelta) -> datetime:
    """The instant `count` whole units after 1970-01-01T00:00Z. Raises Garbage unless it is a whole number."""
    if type(count) is not int:
        raise Garbage(f"a time is {_quoted(count)}, which is no whole number")
    try:
        return EPOCH + count * unit
    except OverflowError:
        raise Garbage(f"a time is {_quoted(count)}, which is no time") from None


def number_of(value: object) -> float:
    """A JSON number as the float64 that it means. Raises Garbage for text, null, true and what is not finite."""
    if type(value) is float:
        number = value
    elif type(value) is int:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    else:
        raise Garbage(f"a value is {_quoted(value)}, which is no number")
    if not math.isfinite(number):
        raise Garbage(f"a value is {_quoted(value)}, which is not finite")
    return number


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def believable_bars(rows: Iterable[RawBar], request: VendorRequest) -> tuple[Bar, ...]:
    """The rows as bars, sorted by symbol, minute. Raises Garbage, naming the first row that cannot be believed.

    A believable row is of a symbol and a minute that were asked for, on a whole minute, later than the row
    before it of the same symbol (so none comes twice), with finite prices above zero, `low` at most and `high`
    at least each of the others, and a volume that is not negative.
    """
    asked = frozenset(request.symbols)
    start, end = request.range.start, request.range.end
    last: dict[str, datetime] = {}
    bars: list[Bar] = []
    for row in rows:
        symbol, at, opened, high, low, close, volume = row
        if symbol not in asked:
            raise _unbelievable(row, "this symbol was not asked for")
        if at.second or at.microsecond:
            raise _unbelievable(row, "not on a whole minute")
        if not start <= at < end:
            raise _unbelievable(row, f"outside the range {request.range}")
        before = last.get(symbol)
        if before is not None and at <= before:
            raise _unbelievable(row, f"{'comes twice' if at == before else 'is out of order'}")
        last[symbol] = at
        if not (math.isfinite(opened + high + low + close) and math.isfinite(volume)):
            raise _unbelievable(row, "a value is not finite")
        if min(opened, high, low, close) <= 0 or volume < 0:
            raise _unbelievable(row, "a price is not above zero or the volume is negative")
        if not (low <= opened <= high and low <= close <= high):
            raise _unbelievable(row, f"low {low} and high {high} do not enclose open {opened} and close {close}")
        bars.append(Bar(symbol, at, opened, high, low, close, volume))
    return tuple(sorted(bars))


def _unbelievable(row: RawBar, why: str) -> Garbage:
    return Garbage(f"{row.symbol[:24]} {format_instant(row.at)}: {why}")


def ended_by(window: Range, now: datetime) -> Range | None:
    """The minutes of `window` that have ended by `now`: the bar of a running minute is not a whole bar yet."""
    end = min(window.end, now.astimezone(UTC).replace(second=0, microsecond=0))
    return Range(window.start, end) if window.start < end else None


def judge(
    request: VendorRequest,
    rows: Iterable[RawBar],
    *,
    looked: Range | None,
    observed_at: datetime,
    requests: int = 1,
) -> Answer:
    """The `Answer` of rows that came with status 200: BARS, NO_DATA or GARBAGE.

    `looked` is how far the vendor looked for every symbol, None when for some symbol it did not. Bars of
    minutes that had not ended at `observed_at` are left out, and not covered.
    """
    try:
        bars = believable_bars(rows, request)
    except Garbage as garbage:
        return Answer(request, AnswerKind.GARBAGE, observed_at, status=200, detail=str(garbage), requests=requests)
    ended = ended_by(request.range, observed_at)
    bars = tuple(bar for bar in bars if ended and bar.minute in ended)
    if not bars:
        detail = "a well-formed answer without a bar"
        return Answer(request, AnswerKind.NO_DATA, observed_at, status=200, detail=detail, requests=requests)
    covered = looked.intersect(ended) if looked and ended else None
    found = {bar.symbol for bar in bars}
    detail = f"{len(bars)} bars of {len(found)} of {len(request.symbols)} symbols"
    return Answer(request, AnswerKind.BARS, observed_at, bars, covered, status=200, detail=detail, requests=requests)
