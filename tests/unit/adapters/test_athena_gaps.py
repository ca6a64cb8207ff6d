"""The audit's question put to Athena, whose answers are those of the audit's own SQL on DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest
from minutemend.adapters.athena_gaps import AthenaGapFinder
from minutemend.core.data_check import Question
from minutemend.core.data_check_sql import ON_DUCKDB
from minutemend.core.errors import QueryTimedOut
from minutemend.core.hours import expected_hours
from minutemend.core.minutes import Range, format_instant
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.services.tables import hours_table

from tests.fakes.athena import FakeAthena, FakeResults, Row

WINDOW = Range(datetime(2024, 3, 8, 14, 0, tzinfo=UTC), datetime(2024, 3, 8, 15, 0, tzinfo=UTC))
COLUMNS = [("symbol", "varchar"), ("dt", "varchar"), ("hour", "timestamp"), ("missing", "bigint")]
SESSION = Session("XNYS", WINDOW.start.date(), WINDOW.start, WINDOW.end)


def question(*symbols: str, followed: Sequence[str] = ("IBM",), window: Range = WINDOW) -> Question:
    sessions = [SESSION] if window == WINDOW else []
    return Question(window, [Listing(name, "XNYS") for name in followed], sessions, symbols or None)


class DuckAthena(FakeAthena):
    """A fake whose rows are what DuckDB answers to the statement: the text is really run."""

    def __init__(self, lake: duckdb.DuckDBPyConnection, **rest: Any) -> None:
        super().__init__(COLUMNS, **rest)
        self.lake = lake

    def get_query_results(self, **request: Any) -> Any:
        self.rows = self.answer(self.sql[request["QueryExecutionId"]])
        return super().get_query_results(**request)

    def answer(self, sql: str) -> tuple[Row, ...]:
        return tuple(tuple(map(_text, row)) for row in self.lake.execute(sql).fetchall())


def _text(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds")
    return None if value is None else str(value)


def lake(minutes: Sequence[str], *, symbols: Sequence[str] = ("IBM",)) -> duckdb.DuckDBPyConnection:
    """One session of an hour on 2024-03-08 from 14:00; IBM has bars at `minutes` (as 14:07)."""
    made = duckdb.connect()
    made.execute(ON_DUCKDB)
    made.register("hours", hours_table(expected_hours([SESSION]), made_of="these"))
    made.execute("CREATE TABLE symbols (symbol text, calendar text, listed text, delisted text)")
    made.executemany("INSERT INTO symbols VALUES (?, 'XNYS', NULL, NULL)", [[symbol] for symbol in symbols])
    made.execute("CREATE TABLE bars (symbol text, minute timestamp, dt text)")
    bars = [["IBM", f"2024-03-08 {minute}", "2024-03-08"] for minute in minutes]
    if bars:
        made.executemany("INSERT INTO bars VALUES (?, ?, ?)", bars)
    return made


def minutes_of_the_hour(*, without: Sequence[int] = ()) -> list[str]:
    return [f"14:{minute:02}" for minute in range(60) if minute not in without]


def finder(athena: FakeAthena, *, s3: FakeResults | None = None, deadline: float = 60.0) -> AthenaGapFinder:
    return AthenaGapFinder(
        athena=athena,
        s3=s3 or FakeResults({}),
        workgroup="minutemend-dev",
        database="minutemend_dev",
        deadline=deadline,
        clock=lambda: 0.0,
        sleep=lambda _: None,
    )


def shown(found: Any) -> list[tuple[str, str, str]]:
    return [(gap.symbol, format_instant(gap.start)[11:16], format_instant(gap.end)[11:16]) for gap in found.gaps]


def test_gaps_expected_minutes_and_scanned_bytes_come_back() -> None:
    """What the port promises, of a session with two holes."""
    athena = DuckAthena(lake(minutes_of_the_hour(without=[0, 7, 8])), statistics={"DataScannedInBytes": 77})
    found = finder(athena).find(question(), token="audit-1")
    assert shown(found) == [("IBM", "14:00", "14:01"), ("IBM", "14:07", "14:09")]
    assert (found.gaps.minutes, found.expected, found.scanned_bytes) == (3, 60, 77)


def test_a_whole_lake_has_no_gaps() -> None:
    """One row comes back, the total."""
    found = finder(DuckAthena(lake(minutes_of_the_hour()))).find(question("IBM"), token="audit-1")
    assert (len(found.gaps), found.expected) == (0, 60)


def test_a_window_without_a_session_expects_nothing() -> None:
    """The total's sums are null then, and zero here."""
    window = Range(datetime(2024, 3, 9, 14, 0, tzinfo=UTC), datetime(2024, 3, 9, 15, 0, tzinfo=UTC))
    found = finder(DuckAthena(lake([]))).find(question(window=window), token="audit-1")
    assert (len(found.gaps), found.expected) == (0, 0)


def test_a_minute_that_is_stored_many_times_hides_no_hole() -> None:
    """One statement tells, however often a minute came."""
    made = lake([*minutes_of_the_hour(without=[3]), *["14:20"] * 4, *["14:04"] * 15])
    athena = DuckAthena(made)
    assert shown(finder(athena).find(question(), token="audit-1")) == [("IBM", "14:03", "14:04")]
    assert len(athena.sql) == 1


def test_asked_again_with_the_same_token_no_new_query_is_started() -> None:
    """The retried step finds its query."""
    athena = DuckAthena(lake(minutes_of_the_hour()))
    first = finder(athena).find(question(), token="audit-1-0")
    assert finder(athena).find(question(), token="audit-1-0") == first
    assert len(athena.sql) == 1
    finder(athena).find(question(), token="audit-1-1")
    assert len(athena.sql) == 2


def test_a_large_answer_is_read_as_an_object() -> None:
    """300 gaps are more than a page."""
    names = [f"S{number:03}" for number in range(300)]
    athena = DuckAthena(lake([], symbols=names))

    class Results(FakeResults):
        def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
            self.objects[Key] = athena.csv()
            return super().get_object(Bucket=Bucket, Key=Key)

    found = finder(athena, s3=Results({})).find(question(followed=names), token="audit-1")
    assert [gap.symbol for gap in found.gaps] == names
    assert found.gaps.minutes == found.expected == 300 * 60


def test_a_query_that_outlives_the_function_is_cancelled() -> None:
    """The typed error leaves through the port."""
    athena = FakeAthena(COLUMNS, states=[{"State": "RUNNING"}])
    with pytest.raises(QueryTimedOut):
        finder(athena, deadline=-1.0).find(question(), token="audit-1")
    assert athena.stopped == ["query-0"]


def test_rows_of_another_statement_are_python_values() -> None:
    """Every double keeps its last bit; instants are aware; null is None."""
    columns = [
        ("symbol", "varchar"),
        ("minute", "timestamp"),
        ("close", "double"),
        ("times", "bigint"),
        ("job", "varchar"),
    ]
    athena = FakeAthena(columns, [("IBM", "2024-03-08 14:00:00.000", "0.1000000000000000055", "2", None)])
    assert finder(athena).rows("SELECT 1", "night") == [("IBM", WINDOW.start, 0.1, 2, None)]
    assert finder(FakeAthena(columns)).rows("SELECT 1", "night") == []
