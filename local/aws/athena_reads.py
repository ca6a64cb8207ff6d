"""What an Athena query reads: its tables, the dates that are left after pruning, and the objects below them.

MiniStack copies every object of a table, unasked. In AWS the caller of a query must be allowed each of these
reads (https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html,
https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html), and a projected table is read where its
projection and the query's own filter lead (https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html).
Which filter that is, DuckDB's planner says; on Trino it is the same one, pushed down to the partition column.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from minutemend.core.data_check_sql import ON_DUCKDB

from local.aws.acting import Judge

FILE = "queries.jsonl"
_caller: contextvars.ContextVar[str] = contextvars.ContextVar("athena_caller", default="")
_sources: contextvars.ContextVar[list[Source] | None] = contextvars.ContextVar("athena_sources", default=None)
_writing = threading.Lock()


@dataclass(slots=True)
class Source:
    """One table that a query names, and what is read of it. `dates` is None where nothing is partitioned."""

    database: str
    table: str
    bucket: str
    prefix: str
    keys: list[str]
    projection: str | None = None  # `projection.dt.range` of a projected table
    planned: list[str] = field(default_factory=list)  # the paths that stand for it in the plan
    dates: list[str] | None = None

    def reads(self) -> list[str]:
        """The keys of the objects that are read."""
        if self.dates is None:
            return self.keys
        kept = set(self.dates)
        return [key for key in self.keys if (found := _DT.search(key)) and found[1] in kept]

    def lists(self) -> list[str]:
        """Prefixes that are listed: the table's own, or the first and the last of one for each date."""
        ends = sorted({self.dates[0], self.dates[-1]}) if self.dates else []
        return [self.prefix] if self.dates is None else [f"{self.prefix}dt={day}/" for day in ends]


_DT = re.compile(r"/dt=([^/]+)/")
_NEVER = ("0001-01-01", "9999-12-31")  # dates that a filter on dates leaves out, so that the plan shows the filter


def remember_caller(access_key: str) -> None:
    """The principal whose request is being served: a query that it starts reads in its name."""
    _caller.set(access_key)


def watch_queries(athena: Any, glue: Any, judge: Judge, *, folder: Path) -> None:
    """Judge each read of each query in its caller's name, and write down what was listed."""
    rewrite, gather, save, execute = (
        getattr(athena, name)
        for name in ("_rewrite_data_paths", "_materialize_table_files", "_save_query_results", "_execute_query")
    )

    async def executed(query_id: str, *args: Any, **kwargs: Any) -> Any:
        _query.set(query_id)
        return await execute(query_id, *args, **kwargs)

    def gathered(location: str, workdirs: list[str]) -> list[str]:
        before = len(workdirs)
        files: list[str] = gather(location, workdirs)
        sources = _sources.get()
        if sources is None:
            return files
        name, table = _table_at(glue, location)
        database, _, short = name.partition("/")
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        root = workdirs[-1] if len(workdirs) > before else tempfile.mkdtemp(prefix="ministack-athena-")
        if len(workdirs) == before:
            workdirs.append(root)
        source = Source(database, short, bucket, prefix, [prefix + path.removeprefix(f"{root}/") for path in files])
        parameters = table.get("Parameters") or {}
        if parameters.get("projection.enabled") == "true":
            source.projection = parameters["projection.dt.range"]
            source.planned = _stand_ins(athena._empty_relation(table), root, count=len(_NEVER) + len(sources))
        sources.append(source)
        if source.projection and not files:
            return source.planned  # without a row, but in the plan
        source.planned = [*files[:1], *source.planned]
        return files

    async def rewritten(query: str, database: str, catalog: str | None = None) -> Any:
        sources: list[Source] = []
        _sources.set(sources)
        found = await rewrite(query, database, catalog)
        await asyncio.to_thread(read, found[0], sources)
        return (ON_DUCKDB + found[0], *found[1:])

    def read(query: str, sources: list[Source]) -> None:
        _prune(query, sources)
        for source in sources:
            _ask(judge, source)
        with _writing, (folder / FILE).open("a") as out:
            out.writelines(json.dumps(_told(source)) + "\n" for source in sources)

    async def saved(query_id: str) -> None:
        result = athena._executions.get(query_id)["ResultConfiguration"]
        place = result["OutputLocation"]
        bucket, _, key = place.removeprefix("s3://").partition("/")
        _must(judge, "s3:GetBucketLocation", f"arn:aws:s3:::{bucket}")
        _must(judge, "s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
        # AWS writes the result where it says that it does; MiniStack, to a file of that name below.
        result["OutputLocation"] = place.rpartition("/")[0]
        try:
            await save(query_id)
        finally:
            result["OutputLocation"] = place

    athena._execute_query, athena._rewrite_data_paths = executed, rewritten
    athena._materialize_table_files, athena._save_query_results = gathered, saved


def _told(source: Source) -> dict[str, Any]:
    """What the query lists and reads of one table. `dates` is how many of its partitions are listed."""
    first, last = (source.dates[0], source.dates[-1]) if source.dates else (None, None)
    listed = {"dates": None if source.dates is None else len(source.dates), "first": first, "last": last}
    return {"query": _query.get(), "table": source.table, **listed, "objects": len(source.reads())}


_query: contextvars.ContextVar[str] = contextvars.ContextVar("athena_query", default="")


class ReadDenied(Exception):
    """Athena's words for a caller that may not read what its query names."""


def _must(judge: Judge, action: str, resource: str, **conditions: str) -> None:
    denied = judge.as_key(_caller.get(), action, resource, **conditions)
    if denied:
        raise ReadDenied(f"Insufficient permissions to execute the query. {denied}")


def _ask(judge: Judge, source: Source) -> None:
    from ministack.core.responses import get_account_id, get_region

    catalog = f"arn:aws:glue:{get_region()}:{get_account_id()}"
    database = f"{catalog}:database/{source.database}"
    for arn in (f"{catalog}:catalog", f"{catalog}:database/default", database):
        _must(judge, "glue:GetDatabase", arn)
    # A table is judged with its ancestors.
    for arn in (f"{catalog}:catalog", database, f"{catalog}:table/{source.database}/{source.table}"):
        _must(judge, "glue:GetTable", arn)
    bucket = f"arn:aws:s3:::{source.bucket}"
    _must(judge, "s3:GetBucketLocation", bucket)
    for prefix in source.lists():
        _must(judge, "s3:ListBucket", bucket, **{"s3:prefix": prefix})
    for key in source.reads():
        _must(judge, "s3:GetObject", f"{bucket}/{key}")


def _table_at(glue: Any, location: str) -> tuple[str, dict[str, Any]]:
    for name, table in glue._tables.items():
        if (table.get("StorageDescriptor") or {}).get("Location") == location:
            return name, table
    raise ReadDenied(f"no table of the catalog lies at {location}")


def _stand_ins(relation: str, root: str, *, count: int) -> list[str]:
    """Files without a row, at dates that never are; `count` of them, so that the plan tells tables apart."""
    import duckdb

    paths = []
    with duckdb.connect() as connection:
        for place in range(count):
            folder = Path(root) / f"dt={_NEVER[place % len(_NEVER)]}"
            folder.mkdir(exist_ok=True)
            path = str(folder / f"none-{place}.parquet")
            connection.execute(f"COPY (SELECT * EXCLUDE (dt) FROM {relation}) TO '{path}' (FORMAT parquet)")  # noqa: S608
            paths.append(path)
    return paths


def _prune(query: str, sources: Sequence[Source]) -> None:
    """Give each projected table the dates that its projection has and the query's filter leaves."""
    projected = [source for source in sources if source.projection]
    if not projected:
        return
    totals = {}
    for source in projected:
        first, *rest = source.planned
        if source.keys:
            query = query.replace(f"'{first}'", ", ".join(f"'{path}'" for path in [first, *rest]))
        totals[id(source)] = len(source.keys) + len(rest) if source.keys else len(source.planned)
    filters = _file_filters(query)
    for source in projected:
        days = _projected(source.projection or "", datetime.now(UTC))
        source.dates = _kept(days, filters.get(totals[id(source)]))


def _file_filters(query: str) -> dict[int, str]:
    """The filters on the partition column in DuckDB's plan, by the number of files that the table has."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(ON_DUCKDB)
        plan = json.loads(connection.execute("EXPLAIN (FORMAT JSON) " + query).fetchall()[0][1])
    found: dict[int, str] = {}
    for scan in _scans(plan):
        info = scan.get("extra_info") or {}
        if total := info.get("Scanning Files", "").rpartition("/")[2]:
            found[int(total)] = info["File Filters"]
    return found


def _scans(plan: Any) -> Iterator[dict[str, Any]]:
    for node in plan if isinstance(plan, list) else [plan]:
        if "READ_PARQUET" in str(node.get("name", "")):
            yield node
        yield from _scans(node.get("children") or [])


def _projected(described: str, now: datetime) -> list[str]:
    """The dates of `projection.dt.range`: `FIRST,NOW+1DAYS`, in UTC."""
    first, _, last = described.partition(",")
    moved = re.fullmatch(r"NOW(?:([+-]\d+)DAYS?)?", last)
    end = now.date() + timedelta(days=int(moved[1] or 0)) if moved else date.fromisoformat(last)
    begin = date.fromisoformat(first)
    return [str(begin + timedelta(days=day)) for day in range((end - begin).days + 1)]


def _kept(days: list[str], condition: str | None) -> list[str]:
    if condition is None:
        return days
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT dt FROM (SELECT unnest(?) AS dt) WHERE {condition} ORDER BY dt",  # noqa: S608 (DuckDB's own words)
            [days],
        ).fetchall()
    return [row[0] for row in rows]
