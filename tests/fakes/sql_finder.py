"""Athena's statement as a GapFinder of tests: on DuckDB, over a lake's objects as they lie there, copies and all."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from minutemend.contract import HOURS_KEY, Table
from minutemend.core.data_check import Answered, Question, check_data
from minutemend.core.data_check_sql import ON_DUCKDB
from minutemend.ports.gap_finder import Found, GapFinder
from minutemend.services import lake as lake_module
from minutemend.services import tables
from minutemend.services.evidence_rows import row_of
from minutemend.services.lake import Lake


class SqlGapFinder(GapFinder):
    """Reads everything anew for each question."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def find(self, question: Question, *, token: str) -> Found:  # noqa: ARG002
        connection = duckdb.connect(config={"threads": 1})
        connection.execute(f"SET TimeZone = 'UTC'; {ON_DUCKDB}")
        views = {Table.BARS: self._bars(), Table.HOURS: self._hours(), Table.SYMBOLS: self._symbols(question)}
        for table, rows in views.items():
            connection.register(str(table), rows)

        def ask(sql: str) -> Answered:
            return Answered.from_columns(connection.execute(sql).fetchnumpy())

        try:
            return Found(check_data(ask, question), question.expected_minutes)
        finally:
            connection.close()

    def _bars(self) -> pa.Table:
        found = []
        for stored in self._lake.store.list("bars/"):
            part = self._lake.read_objects([stored.key])
            if part is not None:
                date = stored.key.split("dt=")[1][:10]
                part = part.select(["symbol", "minute"])
                found.append(part.append_column("dt", pa.array([date] * part.num_rows, pa.string())))
        empty = pa.table({"symbol": pa.array([], pa.string()), "minute": pa.array([], pa.timestamp("ms"))})
        return pa.concat_tables(found) if found else empty.append_column("dt", pa.array([], pa.string()))

    def _hours(self) -> pa.Table:
        self._lake.calendars.keep_hours()
        schema = tables.schema_of(Table.HOURS)
        body = self._lake.store.get(HOURS_KEY)
        rows = lake_module.decode(body, schema).to_pylist() if body is not None else []
        return pa.Table.from_pylist(rows, schema=schema)

    def _symbols(self, question: Question) -> pa.Table:
        return tables.from_rows(map(row_of, question.listings), Table.SYMBOLS)
