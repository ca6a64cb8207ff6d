"""Objects of Arrow instead of Parquet, read once: thousands of runs in the time of a few hundred.

Everything replaced here is a pure function of its arguments (encode, decode, metadata_of, concat, resolve, by_span,
bars_id); the services and the lake's own logic, its keys, its conditions and its order of effects, are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from minutemend.contract import Table
from minutemend.core.bars import BARS, KNOWN, schema_of
from minutemend.services import answers, calendars, capture, history, hourly, working_files
from minutemend.services import lake as lake_module
from pyarrow import acero

_Known = dict[Any, Any]
ANSWERS = schema_of(Table.ANSWERS)
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
        for module in (lake_module, answers, working_files, calendars, hourly):
            monkeypatch.setattr(module, "encode", self.encode)
        for module in (lake_module, answers, working_files, calendars, hourly, history):
            monkeypatch.setattr(module, "decode", self.decode)
        for module in (lake_module, calendars, history):
            monkeypatch.setattr(module, "metadata_of", lambda body: dict(self.encoded[body].schema.metadata or {}))
        monkeypatch.setattr(lake_module, "undamaged", lambda _, body: body)  # these objects are of another kind
        monkeypatch.setattr(capture, "ThreadPoolExecutor", Inline)  # processes are greenlets: no thread may switch them
        for module in (lake_module, answers, hourly, history):
            monkeypatch.setattr(module, "concat", self.concat)
        monkeypatch.setattr(lake_module, "resolve", self.resolver(lake_module.resolve))

    def encode(self, table: pa.Table) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.RecordBatchStreamWriter(sink, table.schema, options=_OPTIONS) as writer:
            writer.write_table(table)
        body = bytes(sink.getvalue())
        self.encoded.setdefault(body, table)
        return body

    def decode(self, body: bytes, schema: pa.Schema, *, filters: Any = None) -> pa.Table:
        known = (body, str(filters), *schema.names)
        if known not in self.decoded:
            table = self.encoded[body]
            for name in set(schema.names) - set(table.column_names):
                table = table.append_column(name, pa.nulls(table.num_rows, schema.field(name).type))
            table = table if table.schema.equals(schema) else table.select(schema.names).cast(schema)
            table = table if filters is None else _filtered(table, filters)
            self.decoded[known] = table if schema in (BARS, KNOWN, ANSWERS) else Remembered(table)
        return self.decoded[known]

    def concat(self, parts: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
        if not parts:
            return schema.empty_table()
        known = tuple(map(id, parts))
        if known not in self.joined:
            joined = pa.concat_tables([getattr(part, "_table", part) for part in parts])
            self.joined[known] = (joined, list(parts))
        return self.joined[known][0]

    def resolver(self, resolve: Callable[[pa.Table], pa.Table]) -> Callable[[pa.Table], pa.Table]:
        def resolved(bars: pa.Table) -> pa.Table:
            if id(bars) not in self.resolved:
                self.resolved[id(bars)] = (resolve(bars), bars)
            return self.resolved[id(bars)][0]

        return resolved


class Inline:
    """An executor that does the work at once, in the same thread."""

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> Inline:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    map = staticmethod(map)


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
