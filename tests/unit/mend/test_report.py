"""The report's file: what is in it, how small it is, and what it refuses."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from minutemend.core.minutes import MINUTE, epoch_minute
from minutemend.core.value_rules import Flag

from mend.report.encode import encode, varints
from mend.report.model import Runs
from mend.report.page import render
from tests.fakes.report_data import minutes_by_verdict, report_data

DECEMBER = {"first": date(2025, 12, 1), "last": date(2025, 12, 31)}


def unpack(blob: str) -> bytes:
    return zlib.decompress(base64.b64decode(blob))


def test_a_year_of_500_symbols_stays_far_below_fifteen_megabytes() -> None:
    """Only what is not plainly present is listed, so the file's size follows the holes and not the bars."""
    page = render(report_data(symbols=500, first=date(2025, 1, 1), last=date(2025, 12, 31)))
    assert len(page.encode()) < 1_000_000


def test_symbols_that_trade_in_two_minutes_of_three_fit_too() -> None:
    """A quarter of all minutes alone and missing: half a megabyte holds a year of twelve symbols."""
    data = report_data(symbols=12, first=date(2025, 1, 1), last=date(2025, 12, 31), holed=0)
    random = np.random.default_rng(3)
    rows = []
    for symbol in range(12):
        for session in data.sessions["XNYS"]:
            minutes = np.flatnonzero(random.random(session.minutes // 2) < 0.5) * 2 + epoch_minute(session.open)
            rows.append(np.column_stack([np.full(len(minutes), symbol), minutes]))
    symbol, start = np.concatenate(rows).T
    ones = np.ones(len(start), np.int32)
    runs = Runs(symbol=symbol.astype(np.int32), start=start, minutes=ones, cause=0 * ones)
    assert len(runs) > 250_000
    assert len(render(replace(data, runs=runs)).encode()) < 500_000


def test_the_cells_add_up_to_the_runs() -> None:
    """The map's counts and the list of gaps are two views of the same minutes."""
    data = report_data(symbols=11, holed=0.3, **DECEMBER)
    cells = np.frombuffer(unpack(encode(data)["cells"]), "<u2").reshape(4, 11, -1)
    told = minutes_by_verdict(data)
    assert cells.sum(axis=(1, 2)).tolist() == [told[name] for name in ("repaired", "absent", "failed", "missing")]


def test_the_page_makes_no_request() -> None:
    """No address but the namespace of SVG, and a policy that forbids every request."""
    page = render(report_data(symbols=11, **DECEMBER))
    assert set(re.findall(r"https?://[^\s\"'<>)]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page
    assert not re.search(r"<(?:link|img|iframe|script)[^>]*\s(?:src|href)=", page)


def test_what_is_doubted_of_the_values_is_in_it() -> None:
    """As rows: what, symbol, first and last minute (not included), bars, words."""
    minute = datetime(2025, 12, 1, 15, tzinfo=UTC)
    flag = Flag("AAPL", minute, minute + 2 * MINUTE, "frozen", 2, "at 5")
    head = json.loads(unpack(encode(replace(report_data(symbols=11, **DECEMBER), values=(flag,)))["head"]))
    assert head["values"] == [["frozen", "AAPL", epoch_minute(minute), epoch_minute(minute) + 2, 2, "at 5"]]


def test_text_of_the_data_is_never_markup() -> None:
    """A title with a tag in it is escaped; everything else lies in compressed blobs."""
    data = replace(report_data(symbols=11, **DECEMBER), title="</title><script>alert(1)</script>", command="</script>")
    page = render(data)
    assert "<script>alert(1)" not in page
    assert json.loads(unpack(encode(data)["head"]))["command"] == "</script>"


def test_a_run_outside_its_sessions_is_refused() -> None:
    """A report never shows a minute that was not expected."""
    data = report_data(symbols=11, holed=0, **DECEMBER)
    close = int(data.sessions["XNYS"][0].close.timestamp()) // 60
    with pytest.raises(ValueError, match="outside the sessions of XNYS"):
        encode(replace(data, runs=Runs.of([(0, close - 1, 2, 0)])))


def test_overlapping_runs_are_refused() -> None:
    """Each minute has one verdict."""
    data = report_data(symbols=11, holed=0, **DECEMBER)
    opened = int(data.sessions["XNYS"][0].open.timestamp()) // 60
    with pytest.raises(ValueError, match="overlap"):
        encode(replace(data, runs=Runs.of([(0, opened, 5, 0), (0, opened + 4, 5, 1)])))


@pytest.mark.parametrize(
    ("number", "coded"),
    [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (16384, "808001"), (2**28, "8080808001")],
)
def test_numbers_are_coded_as_leb128(number: int, coded: str) -> None:
    """The examples of the format's description."""
    assert varints(np.array([number])).hex() == coded
