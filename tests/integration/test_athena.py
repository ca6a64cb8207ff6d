"""Athena as the stage has it: the adapters' contract against a service that really runs the SQL."""

from __future__ import annotations

import io
import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from minutemend.adapters.athena import get_athena_query_results, run_athena_query, submit_athena_query
from minutemend.adapters.athena_gaps import AthenaGapFinder
from minutemend.core.bars import Bar, to_table
from minutemend.core.data_check import Question
from minutemend.core.errors import QueryFailed, QueryTimedOut
from minutemend.core.minutes import MINUTE, Range, hours_around
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

from mend.calendars.exchange_sessions import session_table
from mend.stage import Stage
from tests.integration.conftest import PATIENCE

HUNDRED = ", ".join(f"({number})" for number in range(100))


def ask(stage: Stage, sql: str) -> pd.DataFrame:
    """The frame of a statement."""
    athena = stage.clients.athena
    done = run_athena_query(sql, **place(stage), deadline=time.monotonic() + PATIENCE)
    return get_athena_query_results(done, athena=athena, s3=stage.clients.s3)


def place(stage: Stage) -> dict[str, Any]:
    """Where to ask, as work of its own."""
    named = {"workgroup": stage.output("Workgroup"), "database": stage.output("Database")}
    return {"athena": stage.clients.athena, "token": uuid.uuid4().hex, **named}


def test_every_type_comes_back_with_its_value_and_its_null(stage: Stage) -> None:
    """Quotes, commas and line ends in a text; an empty text that is no null; instants in UTC."""
    got = ask(
        stage,
        "SELECT 'a \"b\", c' AS quoted, '' AS nothing, CAST(NULL AS varchar) AS unknown,"
        " CAST(4611686018427387905 AS bigint) AS mask, CAST(NULL AS bigint) AS no_number,"
        " CAST(0.1 AS double) AS price, 1 = 1 AS yes,"
        " TIMESTAMP '2013-10-04 13:30:00' AS opened, DATE '2024-02-29' AS leap",
    )
    assert {name: str(dtype) for name, dtype in got.dtypes.items()} == {
        "quoted": "str",
        "nothing": "str",
        "unknown": "str",
        "mask": "Int64",
        "no_number": "Int64",
        "price": "float64",
        "yes": "boolean",
        "opened": "datetime64[us, UTC]",
        "leap": "datetime64[ms]",
    }
    row = got.iloc[0]
    assert (row["quoted"], row["nothing"], row["mask"], row["price"]) == ('a "b", c', "", 2**62 + 1, 0.1)
    assert row[["unknown", "no_number"]].isna().all()
    assert bool(row["yes"])
    assert row["opened"] == pd.Timestamp("2013-10-04 13:30", tz="UTC")
    assert row["leap"] == pd.Timestamp("2024-02-29")


@pytest.mark.parametrize("rows", [0, 100, 10_000])
def test_however_many_rows_they_all_come_back(stage: Stage, rows: int) -> None:
    """None, a page of them, and an object of them."""
    got = ask(
        stage,
        "SELECT CAST(a.n * 100 + b.n AS bigint) AS n,"  # noqa: S608 (numbers of ours)
        " TIMESTAMP '2024-01-01 00:00:00' + (a.n * 100 + b.n) * INTERVAL '1' MINUTE AS minute"
        f" FROM (VALUES {HUNDRED}) AS a (n) CROSS JOIN (VALUES {HUNDRED}) AS b (n)"
        f" WHERE a.n * 100 + b.n < {rows}",
    )
    got = got.sort_values("n", ignore_index=True)
    assert got["n"].tolist() == list(range(rows))
    expected = pd.date_range("2024-01-01", periods=rows, freq="min", tz="UTC", unit="us")
    assert got["minute"].tolist() == expected.tolist()
    assert got["minute"].dtype == expected.dtype


def test_a_query_that_fails_says_why(stage: Stage) -> None:
    """Athena's reason, its id for the query."""
    with pytest.raises(QueryFailed, match="no_such_table") as caught:
        ask(stage, "SELECT symbol FROM no_such_table")
    assert len(caught.value.query_id) == 36


def test_a_query_out_of_time_is_cancelled(stage: Stage) -> None:
    """The deadline has passed while it was queued or running."""
    tables = " CROSS JOIN ".join(f"(VALUES {HUNDRED}) AS t{at} (n)" for at in range(4))
    sql = f"SELECT count(*) AS n FROM {tables}"  # noqa: S608 (numbers of ours)
    with pytest.raises(QueryTimedOut) as caught:
        run_athena_query(sql, **place(stage), deadline=time.monotonic())
    assert len(caught.value.query_id) == 36


def test_a_retried_submit_finds_its_query(stage: Stage) -> None:
    """One piece of work, one query."""
    if "AWS_ENDPOINT_URL" in os.environ:  # set for a local stage as well, when it is opened
        pytest.skip("the Athena of local AWS ignores ClientRequestToken")
    work = place(stage)
    assert submit_athena_query("SELECT 1 AS n", **work) == submit_athena_query("SELECT 1 AS n", **work)


def test_the_holes_of_a_day_are_found(stage: Stage, fresh_day: Session) -> None:
    """Single minutes, a run, the first and the last minute; doubled and off-session bars do not matter."""
    know_ibm(stage)
    holes = {0, 7, *range(100, 130), 389}
    stored = [minute for minute in range(-30, 420) if minute not in holes]
    put(stage, fresh_day, stored, source="one")
    put(stage, fresh_day, [minute for minute in stored if minute % 3 == 0], source="two")
    finder = AthenaGapFinder(
        athena=stage.clients.athena,
        s3=stage.clients.s3,
        workgroup=stage.output("Workgroup"),
        database=stage.output("Database"),
        deadline=time.monotonic() + PATIENCE,
    )
    question = Question(
        fresh_day.range, stage.lake.symbols(), stage.lake.calendars.sessions(hours_around(fresh_day.range)), ["IBM"]
    )
    found = finder.find(question, token=uuid.uuid4().hex)
    assert [gap.range for gap in found.gaps] == [
        Range(fresh_day.open + first * MINUTE, fresh_day.open + end * MINUTE)
        for first, end in ((0, 1), (7, 8), (100, 130), (389, 390))
    ]
    assert {gap.session for gap in found.gaps} == {fresh_day.range}
    assert (found.expected, found.gaps.minutes) == (390, 33)
    assert found.scanned_bytes is not None


def put(stage: Stage, day: Session, minutes: list[int], *, source: str) -> None:
    """Bars of IBM at these minutes after the open."""
    bars = [Bar("IBM", day.open + minute * MINUTE, 1.0, 1.0, 1.0, 1.0, 1.0) for minute in minutes]
    captured = datetime(2024, 12, 31, tzinfo=UTC) + timedelta(seconds=len(minutes))
    stage.lake.put_bars(to_table(bars, source=source, repair_id=None, captured_at=captured))


def know_ibm(stage: Stage) -> None:
    """Sessions and symbols, where no audit has made them yet."""
    if not stage.lake.calendars.known():
        sink = io.BytesIO()
        pq.write_table(session_table(["XNYS", "24/7"], first="2010-01-01", last="2025-12-31"), sink)
        stage.lake.calendars.renew(sink.getvalue())
    if not stage.lake.symbols():
        stage.lake.put_symbols([Listing("IBM", "XNYS")])
