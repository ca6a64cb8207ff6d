"""Athena's and S3's HTTP, as much of them as clients need to fetch a result: `python -m bench.athena_stub PORT`.

Every query has succeeded at the first look, so what is measured is the client and the bytes on the wire. The
statement says how many rows there are: `… /* rows=1000 */`. The rows are a minute table of 4 columns. UNLOAD is
answered with Parquet (snappy, Athena's INT96 timestamps) in as many files as `UNLOAD_FILES`.
"""

from __future__ import annotations

import io
import json
import re
import sys
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

BUCKET = "results"
COLUMNS = (("symbol", "varchar"), ("minute", "timestamp"), ("close", "double"), ("volume", "bigint"))
SEED = 20260101
UNLOAD_FILES = 4


@cache
def table(rows: int) -> pa.Table:
    """The result of `rows` rows: 500 symbols in order, their minutes, a price, a volume."""
    rng = np.random.default_rng(SEED)
    number = np.arange(rows)
    each = max(1, rows // 500)
    minutes = np.datetime64("2024-01-02T14:30", "ms") + (number % each) * np.timedelta64(60_000, "ms")
    return pa.table(
        {
            "symbol": pa.array(np.char.add("S", np.char.zfill((number // each).astype(str), 4))),
            "minute": pa.array(minutes),
            "close": pa.array(np.round(20 + 100 * rng.random(rows), 2)),
            "volume": pa.array(rng.integers(0, 2**30, rows)),
        }
    )


@cache
def texts(rows: int) -> pa.Table:
    """The same as Athena writes it."""
    data = table(rows)
    minute = pc.strftime(data["minute"], "%Y-%m-%d %H:%M:%S")  # of milliseconds: with .000
    return data.set_column(1, "minute", minute).cast(pa.schema([(name, pa.string()) for name in data.column_names]))


@cache
def csv_object(rows: int) -> bytes:
    """The result object of a SELECT: every value in quotes."""
    sink = io.BytesIO()
    pyarrow.csv.write_csv(texts(rows), sink, pyarrow.csv.WriteOptions(quoting_style="all_valid"))
    return sink.getvalue()


@cache
def parquet_object(rows: int, part: int) -> bytes:
    """One of the result objects of an UNLOAD."""
    each = -(-rows // UNLOAD_FILES)
    sink = io.BytesIO()
    data = table(rows).slice(part * each, each)
    pq.write_table(data, sink, compression="snappy", use_deprecated_int96_timestamps=True)
    return sink.getvalue()


@cache
def results_page(rows: int, start: int, most: int) -> bytes:
    """One page of GetQueryResults from text row `start` on; row 0 is the header."""
    data = texts(rows)
    first = [list(data.column_names)] if start == 0 else []
    body = data.slice(max(start - 1, 0), most - len(first))
    cells = [*first, *zip(*(column.to_pylist() for column in body.columns), strict=True)]
    columns = [
        {"Name": name, "Label": name, "Type": kind, "Precision": 0, "Scale": 0, "Nullable": "UNKNOWN"}
        for name, kind in COLUMNS
    ]
    result: dict[str, Any] = {
        "ResultSet": {
            "Rows": [{"Data": [{"VarCharValue": cell} for cell in row]} for row in cells],
            "ResultSetMetadata": {"ColumnInfo": columns},
        },
        "UpdateCount": 0,
    }
    if start + most <= rows:
        result["NextToken"] = str(start + most)
    return json.dumps(result).encode()


class Stub(BaseHTTPRequestHandler):
    """Query ids and keys say everything, so nothing is kept: `csv-1000-7` is a SELECT of 1000 rows."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # headers and body leave together
    count = 0
    unloads: dict[str, str] = {}  # noqa: RUF012 (query id -> folder; one server a process)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.headers.get("X-Amz-Target", "")
        if not target.startswith("AmazonAthena."):
            return self._send(b"<DeleteResult/>", kind="application/xml")  # awswrangler's DeleteObjects
        answer = getattr(self, target.partition(".")[2])(json.loads(body or b"{}"))
        return self._send(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def StartQueryExecution(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        sql = asked["QueryString"]
        found = re.search(r"rows=(\d+)", sql)
        assert found, "the statement must say rows=N"
        Stub.count += 1
        folder = re.search(r"TO\s+'s3://[^/]+/([^']+?)/?'", sql)
        query_id = f"{'unload' if folder else 'csv'}-{found[1]}-{Stub.count}"
        if folder:
            Stub.unloads[query_id] = folder[1]
        return {"QueryExecutionId": query_id}

    def GetQueryExecution(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        query_id = asked["QueryExecutionId"]
        statistics = {"DataScannedInBytes": 1, "EngineExecutionTimeInMillis": 1, "TotalExecutionTimeInMillis": 1}
        location = f"s3://{BUCKET}/athena/{query_id}.csv"
        if query_id in Stub.unloads:
            location = f"s3://{BUCKET}/athena/{query_id}"
            statistics["DataManifestLocation"] = f"{location}-manifest.csv"  # type: ignore[assignment]
        return {
            "QueryExecution": {
                "QueryExecutionId": query_id,
                "Query": "UNLOAD" if query_id in Stub.unloads else "SELECT",
                "StatementType": "DML",
                "ResultConfiguration": {"OutputLocation": location},
                "QueryExecutionContext": {"Database": "lake"},
                "Status": {"State": "SUCCEEDED", "SubmissionDateTime": 0, "CompletionDateTime": 0},
                "Statistics": statistics,
                "WorkGroup": "primary",
            }
        }

    def GetQueryResults(self, asked: dict[str, Any]) -> bytes | dict[str, Any]:  # noqa: N802
        kind, rows, _ = asked["QueryExecutionId"].split("-")
        if kind == "unload":
            return {"ResultSet": {"Rows": [], "ResultSetMetadata": {"ColumnInfo": []}}, "UpdateCount": int(rows)}
        return results_page(int(rows), int(asked.get("NextToken", 0)), asked.get("MaxResults", 1000))

    def GetWorkGroup(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        result = {"OutputLocation": f"s3://{BUCKET}/athena/"}
        settings = {"EnforceWorkGroupConfiguration": False, "ResultConfiguration": result}
        return {"WorkGroup": {"Name": "primary", "State": "ENABLED", "Configuration": settings}}

    def do_HEAD(self) -> None:
        self._object(head=True)

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if "list-type" in asked:
            self._list(asked.get("prefix", [""])[0])
        else:
            self._object()

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(b"")

    def do_DELETE(self) -> None:
        self._send(b"", status=204)

    def _object(self, *, head: bool = False) -> None:
        body = self._body(unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/"))
        if body is None:
            return self._send(b"", status=404)
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if span is None:
            return self._send(body, head=head, kind="binary/octet-stream")
        first, last = int(span[1]), min(int(span[2] or len(body)), len(body) - 1)
        total = {"Content-Range": f"bytes {first}-{last}/{len(body)}"}
        part = memoryview(body)[first : last + 1]
        return self._send(part, status=206, head=head, kind="binary/octet-stream", extra=total)

    def _body(self, key: str) -> bytes | None:
        select = re.fullmatch(r"athena/csv-(\d+)-\d+\.csv", key)
        if select:
            return csv_object(int(select[1]))
        manifest = re.fullmatch(r"athena/(unload-(\d+)-\d+)-manifest\.csv", key)
        if manifest:
            folder = Stub.unloads[manifest[1]]
            return "".join(f"s3://{BUCKET}/{folder}/{name}\n" for name in _parts(int(manifest[2]))).encode()
        part = re.fullmatch(r".*/part-(\d+)-(\d+)", key)
        return parquet_object(int(part[1]), int(part[2])) if part else None

    def _list(self, prefix: str) -> None:
        folder = prefix.rstrip("/")
        rows = {path: query.split("-")[1] for query, path in Stub.unloads.items()}.get(folder)
        found = [
            f"<Contents><Key>{folder}/{name}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>e</ETag>"
            f"<Size>{len(parquet_object(int(rows), at))}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for at, name in enumerate(_parts(int(rows)) if rows else ())
        ]
        self._send(
            f'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{BUCKET}'
            f"</Name><Prefix>{prefix}</Prefix><KeyCount>{len(found)}</KeyCount><IsTruncated>false</IsTruncated>"
            f"{''.join(found)}</ListBucketResult>".encode(),
            kind="application/xml",
        )

    def _send(
        self,
        body: bytes | memoryview,
        *,
        status: int = 200,
        head: bool = False,
        kind: str = "application/x-amz-json-1.1",
        extra: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), "ETag": '"e"', **(extra or {})}
        headers["Last-Modified"] = "Thu, 01 Jan 2026 00:00:00 GMT"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if not head:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A line a request would be measured too."""


def _parts(rows: int) -> list[str]:
    return [f"part-{rows}-{at}" for at in range(UNLOAD_FILES)]


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Stub)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
