"""The precedence rule, on bars in any order and on bars that were resolved before."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.contract import ACCEPTED
from minutemend.core.bars import VALUES, Bar, resolve, to_table
from minutemend.core.minutes import MINUTE

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
ONE_BAR = st.tuples(
    st.sampled_from(["AIG", "IBM"]),
    st.integers(0, 3),  # the minute
    st.sampled_from([None, "r1", "r2"]),  # the repair
    st.integers(0, 2),  # when it was captured
    st.sampled_from(["alpaca", "finnhub"]),
    st.floats(1, 3),  # the price
)


def _table(rows):
    parts = [
        to_table(
            [Bar(symbol, OPEN + minute * MINUTE, *[price] * len(VALUES))],
            source=source,
            repair_id=repair,
            captured_at=OPEN + captured * MINUTE,
        )
        for symbol, minute, repair, captured, source, price in rows
    ]
    return pa.concat_tables(parts) if parts else to_table([], source="", repair_id=None, captured_at=OPEN)


def _precedence(row):
    _, _, repair, captured, source, price = row
    return captured, repair is not None, repair or "", source, price


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ONE_BAR, max_size=8))
def test_one_whole_bar_a_minute_wins_whatever_the_order(rows):
    """The first by the rule, row by row; bars that are in order already are taken as they are, and are no other."""
    best = {}
    for row in sorted(rows, key=_precedence, reverse=True):
        best[row[:2]] = row
    expected = _table([best[key] for key in sorted(best)])
    assert resolve(_table(rows)).equals(expected)
    assert resolve(expected).equals(expected)


def test_of_two_accepted_bars_the_later_one_is_read():
    """Of captured and repaired bars the earlier in hand is; a decision is the other way round: the newer one counts."""
    first, second = (
        to_table(
            [Bar("IBM", OPEN, *[price] * len(VALUES))],
            source="alpaca",
            repair_id=f"{ACCEPTED}{price}",
            captured_at=OPEN + later * MINUTE,
        )
        for price, later in ((1.0, 1), (2.0, 2))
    )
    for both in ([first, second], [second, first]):
        assert resolve(pa.concat_tables(both))["open"].to_pylist() == [2.0]
