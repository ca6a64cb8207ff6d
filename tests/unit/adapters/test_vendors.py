"""The vendor adapters at the transport seam: documented payloads in, one kind of answer out, no socket."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from minutemend.adapters.http import BodyTooLarge, NoReply, Reply
from minutemend.adapters.vendors import Credentials, adapter_of, limits_of
from minutemend.adapters.vendors.base import MAX_PAGES
from minutemend.contract import VENDORS, VendorSettings
from minutemend.core.answers import Answer, AnswerKind, Source, SourceKind, VendorRequest
from minutemend.core.bars import Bar
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range

from tests.fakes.http import FakeHttp, reply

START = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
SECONDS = 1380893400  # START, checked below
NOW = datetime(2026, 11, 20, tzinfo=UTC)
RANGE = Range(START, START + 5 * MINUTE)
TOKEN = "c0ffee/se+cret token"  # noqa: S105 (nobody's)
CREDENTIALS: dict[str, Credentials] = {name: vendor.entry(TOKEN) for name, vendor in VENDORS.items()}
CREDENTIALS["alpaca"] = {"key": "AKIDEXAMPLE", "secret": TOKEN}
BAR = Bar("IBM", START, 186.1, 186.25, 186.0, 186.2, 1234.0)

# The shapes are those of the vendors' documentation; the numbers are BAR's.
GOLDEN: dict[str, object] = {
    "finnhub": {"c": [186.2], "h": [186.25], "l": [186.0], "o": [186.1], "s": "ok", "t": [SECONDS], "v": [1234]},
    "alpaca": {
        "bars": {
            "IBM": [
                {
                    "t": "2013-10-04T13:30:00Z",
                    "o": 186.1,
                    "h": 186.25,
                    "l": 186,
                    "c": 186.2,
                    "v": 1234,
                    "n": 17,
                    "vw": 186.15,
                }
            ]
        },
        "next_page_token": None,
    },
    "coinbase": [[SECONDS, 186.0, 186.25, 186.1, 186.2, 1234]],
    "binance": [
        [
            SECONDS * 1000,
            "186.10000000",
            "186.25000000",
            "186.00000000",
            "186.20000000",
            "1234.00000000",
            SECONDS * 1000 + 59_999,
            "229647.10000000",
            17,
            "600.00000000",
            "111660.00000000",
            "0",
        ]
    ],
}
EMPTY: dict[str, object] = {
    "finnhub": {"s": "no_data"},
    "alpaca": {"bars": {}, "next_page_token": None},
    "binance": [],
    "coinbase": [],
}
NAMES = sorted(VENDORS)
STRAYS = {name for name in NAMES if adapter_of(name).strays}  # rows that were not asked for are left out


@pytest.fixture(autouse=True)
def no_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """RANGE is of 2013: a vendor of the newest minutes alone is asked here as if it had all of them."""
    ageless = {name: replace(known, newest=None) for name, known in VENDORS.items()}
    monkeypatch.setattr("minutemend.adapters.vendors.base.VENDORS", ageless)


def ask(
    name: str,
    *replies: Reply | Exception,
    symbols: tuple[str, ...] = ("IBM",),
    window: Range = RANGE,
    credentials: Credentials = None,
    mapped: dict[str, str] | None = None,
) -> tuple[Answer, FakeHttp]:
    """Fetch once from an adapter that gets these replies."""
    http = FakeHttp(replies)
    vendor = adapter_of(name)(
        VendorSettings(
            name, url="https://vendor.example/", per_minute=60, timeout=timedelta(seconds=3), symbols=mapped or {}
        ),
        credentials=credentials or CREDENTIALS[name],
        http=http,
        clock=lambda: NOW,
    )
    return vendor.fetch(VendorRequest(name, symbols, window)), http


def test_the_constants_of_this_file_agree() -> None:
    assert int(START.timestamp()) == SECONDS


@pytest.mark.parametrize("name", NAMES)
def test_the_documented_payload_becomes_bars(name: str) -> None:
    answer, _ = ask(name, reply(GOLDEN[name]))
    assert (answer.kind, tuple(answer.bars), answer.covered) == (AnswerKind.BARS, (BAR,), {"IBM": RANGE})
    assert (answer.status, answer.requests, answer.observed_at) == (200, 1, NOW)


@pytest.mark.parametrize("name", NAMES)
def test_the_documented_empty_payload_is_no_data(name: str) -> None:
    answer, _ = ask(name, reply(EMPTY[name]))
    assert (answer.kind, tuple(answer.bars), answer.covered) == (AnswerKind.NO_DATA, (), {})


@pytest.mark.parametrize(
    ("name", "url", "params"),
    [
        (
            "finnhub",
            "https://vendor.example/api/v1/stock/candle",
            {"symbol": "IBM", "resolution": "1", "from": "1380893400", "to": "1380893640"},
        ),
        (
            "alpaca",
            "https://vendor.example/v2/stocks/bars",
            {
                "symbols": "IBM",
                "timeframe": "1Min",
                "start": "2013-10-04T13:30:00Z",
                "end": "2013-10-04T13:34:00Z",
                "limit": "10000",
                "adjustment": "raw",
                "feed": "sip",
                "sort": "asc",
            },
        ),
        (
            "binance",
            "https://vendor.example/api/v3/klines",
            {
                "symbol": "IBM",
                "interval": "1m",
                "startTime": "1380893400000",
                "endTime": "1380893699999",
                "limit": "1000",
            },
        ),
        (
            "coinbase",
            "https://vendor.example/products/IBM/candles",
            {"granularity": "60", "start": "2013-10-04T13:30:00Z", "end": "2013-10-04T13:34:00Z"},
        ),
    ],
)
def test_the_half_open_range_is_asked_as_the_vendor_wants_it(name: str, url: str, params: dict[str, str]) -> None:
    """All take both ends inclusive, so the last minute asked for is the one before the range's end."""
    _, http = ask(name, reply(EMPTY[name]))
    assert (http.asked[0].url, http.asked[0].params, http.asked[0].timeout) == (url, params, 3.0)


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("finnhub", {"X-Finnhub-Token": TOKEN}),
        ("alpaca", {"APCA-API-KEY-ID": "AKIDEXAMPLE", "APCA-API-SECRET-KEY": TOKEN}),
        ("binance", {}),
        ("coinbase", {}),
    ],
)
def test_credentials_travel_in_headers_and_never_in_the_url(name: str, headers: dict[str, str]) -> None:
    _, http = ask(name, reply(EMPTY[name]))
    assert http.asked[0].headers == headers
    assert TOKEN not in http.asked[0].url + json.dumps(http.asked[0].params)


@pytest.mark.parametrize(
    ("name", "credentials"),
    [
        ("finnhub", None),
        ("finnhub", ""),
        ("finnhub", {"key": "a"}),
        ("finnhub", 7),
        ("finnhub", ["a"]),
        ("alpaca", None),
        ("alpaca", "a"),
        ("alpaca", {"key": "a"}),
        ("alpaca", {"key": "a", "secret": ""}),
        ("alpaca", {"key": 1, "secret": {}}),
        ("alpaca", {"key": 1, "secret": 2}),
    ],
)
def test_a_missing_token_gives_up_without_a_request_and_says_what_to_do(name: str, credentials: Credentials) -> None:
    http = FakeHttp([])
    vendor = adapter_of(name)(
        VendorSettings(name, url="https://vendor.example", per_minute=60, timeout=timedelta(seconds=3)),
        credentials=credentials,
        http=http,
        clock=lambda: NOW,
    )
    answer = vendor.fetch(VendorRequest(name, ("IBM",), RANGE))
    assert (answer.kind, answer.requests, http.asked) == (AnswerKind.GIVE_UP, 0, [])
    assert "vendor secret would be right" in answer.detail


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("status", "headers", "kind", "pause"),
    [
        (400, {}, AnswerKind.GIVE_UP, None),
        (401, {}, AnswerKind.GIVE_UP, None),
        (403, {"retry-after": "9"}, AnswerKind.GIVE_UP, None),
        (404, {}, AnswerKind.GIVE_UP, None),
        (302, {"location": "https://elsewhere.example"}, AnswerKind.GIVE_UP, None),
        (418, {"retry-after": "120"}, AnswerKind.RETRY, timedelta(seconds=120)),
        (429, {"retry-after": "Fri, 20 Nov 2026 00:00:30 GMT"}, AnswerKind.RETRY, timedelta(seconds=30)),
        (429, {}, AnswerKind.RETRY, None),
        (503, {"retry-after": "5"}, AnswerKind.RETRY, timedelta(seconds=5)),
        (500, {}, AnswerKind.RETRY, None),
    ],
)
def test_a_refusal_is_classed_by_its_status(
    name: str, status: int, headers: dict[str, str], kind: AnswerKind, pause: timedelta | None
) -> None:
    answer, http = ask(name, reply({"error": "no"}, status=status, headers=headers))
    assert (answer.kind, answer.status, answer.retry_after, tuple(answer.bars)) == (kind, status, pause, ())
    assert answer.detail.startswith(f"{name}: HTTP {status}")
    assert len(http.asked) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NoReply("no whole answer within 3 s"), AnswerKind.RETRY),
        (NoReply("the connection failed or was dropped (ProtocolError)"), AnswerKind.RETRY),
        (BodyTooLarge("the body is larger than 1 bytes"), AnswerKind.GARBAGE),
    ],
)
def test_no_whole_answer_is_asked_again_and_too_large_a_one_is_garbage(
    name: str, error: Exception, kind: AnswerKind
) -> None:
    answer, _ = ask(name, error)
    assert (answer.kind, tuple(answer.bars), answer.requests) == (kind, (), 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>soon</html>",
        b"null",
        b"1",
        b'"text"',
        b"{}",
        b"[{}]",
        b"[[]]",
        b"[1]",
        b'{"s":"ok"}',
        b'{"s":"ok","t":[1],"o":[],"h":[],"l":[],"c":[],"v":[]}',
        b'{"s":"ok","t":{},"o":[],"h":[],"l":[],"c":[],"v":[]}',
        b'{"bars":[],"next_page_token":null}',
        b'{"bars":{"IBM":{}},"next_page_token":null}',
        b'{"bars":{"IBM":[{"t":1}]},"next_page_token":null}',
        b'{"bars":{"IBM":[7]},"next_page_token":null}',
        b'{"bars":{},"next_page_token":7}',
        b'{"bars":{"IBM":[{"t":"noon","o":1,"h":1,"l":1,"c":1,"v":1}]},"next_page_token":null}',
        b'{"bars":{"IBM":[{"t":"2013-10-04T13:30:00","o":1,"h":1,"l":1,"c":1,"v":1}]},"next_page_token":null}',
        b'{"bars":{"IBM":[{"t":"0001-01-01T00:00:00+23:00","o":1,"h":1,"l":1,"c":1,"v":1}]},"next_page_token":null}',
        b'[[1380893400000,186.1,"1","1","1","1",1380893459999,"1",1,"1","1","0"]]',
        b'[[1380893400000,"1e3","1","1","1","1",1380893459999,"1",1,"1","1","0"]]',
        b'[[1380893400000,"-1","1","1","1","1",1380893459999,"1",1,"1","1","0"]]',
        b'[[1380893400000,"NaN","1","1","1","1",1380893459999,"1",1,"1","1","0"]]',
        b'[["1380893400000","1","1","1","1","1",1380893459999,"1",1,"1","1","0"]]',
    ],
)
def test_another_shape_with_status_200_is_garbage(name: str, body: bytes) -> None:
    answer, _ = ask(name, reply(body))
    assert (answer.kind, tuple(answer.bars), answer.status) == (AnswerKind.GARBAGE, (), 200)
    assert answer.detail.startswith(f"{name}: ")


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_payload_cut_off_anywhere_is_garbage(name: str) -> None:
    whole = json.dumps(GOLDEN[name]).encode()
    for length in range(len(whole)):
        assert ask(name, reply(whole[:length]))[0].kind is AnswerKind.GARBAGE


@given(name=st.sampled_from(NAMES), body=st.binary(max_size=200), status=st.integers(100, 599))
def test_no_bytes_and_no_status_make_an_adapter_raise(name: str, body: bytes, status: int) -> None:
    answer, _ = ask(name, reply(body, status=status))
    assert answer.kind is not AnswerKind.BARS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=12)
        | st.dictionaries(st.sampled_from(["s", "t", "o", "h", "l", "c", "v", "bars", "IBM", "next_page_token"]), inner)
    ),
    max_leaves=30,
)


@given(name=st.sampled_from(NAMES), value=JSON)
def test_no_json_makes_an_adapter_raise(name: str, value: object) -> None:
    """Pages that name a next page are followed; the fake runs out of replies only then."""
    http = FakeHttp([reply(value)] * MAX_PAGES)
    vendor = adapter_of(name)(
        VendorSettings(name, url="https://vendor.example", per_minute=60, timeout=timedelta(seconds=3)),
        credentials=CREDENTIALS[name],
        http=http,
        clock=lambda: NOW,
    )
    assert vendor.fetch(VendorRequest(name, ("IBM",), RANGE)).kind in {AnswerKind.GARBAGE, AnswerKind.NO_DATA}


@given(
    name=st.sampled_from(["alpaca", "finnhub"]),
    status=st.sampled_from([400, 401, 403, 404, 418, 429, 500]),
    before=st.text(max_size=200),
    after=st.text(max_size=20),
    encoded=st.booleans(),
)
def test_a_token_that_the_vendor_echoes_never_reaches_the_detail(
    name: str, status: int, before: str, after: str, encoded: bool
) -> None:
    from urllib.parse import quote

    echoed = quote(TOKEN, safe="") if encoded else TOKEN
    answer, _ = ask(name, reply(f"{before}{echoed}{after}".encode("utf-8", "replace"), status=status))
    assert TOKEN not in answer.detail
    assert quote(TOKEN, safe="") not in answer.detail
    assert answer.detail.isprintable()
    assert len(answer.detail) <= 160


def alpaca_page(bars: dict[str, list[int]], token: str | None) -> Reply:
    """A page with flat bars of price 10 at these minutes of RANGE."""
    flat = {"o": 10, "h": 10, "l": 10, "c": 10, "v": 1, "n": 1, "vw": 10}
    listed = {
        symbol: [flat | {"t": (START + minute * MINUTE).isoformat()} for minute in minutes]
        for symbol, minutes in bars.items()
    }
    return reply({"bars": listed, "next_page_token": token})


def test_alpaca_pages_are_followed_to_the_end_and_judged_together() -> None:
    pages = [alpaca_page({"AIG": [0, 1]}, "p2"), alpaca_page({"AIG": [2], "IBM": [0]}, "p3"), alpaca_page({}, None)]
    answer, http = ask("alpaca", *pages, symbols=("AIG", "IBM"))
    assert [(bar.symbol, (bar.minute - START) // MINUTE) for bar in answer.bars] == [
        ("AIG", 0),
        ("AIG", 1),
        ("AIG", 2),
        ("IBM", 0),
    ]
    assert (answer.kind, answer.covered, answer.requests) == (AnswerKind.BARS, {"AIG": RANGE, "IBM": RANGE}, 3)
    assert [asked.params.get("page_token") for asked in http.asked] == [None, "p2", "p3"]
    first = http.asked[0].params
    assert all({**asked.params, "page_token": ""} == {**first, "page_token": ""} for asked in http.asked)


def test_an_alpaca_page_that_repeats_a_row_of_the_page_before_is_garbage() -> None:
    answer, _ = ask("alpaca", alpaca_page({"IBM": [0, 1]}, "p2"), alpaca_page({"IBM": [1]}, None))
    assert (answer.kind, tuple(answer.bars)) == (AnswerKind.GARBAGE, ())


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        (reply({}, status=429, headers={"retry-after": "9"}), AnswerKind.RETRY),
        (reply({}, status=403), AnswerKind.GIVE_UP),
        (reply("<html>"), AnswerKind.GARBAGE),
        (NoReply("dropped"), AnswerKind.RETRY),
    ],
)
def test_one_bad_page_is_the_whole_answer(second: Reply | Exception, kind: AnswerKind) -> None:
    """Nothing is kept of the pages before it: half an answer would prove absences that are none."""
    answer, _ = ask("alpaca", alpaca_page({"IBM": [0]}, "p2"), second)
    assert (answer.kind, tuple(answer.bars), answer.covered, answer.requests) == (kind, (), {}, 2)


def test_alpaca_answers_that_never_end_are_covered_as_far_as_they_got() -> None:
    window = Range(START, START + 100 * MINUTE)
    pages = [alpaca_page({"IBM": [minute]}, "more") for minute in range(MAX_PAGES)]
    answer, _ = ask("alpaca", *pages, window=window)
    assert answer.kind is AnswerKind.BARS
    assert answer.covered == {"IBM": Range(START, START + MAX_PAGES * MINUTE)}
    answer, _ = ask("alpaca", *pages, window=window, symbols=("AIG", "IBM", "SPY"))
    assert answer.covered == {"AIG": window, "IBM": Range(START, START + MAX_PAGES * MINUTE)}, "SPY was not looked at"


def test_alpaca_symbols_travel_together_and_a_symbol_without_bars_is_no_error() -> None:
    answer, http = ask("alpaca", alpaca_page({"IBM": [0]}, None), symbols=("AIG", "BRK.B", "IBM"))
    assert http.asked[0].params["symbols"] == "AIG,BRK.B,IBM"
    assert {bar.symbol for bar in answer.bars} == {"IBM"}
    assert answer.covered == dict.fromkeys(("AIG", "BRK.B", "IBM"), RANGE)


def invalid(symbol: str) -> Reply:
    return reply({"message": f"invalid symbol: {symbol}"}, status=400)


def test_one_symbol_that_alpaca_refuses_does_not_cost_the_others_their_bars() -> None:
    pages = [invalid("BF_A"), invalid("X-Y"), alpaca_page({"IBM": [0]}, "p2"), alpaca_page({"IBM": [1]}, None)]
    answer, http = ask("alpaca", *pages, symbols=("BF_A", "IBM", "X-Y"))
    assert (answer.kind, len(answer.bars), answer.covered, answer.requests) == (AnswerKind.BARS, 2, {"IBM": RANGE}, 4)
    assert answer.detail == "alpaca: 2 bars of 1 of 3 symbols (it refused BF_A, X-Y)"
    assert [asked.params["symbols"] for asked in http.asked] == ["BF_A,IBM,X-Y", "IBM,X-Y", "IBM", "IBM"]


@pytest.mark.parametrize("body", [invalid("IBM"), invalid("SPY"), reply({"message": "no"}, status=400)])
def test_a_refusal_that_leaves_nothing_to_ask_is_given_up(body: Reply) -> None:
    answer, http = ask("alpaca", body, symbols=("IBM",))
    assert (answer.kind, answer.status, len(http.asked)) == (AnswerKind.GIVE_UP, 400, 1)


def test_alpaca_refusing_symbol_after_symbol_comes_to_an_end() -> None:
    symbols = tuple(f"S_{number:03d}" for number in range(100))
    answer, http = ask("alpaca", *(invalid(symbol) for symbol in symbols), symbols=symbols)
    assert (answer.kind, len(http.asked)) == (AnswerKind.GIVE_UP, MAX_PAGES)


def test_binance_covers_no_more_than_its_thousand_rows() -> None:
    flat = ["1.0", "1.0", "1.0", "1.0", "1.0"]
    rows = [[(SECONDS + 60 * n) * 1000, *flat, 0, "0", 1, "0", "0", "0"] for n in range(1000)]
    answer, _ = ask("binance", reply(rows), window=Range(START, START + 1500 * MINUTE))
    assert answer.covered == {"IBM": Range(START, START + 1000 * MINUTE)}
    answer, _ = ask("binance", reply(rows), window=Range(START, START + 1000 * MINUTE))
    assert answer.covered == {"IBM": Range(START, START + 1000 * MINUTE)}


def test_a_binance_kline_of_no_trades_is_no_bar_but_the_venue_s_statement() -> None:
    """Binance repeats the last price for a minute without a trade; a price is never invented here."""
    traded = GOLDEN["binance"][0]  # type: ignore[index]
    flat = [(SECONDS + 60) * 1000, "186.2", "186.2", "186.2", "186.2", "0.0", 0, "0.0", 0, "0.0", "0.0", "0"]
    answer, _ = ask("binance", reply([traded, flat]))
    assert (tuple(answer.bars), answer.covered) == ((BAR,), {"IBM": RANGE})
    assert {symbol: minutes.tolist() for symbol, minutes in answer.stated.items()} == {"IBM": [SECONDS // 60 + 1]}


def test_a_range_without_a_trade_is_stated_whole_though_it_has_no_bar() -> None:
    flat = ["186.2", "186.2", "186.2", "186.2", "0.0", 0, "0.0", 0, "0.0", "0.0", "0"]
    answer, _ = ask("binance", reply([[(SECONDS + 60 * n) * 1000, *flat] for n in range(5)]))
    assert (answer.kind, len(answer.stated["IBM"])) == (AnswerKind.NO_DATA, 5)


def test_a_binance_kline_of_no_trades_with_a_volume_is_not_believed() -> None:
    lie = [SECONDS * 1000, "186.2", "186.2", "186.2", "186.2", "7.0", 0, "0.0", 0, "0.0", "0.0", "0"]
    answer, _ = ask("binance", reply([lie]))
    assert (answer.kind, answer.stated) == (AnswerKind.GARBAGE, {})
    assert answer.distrusted == {"IBM": "binance: IBM 2013-10-04T13:30:00Z: no trades, but a volume"}


@pytest.mark.parametrize("name", NAMES)
def test_every_vendor_says_what_it_draws_on_and_how_late_it_is(name: str) -> None:
    """What a silence of it is worth hangs on both."""
    made = adapter_of(name)
    assert (made.source, made.lag) == (Source(SourceKind(VENDORS[name].kind), VENDORS[name].source), VENDORS[name].lag)
    assert made.lag is None or made.lag > timedelta(0)


def test_one_symbol_whose_rows_cannot_be_believed_does_not_cost_the_others_theirs() -> None:
    """Each in its own way: an inverted row, text for a number, no list at all."""
    good = {"t": START.isoformat(), "o": 10, "h": 10, "l": 10, "c": 10, "v": 1}
    bars = {"AIG": [good], "BAC": [good | {"l": 11}], "CVX": [good | {"c": "10"}], "DIS": {}, "IBM": [good]}
    payload = reply({"bars": bars, "next_page_token": None})
    answer, _ = ask("alpaca", payload, symbols=("AIG", "BAC", "CVX", "DIS", "IBM"))
    assert (answer.kind, [bar.symbol for bar in answer.bars]) == (AnswerKind.BARS, ["AIG", "IBM"])
    assert answer.covered == {"AIG": RANGE, "IBM": RANGE}
    assert answer.distrusted == {
        "BAC": "alpaca: BAC 2013-10-04T13:30:00Z: low 11.0 and high 10.0 do not enclose open 10.0 and close 10.0",
        "CVX": "alpaca: CVX: a value is '10', which is no number",
        "DIS": "alpaca: DIS: its bars are no list",
    }


def test_finnhub_covers_only_the_newest_rows_of_an_answer_at_its_limit() -> None:
    limit = VENDORS["finnhub"].rows
    flat = [10.0] * limit
    seconds = [SECONDS + 60 * (n + 20) for n in range(limit)]
    columns = {"s": "ok", "t": seconds, "o": flat, "h": flat, "l": flat, "c": flat, "v": flat}
    answer, _ = ask("finnhub", reply(columns), window=Range(START, START + (limit + 20) * MINUTE))
    assert answer.covered == {"IBM": Range(START + 20 * MINUTE, START + (limit + 20) * MINUTE)}


@pytest.mark.parametrize(("name", "symbols"), [("finnhub", ("A", "B")), ("binance", ()), ("alpaca", ("A",) * 201)])
def test_a_request_that_the_vendor_cannot_take_is_given_up_unasked(name: str, symbols: tuple[str, ...]) -> None:
    answer, http = ask(name, symbols=symbols)
    assert (answer.kind, answer.requests, http.asked) == (AnswerKind.GIVE_UP, 0, [])


@pytest.mark.parametrize("name", NAMES)
def test_a_mapped_symbol_goes_out_as_theirs_and_comes_back_as_ours(name: str) -> None:
    golden = json.loads(json.dumps(GOLDEN[name]).replace('"IBM"', '"IBMX"'))
    answer, http = ask(name, reply(golden), mapped={"IBM": "IBMX", "OTHER": "X"})
    assert "IBMX" in http.asked[0].url + json.dumps(http.asked[0].params)
    assert tuple(answer.bars) == (BAR,)


def test_a_finnhub_symbol_with_a_venue_is_asked_of_the_crypto_route() -> None:
    _, http = ask("finnhub", reply(EMPTY["finnhub"]), symbols=("BTCUSD",), mapped={"BTCUSD": "COINBASE:BTC-USD"})
    assert http.asked[0].url.endswith("/api/v1/crypto/candle")
    assert http.asked[0].params["symbol"] == "COINBASE:BTC-USD"


def test_an_unknown_vendor_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match=f"'yahoo' is not a vendor: one of {', '.join(NAMES)}"):
        limits_of(VendorSettings("yahoo", "https://vendor.example", 1))


@pytest.mark.parametrize("name", NAMES)
def test_every_vendor_is_documented(name: str) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "vendors.md").read_text()
    heading = next(line for line in page.splitlines() if line.startswith("| | "))
    assert name in heading.lower()


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("finnhub", {"error": "API limit reached. Please try again later. Remaining Limit: 0"}, AnswerKind.RETRY),
        ("finnhub", {"error": "You don't have access to this resource."}, AnswerKind.GIVE_UP),
        ("alpaca", {"code": 42910000, "message": "rate limit exceeded"}, AnswerKind.RETRY),
        ("binance", {"code": -1003, "msg": "Too many requests; current limit is 6000"}, AnswerKind.RETRY),
        ("binance", {"code": -1121, "msg": "Invalid symbol."}, AnswerKind.GIVE_UP),
    ],
)
def test_an_error_in_a_body_of_status_200_is_read_as_that_error(name: str, body: object, kind: AnswerKind) -> None:
    answer, _ = ask(name, reply(body, headers={"retry-after": "7"}))
    pause = timedelta(seconds=7) if kind is AnswerKind.RETRY else None
    assert (answer.kind, answer.status, answer.retry_after) == (kind, 200, pause)
    assert answer.detail.startswith(f"{name}: HTTP 200 with an error, as ")


@pytest.mark.parametrize("name", NAMES)
def test_a_pause_is_asked_by_a_throttle_and_not_by_any_failure(name: str) -> None:
    headers = {"retry-after": "3600", "x-ratelimit-reset": str(int(NOW.timestamp()) + 55)}
    pauses = {status: ask(name, reply({}, status=status, headers=headers))[0].retry_after for status in (429, 500, 502)}
    assert pauses == {429: timedelta(hours=1), 500: None, 502: None}


@pytest.mark.parametrize("name", NAMES)
def test_a_firewall_s_page_is_a_retry_of_a_vendor_without_tokens_and_talks_of_none(name: str) -> None:
    page = "<html><head><title>403 Forbidden</title></head></html>"
    answer, _ = ask(name, reply(page, status=403, headers={"retry-after": "3600"}))
    wants_token = VENDORS[name].secret is not None
    assert answer.kind is (AnswerKind.GIVE_UP if wants_token else AnswerKind.RETRY)
    assert ("token" in answer.detail) == wants_token
    assert answer.retry_after is None
    assert ("token" in ask(name, reply({"msg": "no"}, status=403))[0].detail) == wants_token


@pytest.mark.parametrize(("fresh", "kind", "asked"), [("new", AnswerKind.BARS, 2), ("old", AnswerKind.GIVE_UP, 2)])
def test_a_401_reads_the_secret_once_more_before_it_counts(fresh: str, kind: AnswerKind, asked: int) -> None:
    """A token that was rotated a minute ago is no reason to give a day up; one that is wrong is asked once again."""
    http = FakeHttp([reply({}, status=401), reply(GOLDEN["finnhub"]) if fresh == "new" else reply({}, status=401)])
    read: list[str] = []
    vendor = adapter_of("finnhub")(
        VendorSettings("finnhub", url="https://vendor.example", per_minute=60, timeout=timedelta(seconds=3)),
        credentials="old",
        http=http,
        clock=lambda: NOW,
        reread=lambda: read.append(fresh) or fresh,  # type: ignore[func-returns-value]
    )
    answer = vendor.fetch(VendorRequest("finnhub", ("IBM",), RANGE))
    assert (answer.kind, answer.requests, len(read)) == (kind, asked, 1)
    assert [one.headers["X-Finnhub-Token"] for one in http.asked] == ["old", fresh]


def test_no_page_is_begun_after_the_time_is_up_and_what_it_would_hold_is_left() -> None:
    pages = [alpaca_page({"AIG": [0, 1, 2]}, "p2"), alpaca_page({"AIG": [3], "IBM": [1]}, "p3")]
    http, times = FakeHttp(pages), iter([START, NOW, NOW, NOW, NOW])
    vendor = adapter_of("alpaca")(
        VendorSettings("alpaca", url="https://vendor.example", per_minute=60, timeout=timedelta(seconds=3)),
        credentials=CREDENTIALS["alpaca"],
        http=http,
        clock=lambda: next(times),
    )
    answer = vendor.fetch(VendorRequest("alpaca", ("AIG", "IBM", "SPY"), RANGE), until=NOW)
    assert (len(http.asked), len(answer.bars), answer.requests) == (2, 5, 2)
    assert answer.covered == {"AIG": RANGE, "IBM": Range(START, START + 2 * MINUTE)}
    assert [(one.symbols, one.range) for one in answer.left] == [
        (("IBM",), Range(START + 2 * MINUTE, RANGE.end)),
        (("SPY",), RANGE),
    ]


def test_a_refusal_that_may_be_about_a_few_of_the_symbols_says_so() -> None:
    """Any wording of a 400; never a token's, a redirect's or a throttle's; an answer too large for one, too."""
    refusals = {
        status: ask("alpaca", reply({"message": "bad symbol(s)"}, status=status), symbols=("A", "B"))[0].divide
        for status in (400, 404, 422, 401, 403, 302, 429, 500)
    }
    assert [status for status, divide in refusals.items() if divide] == [400, 404, 422]
    assert not ask("alpaca", reply({}, status=400), symbols=("A",))[0].divide
    assert ask("alpaca", BodyTooLarge("too large"), symbols=("A", "B"))[0].divide


def test_a_coinbase_candle_before_the_start_was_not_asked_for() -> None:
    """ "Some of those candles may precede your declared start value"; the newest comes first."""
    rows = [[SECONDS + 60 * n, 9, 11, 10, 10, 1] for n in (3, 1, -1, -2)]
    answer, _ = ask("coinbase", reply(rows), symbols=("BTCUSD",), mapped={"BTCUSD": "BTC-USD"})
    assert [(bar.minute - START) // MINUTE for bar in answer.bars] == [1, 3]
    assert answer.covered == {"BTCUSD": RANGE}
    assert ask("coinbase", reply(rows[2:]), symbols=("BTCUSD",))[0].kind is AnswerKind.NO_DATA


def test_rows_that_were_not_asked_for_count_against_the_limit() -> None:
    """300 candles to the third minute: whether there are later ones is not known."""
    rows = [[SECONDS + 60 * n, 9, 11, 10, 10, 1] for n in range(2, 2 - VENDORS["coinbase"].rows, -1)]
    answer, _ = ask("coinbase", reply(rows))
    assert (len(answer.bars), answer.covered) == (3, {"IBM": Range(START, START + 3 * MINUTE)})


def test_a_symbol_in_the_path_is_a_name_and_never_a_path() -> None:
    _, http = ask("coinbase", reply([]), symbols=("BTCUSD",), mapped={"BTCUSD": "../a b?c"})
    assert http.asked[0].url == "https://vendor.example/products/..%2Fa%20b%3Fc/candles"


def test_a_vendor_of_the_newest_minutes_alone_is_asked_for_those_and_no_older_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kraken has 720, and a request may reach further back for neighbours: what is left of it is asked by itself, and
    refused without a request."""
    newest = NOW - START - timedelta(minutes=2, seconds=30)  # the third minute is gone in part
    known = {**VENDORS, "binance": replace(VENDORS["binance"], newest=newest)}
    monkeypatch.setattr("minutemend.adapters.vendors.base.VENDORS", known)
    first = START + 3 * MINUTE
    payload = json.loads(json.dumps(GOLDEN["binance"]).replace(f"{SECONDS}000", f"{SECONDS + 180}000"))
    answer, http = ask("binance", reply(payload))
    assert http.asked[0].params["startTime"] == f"{SECONDS + 180}000"
    assert [bar.minute for bar in answer.bars] == [first]
    assert answer.covered == {"IBM": Range(first, RANGE.end)}
    assert [one.range for one in answer.left] == [Range(START, first)]
    answer, http = ask("binance", window=answer.left[0].range)
    assert (answer.kind, answer.requests, http.asked) == (AnswerKind.GIVE_UP, 0, [])
    assert f"the newest {newest // MINUTE} minutes alone" in answer.detail
