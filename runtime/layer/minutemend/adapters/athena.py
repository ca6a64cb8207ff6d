"""Athena: submit a query, wait for it, and take its rows as a typed frame.

Clients are passed in. Only SELECT (and WITH … SELECT) statements are meant: Athena writes their result as one
CSV object with a header. pandas is imported where a frame is made and nowhere else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from minutemend.core.errors import BadInput, QueryCancelled, QueryCutOff, QueryError, QueryFailed, QueryTimedOut

if TYPE_CHECKING:
    import pandas as pd

# Athena reports a scan that met the workgroup's limit by this text alone: the state is CANCELLED (FAILED before
# engine 3), and no error number says it.
SCAN_LIMIT_REASON = "Bytes scanned limit was exceeded"

# The n-th wait is FIRST_DELAY * GROWTH**n, at most LONGEST_DELAY: 0.1, 0.15, 0.22, … Having waited t, the next look
# is t / 2 away, so an answer is late by at most half the query's own time, and by 2 s at most.
FIRST_DELAY = 0.1  # seconds
GROWTH = 1.5
LONGEST_DELAY = 2.0  # seconds

# A query that was cancelled, or failed in a way that Athena calls retryable, is started anew so many times.
RESTARTS = 2
# So many dead queries of earlier tries are passed by: more than a step's retries, with their restarts, can leave.
DEAD = 20
# Submitted so long before us, a query is another try's: our clock and Athena's agree better, and a step waits longer
# before it retries.
BEFORE = timedelta(seconds=1.5)


class AthenaClient(Protocol):
    """What is used of boto3's `athena` client."""

    def start_query_execution(self, **request: Any) -> Any: ...
    def get_query_execution(self, **request: Any) -> Any: ...
    def stop_query_execution(self, **request: Any) -> Any: ...
    def get_query_results(self, **request: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class FinishedQuery:
    """A query that succeeded.

    `location` is the URI of its CSV object, `scanned_bytes` what it read of the lake, `milliseconds` Athena's own time.
    """

    query_id: str
    location: str
    scanned_bytes: int
    milliseconds: int


_LONGEST_STATEMENT = 262_144  # bytes; AWS, "Service Quotas" of Athena: DDL and DML query string length


def submit_athena_query(sql: str, *, athena: AthenaClient, workgroup: str, database: str, token: str) -> str:
    """Start the query, or find the one that an earlier try started, and return its id.

    `token` names the work, not the try (for an audit: its id and attempt). The request token that Athena sees is
    derived from it and from everything that is asked, so the same work finds its query and no other work does.

    Raises BadInput for a statement that is longer than Athena takes: thousands of named symbols make one.
    """
    asked = "\0".join((token, workgroup, database, sql))
    request_token = hashlib.sha256(asked.encode()).hexdigest()  # 64 characters; 32 to 128 are allowed
    if len(sql.encode()) > _LONGEST_STATEMENT:
        raise BadInput(
            f"the statement has {len(sql.encode()):,} bytes and Athena takes {_LONGEST_STATEMENT:,}: "
            "fewer symbols would be right, or none named, which means every symbol of interest"
        )
    started = athena.start_query_execution(
        QueryString=sql,
        ClientRequestToken=request_token,
        QueryExecutionContext={"Database": database},
        WorkGroup=workgroup,
    )
    return str(started["QueryExecutionId"])


def wait_for_athena_results(
    query_id: str,
    *,
    athena: AthenaClient,
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> FinishedQuery:
    """Wait until the query has succeeded; `deadline` is a reading of `clock`, in seconds.

    The deadline lies before the function's own end, by the time that the rest of its work takes. A query whose
    answer will not be read (the deadline has come, or the waiter was interrupted) is cancelled.

    Raises QueryFailed, QueryCancelled, QueryCutOff or QueryTimedOut with Athena's reason, the bytes scanned and
    the query's id.
    """
    delay = FIRST_DELAY
    try:
        while True:
            execution = _execution(query_id, athena)
            state = execution["Status"]["State"]
            if state == "SUCCEEDED":
                return _finished(execution)
            if state in {"FAILED", "CANCELLED"}:
                raise _error(execution)
            left = deadline - clock()
            if left <= 0:
                athena.stop_query_execution(QueryExecutionId=query_id)
                raise QueryTimedOut(
                    "Athena query ran out of our time and was cancelled",
                    query_id=query_id,
                    reason=f"it was still {state} at the deadline",
                    scanned_bytes=_scanned(execution),
                )
            sleep(min(delay, left))
            delay = min(delay * GROWTH, LONGEST_DELAY)
    except KeyboardInterrupt:
        athena.stop_query_execution(QueryExecutionId=query_id)
        raise


def run_athena_query(
    sql: str,
    *,
    athena: AthenaClient,
    workgroup: str,
    database: str,
    token: str,
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    today: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FinishedQuery:
    """Submit and wait; see the two.

    A try whose query failed, or ran out of time and was cancelled, leaves a dead query behind, and the next try with
    the same token is handed that one. So an earlier try's dead query is passed by, whatever Athena says of retrying
    it, and one of ours is started anew where Athena calls that sensible: by a token derived from the dead one's id,
    which a further try derives as well. Only what the scan limit cut off is not run again: it would be billed again.
    Raises what the last one ended with.
    """
    restarts, dead, begun = RESTARTS, DEAD, today()
    while True:
        query_id = submit_athena_query(sql, athena=athena, workgroup=workgroup, database=database, token=token)
        try:
            return wait_for_athena_results(query_id, athena=athena, deadline=deadline, clock=clock, sleep=sleep)
        except QueryError as error:
            if isinstance(error, QueryCutOff | QueryTimedOut):
                raise
            submitted = _execution(query_id, athena)["Status"].get("SubmissionDateTime")
            if submitted is not None and submitted < begun - BEFORE and dead:
                dead -= 1
            elif error.retryable and restarts:
                restarts -= 1
            else:
                raise
        token = f"{token}\0{query_id}"


def get_athena_query_results(query: str | FinishedQuery, *, athena: AthenaClient, s3: Any) -> pd.DataFrame:
    """The rows of a query that has succeeded, one column of the frame for each of the statement, in their order.

    `query` is its id, or what waiting for it returned, which saves a request. A small result is one page of
    GetQueryResults, a larger one a GetObject of the CSV object that Athena wrote; the frame is the same. dtypes follow
    the statement's types, never the values:

    | Athena | pandas | null |
    |---|---|---|
    | varchar, char, and all that is not named below | str, as Athena wrote it | NaN; an empty text stays empty |
    | tinyint, smallint, integer, bigint | Int8, Int16, Int32, Int64 | NA |
    | double, float (real) | float64, float32 | NaN |
    | boolean | boolean | NA |
    | timestamp | datetime64[us, UTC]: a timestamp without zone is UTC by contract | NaT |
    | date | datetime64[ms] | NaT |
    | decimal(p, s) | object of decimal.Decimal | None |
    """
    from minutemend.adapters import athena_frames

    done = _finished(_execution(query, athena)) if isinstance(query, str) else query
    page = athena.get_query_results(QueryExecutionId=done.query_id, MaxResults=athena_frames.PAGE)
    columns = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    if "NextToken" not in page:
        return athena_frames.from_page(page["ResultSet"]["Rows"][1:], columns)
    return athena_frames.from_csv(_read_result(done, s3), columns)


def _execution(query_id: str, athena: AthenaClient) -> dict[str, Any]:
    execution: dict[str, Any] = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
    return execution


def _finished(execution: dict[str, Any]) -> FinishedQuery:
    return FinishedQuery(
        query_id=execution["QueryExecutionId"],
        location=execution["ResultConfiguration"]["OutputLocation"],
        scanned_bytes=_scanned(execution) or 0,
        milliseconds=int(execution.get("Statistics", {}).get("TotalExecutionTimeInMillis", 0)),
    )


def _scanned(execution: dict[str, Any]) -> int | None:
    scanned = execution.get("Statistics", {}).get("DataScannedInBytes")
    return None if scanned is None else int(scanned)


def _error(execution: dict[str, Any]) -> QueryError:
    status = execution["Status"]
    reason = status.get("StateChangeReason") or "Athena gave no reason"
    kind: type[QueryError]
    if SCAN_LIMIT_REASON.casefold() in reason.casefold():
        kind, message, retryable = QueryCutOff, "Athena query met the workgroup's scan limit", False
    elif status["State"] == "CANCELLED":
        kind, message, retryable = QueryCancelled, "Athena query was cancelled", True
    else:
        kind, message = QueryFailed, "Athena query failed"
        retryable = bool(status.get("AthenaError", {}).get("Retryable"))
    return kind(
        message,
        query_id=execution["QueryExecutionId"],
        reason=reason,
        scanned_bytes=_scanned(execution),
        retryable=retryable,
    )


def _read_result(query: FinishedQuery, s3: Any) -> bytes:
    bucket, _, key = query.location.removeprefix("s3://").partition("/")
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except s3.exceptions.NoSuchKey:
        # AWS writes the object where it says. The local emulator reports the object and writes it one level below.
        found = s3.get_object(Bucket=bucket, Key=f"{key}/{query.query_id}.csv")
    return bytes(found["Body"].read())
