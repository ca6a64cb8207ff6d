"""The market simulator without its server: bars that look like a market's, and faults that do what they say."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minutemend.contract import VENDORS
from minutemend.core.errors import BadInput
from minutemend.core.minutes import epoch_minute

from market.dialects import DIALECTS
from market.dialects.base import Found, Question, look_up
from market.faults import Fault, FaultKind
from market.generated import DAY, GeneratedBars, Sessions, day_bars
from market.known import Rows, spoil
from market.market import Market
from market.parquet import read_bars
from market.state import Memory

FRIDAY = epoch_minute(datetime(2013, 10, 4, tzinfo=UTC)) // DAY
OPEN, CLOSE = FRIDAY * DAY + 13 * 60 + 30, FRIDAY * DAY + 20 * 60
SESSION = [(OPEN, CLOSE)]
ALL_DAY = [(FRIDAY * DAY, (FRIDAY + 1) * DAY)]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_DAY = Sessions({})


def generated(seed: int = 7, **options: object) -> GeneratedBars:
    return GeneratedBars(seed=seed, sessions=EVERY_DAY, calendar="24/7", **options)  # type: ignore[arg-type]


@given(
    seed=st.integers(0, 10**6), symbol=st.sampled_from(["IBM", "BRK.B", "BTCUSD", "S0001"]), day=st.integers(0, 30_000)
)
def test_generated_bars_are_believable(seed: int, symbol: str, day: int) -> None:
    bars = day_bars(seed, symbol, day, [(day * DAY + 10, day * DAY + 400)])
    opens, highs, lows, closes, volumes = map(np.array, bars.columns)
    assert list(bars.minutes) == list(range(day * DAY + 10, day * DAY + 400))
    assert (lows > 0).all()
    assert (lows <= np.minimum(opens, closes)).all()
    assert (highs >= np.maximum(opens, closes)).all()
    assert (volumes > 0).all()


def test_prices_are_whole_ticks_and_volumes_whole_shares() -> None:
    bars = day_bars(7, "IBM", FRIDAY, SESSION)
    prices = [price for column in bars.columns[:4] for price in column]
    assert prices == [float(f"{price:.2f}") for price in prices]
    assert all(volume.is_integer() for volume in bars.columns[4])


def test_coins_trade_all_day_in_fractions() -> None:
    bars = day_bars(7, "BTCUSD", FRIDAY, ALL_DAY)
    volumes = list(bars.columns[4])
    assert len(volumes) == DAY
    assert volumes == [float(f"{volume:.5f}") for volume in volumes]
    assert not all(volume.is_integer() for volume in volumes)


def test_volume_is_u_shaped_over_a_session() -> None:
    days = [np.array(day_bars(7, f"S{n:04d}", FRIDAY, SESSION).columns[4]) for n in range(30)]
    shape = np.mean([volumes / volumes.mean() for volumes in days], axis=0)
    assert shape[:30].mean() > 1.3 * shape[165:225].mean() < shape[-30:].mean()


def test_a_day_ends_near_where_the_next_begins_and_months_differ() -> None:
    """A walk: no jump at midnight, yet it wanders."""
    closes = [day_bars(7, "IBM", day, [(day * DAY, (day + 1) * DAY)]).columns for day in range(FRIDAY, FRIDAY + 60)]
    jumps = [abs(after[0][0] / before[3][-1] - 1) for before, after in pairwise(closes)]
    assert max(jumps) < 0.005
    levels = [day[3][-1] for day in closes]
    assert max(levels) / min(levels) > 1.02


def test_seed_and_symbol_make_the_bars_and_nothing_else_does() -> None:
    first = generated().rows("IBM", OPEN, OPEN + 3000)
    other = generated()
    other.rows("AAPL", OPEN - 5000, OPEN)
    split = [*other.rows("IBM", OPEN, OPEN + 7), *other.rows("IBM", OPEN + 7, OPEN + 3000)]
    assert split == first
    assert len(first) == 3000
    assert generated(seed=8).rows("IBM", OPEN, OPEN + 3) != first[:3]
    assert generated().rows("AAPL", OPEN, OPEN + 3) != first[:3]


def test_the_share_of_minutes_without_a_trade_is_as_asked_and_always_the_same() -> None:
    source = generated(no_trade=0.1)
    rows = source.rows("IBM", OPEN, OPEN + 20 * DAY)
    assert 0.88 < len(rows) / (20 * DAY) < 0.92
    assert rows == generated(no_trade=0.1).rows("IBM", OPEN, OPEN + 20 * DAY)
    assert set(rows) <= set(generated().rows("IBM", OPEN, OPEN + 20 * DAY)), "the other minutes are untouched"


def test_nothing_is_generated_outside_sessions_or_for_unknown_symbols() -> None:
    sessions = Sessions({"XNYS": ([OPEN], [CLOSE])})
    source = GeneratedBars(seed=7, sessions=sessions, calendar="XNYS", symbols=frozenset({"IBM"}))
    rows = source.rows("IBM", (FRIDAY - 3) * DAY, (FRIDAY + 3) * DAY)
    assert [row[0] for row in rows] == list(range(OPEN, CLOSE))
    assert source.rows("AAPL", OPEN, CLOSE) == []
    assert not source.knows("AAPL")


def test_memory_is_bounded_by_the_days_kept() -> None:
    source = generated(days_kept=10)
    for number in range(15):
        source.rows(f"S{number}", OPEN, OPEN + 1)
    assert source._day.cache_info().currsize == 10


def bars_file(path: Path, **columns: object) -> Path:
    given_columns: dict[str, object] = {
        "symbol": ["IBM", "AIG", "IBM"],
        "minute": pa.array([OPEN * 60 + 60, OPEN * 60, OPEN * 60], pa.int64()).cast(pa.timestamp("s", "UTC")),
        **{name: [1.5, 2.5, 3.5] for name in ("open", "high", "low", "close", "volume")},
    }
    pq.write_table(pa.table(given_columns | columns), path)
    return path


def test_a_parquet_file_is_replayed_sorted_and_exactly(tmp_path: Path) -> None:
    source = read_bars([bars_file(tmp_path / "a.parquet")])
    assert source.rows("IBM", OPEN, OPEN + 2) == [(OPEN, *[3.5] * 5), (OPEN + 1, *[1.5] * 5)]
    assert source.rows("IBM", OPEN + 1, OPEN + 2) == [(OPEN + 1, *[1.5] * 5)]
    assert source.rows("SPY", OPEN, OPEN + 2) == []
    assert source.knows("AIG")
    assert not source.knows("SPY")


def test_unusable_files_are_refused_with_what_is_wrong(tmp_path: Path) -> None:
    good = bars_file(tmp_path / "a.parquet")
    with pytest.raises(BadInput, match="twice"):
        read_bars([good, good])
    with pytest.raises(BadInput, match="cannot be read"):
        read_bars([tmp_path / "none.parquet"])
    pq.write_table(pq.read_table(good).drop_columns(["close"]), tmp_path / "b.parquet")
    with pytest.raises(BadInput, match="has no column close; it has symbol, minute"):
        read_bars([tmp_path / "b.parquet"])
    odd = bars_file(tmp_path / "c.parquet", minute=pa.array([30, 60, 120]).cast(pa.timestamp("s")))
    with pytest.raises(BadInput, match="whole minute"):
        read_bars([odd])


@given(limit=st.integers(1, 50), minutes=st.integers(1, 40))
def test_pages_of_any_size_hold_every_row_once_in_order(limit: int, minutes: int) -> None:
    source = generated()
    symbols = ["AIG", "IBM", "SPY"]
    whole = [(symbol, row[0]) for symbol in symbols for row in source.rows(symbol, OPEN, OPEN + minutes)]
    seen: list[tuple[str, int]] = []
    token: tuple[str, int] | None = None
    for _ in range(200):
        found: Found = look_up(source, Question(symbols, OPEN, OPEN + minutes, limit, token))
        seen += [(symbol, int(row[0]) // 60_000) for symbol, rows in found.rows.items() for row in rows]  # type: ignore[call-overload]
        assert sum(map(len, found.rows.values())) <= limit
        token = found.token
        if token is None:
            break
    assert seen == whole


def some_rows() -> Rows:
    return {"IBM": [[OPEN * 60_000 + n * 60_000, 10.0, 11.0, 9.0, 10.5, 5.0] for n in range(4)]}


@pytest.mark.parametrize(
    "kind",
    ["nan", "inverted", "negative", "duplicate", "unsorted", "out_of_range", "off_minute", "strings", "wrong_symbol"],
)
def test_a_spoiled_answer_differs_from_the_true_one(kind: str) -> None:
    rows = some_rows()
    spoil(Fault(FaultKind(kind)), rows)
    assert rows != some_rows()
    untouched = some_rows()
    spoil(Fault(FaultKind(kind), symbols=("SPY",)), untouched)
    assert untouched == some_rows()


def test_a_fault_strikes_the_requests_it_was_given() -> None:
    faults = Memory()
    faults.set([Fault(FaultKind.STATUS, vendors=("alpaca",), symbols=("IBM",), requests=2)])
    struck = [
        len(faults.meet(vendor, symbols, NOW))
        for vendor, symbols in [
            ("finnhub", ["IBM"]),
            ("alpaca", ["AIG"]),
            ("alpaca", ["AIG", "IBM"]),
            ("alpaca", ["IBM"]),
            ("alpaca", ["IBM"]),
        ]
    ]
    assert struck == [0, 0, 1, 1, 0]


def test_a_share_of_requests_is_chosen_by_the_seed() -> None:
    def pattern(seed: int) -> list[int]:
        faults = Memory()
        faults.set([Fault(FaultKind.STATUS, share=0.3, seed=seed)])
        return [len(faults.meet("finnhub", ["IBM"], NOW)) for _ in range(500)]

    assert pattern(1) == pattern(1) != pattern(2)
    assert 100 < sum(pattern(1)) < 200


def test_counts_tell_requests_by_vendor_and_symbol_and_can_be_reset() -> None:
    faults = Memory()
    faults.meet("alpaca", ["AIG", "IBM"], NOW)
    faults.meet("finnhub", ["IBM"], NOW)
    faults.answered("200")
    counts = faults.counts()
    assert counts["requests"] == 2
    assert counts["vendors"] == {"alpaca": 1, "finnhub": 1}
    assert counts["symbols"] == {"AIG": 1, "IBM": 2}
    assert counts["statuses"] == {"200": 1}
    faults.reset()
    assert faults.counts()["requests"] == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, "any of credentials, faults, reset"),
        ({}, "any of credentials, faults, reset"),
        ({"fault": []}, "any of credentials, faults, reset"),
        ({"faults": {}}, "a list"),
        ({"faults": [{"status": 500}]}, "with `kind`"),
        ({"faults": [{"kind": "status", "code": 500}]}, "with `kind`"),
        ({"faults": [{"kind": "meteor"}]}, "'meteor' is no fault: one of status, delay"),
        ({"faults": [{"kind": "wrong_symbol"}]}, "alpaca"),
        ({"faults": [{"kind": "missing", "minutes": ["noon"]}]}, "no ISO time"),
        ({"faults": [{"kind": "missing", "runs": [["2013-10-04T14:00Z"]]}]}, "a pair of instants"),
        (
            {"faults": [{"kind": "missing", "runs": [["2013-10-04T14:00Z", "2013-10-04T14:00Z"]]}]},
            "first before the second",
        ),
        ({"faults": [{"kind": "missing", "rows": 2}]}, "rows is 2: a number from 0 to 1"),
        ({"faults": [{"kind": "missing", "past": 60}]}, "past is 60: a whole number from 0 to 59"),
        ({"faults": [{"kind": "missing", "until": "2013-10-04"}]}, "no time zone"),
        ({"faults": [{"kind": "status", "status": "503"}]}, "status is '503': a whole number"),
        ({"faults": [{"kind": "status", "symbols": "IBM"}]}, "symbols is 'IBM': a list of texts"),
    ],
)
def test_an_unusable_order_is_refused_and_says_what_would_be_right(body: object, words: str) -> None:
    market = Market(generated(), credentials=None, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(BadInput, match=words):
        market.control(body)
    assert market.state.counts()["faults"] == []


def test_every_fault_is_documented() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "vendors.md").read_text()
    assert [kind for kind in FaultKind if kind not in page] == []


def test_the_simulator_speaks_the_api_of_every_vendor() -> None:
    assert sorted(DIALECTS) == sorted(VENDORS)
