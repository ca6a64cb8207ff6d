"""The engine of the nightly review for tests: its statements, on DuckDB, over what lies below the tables' prefixes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from minutemend.contract import HOURS_KEY, SESSIONS_KEY, SYMBOLS_KEY, Table
from minutemend.core.bars import BARS, schema_of
from minutemend.services.lake import Lake
from minutemend.services.tables import concat, decode


def engine(lake: Lake) -> Callable[[str, str], list[tuple[Any, ...]]]:
    """What `ReviewValues` takes as `ask`."""

    def ask(sql: str, _token: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as db:
            for name, rows in _tables(lake).items():
                db.register(name, rows)
            return db.execute(sql).fetchall()

    return ask


def _tables(lake: Lake) -> dict[str, pa.Table]:
    found = {}
    for table in (Table.BARS, Table.LOOKS, Table.SUPERSEDED):
        bodies = [lake.store.get(one.key) for one in lake.store.list(f"{table}/")]
        rows = concat([decode(body, BARS) for body in bodies if body is not None], BARS)
        found[table.value] = rows.append_column("dt", pc.strftime(rows["minute"], "%Y-%m-%d"))
    for table, key in ((Table.SYMBOLS, SYMBOLS_KEY), (Table.SESSIONS, SESSIONS_KEY), (Table.HOURS, HOURS_KEY)):
        body, schema = lake.store.get(key), schema_of(table)
        found[table.value] = schema.empty_table() if body is None else decode(body, schema)
    return found
