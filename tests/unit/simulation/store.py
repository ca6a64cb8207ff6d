"""The lake's bucket of a run: a fake that remembers every bar that was ever put, and watches the hourly facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from minutemend.core.bars import BARS

from tests.fakes.store import FakeStore
from tests.unit.simulation.functions import WORKER_LIFE
from tests.unit.simulation.memory import MEMORY
from tests.unit.simulation.world import World

_HOUR = 3_600_000
_STAMP = pa.timestamp("ms")

Row = tuple[Any, ...]  # of core.bars.BARS, instants in milliseconds


def rows_of(table: pa.Table) -> list[Row]:
    """The rows of bars as tuples; instants in milliseconds."""
    columns = [column.cast(pa.int64()) if column.type == _STAMP else column for column in table.columns]
    return [*zip(*(column.to_pylist() for column in columns), strict=True)]


def precedence(row: Row) -> tuple[object, ...]:
    """Of two bars of a minute the smaller one counts: the one that was had first, then a captured one before a repaired
    one, then as plain text has it."""
    _, _, *values, source, repair_id, captured_at = row
    return captured_at, repair_id is not None, repair_id or "", source, *values


class SimStore(FakeStore):
    """`best` are, of all bars that ever were in the lake, those that count, by symbol and minute (in milliseconds);
    `born` says at which of the world's steps the first bar of a minute was there, `since` when: nothing displaces it
    unasked; `written` at which step an object was written last. `answers` are what each job's object said last,
    whatever compaction did with it since."""

    def __init__(self, world: World) -> None:
        super().__init__(lambda: world.now)
        self.best: dict[tuple[str, int], Row] = {}
        self.born: dict[tuple[str, int], int] = {}
        self.since: dict[tuple[str, int], datetime] = {}
        # Who had a bar in hand first may write it after another: for as long as a worker lives, by clocks that differ.
        self.patience = WORKER_LIFE + timedelta(seconds=2 * world.profile.skew)
        self.written: dict[str, int] = {}
        self.answers: dict[str, pa.Table] = {}
        self._world = world
        # By symbol and hour, one after the other: how many bars there were, and their volume.
        self._versions: dict[tuple[str, int], list[tuple[int, float]]] = {}

    def put(self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        before = self.get(key)
        etag = super().put(key, body, if_absent=if_absent, if_match=if_match)
        self.written[key] = self._world.steps
        if key.startswith("answers/") and "/day-" not in key:
            self.answers[key] = MEMORY.encoded[bytes(body)]
        if key.startswith("bars/"):
            self._remember(rows_of(MEMORY.encoded[bytes(body)].select(BARS.names)))
        if key.startswith("hourly/") and before is not None:
            self._facts_grow(key, before, bytes(body))
        return etag

    def _remember(self, rows: list[Row]) -> None:
        changed = set()
        for row in rows:
            minute = row[0], row[1]
            self.born.setdefault(minute, self._world.steps)
            known = self.best.get(minute)
            since = self.since.setdefault(minute, self._world.now)
            if known is None or precedence(row) < precedence(known):
                if known is not None and known[:7] != row[:7] and self._world.now - since > self.patience:
                    raise self._world.wrong(f"{known} was read since {since}, and displaced unasked by {row}")
                self.best[minute] = row
                changed.add((row[0], row[1] // _HOUR))
        for symbol, hour in changed:
            volumes = [row[6] for (name, at), row in self.best.items() if name == symbol and at // _HOUR == hour]
            self._versions.setdefault((symbol, hour), []).append((len(volumes), sum(volumes)))

    def _facts_grow(self, key: str, before: bytes, after: bytes) -> None:
        """Facts are never made of older bars than those that they replace."""
        old, new = (self._ages(MEMORY.encoded[body]) for body in (before, after))
        for symbol, ages in new.items():
            if ages and old.get(symbol) and max(ages) < min(old[symbol]):
                raise self._world.wrong(f"{key} is made of older bars of {symbol} than the facts that it replaces")

    def _ages(self, facts: pa.Table) -> dict[str, list[int]]:
        """By symbol, which states of its bars may have been behind its facts."""
        found = {}
        for row in facts.to_pylist():
            hour = int(row["hour"].replace(tzinfo=UTC).timestamp()) * 1000 // _HOUR
            said = row["minutes_present"], row["volume"] or 0.0
            versions = self._versions.get((row["symbol"], hour), [])
            found[row["symbol"]] = [age for age, version in enumerate(versions) if version == said]
        return found
