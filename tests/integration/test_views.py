"""The views of the catalog, by their texts: `bars_resolved` gives the same rows as the lake's own reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.core.bars import BARS, resolve
from minutemend.core.minutes import MINUTE
from minutemend.views import REVISION_COLUMNS, resolved_sql, revisions_sql
from sqlglot import exp

START = datetime(2013, 10, 4, 23, 50, tzinfo=UTC)


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
            "repair_id": one_of(None, None, "a1", "b2", "B3", "accepted:x", "accepted:y"),
            "captured_at": one_of(*(START.replace(tzinfo=None) + n * MINUTE for n in range(3)), None),
        },
        schema=BARS,
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 120))
def test_bars_resolved_returns_what_the_lake_s_reader_returns(seed, n):
    """Row for row, each minute once: one rule in two languages."""
    bars = random_bars(seed, n)
    dates = [f"{minute:%Y-%m-%d}" for minute in bars["minute"].to_pylist()]
    con = duckdb.connect()
    con.register("given", bars.append_column("dt", pa.array(dates, pa.string())))
    con.execute(f"CREATE VIEW bars_resolved AS {resolved_sql('given')}")
    found = con.sql("SELECT * FROM bars_resolved ORDER BY symbol, minute").to_arrow_table().select(BARS.names)
    assert found.cast(BARS).equals(resolve(bars))


def test_a_condition_on_the_view_reaches_the_files(tmp_path):
    """Over years of dates a query that names one reads that one alone."""
    for day in ("2013-10-04", "2013-10-05", "2013-10-06"):
        (tmp_path / f"dt={day}").mkdir()
        pq.write_table(random_bars(1, 50), tmp_path / f"dt={day}" / "all.parquet")
    con = duckdb.connect()
    files = f"read_parquet('{tmp_path}/*/*.parquet', hive_partitioning = true)"
    con.execute(f"CREATE VIEW bars AS FROM {files}")
    con.execute(f"CREATE VIEW bars_resolved AS {resolved_sql('bars')}")
    plan = con.sql("EXPLAIN ANALYZE SELECT count(*) FROM bars_resolved WHERE dt = '2013-10-05'").fetchall()[0][1]
    assert "1/3" in plan, plan


def test_the_view_of_revisions_has_its_columns_and_reads_the_dates_that_are_asked_for(tmp_path):
    """Of three tables, what the catalog says; over years of dates a query that names one reads that one alone."""
    con = duckdb.connect()
    for name in ("bars", "looks", "superseded"):
        for day in ("2013-10-04", "2013-10-05", "2013-10-06"):
            (tmp_path / name / f"dt={day}").mkdir(parents=True)
            pq.write_table(random_bars(1, 50), tmp_path / name / f"dt={day}" / "all.parquet")
        con.execute(
            f"CREATE VIEW {name} AS FROM read_parquet('{tmp_path}/{name}/*/*.parquet', hive_partitioning = true)"
        )
    con.execute(f"CREATE VIEW revisions AS {revisions_sql()}")
    columns = con.sql("SELECT * FROM revisions").columns
    assert columns == [*(name for name, _ in REVISION_COLUMNS), "dt"]
    plan = con.sql("EXPLAIN ANALYZE SELECT count(*) FROM revisions WHERE dt = '2013-10-05'").fetchall()[0][1]
    assert plan.count("1/3") == 4, plan  # stored bars, and the three of what was seen


@pytest.mark.parametrize("dialect", ["trino", "athena", "duckdb"])
def test_it_parses_in_every_dialect(dialect):
    """One text; the one function in it is known to both engines."""
    parsed = sqlglot.parse_one(resolved_sql("bars", where="dt = '2013-10-04'"), dialect=dialect)
    known = (exp.Connector, exp.Cast, exp.Case, exp.If)  # AND; what a typed literal and CASE are to the parser
    assert {type(found) for found in parsed.find_all(exp.Func) if not isinstance(found, known)} == {exp.RowNumber}
