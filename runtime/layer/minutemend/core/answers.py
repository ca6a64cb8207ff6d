"""Vendor answers: what a request may bring back, and what each kind of answer is worth.

An `Answer` is the only thing that leaves a vendor adapter: status codes, broken JSON and lying rows have
become one of five kinds here, so that no caller ever looks at HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from minutemend.core.columns import NO_BARS, Bars, Minutes
from minutemend.core.errors import MinutemendError
from minutemend.core.minutes import EPOCH, Range


class AnswerKind(StrEnum):
    """What an answer is worth."""

    BARS = "bars"  # well-formed, with at least one bar: its omissions count as observations
    NO_DATA = "no_data"  # well-formed and empty: proves nothing (field notes: Finnhub, 2025-11-04)
    RETRY = "retry"  # 408, 418, 425, 429, 5xx, time-outs, lost connections, a WAF's page: again, after `retry_after`
    GIVE_UP = "give_up"  # 400, 401, 403, 404: asking again cannot help
    GARBAGE = "garbage"  # an answer that cannot be believed; nothing of it is used


@dataclass(frozen=True, slots=True)
class VendorLimits:
    """What one request to a vendor may hold, and how many requests it allows to all workers together."""

    name: str
    rows: int  # bars in one answer, over all its symbols and pages
    symbols: int  # symbols in one request
    per_minute: int
    per_second: int | None = None  # None: only the minute counts
    calendars: tuple[str, ...] = ()  # whose symbols it is asked for; none: all
    archive: int | None = None  # minutes of its archive's largest file, where that is asked first

    def serves(self, calendar: str) -> bool:
        """Whether it is asked for the symbols of this calendar."""
        return not self.calendars or calendar in self.calendars


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """One question to a vendor: the bars of these symbols with left edges in `range`."""

    vendor: str
    symbols: tuple[str, ...]
    range: Range


class SourceKind(StrEnum):
    """What a vendor draws on."""

    VENUE = "venue"  # it is the market itself: what it does not show was not traded there, or it was down
    FEED = "feed"  # a consolidated feed of a country's markets
    UNKNOWN = "unknown"  # it does not say


@dataclass(frozen=True, slots=True)
class Source:
    """What a vendor draws on, and its name: two vendors of one feed have one source."""

    kind: SourceKind
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What came of one `VendorRequest`.

    `bars` are validated, sorted, unique, inside the request (none unless `kind` is BARS). `covered` is how far the
    vendor looked for each symbol: a page limit may end it before the request's end; outside it, and for a symbol
    that it does not name, nothing is proven. `stated` are the minutes (sorted epoch minutes by symbol) of which the
    venue itself says that they had no trade. `distrusted` are the symbols whose rows cannot be believed, with
    one line that names the row and why: their bars and omissions count for nothing, other symbols are unharmed.
    `refused` are symbols that the vendor would not read, though it answered for the others. `left` is what it was
    asked and has not looked at: an answer of many pages was cut off, by its limit or for lack of time. `divide` says
    that it refused all for what may be the fault of a few: fewer symbols may be answered.
    `status` is the HTTP status (None: no answer came), `detail` one line for people, never with a secret in it.
    """

    request: VendorRequest
    kind: AnswerKind
    observed_at: datetime
    bars: Bars = NO_BARS
    covered: Mapping[str, Range] = field(default_factory=dict)
    stated: Mapping[str, Minutes] = field(default_factory=dict)
    distrusted: Mapping[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    left: tuple[VendorRequest, ...] = ()
    divide: bool = False
    status: int | None = None
    detail: str = ""
    retry_after: timedelta | None = None
    requests: int = field(default=1)  # HTTP requests that it took (pages)

    def said_of(self, symbol: str) -> tuple[AnswerKind, str]:
        """What the answer is worth for one symbol of the request, and its line for people."""
        if symbol in self.refused:
            return AnswerKind.GIVE_UP, self.detail
        if symbol in self.distrusted:
            return AnswerKind.GARBAGE, self.distrusted[symbol]
        if self.kind is AnswerKind.BARS and not len(self.bars.minutes_of(symbol)):
            return AnswerKind.NO_DATA, self.detail
        return self.kind, self.detail

    def looked_for(self) -> list[str]:
        """The symbols of the request that the vendor looked for at all, before it was cut off."""
        unseen = {symbol for rest in self.left if rest.range == self.request.range for symbol in rest.symbols}
        return [symbol for symbol in self.request.symbols if symbol not in unseen]


def halves(request: VendorRequest) -> list[VendorRequest]:
    """The same question in two, each for half of the symbols."""
    middle = len(request.symbols) // 2
    return [replace(request, symbols=part) for part in (request.symbols[:middle], request.symbols[middle:]) if part]


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


# What vendors write into a body of status 200, in the order in which it is looked for, as the status that it amounts
# to: "EAPI:Rate limit exceeded" (Kraken), "You don't have access to this resource." (Finnhub), "Invalid symbol."
_WORDS = (
    (429, r"rate.?limit|too many|throttl|limit (has been |was )?(reached|exceeded)|exceed\w* .*limit"),
    (503, r"unavailable|busy|try again|timed? ?out|internal|overload|maintenance"),
    (401, r"(invalid|wrong|expired|missing|incorrect|unknown) (api.?)?(key|token|signature|credential)|unauth"),
    (403, r"forbidden|permission|not allowed|have access|subscri|upgrade"),
)


def status_of_words(words: str) -> int:
    """The HTTP status that a vendor's error message amounts to; 400 for what is not recognised."""
    return next((status for status, known in _WORDS if re.search(known, words, re.IGNORECASE)), 400)


def error_words(payload: object) -> str | None:
    """The message of a JSON body that is an error as most vendors write it, else None.

    An `error` (or `errors`, `errmsg`, `message`, `msg`) that is text, a list that is not empty, or an object with a
    message. Kraken's `{"error": [], "result": …}` is none.
    """
    if not isinstance(payload, Mapping):
        return None
    for name in ("error", "errors", "errmsg", "message", "msg"):
        said = payload.get(name)
        if isinstance(said, Mapping):
            said = error_words(said) or str(said)
        if isinstance(said, list):
            said = "; ".join(str(one) for one in said)
        if isinstance(said, str) and said.strip():
            return said.strip()
    return None


_PAUSING = (429, 418, 503)  # statuses on which Retry-After is a vendor's word to all of us, not an error page's
_LIMITED = (429, 418)  # statuses that are about a rate limit, so that its reset is what to wait for


def pause_asked(headers: Mapping[str, str], *, now: datetime, status: int = 429) -> timedelta | None:
    """How long a vendor asks us to wait, or None when it does not say so intelligibly; at most LONGEST_PAUSE.

    `headers` have names in lower case. `Retry-After` holds seconds or an HTTP date (RFC 9110, 10.2.3) and counts on
    429, 418 and 503; without it `X-RateLimit-Reset` counts on 429 and 418, which Alpaca and Finnhub send as seconds
    since 1970 with every answer. Elsewhere they do not count: a pause holds up all workers of the vendor.
    """
    text = headers.get("retry-after", "").strip() if status in _PAUSING else ""
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
        reset = headers.get("x-ratelimit-reset", "").strip() if status in _LIMITED else ""
        if not (reset.isascii() and reset.isdigit()):
            return None
        seconds = float(reset) - (now - EPOCH).total_seconds()
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_PAUSE.total_seconds()))
