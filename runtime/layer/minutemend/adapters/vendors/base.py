"""What every vendor over HTTP has in common: ask page by page, class what comes, never let a secret out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

from minutemend.adapters.http import BodyTooLarge, Http, NoReply, Reply
from minutemend.core.answers import (
    Answer,
    AnswerKind,
    Garbage,
    RawBar,
    VendorRequest,
    judge,
    kind_of_status,
    parse_body,
    pause_asked,
)
from minutemend.core.errors import MinutemendError
from minutemend.core.minutes import Range
from minutemend.ports.vendor import Limits, Vendor

Credentials = str | Mapping[str, str] | None
MAX_PAGES = 20  # a vendor that pages for ever is cut here; `covered` then ends where it got to
WORDS_KEPT = 160  # of a vendor's own error message


class MissingCredentials(MinutemendError):
    """The vendor secret has no usable entry for this vendor; the message says what to put there."""


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded answer: its rows, the token of the next page (None: there is none), and how far the vendor
    looked for every symbol (None: not for all of them)."""

    rows: list[RawBar]
    looked: Range | None
    next_page: str | None = None


class HttpVendor(Vendor):
    """One vendor over HTTP. A subclass says how to ask and how to read; the rest is here.

    `url` is the base URL, `timeout` that of one HTTP request, `per_minute` our share of the rate limit
    (`per_second` as well, where there is such a limit), `credentials` this vendor's entry of the vendor secret,
    `symbols` maps ours to the vendor's where they differ (all others pass through as they are), `clock` gives
    the aware UTC time of an observation.
    """

    rows: int  # bars in one answer
    symbols: int  # symbols in one request

    def __init__(
        self,
        *,
        url: str,
        timeout: timedelta,
        per_minute: int,
        credentials: Credentials,
        http: Http,
        clock: Callable[[], datetime],
        symbols: Mapping[str, str] | None = None,
        per_second: int | None = None,
    ) -> None:
        self.limits = Limits(self.rows, self.symbols, per_minute, per_second)
        self._url = url.rstrip("/")
        self._timeout = timeout.total_seconds()
        self._credentials = credentials
        self._http = http
        self._clock = clock
        self._theirs = dict(symbols or {})
        self._ours = {theirs: ours for ours, theirs in self._theirs.items()}

    @abstractmethod
    def headers(self) -> dict[str, str]:
        """The headers that carry the credentials. Raises MissingCredentials."""

    @abstractmethod
    def question(self, request: VendorRequest, page: str | None) -> tuple[str, dict[str, str]]:
        """Path and query parameters of a page; None is the first."""

    @abstractmethod
    def read(self, payload: object, request: VendorRequest) -> Page:
        """Decode one answer with status 200. Raises Garbage for a shape that is not the documented one."""

    def theirs(self, symbol: str) -> str:
        """The vendor's name of our symbol."""
        return self._theirs.get(symbol, symbol)

    def ours(self, symbol: str) -> str:
        """Our name of the vendor's symbol."""
        return self._ours.get(symbol, symbol)

    def without_refused(self, reply: Reply, request: VendorRequest) -> VendorRequest | None:  # noqa: ARG002
        """The request less the one symbol that this refusal names, None when it names none of several: one
        symbol that a vendor dislikes must not cost all the others their bars."""
        return None

    def fetch(self, request: VendorRequest) -> Answer:
        """Ask, page by page, and judge all rows together. One bad page spoils the answer: nothing is kept."""
        if not 0 < len(request.symbols) <= self.symbols:
            detail = f"{len(request.symbols)} symbols in one request; 1 to {self.symbols} would be right"
            return self._answer(request, AnswerKind.GIVE_UP, detail, requests=0)
        try:
            headers = self.headers()
        except MissingCredentials as missing:
            return self._answer(request, AnswerKind.GIVE_UP, str(missing), requests=0)
        asking, token = request, None
        rows: list[RawBar] = []
        looked: Range | None = None
        for number in range(1, MAX_PAGES + 1):
            path, params = self.question(asking, token)
            try:
                reply = self._http.get(self._url + path, params=params, headers=headers, timeout=self._timeout)
                kind = kind_of_status(reply.status)
                if kind is not None:
                    fewer = self.without_refused(reply, asking)
                    if fewer is None or number == MAX_PAGES:
                        return self._refused(request, reply, kind, requests=number)
                    asking = fewer
                    continue
                page = self.read(parse_body(reply.body), asking)
            except NoReply as lost:
                return self._answer(request, AnswerKind.RETRY, str(lost), requests=number)
            except (Garbage, BodyTooLarge) as garbage:
                return self._answer(request, AnswerKind.GARBAGE, str(garbage), status=200, requests=number)
            rows += page.rows
            looked, token = page.looked, page.next_page
            if token is None:
                break
        answer = judge(request, rows, looked=looked, observed_at=self._clock(), requests=number)
        refused = sorted(set(request.symbols) - set(asking.symbols))
        return self._named(answer, f" (it refused {', '.join(refused)})" if refused else "")

    def _refused(self, request: VendorRequest, reply: Reply, kind: AnswerKind, *, requests: int) -> Answer:
        words = " ".join(reply.body.decode("utf-8", "replace").split())
        words = "HTML" if words.startswith("<") else words
        hint = " (is the token in the vendor secret right, and does its plan allow this?)"
        detail = f"HTTP {reply.status}{hint if reply.status in {401, 403} else ''}: {words}"
        if 300 <= reply.status < 400:
            detail = f"HTTP {reply.status}: a redirect; the vendor's URL in the stage's settings should be final"
        now = self._clock()
        pause = pause_asked(reply.headers, now=now) if kind is AnswerKind.RETRY else None
        return self._answer(request, kind, detail, status=reply.status, retry_after=pause, requests=requests)

    def _answer(
        self,
        request: VendorRequest,
        kind: AnswerKind,
        detail: str,
        *,
        requests: int,
        status: int | None = None,
        retry_after: timedelta | None = None,
    ) -> Answer:
        return self._named(
            Answer(
                request,
                kind,
                self._clock(),
                status=status,
                detail=detail,
                retry_after=retry_after,
                requests=requests,
            )
        )

    def _named(self, answer: Answer, more: str = "") -> Answer:
        """The answer with the vendor's name before its detail, and no secret in it even if the vendor echoes one."""
        detail = f"{self.name}: {answer.detail}{more}"
        for secret in self._secrets():
            for form in {secret, quote(secret, safe="")}:
                detail = detail.replace(form, "***")
        return replace(answer, detail="".join(c if c.isprintable() else " " for c in detail)[:WORDS_KEPT])

    def _secrets(self) -> list[str]:
        entry: object = self._credentials  # whatever JSON somebody wrote into the secret
        found = list(entry.values()) if isinstance(entry, Mapping) else [entry]
        return [secret for secret in found if isinstance(secret, str) and secret]


def epoch_seconds(instant: datetime) -> int:
    """Whole seconds since 1970-01-01T00:00Z."""
    return int(instant.timestamp())
