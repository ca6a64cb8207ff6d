"""Dates of the stage's lake that a test may have for itself, also on a stage that earlier runs have used."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta
from functools import cache
from typing import Any

from minutemend.contract import UNPARTITIONED, Table
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session

from mend.calendars.exchange_sessions import session_table
from mend.stage import Stage


def objects_of(stage: Stage, dates: Iterable[str]) -> list[str]:
    """The keys of everything that the lake holds of these dates (YYYY-MM-DD)."""
    tables = [table for table in Table if table not in UNPARTITIONED]
    listed = (stage.lake.store.list(f"{table.value}/dt={dt}/") for dt in dates for table in tables)
    return [one.key for found in listed for one in found]


def dates_of(window: Range) -> list[str]:
    """The UTC dates that a window touches."""
    first, last = window.start.date(), (window.end - timedelta(minutes=1)).date()
    return [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]


def untouched_sessions(stage: Stage, seed: str | None) -> Iterator[Session]:
    """Regular XNYS sessions (390 minutes) of 2011 to 2024 of which the lake has nothing, each once, no two next to one
    another, so that ranges around them do not meet; in an order by the seed, or (None) in any."""
    apart = [row for row in _regular() if row["dt"][:7] not in ("2013-10", "2014-10")][::2]
    random.Random(seed).shuffle(apart)  # a stage is used again: what begins at the front finds what the last left
    for row in apart:
        if not objects_of(stage, [row["dt"]]):
            opened, closed = (row[name].replace(tzinfo=UTC) for name in ("open", "close"))
            assert closed - opened == timedelta(minutes=390)
            yield Session("XNYS", date.fromisoformat(row["dt"]), opened, closed)


@cache
def _regular() -> list[dict[str, Any]]:
    rows = session_table(["XNYS"], first="2011-01-03", last="2024-12-31").to_pylist()
    return [row for row in rows if row["minutes"] == 390]
