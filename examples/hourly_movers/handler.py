"""An example of a task of your own: the hour's three largest moves, written beside the facts that they come from.

A Lambda function that the state machine runs with a range once it is whole (docs/your-task.md). It needs pyarrow (the
layer has it), the environment variable DATA_BUCKET (the stack's output DataBucket), and a role that may read
`hourly/*` and write `movers/*` there. Run twice, it writes the same object twice: an audit may repeat.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from typing import Any

import boto3
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import BufferReader


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
    """`event`: {start, end, audit_id, request}; `start` is included, `end` is not, both UTC."""
    s3, bucket = boto3.client("s3"), os.environ["DATA_BUCKET"]
    hour, end = (datetime.fromisoformat(event[key]) for key in ("start", "end"))
    hour = hour.replace(minute=0)
    written = []
    while hour < end:
        try:
            body = s3.get_object(Bucket=bucket, Key=f"hourly/dt={hour:%Y-%m-%d}/{hour:%H}.parquet")["Body"].read()
        except s3.exceptions.NoSuchKey:
            body = None  # no session in this hour
        if body is not None:
            key = f"movers/dt={hour:%Y-%m-%d}/{hour:%H}.json"
            s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(movers(body), indent=1).encode())
            written.append(key)
        hour += timedelta(hours=1)
    return {"written": written}


def movers(body: bytes) -> list[dict[str, Any]]:
    """Of an hour's facts the three largest moves from open to close, of whole hours alone, largest first."""
    facts = pq.read_table(BufferReader(body))
    accounted = pc.add(facts["minutes_present"], facts["minutes_absent"])
    facts = facts.filter(pc.and_(pc.equal(accounted, facts["minutes_expected"]), facts["open"].is_valid()))
    facts = facts.append_column("move", pc.subtract(pc.divide(facts["close"], facts["open"]), 1.0))
    facts = facts.append_column("size", pc.abs(facts["move"])).sort_by(
        [("size", "descending"), ("symbol", "ascending")]
    )
    return facts.slice(0, 3).select(["symbol", "open", "close", "move"]).to_pylist()
