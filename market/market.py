"""What the simulator answers, without the HTTP: a vendor's route over a source of bars, with the faults in force."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from minutemend.core.errors import BadInput
from minutemend.core.minutes import epoch_minute

from market.archive import Archived
from market.dialects import DIALECTS, route
from market.dialects.base import Dialect, Found, Refusal, Response, look_up
from market.faults import Fault, FaultKind
from market.known import Known, spoil
from market.sources import Continuous, Source
from market.state import Memory, State

ORDERS = {"faults", "credentials", "reset"}
HTML = Response(200, b"<html><body><h1>We will be back soon</h1></body></html>", content_type="text/html")
WAF = Response(
    403, b"<html><body><h1>403 Forbidden</h1><p>Request blocked.</p></body></html>", content_type="text/html"
)


class Market:
    """What the server answers, without the HTTP: a source of bars, the faults in force, the expected tokens."""

    def __init__(
        self,
        source: Source,
        *,
        credentials: Mapping[str, object] | None,
        clock: Callable[[], datetime],
        state: State | None = None,
    ) -> None:
        self.source = source
        self.state: State = state or Memory()
        self._credentials = dict(credentials or {})
        self._clock = clock

    def control(self, body: object) -> dict[str, object]:
        """Do what a `POST /control` says, and return the counts. Raises BadInput.

        `{"faults": [{"kind": …}, …]}` puts these in force and no others; `{"credentials": {"finnhub": "TOKEN"}}`
        sets the expected tokens; `{"reset": true}` sets the counts to zero.
        """
        if not isinstance(body, dict) or not body or not set(body) <= ORDERS:
            raise BadInput(f"an object with any of {', '.join(sorted(ORDERS))} would be right")
        if "faults" in body:
            if not isinstance(body["faults"], list):
                raise BadInput("faults is a list of objects")
            self.state.set([Fault.from_json(fault) for fault in body["faults"]])
        if "credentials" in body:
            self._credentials = dict(body["credentials"])
        if body.get("reset"):
            self.state.reset()
        return self.state.counts()

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[Response, bool]:
        """The answer of a vendor's route, and whether the connection is to drop in the middle of it.

        A request whose token is not the expected one is refused and leaves no trace; every other is counted.
        """
        file = Archived.at(path)
        dialect, named = (DIALECTS["binance"], {"symbol": file.symbol}) if file else route(path)
        query = {**query, **named}
        if dialect is None:
            return Response(404, b'{"message": "no such endpoint"}'), False
        try:
            dialect.check(headers, query, self.expected(dialect.name))
        except Refusal as refusal:
            return refusal.response, False
        now = self._clock()
        struck = self.state.meet(dialect.name, query.get(dialect.asks_by, "").split(","), now)
        kinds = {fault.kind for fault in struck}
        response, drop = self._refused(dialect, struck, now), False
        if response is None:
            try:
                response, drop = self._answer(dialect, file or query, struck, now), FaultKind.DROP in kinds
                if FaultKind.TRUNCATED in kinds:
                    response = replace(response, body=response.body[: len(response.body) * 2 // 3])
            except Refusal as refusal:
                response = refusal.response
        self.state.answered("dropped" if drop else str(response.status))
        return response, drop

    def expected(self, vendor: str) -> object:
        """The token to expect of who asks a vendor; None: any."""
        return self._credentials.get(vendor)

    def traded(self) -> Source:
        """What there is to know: asked for after the orders in force are known."""
        return self.source

    def _answer(
        self, dialect: Dialect, asked: Mapping[str, str] | Archived, struck: Sequence[Fault], now: datetime
    ) -> Response:
        """What the vendor knows of a query, or as a file of its archive. Raises Refusal."""
        known = Known(Continuous(self.traded()) if dialect.continuous else self.traded(), struck, now)
        if isinstance(asked, Archived):
            return asked.response(known, now)
        question = dialect.parse(asked, known)
        question.end = min(question.end, epoch_minute(now))  # neither the future nor the running minute is known
        found = look_up(known, question) if question.first < question.end else Found({})
        for fault in struck:
            spoil(fault, found.rows)
        return json_response(dialect.render(question, found))

    def _refused(self, dialect: Dialect, struck: Sequence[Fault], now: datetime) -> Response | None:
        for fault in struck:
            match fault.kind:
                case FaultKind.DELAY:
                    time.sleep(fault.seconds)
                case FaultKind.STATUS:
                    headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
                    return Response(fault.status, b'{"error": "as the simulator was told"}', headers)
                case FaultKind.RATE_LIMIT:
                    minute = epoch_minute(now)
                    if self.state.over_limit(dialect.name, per_minute=fault.per_minute, clock_minute=minute):
                        headers = {"Retry-After": fault.retry_after or str(60 - now.second)}
                        return Response(429, b'{"error": "API limit reached."}', headers)
                case FaultKind.HTML:
                    return HTML
                case FaultKind.WAF:
                    return WAF
                case FaultKind.ERROR_BODY:
                    return Response(200, dialect.error.encode())
        return None


def json_response(value: object) -> Response:
    """200 with a value as JSON."""
    # repr of a float is the shortest text that reads back as the same float64: nothing is lost on the way.
    return Response(200, json.dumps(value, separators=(",", ":")).encode())
