"""What every vendor over HTTP has in common: ask page by page, class what comes, never let a secret out."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

import numpy as np

from minutemend.adapters.http import BodyTooLarge, Http, NoReply, Reply
from minutemend.contract import VENDORS, KnownVendor, VendorSettings
from minutemend.core.answers import (
    Answer,
    AnswerKind,
    Garbage,
    Source,
    SourceKind,
    VendorLimits,
    VendorRequest,
    error_words,
    kind_of_status,
    pause_asked,
    status_of_words,
)
from minutemend.core.errors import BadInput, MinutemendError
from minutemend.core.minutes import MINUTE, Range, epoch_minute, from_epoch_minute
from minutemend.core.rows import Rows, answer_of, parse_body
from minutemend.ports.vendor import Vendor

Credentials = str | Mapping[str, str] | None
MAX_PAGES = 20  # a vendor that pages for ever is cut here; `covered` then ends where it got to
WORDS_KEPT = 160  # of a vendor's own error message


class MissingCredentials(MinutemendError):
    """The vendor secret has no usable entry for this vendor; the message says what to put there."""


def known_vendor(name: str) -> KnownVendor:
    """A vendor's row of the registry. Raises BadInput that lists the known ones."""
    if name not in VENDORS:
        raise BadInput(f"{name!r} is not a vendor: one of {', '.join(sorted(VENDORS))} would be right")
    return VENDORS[name]


def limits_of(vendor: VendorSettings) -> VendorLimits:
    """What one request to a vendor may hold, without a connection to it. Raises BadInput as `known_vendor`."""
    known = known_vendor(vendor.name)
    archive = known.archive if vendor.archive else None
    budget = vendor.per_minute, vendor.per_second
    return VendorLimits(vendor.name, known.rows, known.symbols, *budget, vendor.calendars, archive)


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded answer: its rows, how far the vendor has looked by now for each symbol that it has looked for,
    and the token of the next page (None: there is none)."""

    rows: list[Rows]
    looked: Mapping[str, Range]
    next_page: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """No page: a status other than 200, or a body that amounts to one. `words` are the vendor's, on one line."""

    reply: Reply
    status: int
    kind: AnswerKind
    words: str


class HttpVendor(Vendor):
    """One vendor over HTTP. A subclass says how to ask and how to read; `contract.VENDORS` has what it allows and is;
    the rest is here.

    `credentials` is this vendor's entry of the vendor secret. None where one is needed is no error here: each fetch
    then gives up, and says what to do. `reread` reads it anew (after a 401: it may have been rotated), `clock` gives
    the aware UTC time of an observation. Symbols that the settings do not map pass through.
    """

    rows: int
    symbols: int
    strays: ClassVar[bool] = False  # it may send rows outside of what was asked for, which are left out

    def __init_subclass__(cls) -> None:
        """What is known of the vendor, from its row of the registry."""
        known = VENDORS[cls.name]
        cls.rows, cls.symbols, cls.lag = known.rows, known.symbols, known.lag
        cls.source = Source(SourceKind(known.kind), known.source)

    def __init__(
        self,
        settings: VendorSettings,
        *,
        credentials: Credentials,
        http: Http,
        clock: Callable[[], datetime],
        reread: Callable[[], Credentials] | None = None,
    ) -> None:
        self.limits = limits_of(settings)
        self._url = settings.url.rstrip("/")
        self._timeout = settings.timeout.total_seconds()
        self._credentials = credentials
        self._reread = reread
        self._http = http
        self._clock = clock
        self._archive = settings.archive.rstrip("/") if settings.archive else None
        self._unusable: dict[str, str] = {}  # files of the archive that this adapter has found wanting, and why
        self._theirs = dict(settings.symbols)
        self._ours = {theirs: ours for ours, theirs in self._theirs.items()}

    def headers(self) -> dict[str, str]:
        """The headers that carry the credentials, none for a vendor without. Raises MissingCredentials."""
        return {}

    def secret(self) -> tuple[str, ...]:
        """The fields of this vendor's entry in the vendor secret, in their order. Raises MissingCredentials."""
        known, given = VENDORS[self.name], self._credentials
        wanted = known.secret or ()
        fields = [given] if not wanted else [given.get(name) for name in wanted] if isinstance(given, Mapping) else []
        found = tuple(one for one in fields if isinstance(one, str) and one)
        if len(found) < max(1, len(wanted)):
            right = json.dumps({self.name: known.entry()}, ensure_ascii=False)
            raise MissingCredentials(f"no credentials; an entry like {right} in the vendor secret would be right")
        return found

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

    def error_in(self, payload: object) -> tuple[int, str] | None:
        """The error that a body with status 200 tells: the HTTP status that it amounts to, and the vendor's words.
        A vendor that tells it otherwise than `error_words` knows says so in its own class."""
        words = error_words(payload)
        return None if words is None else (status_of_words(words), words)

    def without_refused(self, refusal: Refusal, request: VendorRequest) -> VendorRequest | None:
        """The request less the one symbol that this refusal names, None when it names none of several: cheaper than
        to be asked for half of them, and then for half of these."""
        del refusal, request
        return None

    def fetch(self, request: VendorRequest, *, until: datetime | None = None) -> Answer:
        """Ask, page by page, and judge all rows together. One bad page spoils the answer: nothing is kept."""
        if (why := self._unaskable(request)) is not None:
            return self._answer(request, AnswerKind.GIVE_UP, why, requests=0)
        asking = replace(request, range=self._reachable(request.range) or request.range)
        token, fresh = None, self._reread is None
        rows: list[Rows] = []
        looked: Mapping[str, Range] = {}
        for number in range(1, MAX_PAGES + 1):
            try:
                said = self._ask(asking, token)
            except MissingCredentials as missing:
                return self._answer(request, AnswerKind.GIVE_UP, str(missing), requests=number - 1)
            except NoReply as lost:
                return self._answer(request, AnswerKind.RETRY, str(lost), requests=number)
            except (Garbage, BodyTooLarge) as garbage:
                answer = self._answer(request, AnswerKind.GARBAGE, str(garbage), status=200, requests=number)
                return replace(answer, divide=isinstance(garbage, BodyTooLarge) and len(request.symbols) > 1)
            if isinstance(said, Refusal):
                fewer = self.without_refused(said, asking)
                if number == MAX_PAGES or (fewer is None and (fresh or said.status != 401)):
                    return self._refused(request, said, requests=number)
                if fewer is None and self._reread is not None:
                    fresh, self._credentials = True, self._reread()
                asking = fewer or asking
                continue
            rows += said.rows
            looked, token = said.looked, said.next_page
            if token is None or (until is not None and self._clock() >= until):
                break
        refused = frozenset(request.symbols) - set(asking.symbols)
        answer = answer_of(request, rows, looked=looked, observed_at=self._clock(), requests=number, refused=refused)
        return self._named(answer, f" (it refused {', '.join(sorted(refused))})" if refused else "")

    def _unaskable(self, request: VendorRequest) -> str | None:
        """Why the vendor cannot answer this, so that it is not asked."""
        if not 0 < len(request.symbols) <= self.symbols:
            return f"{len(request.symbols)} symbols in one request; 1 to {self.symbols} would be right"
        newest = VENDORS[self.name].newest
        if newest is not None and self._reachable(request.range) is None:
            return f"it has the newest {newest // MINUTE} minutes alone, and the request ends before them"
        return None

    def _reachable(self, window: Range) -> Range | None:
        """The window less what a vendor of the newest minutes alone has no more: that is then left, and refused."""
        newest = VENDORS[self.name].newest
        if newest is None:
            return window
        oldest = (self._clock() - newest + MINUTE).replace(second=0, microsecond=0)
        return Range(max(window.start, oldest), window.end) if oldest < window.end else None

    def _ask(self, request: VendorRequest, token: str | None) -> Page | Refusal:
        """One page. Raises MissingCredentials, NoReply, BodyTooLarge, Garbage."""
        path, params = self.question(request, token)
        reply = self._http.get(self._url + path, params=params, headers=self.headers(), timeout=self._timeout)
        if (kind := kind_of_status(reply.status)) is not None:
            return Refusal(reply, reply.status, kind, " ".join(reply.body.decode("utf-8", "replace").split()))
        payload = parse_body(reply.body)
        if (error := self.error_in(payload)) is None:
            return self._told(self.read(payload, request), request)
        status, words = error
        return Refusal(reply, status, kind_of_status(status) or AnswerKind.GIVE_UP, words)

    def _told(self, page: Page, request: VendorRequest) -> Page:
        """The page, less stray rows. Of one symbol a page of as many rows as the vendor gives was cut off, at whichever
        end: it tells of no more than its rows show."""
        if self.symbols > 1:
            return page
        rows, looked = page.rows, page.looked
        first, end = (epoch_minute(edge) for edge in (request.range.start, request.range.end))
        if sum(len(one.at) for one in rows) >= self.rows:
            at = np.concatenate([one.at for one in rows]) // 60_000_000
            low, high = max(first, int(at.min())), min(end, int(at.max()) + 1)
            shown = Range(from_epoch_minute(low), from_epoch_minute(high)) if low < high else None
            looked = {name: part for name, span in looked.items() if shown and (part := shown.intersect(span))}
        if self.strays:
            masks = [(first * 60_000_000 <= one.at) & (one.at < end * 60_000_000) for one in rows]
            rows = [one.take(mask) for one, mask in zip(rows, masks, strict=True) if mask.any()]
        return replace(page, rows=rows, looked=looked)

    def _refused(self, request: VendorRequest, refusal: Refusal, *, requests: int) -> Answer:
        status, kind, words = refusal.status, refusal.kind, refusal.words
        page = words.startswith("<")
        hint = " (is the token in the vendor secret right, and does its plan allow this?)"
        if status == 403 and VENDORS[self.name].secret is None and page:
            kind = AnswerKind.RETRY  # a firewall's: there is no token that could be wrong
        said = f"HTTP {status}" if refusal.reply.status == status else f"HTTP 200 with an error, as {status} would be"
        told = hint if status in {401, 403} and VENDORS[self.name].secret is not None else ""
        detail = f"{said}{told}: {'HTML' if page else words}"
        if 300 <= status < 400:
            detail = f"HTTP {status}: a redirect; the vendor's URL in the stage's settings should be final"
        pause = None
        if kind is AnswerKind.RETRY:
            pause = pause_asked(refusal.reply.headers, now=self._clock(), status=status)
        answer = self._answer(request, kind, detail, status=refusal.reply.status, retry_after=pause, requests=requests)
        blames = kind is AnswerKind.GIVE_UP and status >= 400 and status not in {401, 403}
        return replace(answer, divide=blames and len(request.symbols) > 1)

    def _answer(self, request: VendorRequest, kind: AnswerKind, detail: str, **said: Any) -> Answer:
        """An answer without bars; `said` are more of its fields."""
        return self._named(Answer(request, kind, self._clock(), detail=detail, **said))

    def _named(self, answer: Answer, more: str = "") -> Answer:
        """The answer with the vendor's name before its detail, and no secret in it even if the vendor echoes one."""
        distrusted = {symbol: self._line(flaw) for symbol, flaw in answer.distrusted.items()}
        return replace(answer, detail=self._line(answer.detail + more), distrusted=distrusted)

    def _line(self, words: str) -> str:
        line = f"{self.name}: {words}"
        for secret in self._secrets():
            for form in {secret, quote(secret, safe="")}:
                line = line.replace(form, "***")
        return "".join(c if c.isprintable() else " " for c in line)[:WORDS_KEPT]

    def _secrets(self) -> list[str]:
        entry: object = self._credentials  # whatever JSON somebody wrote into the secret
        found = list(entry.values()) if isinstance(entry, Mapping) else [entry]
        return [secret for secret in found if isinstance(secret, str) and secret]


def epoch_seconds(instant: datetime) -> int:
    """Whole seconds since 1970-01-01T00:00Z."""
    return int(instant.timestamp())
