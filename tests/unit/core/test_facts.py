"""Hourly facts: equal to a direct pandas aggregation to the last digit, and honest about what is not there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.core.bars import BARS, Bar, to_table
from minutemend.core.facts import FACTS, changed_symbols, expected_minutes, hour_facts, keep_unlisted
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

HOUR = datetime(2013, 10, 4, 13, tzinfo=UTC)
NYSE = Session("XNYS", date(2013, 10, 4), HOUR + 30 * MINUTE, HOUR + 420 * MINUTE)
CRYPTO = Session("24/7", date(2013, 10, 4), datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 5, tzinfo=UTC))
IBM = (Listing("IBM", "XNYS"),)
NONE = BARS.empty_table()


def bar(symbol, n, price=1.0, volume=1.0):
    return Bar(symbol, HOUR + n * MINUTE, price, price + 1, price - 1, price + 0.5, volume)


def table(*bars):
    return to_table(bars, source="sim", repair_id=None, captured_at=HOUR)


def facts(*bars, listings=IBM, absent=(), **options):
    expected = expected_minutes(HOUR, listings, [NYSE, CRYPTO], **options)
    return hour_facts(expected, table(*bars), absent).to_pylist()


def test_one_row_says_what_the_hour_was():
    """Open of the first bar, close of the last, the extremes, the sum, and how many minutes there were."""
    (row,) = facts(bar("IBM", 30, 5.0, 2.0), bar("IBM", 31, 9.0, 3.0), bar("IBM", 59, 7.0, 4.0))
    assert row == {
        "symbol": "IBM",
        "hour": datetime(2013, 10, 4, 13),  # noqa: DTZ001 (the lake's instants have no zone)
        "open": 5.0,
        "high": 10.0,
        "low": 4.0,
        "close": 7.5,
        "volume": 9.0,
        "minutes_present": 3,
        "minutes_expected": 30,
        "minutes_absent": 0,
    }


def test_bars_outside_the_session_do_not_count():
    """A bar before the open is in the lake and not in the facts."""
    (row,) = facts(bar("IBM", 29, 99.0), bar("IBM", 30, 5.0))
    assert (row["open"], row["minutes_present"]) == (5.0, 1)


def test_an_hour_without_bars_is_marked_and_not_left_out():
    """Null prices, zero minutes present: it is not mistaken for an hour that was never expected."""
    (row,) = facts()
    assert [row[name] for name in ("open", "high", "low", "close", "volume")] == [None] * 5
    assert (row["minutes_present"], row["minutes_expected"]) == (0, 30)


def test_no_session_no_row():
    """A calendar that expects nothing in the hour has no facts."""
    expected = expected_minutes(HOUR - timedelta(hours=5), [Listing("IBM", "XNYS")], [NYSE, CRYPTO])
    assert hour_facts(expected, NONE, ()).num_rows == 0


def test_absent_minutes_are_counted_where_they_are_expected_and_not_stored():
    """A proof counts inside the session only, and a bar that arrived later outranks it."""
    proof = [("IBM", Range(HOUR + 28 * MINUTE, HOUR + 33 * MINUTE)), ("AIG", Range(HOUR, HOUR + MINUTE))]
    (row,) = facts(bar("IBM", 31), absent=proof)
    assert (row["minutes_present"], row["minutes_absent"]) == (1, 2)


def test_listing_dates_bound_what_is_expected():
    """Inclusive when listed, exclusive when delisted, by the session's own date."""
    today, tomorrow = date(2013, 10, 4), date(2013, 10, 5)
    listings = [
        Listing("A", "XNYS", listed=today),
        Listing("B", "XNYS", listed=tomorrow),
        Listing("C", "XNYS", delisted=today),
        Listing("D", "XNYS", delisted=tomorrow),
    ]
    assert [row["symbol"] for row in facts(listings=listings)] == ["A", "D"]


def test_two_calendars_in_one_hour():
    """Each symbol is held to its own calendar; symbols come sorted."""
    rows = facts(bar("IBM", 30), bar("BTCUSD", 0), listings=[Listing("IBM", "XNYS"), Listing("BTCUSD", "24/7")])
    assert [(row["symbol"], row["minutes_expected"]) for row in rows] == [("BTCUSD", 60), ("IBM", 30)]


def test_symbols_that_are_not_followed_are_left_out():
    """Bars of a symbol that is in no list have no expectation and thus no facts."""
    assert [row["symbol"] for row in facts(bar("IBM", 30), bar("XOM", 30))] == ["IBM"]


def test_what_changed_is_named():
    """Rows that differ, came or went; equal tables have no difference."""
    listings = [Listing("A", "XNYS"), Listing("B", "XNYS"), Listing("C", "XNYS")]
    expected = expected_minutes(HOUR, listings, [NYSE])
    before = hour_facts(expected, table(bar("A", 30), bar("B", 30)), ())
    after = hour_facts(expected, table(bar("A", 30), bar("B", 30, 2.0)), ())
    assert changed_symbols(before, before) == []
    assert changed_symbols(before, after) == ["B"]
    assert changed_symbols(FACTS.empty_table(), after) == ["A", "B", "C"]


def test_facts_of_symbols_no_longer_followed_are_kept():
    """Taking a symbol off the list does not erase its history; a symbol still listed is what it is now."""
    old = hour_facts(expected_minutes(HOUR, [Listing("A", "XNYS"), Listing("B", "XNYS")], [NYSE]), NONE, ())
    new = hour_facts(expected_minutes(HOUR, [Listing("C", "XNYS")], [NYSE]), NONE, ())
    assert keep_unlisted(old, new, ["B", "C"])["symbol"].to_pylist() == ["A", "C"]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.02, 1.0), digits=st.integers(0, 9))
def test_facts_equal_a_direct_pandas_aggregation(seed, share, digits):
    """To the last digit that float64 carries, whichever minutes are there and whatever their volumes."""
    random = np.random.default_rng(seed)
    minutes = np.flatnonzero(random.random(60) < share)
    rows = [
        Bar(symbol, HOUR + int(n) * MINUTE, *random.random(4), np.round(random.lognormal(4, 6), digits))
        for symbol in ("BTCUSD", "LTCUSD")
        for n in minutes
    ]
    listings = [Listing("BTCUSD", "24/7"), Listing("LTCUSD", "24/7")]
    ours = hour_facts(expected_minutes(HOUR, listings, [CRYPTO]), table(*rows), ()).to_pandas()
    assert ours["minutes_present"].tolist() == [len(minutes)] * 2
    if not rows:
        assert ours["open"].isna().all()
        return
    theirs = pd.DataFrame([(bar.symbol, *(getattr(bar, name) for name in BARS.names[2:7])) for bar in rows])
    theirs.columns = ["symbol", "open", "high", "low", "close", "volume"]
    theirs = theirs.groupby("symbol").agg(
        {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    )
    pd.testing.assert_frame_equal(
        ours.set_index("symbol")[theirs.columns], theirs, check_exact=True, check_index_type=False
    )


def test_the_comparison_above_is_sharper_than_a_plain_sum():
    """On such volumes a naive sum and pandas' differ in the last digit: the test would notice the wrong one."""
    volumes = [float(volume) for volume in np.round(np.random.default_rng(1).lognormal(4, 6, 60), 3)]
    theirs = pd.Series(volumes).groupby(np.zeros(60)).sum().iloc[0]
    naive = 0.0
    for volume in volumes:
        naive += volume
    assert theirs != naive
    rows = [Bar("BTCUSD", HOUR + n * MINUTE, 1, 1, 1, 1, volume) for n, volume in enumerate(volumes)]
    assert facts(*rows, listings=[Listing("BTCUSD", "24/7")])[0]["volume"] == theirs
