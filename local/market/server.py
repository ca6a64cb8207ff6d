"""The simulator's HTTP server, on 127.0.0.1 alone."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from minutemend.contract import FIRST_DT
from minutemend.core.errors import BadInput
from minutemend.core.minutes import epoch_minute

from local.market.dialects import QUOTE, ROUTES, Dialect, Finnhub, Found, Refusal, Response, look_up
from local.market.faults import Fault, FaultKind, Faults, spoil, thin
from local.market.sources import ParquetBars, Source

CONTROL = "/control"
HTML = Response(200, b"<html><body><h1>We will be back soon</h1></body></html>", content_type="text/html")


class Market:
    """What the server answers, without the HTTP: a source of bars, the faults in force, the expected tokens."""

    def __init__(
        self, source: Source, *, credentials: Mapping[str, object] | None, clock: Callable[[], datetime]
    ) -> None:
        self.source = source
        self.faults = Faults()
        self._credentials = dict(credentials or {})
        self._clock = clock

    def control(self, body: object) -> dict[str, object]:
        """Do what a `POST /control` says, and return the counts. Raises BadInput.

        `{"faults": [{"kind": …}, …]}` puts these in force and no others; `{"credentials": {"finnhub": "TOKEN"}}`
        sets the expected tokens; `{"reset": true}` sets the counts to zero.
        """
        if not isinstance(body, dict) or not body or not set(body) <= {"faults", "credentials", "reset"}:
            raise BadInput("an object with any of faults, credentials, reset would be right")
        if "faults" in body:
            if not isinstance(body["faults"], list):
                raise BadInput("faults is a list of objects")
            self.faults.set([Fault.from_json(fault) for fault in body["faults"]])
        if "credentials" in body:
            self._credentials = dict(body["credentials"])
        if body.get("reset"):
            self.faults.reset()
        return self.faults.counts()

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[Response, bool]:
        """The answer of a vendor's route, and whether the connection is to drop in the middle of it."""
        now = self._clock()
        dialect = ROUTES.get(path) or (Finnhub() if path == QUOTE else None)
        if dialect is None:
            return Response(404, b'{"message": "no such endpoint"}'), False
        asked = query.get("symbols", query.get("symbol", "")).split(",")
        struck = self.faults.meet(dialect.name, asked)
        try:
            dialect.check(headers, query, self._credentials.get(dialect.name))
            refused = self._refused(dialect, struck, now)
            if refused is not None:
                return refused, False
            if path == QUOTE:
                return _json(Finnhub().quote(self.source, query.get("symbol", ""), now)), False
            return self._bars(dialect, query, struck, now)
        except Refusal as refusal:
            return refusal.response, False

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
                    if self.faults.over_limit(dialect.name, per_minute=fault.per_minute, clock_minute=minute):
                        headers = {"Retry-After": fault.retry_after or str(60 - now.second)}
                        return Response(429, b'{"error": "API limit reached."}', headers)
                case FaultKind.HTML:
                    return HTML
        return None

    def _bars(
        self, dialect: Dialect, query: Mapping[str, str], struck: Sequence[Fault], now: datetime
    ) -> tuple[Response, bool]:
        question = dialect.parse(query, self.source)
        question.end = min(question.end, epoch_minute(now))  # nobody knows the future, nor the running minute
        found = look_up(self.source, question) if question.first < question.end else Found({})
        for fault in struck:
            if fault.kind is FaultKind.MISSING:
                thin(fault, found.rows)
            else:
                spoil(fault, found.rows)
        response = _json(dialect.render(question, found))
        kinds = {fault.kind for fault in struck}
        if FaultKind.TRUNCATED in kinds:
            response = Response(200, response.body[: len(response.body) * 2 // 3])
        return response, FaultKind.DROP in kinds


def _json(value: object) -> Response:
    # repr of a float is the shortest text that reads back as the same float64: nothing is lost on the way.
    return Response(200, json.dumps(value, separators=(",", ":")).encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], market: Market) -> None:
        self.market = market
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    timeout = 60  # an idle connection is closed, so that threads do not gather
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == CONTROL:
            self._send(_json(self.server.market.faults.counts()))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        response, drop = self.server.market.answer(parts.path, dict(parse_qsl(parts.query)), headers)
        self.server.market.faults.answered("dropped" if drop else str(response.status))
        self._send(response, drop=drop)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if urlsplit(self.path).path != CONTROL:
            self._send(Response(404, b'{"message": "no such endpoint"}'))
            return
        try:
            self._send(_json(self.server.market.control(json.loads(body or b"null"))))
        except (BadInput, ValueError, TypeError) as error:
            self._send(Response(400, json.dumps({"error": str(error)}).encode()))

    def _send(self, response: Response, *, drop: bool = False) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body[: len(response.body) // 2] if drop else response.body)
        self.wfile.flush()
        if drop:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: `GET /control` has the counts."""


class MarketServer:
    """The simulator in this process: `with MarketServer(seed=7) as market: … market.url`.

    `parquet` files, when given, are the only bars; otherwise bars are generated from `seed` on `calendar`
    (symbols in `calendar_of` on their own), of `symbols` alone when given. `credentials` are the tokens to
    expect, by vendor as in the vendor secret; a vendor that is not in it takes any, but not none.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 7,
        parquet: Sequence[Path | str] = (),
        calendar: str = "XNYS",
        calendar_of: Mapping[str, str] | None = None,
        symbols: Sequence[str] | None = None,
        no_trade: float = 0.0,
        credentials: Mapping[str, object] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not 0 <= no_trade <= 1:
            raise BadInput(f"no_trade is {no_trade}: a share from 0 to 1 would be right")
        self.source: Source
        if parquet:
            self.source = ParquetBars(parquet)
        else:
            from local.market.generated import GeneratedBars, Sessions

            calendars = {calendar, *(calendar_of or {}).values()}
            self.source = GeneratedBars(
                seed=seed,
                sessions=Sessions.of(calendars, first=FIRST_DT, last=f"{clock().year + 1}-12-31"),
                calendar=calendar,
                calendar_of=calendar_of,
                symbols=frozenset(symbols) if symbols is not None else None,
                no_trade=no_trade,
            )
        self.market = Market(self.source, credentials=credentials, clock=clock)
        try:
            self._server = _Server(("127.0.0.1", port), self.market)
        except OSError as error:
            raise BadInput(f"port {port} of 127.0.0.1 cannot be used ({error.strerror}): another, or 0") from None
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def control(self, **body: object) -> dict[str, object]:
        """As `POST /control`: `faults=[{"kind": "status", "status": 503}]`, `credentials=…`, `reset=True`."""
        return self.market.control(body)

    def counts(self) -> dict[str, object]:
        """As `GET /control`."""
        return self.market.faults.counts()

    def serve_forever(self) -> None:
        """Answer until `close` is called from another thread."""
        self._server.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Stop answering and give the port back."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> MarketServer:
        threading.Thread(target=self.serve_forever, name="market", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
