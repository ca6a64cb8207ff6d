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
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minutemend.contract import AUDITS_PREFIX
from minutemend.core.errors import MinutemendError
from minutemend.core.evidence import NEVER, Flags, Needs
from minutemend.core.gaps import COLUMNS, Gaps
from minutemend.ports import Store
from minutemend.services.tables import decode, encode

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
        pa.field("suspected", pa.bool_()),
    ]
)
_LISTS = ("seen_by", "seen_at", "refused")


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


def put_needs(store: Store, key: str, needs: Needs) -> None:
    """Write needs as Parquet, sorted as given. Vendors that have no more to say are in the column `refused`."""
    gaps = needs.gaps
    heard = needs.first < NEVER
    columns = {
        "symbol": pa.array(gaps.names, pa.string()).take(pa.array(gaps.symbol)),
        **{name: pa.array(getattr(gaps, name)) for name in COLUMNS},
        "seen_by": _lists(heard, needs.vendors),
        "seen_at": pa.ListArray.from_arrays(_offsets(heard), pa.array(needs.first[heard], pa.timestamp("us"))),
        "refused": _lists(needs.closed, needs.vendors),
        "suspected": pa.array(needs.suspected),
    }
    store.put(key, encode(pa.table(columns, schema=_NEEDS)))


def get_needs(store: Store, key: str) -> Needs:
    """The needs of a working file, in the order written. Raises WorkingFileGone."""
    table = decode(_body(store, key), _NEEDS).combine_chunks()
    names = sorted(set(table["symbol"].unique().to_pylist()))
    lists = {name: table[name].chunk(0) if table.num_rows else pa.array([], _NEEDS.field(name).type) for name in _LISTS}
    vendors = sorted(
        {*lists["seen_by"].flatten().unique().to_pylist(), *lists["refused"].flatten().unique().to_pylist()}
    )
    first = np.full((table.num_rows, len(vendors)), NEVER)
    closed = np.zeros((table.num_rows, len(vendors)), np.bool_)
    row, vendor = _cells(lists["seen_by"], vendors)
    first[row, vendor] = lists["seen_at"].flatten().cast(pa.int64()).to_numpy()
    closed[_cells(lists["refused"], vendors)] = True
    symbol = pc.index_in(table["symbol"], pa.array(names, pa.string())).cast(pa.int64()).to_numpy()
    gaps = Gaps(tuple(names), symbol, *(table[name].to_numpy() for name in COLUMNS))
    suspected = pc.fill_null(table["suspected"], False).to_numpy()
    return Needs(gaps, tuple(vendors), first, closed, suspected)


def _lists(chosen: Flags, vendors: Sequence[str]) -> pa.Array:
    """For each row the names of its chosen vendors."""
    names = pa.array(vendors, pa.string()).take(pa.array(np.nonzero(chosen)[1]))
    return pa.ListArray.from_arrays(_offsets(chosen), names)


def _offsets(chosen: Flags) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(chosen.sum(axis=1))]), pa.int32())


def _cells(lists: pa.Array, vendors: Sequence[str]) -> tuple[Any, Any]:
    """Row and position of the vendor for each entry of the lists."""
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    at = pc.index_in(lists.flatten(), pa.array(vendors, pa.string())).cast(pa.int64()).to_numpy()
    return np.repeat(np.arange(len(lists)), counts), at


def missing_minutes(store: Store, key: str) -> dict[str, int]:
    """By symbol how many minutes a working file of needs holds. Raises WorkingFileGone."""
    gaps = get_needs(store, key).gaps
    minutes = np.bincount(gaps.symbol, weights=gaps.end - gaps.start, minlength=len(gaps.names))
    return {name: int(count) for name, count in zip(gaps.names, minutes.tolist(), strict=True) if count}


def _body(store: Store, key: str) -> bytes:
    body = store.get(key)
    if body is None:
        raise WorkingFileGone(f"there is no {key} in the results bucket: start the audit again")
    return body
