"""A lake's folder as tables of Trino and of DuckDB: the same Parquet files, the columns of `contract.COLUMNS`.

A folder holds `bars/dt=…/*.parquet`, `sessions/*.parquet` and so on. What is missing in it is an empty table.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from minutemend.contract import COLUMNS, PARTITION, UNPARTITIONED, Table
from minutemend.core.data_check import Answered
from minutemend.core.data_check_sql import ON_DUCKDB

from tests.trino.client import Trino

_TRINO_TYPES = {"string": "varchar", "int": "integer", "timestamp": "timestamp(3)"}
_DUCKDB_TYPES = {"string": "VARCHAR", "int": "INTEGER", "bigint": "BIGINT"}


def mount(trino: Trino, lake: Path) -> None:
    """Make the tables of a lake, a folder right under the server's root, in a new schema of the folder's name."""
    schema = folder = lake.name
    trino.run(f"CREATE SCHEMA {schema}")
    for table, columns in COLUMNS.items():
        (lake / table).mkdir(parents=True, exist_ok=True)  # Trino wants it to exist
        fields = [f'"{name}" {_TRINO_TYPES.get(kind, kind)}' for name, kind in columns]
        settings = [f"external_location = 'local:///{folder}/{table}'", "format = 'PARQUET'"]
        if table not in UNPARTITIONED:
            fields.append(f"{PARTITION} varchar")
            settings.append(f"partitioned_by = ARRAY['{PARTITION}']")
        trino.run(f"CREATE TABLE {schema}.{table} ({', '.join(fields)}) WITH ({', '.join(settings)})")
        if table not in UNPARTITIONED:
            trino.run(f"CALL system.sync_partition_metadata('{schema}', '{table}', 'ADD')")


def duck(lake: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in which the same tables are views of the same files. Sessions are in UTC."""
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = 'UTC'; {ON_DUCKDB}")
    for table in COLUMNS:
        connection.execute(_view(table, lake / table))
    return connection


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a statement as Python values, timestamps naive."""
    return connection.execute(sql).fetchall()


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows in an order that both engines share: a statement without ORDER BY has none."""
    return sorted(rows, key=lambda row: tuple((value is None, _key(value)) for value in row))


def answered(rows: list[tuple[Any, ...]]) -> Answered:
    """The rows of the audit's result, as the layer takes them."""
    symbol, dt, hour, missing = zip(*rows, strict=True)
    mask = [name is None for name in symbol]
    hours = [np.datetime64(one or "NaT", "us") for one in hour]
    columns = {
        "symbol": np.ma.array(symbol, object, mask=mask),
        "dt": np.ma.array(dt, object, mask=mask),
        "hour": np.ma.array(hours, mask=mask),
        "missing": np.ma.array([one or 0 for one in missing], np.int64, mask=[one is None for one in missing]),
    }
    return Answered.from_columns(columns)


def _view(table: Table, folder: Path) -> str:
    partitioned = table not in UNPARTITIONED
    columns = [*COLUMNS[table], *([(PARTITION, "string")] if partitioned else [])]
    if not any(folder.rglob("*.parquet")):
        empty = ", ".join(f'CAST(NULL AS {_DUCKDB_TYPES.get(kind, kind)}) AS "{name}"' for name, kind in columns)
        return f"CREATE VIEW {table} AS SELECT {empty} WHERE false"
    hive = f", hive_partitioning = true, hive_types = {{'{PARTITION}': VARCHAR}}" if partitioned else ""
    names = ", ".join(f'"{name}"' for name, _ in columns)
    files = f"read_parquet('{folder}/**/*.parquet'{hive})"
    return f"CREATE VIEW {table} AS SELECT {names} FROM {files}"  # noqa: S608


def _key(value: Any) -> Any:
    if value is None:
        return 0
    return value.isoformat() if isinstance(value, datetime) else value
