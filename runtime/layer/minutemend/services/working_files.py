"""The audits' working files in the results bucket: what is too long for the state machine's state.

    audits/<audit id>/request.json        what was asked
    audits/<audit id>/gaps-<attempt>.parquet  what was missing after that many attempts, with its history
    audits/<audit id>/report.json         what could not be mended
    audits/<audit id>/published.json      which hours' facts changed
    audits/<audit id>/published-<date>.json  the same, of a publisher that went on at that date

All of them expire with the bucket; the lake alone is the truth.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

import pyarrow as pa

from minutemend.contract import AUDITS_PREFIX
from minutemend.core.errors import MinutemendError
from minutemend.core.evidence import Need
from minutemend.core.gaps import Gap
from minutemend.core.minutes import epoch_minute, from_epoch_minute
from minutemend.ports import Store
from minutemend.services.tables import aware, decode, encode, naive

_NEEDS = pa.schema(
    [
        pa.field("symbol", pa.string()),
        pa.field("start", pa.int64()),  # epoch minutes
        pa.field("end", pa.int64()),
        pa.field("session_open", pa.int64()),
        pa.field("session_close", pa.int64()),
        pa.field("seen_by", pa.list_(pa.string())),
        pa.field("seen_at", pa.list_(pa.timestamp("us"))),  # UTC
        pa.field("refused", pa.list_(pa.string())),
    ]
)


class WorkingFileGone(MinutemendError):
    """A working file that the state points to is not there: it expired, or the audit id is another's."""


def request_key(audit_id: str) -> str:
    return f"{AUDITS_PREFIX}{audit_id}/request.json"


def gaps_key(audit_id: str, attempt: int) -> str:
    return f"{AUDITS_PREFIX}{audit_id}/gaps-{attempt}.parquet"


def report_key(audit_id: str) -> str:
    return f"{AUDITS_PREFIX}{audit_id}/report.json"


def published_key(audit_id: str, begin: date | None = None) -> str:
    part = "" if begin is None else f"-{begin.isoformat()}"
    return f"{AUDITS_PREFIX}{audit_id}/published{part}.json"


def put_json(store: Store, key: str, content: object) -> None:
    store.put(key, json.dumps(content, indent=1).encode())


def get_json(store: Store, key: str) -> Any:
    """The content of a JSON working file. Raises WorkingFileGone."""
    return json.loads(_body(store, key))


def put_needs(store: Store, key: str, needs: Iterable[Need]) -> None:
    """Write needs as Parquet, sorted as given."""
    rows = [
        {
            "symbol": need.gap.symbol,
            "start": epoch_minute(need.gap.start),
            "end": epoch_minute(need.gap.end),
            "session_open": epoch_minute(need.gap.session_open),
            "session_close": epoch_minute(need.gap.session_close),
            "seen_by": [vendor for vendor, _ in need.seen],
            "seen_at": [naive(when) for _, when in need.seen],
            "refused": list(need.refused),
        }
        for need in needs
    ]
    store.put(key, encode(pa.Table.from_pylist(rows, schema=_NEEDS)))


def get_needs(store: Store, key: str) -> list[Need]:
    """The needs of a working file, in the order written. Raises WorkingFileGone."""
    return [
        Need(
            Gap(row["symbol"], *(from_epoch_minute(row[name]) for name in _NEEDS.names[1:5])),
            seen=tuple(zip(row["seen_by"], map(aware, row["seen_at"]), strict=True)),
            refused=tuple(row["refused"]),
        )
        for row in decode(_body(store, key), _NEEDS).to_pylist()
    ]


def _body(store: Store, key: str) -> bytes:
    body = store.get(key)
    if body is None:
        raise WorkingFileGone(f"there is no {key} in the results bucket: start the audit again")
    return body
