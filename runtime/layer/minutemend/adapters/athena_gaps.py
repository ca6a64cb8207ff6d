"""The audit's question, and the review's, put to Athena."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from minutemend.adapters.athena import AthenaClient, FinishedQuery, get_athena_query_results, run_athena_query
from minutemend.core.data_check import Answered, Question, check_data
from minutemend.ports.gap_finder import Found, GapFinder


class AthenaGapFinder(GapFinder):
    """Asks the statement of the tables in `database`.

    `deadline` is a reading of `clock` in seconds: a query that is still running then is cancelled.
    """

    def __init__(
        self,
        *,
        athena: AthenaClient,
        s3: Any,
        workgroup: str,
        database: str,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._athena, self._s3 = athena, s3
        self._workgroup, self._database = workgroup, database
        self._deadline, self._clock, self._sleep = deadline, clock, sleep

    def find(self, question: Question, *, token: str) -> Found:
        """See the port. Raises QueryError: failed, cancelled, cut off by the scan limit, or out of time."""
        scanned = 0

        def ask(sql: str) -> Answered:
            nonlocal scanned
            done, frame = self._run(sql, token)
            scanned += done.scanned_bytes
            return Answered.from_columns(_columns(frame))

        gaps = check_data(ask, question)
        return Found(gaps, question.expected_minutes, scanned)

    def rows(self, sql: str, token: str) -> list[tuple[Any, ...]]:
        """The rows of another statement, as Python values: instants are aware, null is None. Raises QueryError."""
        _, frame = self._run(sql, token)
        columns = [column.astype(object).where(column.notna(), None).tolist() for _, column in frame.items()]
        stamps = [[one.to_pydatetime() if isinstance(one, pd.Timestamp) else one for one in each] for each in columns]
        return [*zip(*stamps, strict=True)]

    def _run(self, sql: str, token: str) -> tuple[FinishedQuery, pd.DataFrame]:
        how: dict[str, Any] = {
            "athena": self._athena,
            "workgroup": self._workgroup,
            "database": self._database,
            "token": token,
        }
        done = run_athena_query(sql, **how, deadline=self._deadline, clock=self._clock, sleep=self._sleep)
        return done, get_athena_query_results(done, athena=self._athena, s3=self._s3)


def _columns(frame: pd.DataFrame) -> dict[str, Any]:
    """The frame's columns as numpy arrays, masked where null."""
    masks = {str(name): column.isna().to_numpy() for name, column in frame.items()}
    values = {
        "symbol": frame["symbol"].to_numpy(object),
        "dt": frame["dt"].to_numpy(object),
        "hour": frame["hour"].dt.tz_localize(None).to_numpy("datetime64[us]"),
        "missing": frame["missing"].fillna(0).to_numpy(np.int64),
    }
    return {name: np.ma.array(column, mask=masks[name]) for name, column in values.items()}
