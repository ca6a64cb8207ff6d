"""The audit's SQL is one text for Trino and DuckDB: what can be said of that without a server.

`make test-trino` runs it on a real Trino and holds the rows against DuckDB's; this fails at once when a change
leaves the ground that the two share.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import duckdb
import pytest
import sqlglot
from minutemend.contract import COLUMNS, PARTITION, UNPARTITIONED
from minutemend.core.data_check import RESULT_COLUMNS, generate_data_check_query
from minutemend.core.data_check_sql import ON_DUCKDB
from minutemend.core.minutes import Range
from sqlglot import exp
from sqlglot.errors import ErrorLevel

WINDOW = Range(datetime(2024, 3, 8, 14, 30, tzinfo=UTC), datetime(2024, 3, 12, 21, tzinfo=UTC))
TEXTS = [
    generate_data_check_query(WINDOW),
    generate_data_check_query(WINDOW, symbols=("BRK.B", "IBM"), database="minutemend_dev"),
]
# Functions that both engines have under one name with one meaning for what is asked of them. Before one is added,
# `make test-trino` has to pass with it.
SHARED = {
    *("cast", "coalesce", "sum", "date_trunc", "second", "millisecond", "minute"),
    *re.findall(r"MACRO (\w+)", ON_DUCKDB),  # Trino's names, which DuckDB is told
}
# What is followed by a parenthesis and is no function.
GRAMMAR = {
    "as",
    "in",
    "over",
    "values",
    "from",
    "and",
    "or",
    "where",
    "union",
    "all",
    "select",
    "not",
    "on",
    "then",
    "join",
}


@pytest.fixture(params=TEXTS)
def sql(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("dialect", ["trino", "athena", "duckdb"])
def test_it_parses_in_every_dialect(sql: str, dialect: str) -> None:
    """As one statement, without a word that the dialect does not know."""
    statements = sqlglot.parse(sql, read=dialect, error_level=ErrorLevel.RAISE)
    assert len(statements) == 1
    assert not list(statements[0].find_all(exp.Command))  # type: ignore[union-attr]


def test_it_calls_nothing_but_what_both_engines_have(sql: str) -> None:
    """No sequence, from_unixtime and so on: DuckDB lacks them; no bit_or, epoch: Trino does."""
    without_texts = re.sub(r"'[^']*'", "''", sql)
    called = {name.lower() for name in re.findall(r"\b([A-Za-z_]\w*)\s*\(", without_texts)}
    names = {name.lower() for name in re.findall(r"(?:AS\s+)?\b([A-Za-z_]\w*)\s+AS\s*\(", without_texts)}
    aliases = {name.lower() for name in re.findall(r"\bAS\s+([A-Za-z_]\w*)\s*\(", without_texts)}
    assert called - GRAMMAR - names - aliases <= SHARED


def test_no_two_tables_are_joined_by_a_comma(sql: str) -> None:
    """The local Athena fails on that; JOIN says the same."""
    joins = list(sqlglot.parse_one(sql, read="trino").find_all(exp.Join))
    assert joins
    assert all(join.kind == "CROSS" or join.args.get("on") for join in joins)


def test_it_never_divides(sql: str) -> None:
    """7 / 2 is 3 in Trino and 3.5 in DuckDB."""
    assert not list(sqlglot.parse_one(sql, read="trino").find_all(exp.Div))


def test_its_result_has_the_columns_that_are_decoded(sql: str) -> None:
    """By name and in order, on DuckDB over empty tables."""
    with duckdb.connect() as connection:
        connection.execute(ON_DUCKDB)
        connection.execute("CREATE SCHEMA minutemend_dev")
        for table, columns in COLUMNS.items():
            kinds = {"string": "VARCHAR"}
            fields = [f'"{name}" {kinds.get(kind, kind)}' for name, kind in columns]
            fields += [] if table in UNPARTITIONED else [f"{PARTITION} VARCHAR"]
            for schema in ("main", "minutemend_dev"):
                connection.execute(f"CREATE TABLE {schema}.{table} ({', '.join(fields)})")
        result = connection.execute(sql)
        assert tuple(column[0] for column in result.description) == RESULT_COLUMNS
        assert result.fetchall() == [(None, None, None, None)]
