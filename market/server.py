"""The simulator's HTTP server, on 127.0.0.1 alone."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from minutemend.core.errors import BadInput

from market.dialects.base import Response
from market.market import Market, json_response
from market.sources import Source

CONTROL = "/control"


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
            self._send(json_response(self.server.market.state.counts()))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        response, drop = self.server.market.answer(parts.path, dict(parse_qsl(parts.query)), headers)
        self._send(response, drop=drop)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if urlsplit(self.path).path != CONTROL:
            self._send(Response(404, b'{"message": "no such endpoint"}'))
            return
        try:
            self._send(json_response(self.server.market.control(json.loads(body or b"null"))))
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
            from market.parquet import read_bars

            self.source = read_bars(parquet)
        else:
            from market.calendars import session_edges
            from market.generated import GeneratedBars, Sessions

            self.source = GeneratedBars(
                seed=seed,
                sessions=Sessions(session_edges({calendar, *(calendar_of or {}).values()})),
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
        return self.market.state.counts()

    def __enter__(self) -> MarketServer:
        threading.Thread(target=self._server.serve_forever, args=(0.2,), name="market", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop answering and give the port back."""
        self._server.shutdown()
        self._server.server_close()
