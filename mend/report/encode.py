"""A report's data in a few compact blobs: zlib-deflated, base64, read back by `static/data.js`.

`head` and `answers` are JSON; `cells` is one uint16 (little endian) for each verdict but `present`, symbol and
date; `runs` is three planes of LEB128 numbers: minutes since the end of the symbol's run before, counted in
session minutes; length; cause.
"""

from __future__ import annotations

import base64
import json
import zlib
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from minutemend.core.minutes import epoch_minute, format_instant
from minutemend.core.sessions import Session

from mend.report.model import VERDICTS, ReportData


def encode(data: ReportData) -> dict[str, str]:
    """The blobs by name. Raises ValueError when a run lies outside its symbol's sessions or overlaps another."""
    dates = sorted({session.dt for sessions in data.sessions.values() for session in sessions})
    calendars = sorted(data.sessions)
    ordinals, date_of = _place(data, calendars, dates)
    head = {
        "title": data.title,
        "source": data.source,
        "start": epoch_minute(data.range.start),
        "end": epoch_minute(data.range.end),
        "written": format_instant(data.written_at.replace(microsecond=0)),
        "command": data.command,
        "notes": list(data.notes),
        "values": [
            [one.rule, one.symbol, epoch_minute(one.start), epoch_minute(one.end), one.bars, one.said]
            for one in data.values
        ],
        "dates": [day.isoformat() for day in dates],
        "calendars": [{"name": name, "sessions": _session_rows(data.sessions[name], dates)} for name in calendars],
        "symbols": [
            [
                row.symbol,
                calendars.index(row.calendar),
                _position(dates, row.listed, 0),
                _position(dates, row.delisted, len(dates)),
            ]
            for row in data.listings
        ],
        "causes": [[VERDICTS.index(cause.verdict), cause.reason, cause.evidence] for cause in data.causes],
        "runs": np.bincount(data.runs.symbol, minlength=len(data.listings)).tolist(),
        "attempts": [
            [
                row.audit_id,
                row.attempt,
                format_instant(row.first_at),
                format_instant(row.last_at),
                row.jobs,
                dict(row.answers),
                row.repaired,
                row.absent,
            ]
            for row in data.attempts
        ],
        "answers": len(data.answers),
    }
    return {
        "head": _pack(_json(head)),
        "cells": _pack(_cells(data, date_of, len(dates)).tobytes()),
        "runs": _pack(_runs(data, ordinals)),
        "answers": _pack(_json(_answers(data))),
    }


def _place(
    data: ReportData, calendars: list[str], dates: list[date]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each run: its start counted in session minutes of its calendar, and the position of its date."""
    runs = data.runs
    ordinals, date_of = np.zeros(len(runs), np.int64), np.zeros(len(runs), np.int64)
    calendar_of = np.array([calendars.index(row.calendar) for row in data.listings], np.int64)
    at = {day: position for position, day in enumerate(dates)}
    for number, name in enumerate(calendars):
        mine = np.flatnonzero(calendar_of[runs.symbol] == number) if len(runs) else np.array([], np.int64)
        if not len(mine):
            continue
        sessions = data.sessions[name]
        opens = np.array([epoch_minute(session.open) for session in sessions], np.int64)
        lengths = np.array([session.minutes for session in sessions], np.int64)
        before = np.cumsum(lengths) - lengths
        start, minutes = runs.start[mine], runs.minutes[mine]
        session = np.searchsorted(opens, start, side="right") - 1
        if not len(opens) or (session < 0).any() or (start + minutes > (opens + lengths)[session]).any():
            raise ValueError(f"a run of minutes lies outside the sessions of {name}")
        ordinals[mine] = before[session] + start - opens[session]
        date_of[mine] = np.array([at[each.dt] for each in sessions], np.int64)[session]
    return ordinals, date_of


def _session_rows(sessions: tuple[Session, ...], dates: list[date]) -> list[list[int]]:
    """`[position of the date, first epoch minute, minutes]` for each session."""
    at = {day: position for position, day in enumerate(dates)}
    return [[at[session.dt], epoch_minute(session.open), session.minutes] for session in sessions]


def _position(dates: list[date], day: date | None, otherwise: int) -> int:
    """The position of the first date that is not before `day`."""
    return otherwise if day is None else int(np.searchsorted(np.array(dates, "datetime64[D]"), np.datetime64(day)))


def _cells(data: ReportData, date_of: npt.NDArray[np.int64], dates: int) -> npt.NDArray[np.uint16]:
    """Minutes by verdict (all but present), symbol and date: shape (4, symbols, dates)."""
    shape = (len(VERDICTS) - 1, len(data.listings), dates)
    if not len(data.runs):
        return np.zeros(shape, "<u2")
    verdict_of = np.array([VERDICTS.index(cause.verdict) for cause in data.causes], np.int64) - 1
    cell = (verdict_of[data.runs.cause] * shape[1] + data.runs.symbol) * dates + date_of
    counts = np.bincount(cell, weights=data.runs.minutes, minlength=shape[0] * shape[1] * shape[2])
    return counts.astype("<u2").reshape(shape)


def _runs(data: ReportData, ordinals: npt.NDArray[np.int64]) -> bytes:
    """The three planes, each behind its length in bytes (uint32, little endian)."""
    runs = data.runs
    ends = np.concatenate([[0], (ordinals + runs.minutes)[:-1]]) if len(runs) else ordinals
    first = np.ones(len(runs), bool)
    first[1:] = runs.symbol[1:] != runs.symbol[:-1]
    apart = ordinals - np.where(first, 0, ends)
    if (apart < 0).any():
        raise ValueError("runs of minutes overlap, or are not sorted by symbol and start")
    planes = [varints(plane) for plane in (apart, runs.minutes, runs.cause)]
    return b"".join(len(plane).to_bytes(4, "little") + plane for plane in planes)


def varints(numbers: npt.NDArray[Any]) -> bytes:
    """Unsigned LEB128: seven bits a byte, lowest first, the high bit says that more follow."""
    values = numbers.astype(np.uint64)
    sizes = np.ones(len(values), np.int64)
    for bits in range(7, 35, 7):
        sizes += values >= (1 << bits)
    ends = np.cumsum(sizes)
    out = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    for byte in range(int(sizes.max(initial=0))):
        here = sizes > byte
        more = (sizes[here] > byte + 1).astype(np.uint64) << np.uint64(7)
        out[(ends - sizes)[here] + byte] = (values[here] >> np.uint64(7 * byte)) & np.uint64(127) | more
    return out.tobytes()


def _answers(data: ReportData) -> list[list[object]]:
    """The vendors' answers, newest first, each as the columns that `static/answers.js` names."""
    rows = sorted(data.answers, key=lambda row: (row.observed_at, row.symbol, row.range), reverse=True)
    return [
        [
            format_instant(row.observed_at),
            row.vendor,
            row.symbol,
            epoch_minute(row.range.start),
            row.range.minutes,
            row.kind.value,
            row.status,
            row.rows,
            int((row.omitted.end - row.omitted.start).sum()),
            row.detail,
            row.job_id,
            row.audit_id,
            row.attempt,
        ]
        for row in rows
    ]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _pack(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 6)).decode()
