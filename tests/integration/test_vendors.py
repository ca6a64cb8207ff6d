"""The real adapters against the real simulator, over HTTP: one contract for all vendors."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from minutemend.adapters.http import UrllibHttp
from minutemend.adapters.vendors import Credentials, adapter_of
from minutemend.contract import VENDORS, VendorSettings
from minutemend.core.answers import Answer, AnswerKind, VendorRequest
from minutemend.core.bars import Bar
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant, from_epoch_minute
from minutemend.ports.vendor import Vendor

from market.server import MarketServer
from tests.unit.adapters.test_vendors import STRAYS

NAMES = sorted(VENDORS)
DAY = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 5, tzinfo=UTC))
NOON = Range(DAY.start + timedelta(hours=12), DAY.start + timedelta(hours=13))
TOKENS: dict[str, Credentials] = {name: known.entry(f"{name}-token") for name, known in VENDORS.items()}
SECRETS = tuple(f"{name}-token" for name in NAMES)
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real-minute-bars"


def awkward_bars() -> pa.Table:
    """A day of two symbols, every tenth minute absent, with values that only an exact path keeps: floats with
    17 digits, tiny and huge ones, and whole ones."""
    random = np.random.default_rng(5)
    minutes = np.array([n for n in range(1440) if n % 10])
    tables = []
    for symbol, scale in (("AIG", 1e-5), ("IBM", 183.7)):
        low, opened, close, high = np.sort(scale * np.exp(random.standard_normal((4, len(minutes)))), axis=0)
        volume = np.where(random.random(len(minutes)) < 0.5, 1e9 * random.random(len(minutes)), 200.0)
        tables.append(
            pa.table(
                {
                    "symbol": [symbol] * len(minutes),
                    "minute": (np.datetime64("2013-10-04", "s") + minutes * 60).astype("M8[us]"),
                    "open": opened,
                    "high": high,
                    "low": low,
                    "close": close,
                    "volume": volume,
                }
            )
        )
    return pa.concat_tables(tables)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MarketServer]:
    path = tmp_path_factory.mktemp("market") / "bars.parquet"
    pq.write_table(awkward_bars(), path)
    with MarketServer(parquet=[path], credentials=TOKENS) as server:
        yield server


@pytest.fixture(autouse=True)
def no_faults(market: MarketServer) -> None:
    """Each test begins without faults, with the counts at zero."""
    market.control(faults=[], credentials=TOKENS, reset=True)


@pytest.fixture(autouse=True)
def no_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """DAY is of 2013: a vendor of the newest minutes alone is asked here as if it had all of them."""
    ageless = {name: replace(known, newest=None) for name, known in VENDORS.items()}
    monkeypatch.setattr("minutemend.adapters.vendors.base.VENDORS", ageless)


def vendor(name: str, url: str, *, timeout: float = 30.0, credentials: Credentials = None) -> Vendor:
    return adapter_of(name)(
        VendorSettings(name, url=url, per_minute=60, timeout=timedelta(seconds=timeout)),
        credentials=credentials or TOKENS[name],
        http=UrllibHttp(),
        clock=lambda: datetime.now(UTC),
    )


def fetch(market: MarketServer, name: str, *symbols: str, window: Range = NOON, timeout: float = 30.0) -> Answer:
    return vendor(name, market.url, timeout=timeout).fetch(VendorRequest(name, symbols or ("IBM",), window))


def source_bars(market: MarketServer, symbol: str, window: Range) -> tuple[Bar, ...]:
    first = int(window.start.timestamp()) // 60
    rows = market.source.rows(symbol, first, first + window.minutes)
    return tuple(Bar(symbol, from_epoch_minute(minute), *values) for minute, *values in rows)


def no_secret_in(answer: Answer, url: str) -> bool:
    return not any(secret in answer.detail for secret in (*SECRETS, url, "127.0.0.1"))


@pytest.mark.parametrize("name", NAMES)
def test_every_vendor_gives_the_source_bars_to_the_last_bit(market: MarketServer, name: str) -> None:
    hours = Range(DAY.start, DAY.start + min(16, VENDORS[name].rows // 60) * timedelta(hours=1))
    answer = fetch(market, name, window=hours)
    assert tuple(answer.bars) == source_bars(market, "IBM", hours)
    assert len(answer.bars) == hours.minutes * 9 // 10
    assert (answer.kind, answer.covered, answer.requests) == (AnswerKind.BARS, {"IBM": hours}, 1)


@pytest.mark.parametrize("name", NAMES)
def test_both_edges_of_the_range_are_half_open(market: MarketServer, name: str) -> None:
    for start, minutes in ((1, 1), (1, 2), (9, 1), (9, 2)):
        window = Range(DAY.start + start * MINUTE, DAY.start + (start + minutes) * MINUTE)
        assert tuple(fetch(market, name, window=window).bars) == source_bars(market, "IBM", window)


@pytest.mark.parametrize("name", NAMES)
def test_a_range_without_bars_is_no_data(market: MarketServer, name: str) -> None:
    empty = Range(DAY.start + 10 * MINUTE, DAY.start + 11 * MINUTE)
    assert fetch(market, name, window=empty).kind is AnswerKind.NO_DATA


def test_a_symbol_that_the_vendor_does_not_know(market: MarketServer) -> None:
    """The venues refuse it; the others have no data for it. None of them proves anything."""
    kinds = {name: fetch(market, name, "ZZZZ").kind for name in NAMES}
    refusing = {name: AnswerKind.GIVE_UP for name in NAMES if VENDORS[name].kind == "venue"}
    assert kinds == dict.fromkeys(NAMES, AnswerKind.NO_DATA) | refusing


def test_alpaca_pages_over_several_symbols(market: MarketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter_of("alpaca"), "rows", 500)
    answer = fetch(market, "alpaca", "AIG", "IBM", "ZZZZ", window=DAY)
    assert tuple(answer.bars) == source_bars(market, "AIG", DAY) + source_bars(market, "IBM", DAY)
    assert (answer.covered, answer.requests) == (dict.fromkeys(("AIG", "IBM", "ZZZZ"), DAY), 6)
    assert market.counts()["vendors"] == {"alpaca": 6}


def test_one_symbol_that_alpaca_cannot_read_does_not_cost_the_others_their_bars(market: MarketServer) -> None:
    answer = fetch(market, "alpaca", "AIG", "BF_A", "IBM")
    assert tuple(answer.bars) == source_bars(market, "AIG", NOON) + source_bars(market, "IBM", NOON)
    assert (answer.requests, answer.detail.endswith("(it refused BF_A)")) == (2, True)


@pytest.mark.parametrize("name", [name for name in NAMES if VENDORS[name].symbols == 1])
def test_an_answer_of_all_rows_that_a_vendor_gives_tells_of_no_more_than_they_show(
    market: MarketServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was cut off, and it does not say at which end: of what lies before and after them nothing is known."""
    monkeypatch.setattr(adapter_of(name), "rows", len(source_bars(market, "IBM", NOON)))
    answer = fetch(market, name)
    shown = [*map(epoch_minute, (bar.minute for bar in answer.bars)), *answer.stated.get("IBM", ())]
    assert answer.covered == {"IBM": Range(*map(from_epoch_minute, (int(min(shown)), int(max(shown)) + 1)))}
    assert sum(one.range.minutes for one in answer.left) == 60 - answer.covered["IBM"].minutes > 0


def test_binance_covers_its_first_thousand_rows(market: MarketServer) -> None:
    """It has a row for each minute since the first trade; one of 0 trades is a statement of the venue, and no bar."""
    answer = fetch(market, "binance", window=DAY)
    end = DAY.start + 1001 * MINUTE
    assert tuple(answer.bars) == source_bars(market, "IBM", Range(DAY.start, end))
    assert len(answer.bars) == 900
    assert answer.covered == {"IBM": Range(DAY.start + MINUTE, end)}
    assert answer.stated["IBM"].tolist() == [epoch_minute(DAY.start) + n for n in range(10, 1001, 10)]


def test_a_minute_that_binance_lacks_is_no_statement(market: MarketServer) -> None:
    lost = [format_instant(NOON.start + n * MINUTE) for n in (10, 11)]  # nothing was traded in the first of them
    market.control(faults=[{"kind": "missing", "minutes": lost}], reset=True)
    answer = fetch(market, "binance", window=NOON)
    assert answer.stated["IBM"].tolist() == [epoch_minute(NOON.start) + n for n in (0, 20, 30, 40, 50)]
    assert NOON.start + 11 * MINUTE not in [bar.minute for bar in answer.bars]


GARBAGE = [
    "html",
    "truncated",
    "nan",
    "inverted",
    "negative",
    "duplicate",
    "unsorted",
    "out_of_range",
    "off_minute",
    "strings",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_never_yields_a_bar(market: MarketServer, name: str, kind: str) -> None:
    market.control(faults=[{"kind": kind, "vendors": [name], "requests": 1}])
    answer = fetch(market, name)
    if kind == "out_of_range" and name in STRAYS:
        assert all(bar.minute in NOON for bar in answer.bars)
        return
    assert (answer.kind, tuple(answer.bars), answer.covered, answer.status) == (AnswerKind.GARBAGE, (), {}, 200)
    assert answer.detail.startswith(f"{name}: ")
    assert no_secret_in(answer, market.url)
    assert fetch(market, name).kind is AnswerKind.BARS, "the fault was for one request"


def test_a_symbol_that_was_not_asked_for_is_garbage(market: MarketServer) -> None:
    market.control(faults=[{"kind": "wrong_symbol", "vendors": ["alpaca"]}])
    assert fetch(market, "alpaca").kind is AnswerKind.GARBAGE


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, AnswerKind.GIVE_UP),
        (400, AnswerKind.GIVE_UP),
        (401, AnswerKind.GIVE_UP),
        (403, AnswerKind.GIVE_UP),
        (404, AnswerKind.GIVE_UP),
        (418, AnswerKind.RETRY),
        (429, AnswerKind.RETRY),
        (500, AnswerKind.RETRY),
        (503, AnswerKind.RETRY),
    ],
)
def test_statuses_over_the_wire(market: MarketServer, name: str, status: int, kind: AnswerKind) -> None:
    market.control(faults=[{"kind": "status", "status": status, "retry_after": 17}])
    answer = fetch(market, name)
    pause = timedelta(seconds=17) if status in (418, 429, 503) else None
    assert (answer.kind, answer.status, answer.retry_after, tuple(answer.bars)) == (kind, status, pause, ())
    assert no_secret_in(answer, market.url)


@pytest.mark.parametrize("name", NAMES)
def test_a_connection_dropped_in_mid_body_is_asked_again_and_the_next_one_works(
    market: MarketServer, name: str
) -> None:
    market.control(faults=[{"kind": "drop", "requests": 1}])
    client = vendor(name, market.url)
    request = VendorRequest(name, ("IBM",), NOON)
    answer = client.fetch(request)
    assert (answer.kind, answer.status, tuple(answer.bars)) == (AnswerKind.RETRY, None, ())
    assert no_secret_in(answer, market.url)
    assert tuple(client.fetch(request).bars) == source_bars(market, "IBM", NOON)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_is_too_late_is_asked_again(name: str) -> None:
    """By a simulator of its own, which goes on with that answer and counts it when other tests are at work."""
    with MarketServer(seed=7, calendar="24/7") as server:
        server.control(faults=[{"kind": "delay", "seconds": 60}])
        answer = fetch(server, name, timeout=0.2)
        assert (answer.kind, tuple(answer.bars)) == (AnswerKind.RETRY, ())
        assert server.counts()["statuses"] == {}, "it was waited for"
    assert no_secret_in(answer, server.url)


@pytest.mark.parametrize("name", NAMES)
def test_a_closed_port_is_asked_again(name: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        answer = vendor(name, url).fetch(VendorRequest(name, ("IBM",), NOON))
    assert (answer.kind, answer.status, answer.requests) == (AnswerKind.RETRY, None, 1)
    assert no_secret_in(answer, url)


def one_reply(reply: bytes) -> tuple[str, threading.Thread]:
    """A server for one connection that says exactly these bytes and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(reply)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", thread


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"", AnswerKind.RETRY),
        (b"not HTTP at all\r\n\r\n", AnswerKind.RETRY),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", AnswerKind.RETRY),
        (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"s":', AnswerKind.RETRY),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", AnswerKind.GARBAGE),
        (
            b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"s":\r\na\r\n"no_data"}\r\n0\r\n\r\n',
            AnswerKind.NO_DATA,
        ),
        (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"s":\r\na\r\n"no_data"}\r\n', AnswerKind.RETRY),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", AnswerKind.GIVE_UP),
        (b"HTTP/1.1 204 No Content\r\n\r\n", AnswerKind.GARBAGE),
        (b'HTTP/1.0 200 OK\r\n\r\n{"s":"no_data"}', AnswerKind.NO_DATA),
    ],
)
def test_broken_http_is_classed_and_never_raises(reply: bytes, kind: AnswerKind) -> None:
    url, thread = one_reply(reply)
    answer = vendor("finnhub", url).fetch(VendorRequest("finnhub", ("IBM",), NOON))
    thread.join(timeout=5)
    assert answer.kind is kind, answer
    assert no_secret_in(answer, url)


def test_an_untrusted_certificate_gets_no_token(tmp_path: Path) -> None:
    """A server that signed its own certificate is refused before the request, with its token, is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "server.pem"))
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        with listener, listener.accept()[0] as plain:
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    heard.append(connection.recv(65536))
            except OSError:
                return

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"https://localhost:{listener.getsockname()[1]}"
    thread = threading.Thread(target=serve, args=(listener,), daemon=True)
    thread.start()
    answer = vendor("finnhub", url).fetch(VendorRequest("finnhub", ("IBM",), NOON))
    thread.join(timeout=5)
    assert (answer.kind, heard) == (AnswerKind.RETRY, [])


def self_signed(path: Path) -> Path:
    """A key and a certificate of its own for `localhost`, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


def test_a_body_that_drips_is_not_waited_for() -> None:
    """Each byte comes in time; the answer as a whole, which takes a minute, does not."""
    whole = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            try:
                for _ in range(600):
                    connection.sendall(b" ")
                    time.sleep(0.1)
            except OSError:
                return  # the client hung up: that is the point
        whole.set()

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    answer = vendor("finnhub", url, timeout=0.5).fetch(VendorRequest("finnhub", ("IBM",), NOON))
    assert (answer.kind, whole.is_set()) == (AnswerKind.RETRY, False)
    thread.join(timeout=5)


def test_a_body_without_end_is_cut_and_is_garbage() -> None:
    url, thread = one_reply(b"HTTP/1.0 200 OK\r\n\r\n" + b" " * 200_000)
    client = adapter_of("finnhub")(
        VendorSettings("finnhub", url=url, per_minute=60, timeout=timedelta(seconds=5)),
        credentials="finnhub-token",
        http=UrllibHttp(largest_body=100_000),
        clock=lambda: datetime.now(UTC),
    )
    answer = client.fetch(VendorRequest("finnhub", ("IBM",), NOON))
    thread.join(timeout=5)
    assert (answer.kind, "larger than 100000 bytes" in answer.detail) == (AnswerKind.GARBAGE, True)


def test_a_wrong_token_is_given_up_and_not_repeated_in_the_detail(market: MarketServer) -> None:
    wrong: dict[str, Credentials] = {"finnhub": "leaky-token", "alpaca": {"key": "k", "secret": "leaky-token"}}
    for name, status in (("finnhub", 401), ("alpaca", 403)):
        client = vendor(name, market.url, credentials=wrong[name])
        answer = client.fetch(VendorRequest(name, ("IBM",), NOON))
        assert (answer.kind, answer.status) == (AnswerKind.GIVE_UP, status)
        assert "vendor secret" in answer.detail
        assert "leaky" not in answer.detail


def test_a_rate_limit_refuses_what_is_too_much_and_says_until_when(market: MarketServer) -> None:
    market.control(faults=[{"kind": "rate_limit", "vendors": ["finnhub"], "per_minute": 0}])
    answer = fetch(market, "finnhub")
    assert (answer.kind, answer.status) == (AnswerKind.RETRY, 429)
    assert answer.retry_after is not None
    assert timedelta(0) < answer.retry_after <= timedelta(seconds=60)
    assert fetch(market, "binance").kind is AnswerKind.BARS


def test_missing_rows_are_omitted_and_the_range_stays_covered(market: MarketServer) -> None:
    gone = "2013-10-04T12:05:00Z"
    market.control(faults=[{"kind": "missing", "minutes": [gone]}])
    for name in NAMES:
        answer = fetch(market, name)
        left = [bar for bar in source_bars(market, "IBM", NOON) if bar.minute != datetime.fromisoformat(gone)]
        assert (list(answer.bars), answer.covered) == (left, {"IBM": NOON})


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_of_a_symbol_strikes_it_alone_at_every_vendor(market: MarketServer, name: str) -> None:
    """The simulator finds the symbols of a request whatever the vendor calls them, or where its path has them."""
    market.control(faults=[{"kind": "status", "status": 503, "symbols": ["AIG"]}])
    assert (fetch(market, name, "AIG").status, fetch(market, name, "IBM").status) == (503, 200)
    assert market.counts()["symbols"] == {"AIG": 1, "IBM": 1}


def test_the_control_endpoint_works_over_http(market: MarketServer) -> None:
    order = {"faults": [{"kind": "status", "status": 503, "symbols": ["AIG"]}], "reset": True}
    control = f"{market.url}/control"
    assert urllib3.request("POST", control, json=order).json()["faults"][0]["status"] == 503
    assert fetch(market, "finnhub", "AIG").status == 503
    assert fetch(market, "finnhub", "IBM").status == 200
    counts = urllib3.request("GET", control).json()
    assert counts["symbols"] == {"AIG": 1, "IBM": 1}
    assert counts["statuses"] == {"503": 1, "200": 1}
    refused = urllib3.request("POST", control, json={"faults": [{"kind": "meteor"}]}, retries=False)
    assert (refused.status, "'meteor' is no fault" in refused.json()["error"]) == (400, True)


def test_generated_bars_follow_the_exchange_calendar() -> None:
    """2013-10-04 is a whole session, the 5th a Saturday; after Thanksgiving 2024 the market closed at 13:00."""
    week = Range(datetime(2013, 10, 4, 13, 0, tzinfo=UTC), datetime(2013, 10, 6, tzinfo=UTC))
    half_day = Range(datetime(2024, 11, 29, tzinfo=UTC), datetime(2024, 11, 30, tzinfo=UTC))
    with MarketServer(seed=7, calendar="XNYS", calendar_of={"BTCUSD": "24/7"}) as server:
        answer = fetch(server, "finnhub", "IBM", window=week)
        opening = next(iter(answer.bars)).minute
        assert (len(answer.bars), opening.hour, opening.minute) == (390, 13, 30)
        assert len(fetch(server, "alpaca", "IBM", window=half_day).bars) == 210
        assert len(fetch(server, "binance", "BTCUSD", window=NOON).bars) == 60
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        future = fetch(server, "finnhub", "BTCUSD", window=Range(now - 3 * MINUTE, now + 10 * MINUTE))
        assert max(bar.minute for bar in future.bars) < now + MINUTE, "the running minute is not known"


@pytest.mark.skipif(not REAL.exists(), reason=f"the real minute bars are not at {REAL.parent.name}/{REAL.name}")
@pytest.mark.parametrize("name", NAMES)
def test_real_bars_pass_through_every_vendor_unchanged(name: str) -> None:
    """Every bar of every file, by requests as large as the vendor takes."""
    with MarketServer(parquet=sorted(REAL.glob("*.parquet"))) as server:
        client = vendor(name, server.url)
        step = min(client.limits.rows, 1440) * MINUTE
        for path in sorted(REAL.glob("*.parquet")):
            table = pq.read_table(path).to_pandas()
            for symbol, rows in table.groupby("symbol"):
                first, last = rows.minute.min().to_pydatetime(), rows.minute.max().to_pydatetime()
                found: list[Bar] = []
                start = first.astimezone(UTC)
                while start <= last:
                    window = Range(start, start + step)
                    answer = client.fetch(VendorRequest(name, (str(symbol),), window))
                    assert answer.kind in {AnswerKind.BARS, AnswerKind.NO_DATA}, answer.detail
                    found += answer.bars
                    start += step
                true = rows.sort_values("minute")
                assert [bar.minute for bar in found] == [minute.to_pydatetime() for minute in true.minute]
                for column in ("open", "high", "low", "close", "volume"):
                    assert [getattr(bar, column) for bar in found] == true[column].tolist()


def test_the_simulator_is_a_process_that_prints_its_url_and_does_not_grow(tmp_path: Path) -> None:
    """2,000 requests by four threads add at most 8 MB to the process, and SIGTERM ends it with 0."""
    pq.write_table(awkward_bars(), tmp_path / "bars.parquet")
    command = [sys.executable, "-m", "market", "--parquet", str(tmp_path / "bars.parquet")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        client = vendor("finnhub", url)

        def ask(number: int) -> int:
            window = Range(NOON.start + number % 60 * MINUTE, NOON.end)
            return len(client.fetch(VendorRequest("finnhub", (("AIG", "IBM")[number % 2],), window)).bars)

        try:
            with ThreadPoolExecutor(4) as pool:
                assert all(pool.map(ask, range(500)))
                before = resident(process.pid)
                assert all(pool.map(ask, range(2000)))
            assert resident(process.pid) - before < 8_000_000
            assert urllib3.request("GET", f"{url}/control").json()["statuses"] == {"200": 2500}
        finally:
            process.terminate()
        assert process.wait(timeout=60) == 0


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    out = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(out.stdout) * 1024


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--calendar", "XNYZ"], "there is no calendar 'XNYZ'"),
        (["--parquet", "none.parquet"], "cannot be read as Parquet"),
        (["--credentials", "{"], "no JSON object"),
        (["--no-trade", "2"], "from 0 to 1"),
    ],
)
def test_an_unusable_command_line_is_one_message_and_exit_2(arguments: list[str], words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "market", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_busy_port_is_refused_and_says_so(market: MarketServer) -> None:
    with pytest.raises(BadInput, match=f"port {market.port} of 127.0.0.1 cannot be used"):
        MarketServer(port=market.port, calendar="24/7")


def _with_archive(market: MarketServer) -> Vendor:
    return adapter_of("binance")(
        VendorSettings("binance", url=market.url, per_minute=6000, archive=market.url, timeout=timedelta(seconds=30)),
        credentials=None,
        http=UrllibHttp(),
        clock=lambda: datetime.now(UTC),
    )


def _whole(vendor: Vendor, window: Range) -> list[Answer]:
    todo, found = [VendorRequest("binance", ("IBM",), window)], []
    while todo:
        found.append(vendor.fetch(todo[0]))
        todo[:1] = found[-1].left
    return found


def test_an_archive_gives_the_source_bars_to_the_last_bit(market: MarketServer) -> None:
    """A day is one file and its checksum; and so is a month, of which the source has one day."""
    for window in (DAY, Range(DAY.start - timedelta(days=3), DAY.end + timedelta(days=20))):
        market.control(reset=True)
        [answer] = _whole(_with_archive(market), window)
        assert tuple(answer.bars) == source_bars(market, "IBM", window)
        assert (answer.kind, answer.covered, answer.requests) == (AnswerKind.BARS, {"IBM": window}, 2)
        assert market.counts()["requests"] == 2


def test_a_file_that_is_cut_off_or_refused_falls_back_to_the_api(market: MarketServer) -> None:
    for fault, words in (({"kind": "truncated"}, "its checksum"), ({"kind": "status", "status": 404}, "not there")):
        market.control(faults=[{**fault, "vendors": ["binance"], "requests": 1}], reset=True)
        answers = _whole(_with_archive(market), DAY)
        assert words in answers[0].detail
        assert tuple(bar for one in answers for bar in one.bars) == source_bars(market, "IBM", DAY)
