"""What a healed hour costs, in the four figures that a bill is made of, beside those of the original design.

Milliseconds are what the functions' own logs report as billed, of every invocation of every function: the steps of the
state machine and the workers alike. They are of this machine, which runs the functions and AWS under them, so that the
wait for Athena is one for DuckDB. Local AWS drops what is below a whole millisecond of each.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median_low
from typing import Any

from minutemend.contract import PARTITION, SESSIONS_KEY, SYMBOLS_KEY, Table
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant, from_epoch_minute

from bench.table import Figure
from infra.prices import ATHENA_LEAST
from mend.aws import executions
from mend.console import count
from mend.costs import MEMORY, ORIGINAL_GB, ORIGINAL_SECONDS, ORIGINAL_STEPS

SEED = 20260101
LACKING = 0.1  # of the hour's minutes
HOURS = [datetime(2024, 3, day, 15, tzinfo=UTC) for day in (4, 5, 6, 7, 8, 11)]  # the first one is the cold one
SETTLE_SECONDS = 2.0  # until the last worker's report is in the log
# The original design: a function and a record in the stream for each missing minute (mend/costs.py: a second each, for
# it imports pandas), two waits of 90 s, a query before and one after. The functions of its audit are left out, in its
# favour.
ORIGINAL_WAIT = 90.0
ORIGINAL_QUERIES = 2

_REPORT = re.compile(r"^REPORT RequestId: \S+\s.*Billed Duration: (\d+) ms")


@dataclass(frozen=True, slots=True)
class Invoked:
    """How often a function ran, and the milliseconds that are billed for all of it."""

    times: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Hour:
    """One healed hour. `invoked` by function, `scannable` the bytes of all objects that one look can read."""

    missing: int
    seconds: float
    requests: int
    transitions: int
    looks: int
    scannable: int
    invoked: Mapping[str, Invoked]
    ways_back: list[float]

    @property
    def milliseconds(self) -> int:
        return sum(one.milliseconds for one in self.invoked.values())

    @property
    def gb_seconds(self) -> float:
        return sum(one.milliseconds / 1000 * MEMORY[name] for name, one in self.invoked.items())


def healed_hour(opened: Any, market: Any) -> Iterator[Figure]:
    """An hour of the stage's eleven symbols with a tenth of its minutes missing, healed by a warm stage."""
    symbols = [one.symbol for one in _listings(opened) if one.calendar == "XNYS"]
    cold, *warm = [_heal(opened, market, symbols, Range(hour, hour + 60 * MINUTE)) for hour in HOURS]
    yield from figures(cold, warm)


def figures(cold: Hour, warm: list[Hour]) -> Iterator[Figure]:
    """Of the warm hours the one whose milliseconds are in the middle, and what the original would take for it."""
    middle = median_low(hour.milliseconds for hour in warm)
    hour = next(one for one in warm if one.milliseconds == middle)
    waits = f"original: {2 * ORIGINAL_WAIT:.0f} s of fixed waits"
    calls = f"{hour.missing} calls of {ORIGINAL_SECONDS:g} s at {ORIGINAL_GB:g} GB, without its audit's functions"
    of_warm = f"the middle one of {len(warm)} hours"
    least = max(hour.scannable, ATHENA_LEAST)
    yield Figure(
        "from the last job's answer to the next look, at most",
        max(way for one in (cold, *warm) for way in one.ways_back),
        "s",
        waits,
        limit=2.0,
    )
    yield Figure(
        "an hour of eleven symbols healed, warm, start to published", min(one.seconds for one in warm), "s", waits
    )
    yield Figure(
        "a healed hour: vendor requests",
        hour.requests,
        "",
        f"for {hour.missing} missing minutes, one symbol a request; original: {hour.missing}, one a minute, "
        "and as many Kinesis records",
    )
    original_ms = hour.missing * ORIGINAL_SECONDS * 1000
    yield Figure(
        "a healed hour: Lambda ms billed, warm", hour.milliseconds, "ms", f"{of_warm}; original: {original_ms:,.0f}"
    )
    for name, one in sorted(hour.invoked.items(), key=lambda entry: -entry[1].milliseconds):
        times = f"{count(one.times, 'invocation')} at {MEMORY[name]:g} GB"
        yield Figure(f"… of these {name}", one.milliseconds, "ms", times)
    yield Figure(
        "a healed hour: Lambda GB-seconds, warm",
        hour.gb_seconds,
        "GB-s",
        f"original: {hour.missing * ORIGINAL_SECONDS * ORIGINAL_GB:.1f}: {calls}",
    )
    yield Figure(
        "the first hour after a deploy: Lambda ms, cold starts with it",
        cold.milliseconds,
        "ms",
        f"{cold.missing} missing minutes; {cold.milliseconds - hour.milliseconds:,} more than the warm one",
    )
    yield Figure(
        "a healed hour: state transitions",
        hour.transitions,
        "",
        f"original: {ORIGINAL_STEPS}, with two waits of {ORIGINAL_WAIT:.0f} s and their polls",
    )
    yield Figure(
        "a healed hour: Athena MB billed",
        hour.looks * least / 1e6,
        "MB",
        f"{hour.looks} looks of 10 MB at least: a look can read {hour.scannable / 1e6:.2f} MB; "
        f"original: {ORIGINAL_QUERIES * ATHENA_LEAST / 1e6:.0f}, likewise",
    )


def billed(events: Iterable[Mapping[str, Any]]) -> Invoked:
    """What the REPORT lines of one function's log add up to."""
    reported = [int(found[1]) for event in events if (found := _REPORT.match(event["message"]))]
    return Invoked(len(reported), sum(reported))


def _heal(opened: Any, market: Any, symbols: list[str], window: Range) -> Hour:
    missing = _load(opened, market, symbols, window)
    market.control(reset=True)
    since = int(time.time() * 1000)
    begun = time.monotonic()
    arn = _audit(opened, window, symbols)
    seconds = time.monotonic() - begun
    time.sleep(SETTLE_SECONDS)
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in _history(opened, arn)
        if event["type"].endswith("StateEntered")
    ]
    return Hour(
        missing=missing,
        seconds=seconds,
        requests=market.counts()["requests"],
        transitions=len(entered),
        looks=entered.count("CheckDataHealth"),
        scannable=_scannable(opened, window),
        invoked=_invoked(opened, since),
        ways_back=_ways_back(opened, arn, window),
    )


def _invoked(opened: Any, since: int) -> dict[str, Invoked]:
    """What each function has been invoked for since (epoch milliseconds); those that were not are left out."""
    found = {}
    for name in MEMORY:
        function = opened.output("".join(word.capitalize() for word in name.split("_")) + "Function")
        paginator = opened.clients.logs.get_paginator("filter_log_events")
        pages = paginator.paginate(logGroupName=f"/aws/lambda/{function}", startTime=since)
        one = billed(event for page in pages for event in page["events"])
        if one.times:
            found[name] = one
    return found


def _scannable(opened: Any, window: Range) -> int:
    """Bytes of every object that the query of an audit of this hour can read: its dates, and the two small tables."""
    dates = [date.isoformat() for date in window.dates()]
    prefixes = [f"{table}/{PARTITION}={date}/" for table in (Table.BARS, Table.ABSENCES) for date in dates]
    paginator = opened.clients.s3.get_paginator("list_objects_v2")
    return sum(
        one["Size"]
        for prefix in (*prefixes, SESSIONS_KEY, SYMBOLS_KEY)
        for page in paginator.paginate(Bucket=opened.output("DataBucket"), Prefix=prefix)
        for one in page.get("Contents", ())
    )


def _listings(opened: Any) -> list[Any]:
    return list(opened.interest().listings)


def _load(opened: Any, market: Any, symbols: list[str], window: Range) -> int:
    """Put the hour's bars into the lake but for a tenth; how many were left out."""
    dice = random.Random(SEED)
    bars = [
        Bar(symbol, from_epoch_minute(minute), *values)
        for symbol in symbols
        for minute, *values in market.market.source.rows(symbol, epoch_minute(window.start), epoch_minute(window.end))
        if dice.random() > LACKING
    ]
    opened.lake.put_bars(to_table(bars, source="loaded", repair_id=None, captured_at=window.end))
    return len(symbols) * window.minutes - len(bars)


def _audit(opened: Any, window: Range, symbols: list[str]) -> str:
    machine = opened.clients.stepfunctions
    given = {"start": format_instant(window.start), "end": format_instant(window.end), "symbols": symbols}
    name = f"bench-{window.start:%Y%m%d%H}-{int(time.time())}"
    arn = executions.start(machine, opened.output("StateMachineArn"), given, name=name)
    while executions.describe(machine, arn).running:
        time.sleep(0.1)
    return arn


def _history(opened: Any, arn: str) -> list[dict[str, Any]]:
    pages = opened.clients.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event for page in pages for event in page["events"]]


def _ways_back(opened: Any, arn: str, window: Range) -> list[float]:
    """For each attempt, seconds from the last answer that a job had to the beginning of the next look."""
    looks = [
        event["timestamp"]
        for event in _history(opened, arn)
        if event["type"] == "TaskStateEntered" and event["stateEnteredEventDetails"]["name"] == "CheckDataHealth"
    ]
    name = arn.rpartition(":")[2]
    told = [one for one in opened.lake.observations(list(window.dates())) if one.audit_id == name]
    ways = []
    for attempt, look in enumerate(looks[1:], start=1):
        last = max(one.observed_at for one in told if one.attempt == attempt)
        ways.append((look - last).total_seconds())
    return ways
