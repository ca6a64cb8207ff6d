"""The query that readers of the bars should use: the same rows as the lake's own reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.core.bars import BARS, resolve
from minutemend.core.bars_query import generate_bars_query
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range
from sqlglot import exp

START = datetime(2013, 10, 4, 23, 50, tzinfo=UTC)
WINDOW = Range(START, START + 20 * MINUTE)  # over midnight: two partitions


def random_bars(seed, n):
    """Bars of few symbols and minutes, so that many lie on one another, in every column a few values and nulls."""
    random = np.random.default_rng(seed)

    def one_of(*values):
        return [values[index] for index in random.integers(0, len(values), n)]

    minutes = [START.replace(tzinfo=None) + timedelta(minutes=int(m)) for m in random.integers(-2, 23, n)]
    return pa.table(
        {
            "symbol": one_of("AIG", "IBM"),
            "minute": minutes,
            **{name: one_of(1.0, 2.5, None) for name in ("open", "high", "low", "close", "volume")},
            "source": one_of("alpaca", "finnhub", "Load", None),
            "repair_id": one_of(None, None, "a1", "b2", "B3"),
            "captured_at": one_of(*(START.replace(tzinfo=None) + n * MINUTE for n in range(3)), None),
        },
        schema=BARS,
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 120))
def test_it_returns_what_the_lake_s_reader_returns(seed, n):
    """Row for row, in order: one rule in two languages."""
    bars = random_bars(seed, n)
    dates = [f"{minute:%Y-%m-%d}" for minute in bars["minute"].to_pylist()]
    con = duckdb.connect()
    con.register("bars", bars.append_column("dt", pa.array(dates, pa.string())))
    found = con.sql(generate_bars_query(WINDOW)).to_arrow_table().cast(BARS)
    inside = [WINDOW.start <= minute.replace(tzinfo=UTC) < WINDOW.end for minute in bars["minute"].to_pylist()]
    assert found.equals(resolve(bars.filter(pa.array(inside, pa.bool_()))))


def test_symbols_and_database_narrow_it():
    """Only validated names reach the text."""
    sql = generate_bars_query(WINDOW, symbols=["IBM", "BRK.B"], database="minutemend_dev")
    assert "symbol IN ('BRK.B', 'IBM')" in sql
    assert 'FROM "minutemend_dev".bars' in sql
    assert "dt BETWEEN '2013-10-04' AND '2013-10-05'" in sql


@pytest.mark.parametrize("dialect", ["trino", "athena", "duckdb"])
def test_it_parses_in_every_dialect(dialect):
    """One text; the one function in it is known to both engines."""
    parsed = sqlglot.parse_one(generate_bars_query(WINDOW, symbols=["IBM"]), dialect=dialect)
    known = (exp.Connector, exp.Cast)  # AND, and what a typed literal is to the parser
    assert {type(found) for found in parsed.find_all(exp.Func) if not isinstance(found, known)} == {exp.RowNumber}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"symbols": []}, "the list of symbols is empty"),
        ({"symbols": ["'; DROP TABLE bars"]}, "is not a symbol"),
        ({"database": 'x".y'}, "small letters"),
    ],
)
def test_what_cannot_be_a_name_is_refused(options, says):
    """Before any text is made."""
    with pytest.raises(BadInput, match=says):
        generate_bars_query(WINDOW, **options)


def test_the_page_shows_this_very_text():
    """docs/data.md is what people copy from."""
    window = Range(datetime(2013, 10, 4, 13, 30, tzinfo=UTC), datetime(2013, 10, 4, 20, tzinfo=UTC))
    assert generate_bars_query(window) in (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text()
