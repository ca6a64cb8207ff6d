"""Athena and the one object store it writes to, in memory, at the seam of the boto3 clients.

Requests are checked against botocore's own model of the service, so that a call which AWS would refuse fails here.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator
from minutemend.adapters.athena import AthenaClient

Column = tuple[str, str]  # name, Athena type; a decimal as "decimal(12,3)"
Row = Sequence[str | None]  # texts as Athena writes them

RESULTS = "results"  # the bucket


class FakeAthena(AthenaClient):
    """Queries that end as told.

    `states` is what each look at a query sees in turn, the last one for ever; `fates` are the states of the first
    queries, one list each, where they differ from those of all others.
    """

    def __init__(
        self,
        columns: Sequence[Column] = (("n", "bigint"),),
        rows: Sequence[Row] = (),
        *,
        states: Sequence[dict[str, Any]] = ({"State": "SUCCEEDED"},),
        fates: Sequence[Sequence[dict[str, Any]]] = (),
        statistics: dict[str, int] | None = None,
    ) -> None:
        self.columns, self.rows = tuple(columns), tuple(rows)
        self.states = tuple(states)
        self.fates = {f"query-{at}": fate for at, fate in enumerate(fates)}
        self.statistics = {"DataScannedInBytes": 0} if statistics is None else statistics
        self.tokens: dict[str, str] = {}  # request token -> query id
        self.sql: dict[str, str] = {}
        self.looks: dict[str, int] = {}
        self.stopped: list[str] = []
        self.calls: list[str] = []

    def start_query_execution(self, **request: Any) -> Any:
        self._check("StartQueryExecution", request)
        query_id = self.tokens.setdefault(request["ClientRequestToken"], f"query-{len(self.tokens)}")
        if self.sql.setdefault(query_id, request["QueryString"]) != request["QueryString"]:
            raise AssertionError("AWS refuses a request token that comes with another statement")
        return {"QueryExecutionId": query_id}

    def get_query_execution(self, **request: Any) -> Any:
        self._check("GetQueryExecution", request)
        query_id = request["QueryExecutionId"]
        look = self.looks.get(query_id, 0)
        self.looks[query_id] = look + 1
        states = self.fates.get(query_id, self.states)
        status = states[min(look, len(states) - 1)]
        if query_id in self.stopped:
            status = {"State": "CANCELLED", "StateChangeReason": "Query was cancelled by user"}
        location = f"s3://{RESULTS}/{self.key(query_id)}"
        return {
            "QueryExecution": {
                "QueryExecutionId": query_id,
                "Status": status,
                "Statistics": self.statistics,
                "ResultConfiguration": {"OutputLocation": location},
            }
        }

    def stop_query_execution(self, **request: Any) -> Any:
        self._check("StopQueryExecution", request)
        self.stopped.append(request["QueryExecutionId"])
        return {}

    def get_query_results(self, **request: Any) -> Any:
        self._check("GetQueryResults", request)
        texts = [[name for name, _ in self.columns], *self.rows]
        page = [
            {"Data": [{} if text is None else {"VarCharValue": text} for text in row]}
            for row in texts[: request["MaxResults"]]
        ]
        result = {"Rows": page, "ResultSetMetadata": {"ColumnInfo": column_info(self.columns)}}
        more = {"NextToken": "more"} if len(texts) > request["MaxResults"] else {}
        return {"ResultSet": result, **more}

    def key(self, query_id: str) -> str:
        """Where the CSV object of a query lies in the results bucket."""
        return f"athena/{query_id}.csv"

    def csv(self) -> bytes:
        """The result as Athena writes it: every value in quotes, a null as nothing at all."""
        return csv_object(self.columns, self.rows)

    def _check(self, operation: str, request: dict[str, Any]) -> None:
        self.calls.append(operation)
        report = ParamValidator().validate(request, _model().operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()


class FakeResults:
    """What is used of boto3's `s3` client: the objects of one bucket."""

    class exceptions:  # noqa: N801 (boto3's own name)
        class NoSuchKey(Exception):
            """There is no such object."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.gets: list[str] = []

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        self.gets.append(Key)
        if Bucket != RESULTS or Key not in self.objects:
            raise self.exceptions.NoSuchKey(Key)
        return {"Body": io.BytesIO(self.objects[Key])}


def column_info(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """`ResultSetMetadata.ColumnInfo` of the columns."""
    return [_column(name, kind) for name, kind in columns]


def csv_object(columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
    """A result object as Athena writes it."""
    lines: list[Row] = [[name for name, _ in columns], *rows]
    return "".join(",".join(map(_quoted, line)) + "\n" for line in lines).encode()


def _quoted(text: str | None) -> str:
    return "" if text is None else '"' + text.replace('"', '""') + '"'


def _column(name: str, kind: str) -> dict[str, Any]:
    base, _, detail = kind.partition("(")
    precision, scale = (int(part) for part in detail.rstrip(")").split(",")) if detail else (0, 0)
    return {"Name": name, "Label": name, "Type": base, "Precision": precision, "Scale": scale}


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("athena")
