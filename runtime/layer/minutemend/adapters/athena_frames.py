"""Athena's three forms of a result, a page of texts, a CSV object and Parquet objects, as the same typed frame.

Everything is column-wise: Arrow parses, and pandas takes the columns. See `get_athena_query_results`
for the types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

# Rows of the one page that is asked for, counting the header. GetQueryResults gives up to 1000, but botocore takes
# each cell apart in Python: 1000 rows of 4 columns cost it 14 ms, reading and parsing them as an object 4 ms. A page
# of 200 saves the round trip for the usual audit, which finds little, and costs the others next to nothing.
PAGE = 200
# Bytes of CSV that one thread parses at once. Larger blocks make fewer chunks, which pandas need not join.
BLOCK = 1 << 22

_TYPES: dict[str, pa.DataType] = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "float": pa.float32(),
    "real": pa.float32(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),  # Athena writes milliseconds; DuckDB behind the local Athena microseconds
    "date": pa.date32(),
}
# Nullable where NumPy's own type has no null: a column's dtype must not depend on whether a null is in it, and an
# int64 that turned into a float would lose the high bits of a mask.
_NULLABLE: dict[pa.DataType, Any] = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def from_page(rows: Sequence[dict[str, Any]], columns: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """A frame of `ResultSet.Rows` without the header row; `columns` is `ResultSetMetadata.ColumnInfo`.

    A null is a datum without a `VarCharValue`.
    """
    data = [row["Data"] for row in rows]
    arrays = [
        pa.array([datum[at].get("VarCharValue") for datum in data], pa.string()).cast(_type(column))
        for at, column in enumerate(columns)
    ]
    return _frame(pa.table(arrays, names=_positions(columns)), columns)


def from_csv(body: bytes, columns: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """A frame of the CSV object, header and all; `columns` is `ResultSetMetadata.ColumnInfo`.

    Athena quotes every value and writes a null as nothing at all, so an empty text and a null are told apart.
    """
    positions = _positions(columns)
    table = pyarrow.csv.read_csv(
        pa.BufferReader(body),
        read_options=pyarrow.csv.ReadOptions(column_names=positions, skip_rows=1, block_size=BLOCK),
        parse_options=pyarrow.csv.ParseOptions(
            newlines_in_values=True,
            ignore_empty_lines=False,  # a null in the only column is an empty line
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict(zip(positions, map(_type, columns), strict=True)),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return _frame(table, columns)


def _type(column: dict[str, Any]) -> pa.DataType:
    if column["Type"] == "decimal":
        return pa.decimal128(column["Precision"], column["Scale"])
    return _TYPES.get(column["Type"], pa.string())


def _positions(columns: Sequence[dict[str, Any]]) -> list[str]:
    """Names to work under: a statement may give two columns one name."""
    return [str(at) for at in range(len(columns))]


def _frame(table: pa.Table, columns: Sequence[dict[str, Any]]) -> pd.DataFrame:
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.timestamp("us", "UTC")))
    lookup: Callable[[pa.DataType], Any] = _NULLABLE.get
    frame: pd.DataFrame = table.to_pandas(types_mapper=lookup, date_as_object=False)
    frame.columns = pd.Index([column["Name"] for column in columns])
    return frame
