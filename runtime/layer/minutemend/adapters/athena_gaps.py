"""The gap finder over Athena: one query, which looks at the rows themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minutemend.adapters.athena import (
    AthenaClient,
    get_athena_query_results,
    submit_athena_query,
    wait_for_athena_results,
)
from minutemend.core.data_check import Columns, check_data
from minutemend.core.minutes import Range
from minutemend.ports.gap_finder import GapFinder, Gaps

if TYPE_CHECKING:
    import pandas as pd


class AthenaGapFinder(GapFinder):
    """`deadline` is a reading of time.monotonic at which a query is given up; `cadence` is in minutes."""

    def __init__(
        self, *, athena: AthenaClient, s3: Any, workgroup: str, database: str, cadence: int, deadline: float
    ) -> None:
        self._athena = athena
        self._s3 = s3
        self._workgroup = workgroup
        self._database = database
        self._cadence = cadence
        self._deadline = deadline

    def find(self, window: Range, symbols: Sequence[str] | None, *, token: str) -> Gaps:
        scanned = 0

        def ask(sql: str) -> Columns:
            nonlocal scanned
            query_id = submit_athena_query(
                sql, athena=self._athena, workgroup=self._workgroup, database=self._database, token=token
            )
            scanned += wait_for_athena_results(query_id, athena=self._athena, deadline=self._deadline).scanned_bytes
            return _columns(get_athena_query_results(query_id, athena=self._athena, s3=self._s3))

        found = check_data(ask, window, symbols=symbols, cadence=self._cadence)
        return Gaps(gaps=found.gaps, expected=found.expected_minutes, scanned_bytes=scanned)


def _columns(frame: pd.DataFrame) -> Columns:
    """The frame's columns as arrays: instants without zone (they are UTC), nulls as None."""
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if getattr(column.dtype, "tz", None) is not None:
            columns[str(name)] = column.dt.tz_localize(None).to_numpy()
        else:
            columns[str(name)] = column.astype(object).where(column.notna(), None).to_numpy()
    return columns
