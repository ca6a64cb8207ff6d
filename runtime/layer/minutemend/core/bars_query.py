"""Reading bars by SQL: one text for Athena and DuckDB that returns what `core.bars.resolve` returns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from minutemend.contract import PARTITION, Table
from minutemend.core.bars import BARS, VALUES
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range
from minutemend.core.symbols import valid_symbols

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,127}")
_COLUMNS = ", ".join(BARS.names)
# The precedence rule, in its own order; both engines put nulls last.
_PRECEDENCE = ", ".join(("repair_id IS NOT NULL", "captured_at", "repair_id", "source", *VALUES))


def generate_bars_query(window: Range, *, symbols: Sequence[str] | None = None, database: str | None = None) -> str:
    """The SQL text that reads the bars of `window`, each minute once, sorted by symbol, minute.

    It reads the table `bars` of `contract.COLUMNS`, in `database` when that is given; columns as in BARS. Two bars
    of one minute lie side by side until compaction, and after a late repair: who reads the table without this
    query counts such a minute twice. Raises BadInput for a bad symbol or database.
    """
    if database is not None and not _IDENTIFIER.fullmatch(database):
        raise BadInput(f"the database is {database!r}: small letters, digits and _ would be right")
    days = list(window.dates())
    conditions = [
        f"{PARTITION} BETWEEN '{days[0]}' AND '{days[-1]}'",
        f"minute >= {_literal(window.start)}",
        f"minute < {_literal(window.end)}",
    ]
    if symbols is not None:
        listed = ", ".join(f"'{symbol}'" for symbol in valid_symbols(symbols))
        if not listed:
            raise BadInput("the list of symbols is empty: at least one symbol would be right, or none given at all")
        conditions.append(f"symbol IN ({listed})")
    table = f'"{database}".{Table.BARS}' if database else str(Table.BARS)
    return (
        f"SELECT {_COLUMNS}\n"  # noqa: S608 (validated names and typed literals alone)
        f"FROM (\n"
        f"    SELECT {_COLUMNS},\n"
        f"           row_number() OVER (PARTITION BY symbol, minute ORDER BY {_PRECEDENCE}) AS place\n"
        f"    FROM {table}\n"
        f"    WHERE {' AND '.join(conditions)}\n"
        f") AS placed\n"
        f"WHERE place = 1\n"
        f"ORDER BY symbol, minute"
    )


def _literal(instant: datetime) -> str:
    return f"TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S}'"
