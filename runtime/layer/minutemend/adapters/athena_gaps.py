"""The audit's question put to Athena."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from minutemend.adapters.athena import AthenaClient, get_athena_query_results, run_athena_query
from minutemend.core.data_check import Columns, check_data
from minutemend.core.minutes import Range
from minutemend.ports.gap_finder import GapFinder, Gaps


class AthenaGapFinder(GapFinder):
    """Asks `generate_data_check_query` of the tables in `database`; `cadence` is in minutes.

    `deadline` is a reading of `clock` in seconds: a query that is still running then is cancelled.
    """

    def __init__(
        self,
        *,
        athena: AthenaClient,
        s3: Any,
        workgroup: str,
        database: str,
        cadence: int,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._athena, self._s3 = athena, s3
        self._workgroup, self._database = workgroup, database
        self._cadence = cadence
        self._deadline, self._clock, self._sleep = deadline, clock, sleep

    def find(self, window: Range, symbols: Sequence[str] | None, *, token: str) -> Gaps:
        """See the port. Raises QueryError: failed, cancelled, cut off by the scan limit, or out of time."""
        scanned = 0

        def ask(sql: str) -> Columns:
            nonlocal scanned
            done = run_athena_query(
                sql,
                athena=self._athena,
                workgroup=self._workgroup,
                database=self._database,
                token=token,
                deadline=self._deadline,
                clock=self._clock,
                sleep=self._sleep,
            )
            scanned += done.scanned_bytes
            return _columns(get_athena_query_results(done, athena=self._athena, s3=self._s3))

        found = check_data(ask, window, symbols=symbols, cadence=self._cadence)
        return Gaps(found.gaps, found.expected_minutes, scanned)


def _columns(frame: pd.DataFrame) -> Columns:
    """The columns as Python's own values: instants naive in UTC, None for null."""
    return {str(name): _values(column) for name, column in frame.items()}


def _values(column: pd.Series[Any]) -> list[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return list(column.dt.tz_convert(None).to_numpy("datetime64[us]").tolist())
    return column.astype(object).where(column.notna(), None).tolist()
