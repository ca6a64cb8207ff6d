"""The calendars of a stage: the sessions that packages made, what people recorded besides, and what is in force.

    settings/sessions.parquet   the sessions as a package made them, each calendar of one edition
    settings/closures.json      what people recorded (core/closures.py)
    sessions/sessions.parquet   what is in force: the first with the second applied
    hours/hours.parquet         what is in force by clock hours (core/hours.py), for the audit's query

The last two are made from the first two and say from which; a reader that finds otherwise makes them anew. So two
writers at once, or one that dies between two files, are put right by the next look.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minutemend.contract import CLOSURES_KEY, EDITIONS_KEY, HOURS_KEY, SESSIONS_KEY, Table
from minutemend.core.bars import schema_of
from minutemend.core.closures import Closure, dump_closures, parse_closures
from minutemend.core.errors import BadInput, MinutemendError
from minutemend.core.hours import expected_hours
from minutemend.core.in_force import halts, known_range, sessions_in_force
from minutemend.core.minutes import Range, format_instant, parse_instant
from minutemend.core.sessions import Session
from minutemend.ports.store import Store, StoreConflict
from minutemend.services import evidence_rows as rows
from minutemend.services.tables import (
    aware,
    concat,
    decode,
    encode,
    from_rows,
    hours_table,
    metadata_of,
    naive,
)

EDITION = b"edition"  # in the metadata of a file of sessions: the version of the package that made them
_NOTE = b"minutemend"  # in the metadata of the sessions in force: what they were made from
_WRITE_AGAIN = 5
_MADE_OF = pa.schema([("made_of", pa.string())])
_BASE = schema_of(Table.SESSIONS).append(pa.field("edition", pa.string()))


class CalendarsContended(MinutemendError):
    """Others kept writing the sessions or the closures; again later is right."""


class Calendars:
    """The only reader and writer of these files."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sessions(self, window: Range | None = None, calendars: Iterable[str] | None = None) -> list[Session]:
        """The sessions in force that share a minute with `window` (None: all), sorted by calendar, open."""
        body = self._store.get(SESSIONS_KEY)
        if body is None:
            return []
        table = decode(body, schema_of(Table.SESSIONS))
        if window is not None:
            start, end = (pa.scalar(naive(at), pa.timestamp("ms")) for at in (window.start, window.end))
            table = table.filter(pc.and_(pc.less(table["open"], end), pc.greater(table["close"], start)))
        if calendars is not None:
            table = table.filter(pc.is_in(table["calendar"], pa.array(sorted(set(calendars)), pa.string())))
        return sorted(rows.items_of(Session, table.to_pylist()))

    def known(self) -> dict[str, Range]:
        """By calendar what its sessions tell of; empty where there are none yet."""
        body = self._store.get(SESSIONS_KEY)
        if body is None:
            return {}
        told = _note(body).get("known")
        if told is None:  # written before there were notes
            return _known(decode(body, schema_of(Table.SESSIONS)))
        return {name: Range(*(parse_instant(edge, name=name) for edge in edges)) for name, edges in told.items()}

    def put(self, sessions: Iterable[Session]) -> None:
        """Replace the sessions of the calendars given, whatever they were; those of other calendars stay."""
        table = from_rows(map(rows.row_of, sorted(sessions)), Table.SESSIONS)
        self._replace(_edited(table, ""))

    def renew(self, made: bytes) -> list[str]:
        """Take over a file of sessions (Parquet, the `sessions` table; its metadata name the EDITION) for the calendars
        of which it is newer, and see to it that what is in force is made from what is recorded now.

        Returns the calendars that were taken over. Empty bytes bring none. Done twice, the second does nothing.
        """
        shipped = _editions(made) if made else {}
        body = self._store.get(SESSIONS_KEY)
        note = {} if body is None else _note(body)
        newer = _newer(shipped, note.get("editions", {}))
        if newer:
            self._replace(_edited(*_read(made)), if_newer=True)
        elif body is not None and note.get("from") != self._sources():
            self._enforce()
        return newer

    def keep_hours(self) -> None:
        """Make the table `hours` of the sessions in force, unless it is of these very sessions already. Before an
        audit: its statement must expect what the layer expects."""
        if not self.hours_kept():
            made_of = _digest(self._store.get(SESSIONS_KEY) or b"")
            self._store.put(HOURS_KEY, encode(hours_table(expected_hours(self.sessions()), made_of=made_of)))

    def hours_kept(self) -> bool:
        """Whether the table `hours` is of the sessions in force. Where there are none, there are no hours."""
        body, there = self._store.get(SESSIONS_KEY), self._store.get(HOURS_KEY)
        if body is None or there is None:
            return body is None
        return bool(decode(there, _MADE_OF).slice(0, 1).to_pylist() == [{"made_of": _digest(body)}])

    def closures(self) -> list[Closure]:
        """What people recorded, in their order. Raises BadInput when the file is malformed."""
        body = self._store.get(CLOSURES_KEY)
        return [] if body is None else parse_closures(body.decode(errors="replace"), name=CLOSURES_KEY)

    def halted(self) -> dict[str, tuple[Range, ...]]:
        """By symbol the ranges in which it was halted. None while the file of closures is malformed, which the reader
        of the list of symbols says."""
        try:
            return halts(self.closures())
        except BadInput:
            return {}

    def change_closures(self, change: Callable[[list[Closure]], list[Closure]]) -> None:
        """Put what `change` makes of the records, and the sessions that follow from it, in force."""
        self._rewrite(CLOSURES_KEY, lambda: dump_closures(change(self.closures())).encode())

    def _replace(self, new: pa.Table, *, if_newer: bool = False) -> None:
        """Put these sessions in the place of their calendars' stored ones, and in force; with `if_newer` those of the
        calendars of which they are newer."""

        def body() -> bytes:
            base = self._base()
            names = _newer(_latest(new), _latest(base)) if if_newer else new["calendar"].unique().to_pylist()
            mine, theirs = (pc.is_in(one["calendar"], pa.array(names, pa.string())) for one in (new, base))
            table = concat([base.filter(pc.invert(theirs)), new.filter(mine)], _BASE)
            return encode(table.sort_by([("calendar", "ascending"), ("open", "ascending")]))

        self._rewrite(EDITIONS_KEY, body)

    def _rewrite(self, key: str, made: Callable[[], bytes]) -> None:
        """Write what `made` gives of what is stored, anew while others write the object too; then put it in force."""
        for _ in range(_WRITE_AGAIN):
            stored = self._store.head(key)
            try:
                self._store.put(key, made(), if_absent=stored is None, if_match=stored.etag if stored else None)
            except StoreConflict:
                continue
            return self._enforce()
        raise CalendarsContended(f"{key} was rewritten {_WRITE_AGAIN} times over")

    def _base(self) -> pa.Table:
        """The stored sessions as packages made them. A lake of before has those in force alone."""
        body = self._store.get(EDITIONS_KEY)
        if body is not None:
            return decode(body, _BASE)
        body = self._store.get(SESSIONS_KEY)
        return _edited(decode(body, schema_of(Table.SESSIONS)) if body else schema_of(Table.SESSIONS).empty_table(), "")

    def _enforce(self) -> None:
        """Write the sessions in force. The sources are named first: if one changes meanwhile, the next look sees it."""
        sources, base = self._sources(), self._base()
        try:
            told = self.closures()
        except BadInput:
            if self._store.head(SESSIONS_KEY) is not None:
                return  # what was in force stays so until somebody mends the file
            told = []
        table = base.select(schema_of(Table.SESSIONS).names)
        changed = sorted({one.of for one in told})
        of_them = pc.is_in(table["calendar"], pa.array(changed, pa.string()))
        special = sessions_in_force(rows.items_of(Session, table.filter(of_them).to_pylist()), told)
        table = concat(
            [table.filter(pc.invert(of_them)), from_rows(map(rows.row_of, special), Table.SESSIONS)],
            schema_of(Table.SESSIONS),
        ).sort_by([("calendar", "ascending"), ("open", "ascending")])
        note = {
            "from": sources,
            "editions": _latest(base),
            "known": {name: [format_instant(one.start), format_instant(one.end)] for name, one in _known(base).items()},
        }
        self._store.put(SESSIONS_KEY, encode(table.replace_schema_metadata({_NOTE: json.dumps(note)})))
        self.keep_hours()

    def _sources(self) -> list[str | None]:
        found = (self._store.head(key) for key in (EDITIONS_KEY, CLOSURES_KEY))
        return [stored.etag if stored else None for stored in found]


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:24]


def _note(body: bytes) -> dict[str, Any]:
    held = metadata_of(body).get(_NOTE)
    return json.loads(held) if held else {}


def _read(made: bytes) -> tuple[pa.Table, str]:
    """The sessions of a file, and the version that made them."""
    return decode(made, schema_of(Table.SESSIONS)), metadata_of(made).get(EDITION, b"").decode()


def _edited(sessions: pa.Table, version: str) -> pa.Table:
    edition = pa.array([version] * sessions.num_rows, pa.string())
    return sessions.append_column(_BASE.field("edition"), edition).cast(_BASE)


@lru_cache(maxsize=2)  # a function looks at its layer's file each minute
def _editions(made: bytes) -> Mapping[str, Sequence[str]]:
    return _latest(_edited(*_read(made)))


def _latest(base: pa.Table) -> dict[str, list[str]]:
    """The edition of each calendar: the version of the package that made its sessions, and the last session date."""
    grouped = base.group_by("calendar").aggregate([("edition", "max"), ("dt", "max")])
    return {row["calendar"]: [row["edition_max"], row["dt_max"]] for row in grouped.to_pylist()}


def _newer(offered: Mapping[str, Sequence[str]], there: Mapping[str, Sequence[str]]) -> list[str]:
    """The calendars whose offered edition is newer than the one that is there: by its version, then by how far it
    reaches."""

    def age(version: str, last: str) -> tuple[list[int], str]:
        return [int(part) for part in version.split(".") if part.isdigit()], last

    return sorted(name for name, one in offered.items() if name not in there or age(*there[name]) < age(*one))


def _known(sessions: pa.Table) -> dict[str, Range]:
    """By calendar what its sessions tell of."""
    edges = sessions.group_by("calendar").aggregate([("dt", "min"), ("dt", "max"), ("open", "min"), ("close", "max")])
    return {
        row["calendar"]: known_range(
            date.fromisoformat(row["dt_min"]),
            date.fromisoformat(row["dt_max"]),
            opened=aware(row["open_min"]),
            closed=aware(row["close_max"]),
        )
        for row in edges.to_pylist()
    }
