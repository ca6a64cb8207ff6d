"""Objects of Arrow instead of Parquet, read once: thousands of runs in the time of a few hundred.

Everything replaced here is a pure function of its arguments (encode, decode, concat, resolve, by_hour, bars_id); the
services and the lake's own logic, its keys, its conditions and the order of its effects, are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from minutemend.core.bars import BARS
from minutemend.services import lake as lake_module
from minutemend.services import working_files
from pyarrow import acero

_Known = dict[Any, Any]
_OPTIONS = pa.ipc.IpcWriteOptions()


class Memory:
    """What one run wrote and read. Tables are kept alive, so that their ids stay theirs."""

    def __init__(self) -> None:
        self.encoded: dict[bytes, pa.Table] = {}
        self.decoded: _Known = {}
        self.joined: _Known = {}
        self.resolved: _Known = {}

    def forget(self) -> None:
        """What one run wrote is of no use to the next."""
        for known in (self.encoded, self.decoded, self.joined, self.resolved):
            known.clear()

    def install(self, monkeypatch: Any) -> None:
        """Put the quick functions in place of the real ones."""
        pa.set_cpu_count(1)  # threads cost more than a dozen rows
        for module in (lake_module, working_files):
            monkeypatch.setattr(module, "encode", self.encode)
            monkeypatch.setattr(module, "decode", self.decode)
        monkeypatch.setattr(lake_module, "concat", self.concat)
        monkeypatch.setattr(lake_module, "resolve", self.resolver(lake_module.resolve))

    def encode(self, table: pa.Table) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.RecordBatchStreamWriter(sink, table.schema, options=_OPTIONS) as writer:
            writer.write_table(table)
        body = bytes(sink.getvalue())
        self.encoded.setdefault(body, table)
        return body

    def decode(self, body: bytes, schema: pa.Schema, *, filters: Any = None) -> pa.Table:
        known = (body, str(filters))
        if known not in self.decoded:
            table = self.encoded[body].select(schema.names).cast(schema)
            table = table if filters is None else _filtered(table, filters)
            self.decoded[known] = table if schema is BARS else Remembered(table)
        return self.decoded[known]

    def concat(self, parts: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
        known = tuple(map(id, parts))
        if known not in self.joined:
            self.joined[known] = (pa.concat_tables(parts) if parts else schema.empty_table(), list(parts))
        return self.joined[known][0]

    def resolver(self, resolve: Callable[[pa.Table], pa.Table]) -> Callable[[pa.Table], pa.Table]:
        def resolved(bars: pa.Table) -> pa.Table:
            if id(bars) not in self.resolved:
                self.resolved[id(bars)] = (resolve(bars), bars)
            return self.resolved[id(bars)][0]

        return resolved


class Remembered:
    """A table whose rows are made once."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._rows: list[dict[str, Any]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def __getitem__(self, name: str) -> Any:
        return self._table[name]

    def to_pylist(self) -> list[dict[str, Any]]:
        if self._rows is None:
            self._rows = self._table.to_pylist()
        return self._rows


MEMORY = Memory()


def _filtered(table: pa.Table, condition: Any) -> pa.Table:
    # What Table.filter does, without starting threads for a dozen rows.
    source = acero.Declaration("table_source", acero.TableSourceNodeOptions(table))
    kept = acero.Declaration("filter", acero.FilterNodeOptions(condition))
    return acero.Declaration.from_sequence([source, kept]).to_table(use_threads=False)
