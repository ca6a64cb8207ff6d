"""Binance's archive: whole days of the past are files, whose checksums are held; all else is the API's."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from minutemend.adapters.http import Http, NoReply, Reply
from minutemend.adapters.vendors import adapter_of
from minutemend.contract import VendorSettings, vendors_from_json, vendors_to_json
from minutemend.core.answers import Answer, AnswerKind, VendorRequest
from minutemend.core.bars import Bar
from minutemend.core.intervals import merge
from minutemend.core.jobs import RepairJob
from minutemend.core.learned import learned
from minutemend.core.minutes import MINUTE, Range, epoch_minute

DAY = timedelta(days=1)
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
NOW = datetime(2025, 6, 10, 12, tzinfo=UTC)
SITE, API = "https://archive", "https://api"


def kline(at: datetime, *, unit: int = 1000, trades: int = 3) -> list[str]:
    """The twelve fields, all of them text as in a CSV."""
    minute = epoch_minute(at)
    price = f"{100 + minute % 97}.12345678"
    begin = minute * 60 * unit
    volume = "0.50000000" if trades else "0.00000000"
    return [
        str(begin),
        price,
        price,
        price,
        price,
        volume,
        str(begin + 60 * unit - 1),
        "1.0",
        str(trades),
        "0",
        "0",
        "0",
    ]


class Archive(Http):
    """Files made of every minute but `untraded`, and the API over the same; `spoil` changes what is sent of a path."""

    def __init__(self, *, lacking: frozenset[str] = frozenset(), untraded: frozenset[datetime] = frozenset()) -> None:
        self.lacking, self.untraded = lacking, untraded
        self.spoil: dict[str, bytes | Exception] = {}
        self.asked: list[str] = []
        self.header = False

    def get(self, url: str, *, params: Mapping[str, str], headers: Mapping[str, str], timeout: float) -> Reply:
        del headers, timeout
        if url.startswith(API):
            self.asked.append("api")
            first, last = (int(params[name]) // 60_000 for name in ("startTime", "endTime"))
            minutes = [datetime.fromtimestamp(n * 60, UTC) for n in range(first, min(last + 1, first + 1000))]
            rows = [kline(at, trades=0 if at in self.untraded else 3) for at in minutes]
            typed = [[int(row[0]), *row[1:6], int(row[6]), row[7], int(row[8]), *row[9:]] for row in rows]
            return Reply(200, {}, json.dumps(typed).encode())
        name = url.rpartition("/")[2]
        self.asked.append(name)
        plain = name.removesuffix(".CHECKSUM")
        if plain.removesuffix(".zip").partition("1m-")[2] in self.lacking:
            return Reply(404, {}, b"NoSuchKey")
        body = self.zip_of(plain)
        if (given := self.spoil.get(name)) is not None:
            if isinstance(given, Exception):
                raise given
            body = given
        elif name.endswith(".CHECKSUM"):
            body = f"{hashlib.sha256(body).hexdigest()}  {plain}\n".encode()
        return Reply(200, {}, body)

    def zip_of(self, name: str, *, member: str | None = None) -> bytes:
        when = name.removesuffix(".zip").partition("1m-")[2]
        first = datetime.fromisoformat(when if len(when) == 10 else f"{when}-01").replace(tzinfo=UTC)
        end = first + DAY if len(when) == 10 else (first + 32 * DAY).replace(day=1)
        unit = 1000 if first < NEW_YEAR else 1_000_000
        lines = [
            ",".join(kline(first + n * MINUTE, unit=unit, trades=0 if first + n * MINUTE in self.untraded else 3))
            for n in range((end - first) // MINUTE)
        ]
        if self.header:
            lines.insert(0, "open_time,open,high,low,close,volume,close_time,quote_volume,count,a,b,ignore")
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as whole:  # dated 1980, so that it is the same each time
            member_of = zipfile.ZipInfo(member or name.replace(".zip", ".csv"))
            whole.writestr(member_of, "\n".join(lines), zipfile.ZIP_DEFLATED)
        return body.getvalue()


def ask(http: Http, window: Range, *, now: datetime = NOW, symbol: str = "BTCUSD") -> list[Answer]:
    """Every part of an answer, as the worker asks for them."""
    vendor = adapter_of("binance")(
        VendorSettings(
            "binance", url=API, per_minute=60, archive=SITE, timeout=timedelta(seconds=5), symbols={"BTCUSD": "BTCUSDT"}
        ),
        credentials=None,
        http=http,
        clock=lambda: now,
    )
    todo, found = [VendorRequest("binance", (symbol,), window)], []
    while todo:
        found.append(vendor.fetch(todo[0]))
        todo[:1] = found[-1].left
        assert len(found) < 100
    return found


def minutes_of(answers: list[Answer]) -> list[datetime]:
    return [bar.minute for answer in answers for bar in answer.bars]


def every(window: Range) -> list[datetime]:
    return [window.start + n * MINUTE for n in range(window.minutes)]


def test_a_month_is_one_file_and_its_checksum() -> None:
    """44,640 minutes by 2 requests, where the API takes 45. The detail names the file."""
    window = Range(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))
    http = Archive()
    [answer] = ask(http, window)
    assert http.asked == ["BTCUSDT-1m-2024-01.zip.CHECKSUM", "BTCUSDT-1m-2024-01.zip"]
    assert (answer.kind, answer.requests, answer.covered) == (AnswerKind.BARS, 2, {"BTCUSD": window})
    assert minutes_of([answer]) == every(window)
    assert "BTCUSDT-1m-2024-01.zip" in answer.detail


@pytest.mark.parametrize("year", [2024, 2025])
@pytest.mark.parametrize("header", [False, True])
def test_milliseconds_and_microseconds_and_a_header_say_the_same_as_the_api(year: int, header: bool) -> None:
    window = Range(datetime(year, 3, 5, tzinfo=UTC), datetime(year, 3, 6, tzinfo=UTC))
    http = Archive()
    http.header = header
    [answer] = ask(http, window)
    assert http.asked[1] == f"BTCUSDT-1m-{year}-03-05.zip"
    by_api = ask(Archive(lacking=frozenset({f"{year}-03-05"})), window)
    assert [*answer.bars] == [bar for one in by_api for bar in one.bars]
    assert answer.bars.names == ("BTCUSD",)
    assert len(answer.bars) == 1440


def test_a_range_of_months_days_and_hours_is_asked_for_in_the_fewest_parts() -> None:
    """Hours by the API, a day by its file, months by theirs; nothing twice, nothing left out."""
    window = Range(datetime(2024, 1, 30, 10, tzinfo=UTC), datetime(2024, 4, 2, 3, tzinfo=UTC))
    http = Archive()
    answers = ask(http, window)
    assert [name for name in http.asked if not name.endswith("CHECKSUM")] == [
        "api",
        "BTCUSDT-1m-2024-01-31.zip",
        "BTCUSDT-1m-2024-02.zip",
        "BTCUSDT-1m-2024-03.zip",
        "BTCUSDT-1m-2024-04-01.zip",
        "api",
    ]
    assert minutes_of(answers) == every(window)


def test_a_few_minutes_are_the_apis_and_so_is_today() -> None:
    http = Archive()
    ask(http, Range(datetime(2024, 1, 30, 10, tzinfo=UTC), datetime(2024, 1, 30, 12, tzinfo=UTC)))
    ask(http, Range(NOW - 12 * 60 * MINUTE, NOW))
    ask(http, Range(datetime(2025, 6, 9, tzinfo=UTC), datetime(2025, 6, 10, tzinfo=UTC)))
    assert set(http.asked) == {"api"}


def test_a_file_that_is_late_or_missing_is_said_and_the_api_is_asked_in_its_place() -> None:
    """Of a month its days; of a day the API. A file that is not there is looked for once."""
    window = Range(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 6, tzinfo=UTC))
    http = Archive(lacking=frozenset({"2024-01", "2024-01-03"}))
    answers = ask(http, window)
    assert minutes_of(answers) == every(window)
    assert http.asked.count("BTCUSDT-1m-2024-01.zip.CHECKSUM") == 1
    assert http.asked.count("BTCUSDT-1m-2024-01-03.zip.CHECKSUM") == 1
    assert http.asked.count("api") == 2
    told = [one.detail for one in answers if "2024-01-03.zip: it is not there" in one.detail]
    assert told
    assert sum(one.requests for one in answers) == len(http.asked)


WINDOW = Range(datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC))
FILE = "BTCUSDT-1m-2024-01-02.zip"


def signed(body: bytes, name: str = FILE) -> dict[str, bytes | Exception]:
    return {FILE: body, f"{FILE}.CHECKSUM": f"{hashlib.sha256(body).hexdigest()}  {name}".encode()}


def _spoiled() -> dict[str, tuple[dict[str, bytes | Exception], str]]:
    whole = Archive().zip_of(FILE)
    other = Archive().zip_of(FILE, member="ETHUSDT-1m-2024-01-02.csv")
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as made:
        made.writestr(FILE.replace(".zip", ".csv"), "not,a,kline\n")
    elsewhere = io.BytesIO()
    with zipfile.ZipFile(elsewhere, "w") as made:
        made.writestr(FILE.replace(".zip", ".csv"), ",".join(kline(WINDOW.start - DAY)))
    return {
        "another checksum": ({f"{FILE}.CHECKSUM": b"0" * 64 + f"  {FILE}".encode()}, "its checksum differs"),
        "one bit": ({FILE: whole[:50] + bytes([whole[50] ^ 1]) + whole[51:]}, "its checksum differs"),
        "a checksum of another file": (signed(whole, "ETHUSDT-1m-2024-01-02.zip"), "its checksum is of ETHUSDT-1m"),
        "another symbol inside": (signed(other), "it holds ETHUSDT-1m-2024-01-02.csv"),
        "no zip": (signed(b"<html>"), "it is no zip that can be read"),
        "another shape": (signed(text.getvalue()), "it holds no kline"),
        "another time": (signed(elsewhere.getvalue()), "none of its klines is of the time"),
        "cut off": ({FILE: NoReply("the body was cut off")}, "the body was cut off"),
    }


@pytest.mark.parametrize("what", _spoiled())
def test_a_file_that_cannot_be_believed_is_said_and_not_used(what: str) -> None:
    spoiled, words = _spoiled()[what]
    http = Archive()
    http.spoil = spoiled
    answers = ask(http, WINDOW)
    assert minutes_of(answers) == every(WINDOW)
    assert http.asked.count("api") == 2
    assert f"{FILE}: {words}" in answers[0].detail
    assert {one.kind for one in answers} == {AnswerKind.BARS}


def test_a_row_that_cannot_be_believed_costs_the_whole_file() -> None:
    http = Archive()
    with zipfile.ZipFile(io.BytesIO(http.zip_of(FILE))) as made:
        text = made.read(made.namelist()[0]).decode()
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        made.writestr(FILE.replace(".zip", ".csv"), text.replace(kline(WINDOW.start)[1], "nan", 1))
    http.spoil = signed(body.getvalue())
    answers = ask(http, WINDOW)
    assert minutes_of(answers) == every(WINDOW), "the API was asked in its place"
    assert "a value is not finite" in answers[0].detail


def test_a_minute_without_a_trade_is_the_venues_statement_and_the_evidence_names_the_file() -> None:
    quiet = WINDOW.start + 30 * MINUTE
    [answer] = ask(Archive(untraded=frozenset({quiet})), WINDOW)
    assert quiet not in minutes_of([answer])
    gaps = merge([epoch_minute(WINDOW.start)], [epoch_minute(WINDOW.end)])
    [told] = learned(RepairJob("a", 1, VendorRequest("binance", ("BTCUSD",), WINDOW), gaps), answer)
    assert (told.stated.starts.tolist(), told.stated.ends.tolist()) == (
        [epoch_minute(quiet)],
        [epoch_minute(quiet) + 1],
    )
    assert FILE in told.detail


def test_a_symbol_that_the_api_refuses_is_given_up_for_all_of_the_question() -> None:
    class Refusing(Archive):
        def get(self, url: str, **rest: object) -> Reply:  # type: ignore[override]
            del rest
            self.asked.append(url)
            return Reply(404 if url.startswith(SITE) else 400, {}, b'{"code":-1121,"msg":"Invalid symbol."}')

    http = Refusing()
    window = Range(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))
    [answer] = ask(http, window)
    assert (answer.kind, answer.request.range, answer.left) == (AnswerKind.GIVE_UP, window, ())
    assert len(http.asked) == answer.requests == 3


def test_the_setting_travels_to_the_functions_and_older_ones_are_read() -> None:
    with_one = VendorSettings("binance", API, 60, archive=SITE)
    assert vendors_from_json(vendors_to_json([with_one])) == (with_one,)
    plain = VendorSettings("binance", API, 60)
    assert "archive" not in vendors_to_json([plain])
    assert vendors_from_json(vendors_to_json([plain])) == (plain,)


def test_bars_are_the_files_own_values() -> None:
    [answer] = ask(Archive(), WINDOW)
    row = kline(WINDOW.start)
    price = float(row[1])
    assert next(iter(answer.bars)) == Bar("BTCUSD", WINDOW.start, price, price, price, price, 0.5)
