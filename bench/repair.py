"""The repair: requests against the provable minimum, jobs a second, the way back to the audit, a healed hour's cost.

`python -m bench repair` runs it. The plans need nothing; the rest starts a local stage of its own, and stops it.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from minutemend.adapters import executions
from minutemend.adapters.sqs import send_to_sqs
from minutemend.adapters.vendors import limits_of
from minutemend.core.answers import VendorRequest
from minutemend.core.bars import Bar, to_table
from minutemend.core.cover import cover
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant, from_epoch_minute
from minutemend.ports.queue import Message

from bench.bound import at_least
from bench.table import Figure

SEED = 20260101
JOBS = 10_000
SYMBOLS, HOLED = 500, 0.02
# The original design, as cli/costs.py counts it: two waits of 90 s an audit, a function for each symbol and minute,
# a record in the stream for each, a grid of minutes (and not ranges) back from the query.
ORIGINAL_WAIT = 90.0
ORIGINAL_TRANSITIONS = 12


def run(*, jobs: int = JOBS) -> list[Figure]:
    """Every figure, in the order in which a person reads them."""
    found = [*plans(), cold_import()]
    with stage() as (opened, market):
        found += healed_hour(opened, market)
        found += throughput(opened, market, jobs=jobs)
    return found


def plans() -> Iterator[Figure]:
    """A year of 500 symbols with 2% of symbol-days holed, and an hour's outage of all of them, for each vendor."""
    year = holed_year()
    outage = {f"S{n:03d}": [(0, 60)] for n in range(SYMBOLS)}
    for name in ("binance", "finnhub", "alpaca"):
        limits = limits_of(name, per_minute=60)
        for label, missing in (("holes of a year", year), ("an hour's outage", outage)):
            begun = time.perf_counter()
            made = len(cover(missing, rows=limits.rows, symbols=limits.symbols))
            took = time.perf_counter() - begun
            least = at_least(missing, rows=limits.rows, symbols=limits.symbols)
            exact = "the minimum" if limits.symbols == 1 else "a bound that no plan goes below"
            yield Figure(
                f"requests over {exact}: {label}, {name}",
                made / least,
                "x",
                f"{made:,} requests, {least:,} at least; planned in {took:.2f} s",
            )


def cold_import(turns: int = 7) -> Figure:
    """A worker's import, as a fresh process, over that of pandas alone; the best of some turns in turn."""
    best: dict[str, float] = {}
    for _ in range(turns):
        for module in ("pandas", "runtime.handlers.process_repairs", "boto3"):
            code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
            took = float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
            best[module] = min(took, best.get(module, took))
    worker, pandas, boto3 = best["runtime.handlers.process_repairs"], best["pandas"], best["boto3"]
    beside = f"{worker:.2f} s; boto3 comes with its first client, {boto3 / pandas:.2f} x more"
    return Figure("a worker's cold import over that of pandas alone", worker / pandas, "x", beside, limit=1.3)


def holed_year() -> dict[str, list[tuple[int, int]]]:
    """By symbol, the missing minutes of 252 sessions: each holed session lacks one to three runs."""
    dice = random.Random(SEED)
    missing: dict[str, list[tuple[int, int]]] = {}
    for number in range(SYMBOLS):
        parts = []
        for day in range(252):
            if dice.random() < HOLED:
                opened = day * 1440 + 870
                cuts = sorted(dice.sample(range(390), 2 * dice.randint(1, 3)))
                parts += [(opened + start, opened + end) for start, end in zip(cuts[::2], cuts[1::2], strict=True)]
        missing[f"S{number:03d}"] = parts
    return missing


@contextmanager
def stage() -> Iterator[tuple[Any, Any]]:
    """A local stage of its own, and the simulator that its workers ask."""
    import local.stack
    from cli.local_stage import store_token
    from cli.stage import open_stage
    from local.market.server import MarketServer

    name, token = f"bench-{uuid.uuid4().hex[:6]}", uuid.uuid4().hex
    with MarketServer(credentials={"finnhub": token}) as market:
        local.stack.up(name, say=print, vendor_url=market.url, store_token=store_token, token=token)
        try:
            opened = open_stage(f"local:{name}")
            _raise_budget(opened)
            yield opened, market
        finally:
            local.stack.down(name)


def healed_hour(opened: Any, market: Any) -> Iterator[Figure]:
    """An hour of the stage's eleven symbols with a tenth of its minutes missing, healed by a warm stage."""
    hours = [datetime(2024, 3, day, 15, tzinfo=UTC) for day in (4, 5, 6)]
    symbols = [one.symbol for one in _listings(opened) if one.calendar == "XNYS"]
    waits, spans, told = [], [], []
    for hour in hours:
        window = Range(hour, hour + 60 * MINUTE)
        _load(opened, market, symbols, window)
        market.control(reset=True)
        begun = time.monotonic()
        arn = _audit(opened, window)
        spans.append(time.monotonic() - begun)
        told.append((market.counts()["requests"], _transitions(opened, arn)))
        waits += _ways_back(opened, arn, window)
    requests, transitions = told[-1]
    steps, looks = _step_seconds(opened, arn)
    fixed = f"original: {2 * ORIGINAL_WAIT:.0f} s of fixed waits"
    once = "original: 660, one for each symbol and minute"
    apart = "its steps without the workers; original: 660 s, a function of a second for each symbol and minute"
    yield Figure("from the last job's answer to the next look, at most", max(waits), "s", fixed, limit=2.0)
    yield Figure("an hour of eleven symbols healed, warm, start to published", min(spans[1:]), "s", fixed)
    yield Figure("vendor requests of a healed hour", requests, "", once)
    yield Figure("state transitions of a healed hour", transitions, "", f"original: {ORIGINAL_TRANSITIONS}, with polls")
    yield Figure("function seconds of a healed hour, warm", steps, "s", apart)
    yield Figure("Athena MB billed of a healed hour", looks * 10.0, "MB", f"{looks} looks, 10 MB each at least")


def throughput(opened: Any, market: Any, *, jobs: int) -> Iterator[Figure]:
    """`jobs` jobs of one attempt, sent at once, until the last is settled; and the workers' memory on the way."""
    from minutemend.adapters.dynamo_board import DynamoBoard

    market.control(reset=True)
    board = DynamoBoard(opened.clients.dynamodb, opened.output("BoardTable"), clock=lambda: datetime.now(UTC))
    audit_id = f"bench-{uuid.uuid4().hex[:8]}"
    board.open_attempt(audit_id, 1, jobs=jobs)
    first = datetime(2023, 1, 3, 14, 30, tzinfo=UTC)
    begun = time.monotonic()
    messages = (_job(audit_id, first, number) for number in range(jobs))
    send_to_sqs(messages, sqs=opened.clients.sqs, queue_url=opened.output("RepairQueueUrl"))
    sent = time.monotonic() - begun
    early, peak, settled = 0.0, 0.0, 0
    while settled < jobs:
        time.sleep(1)
        settled = board.wait(audit_id, 1, token="nobody").settled  # noqa: S106 (a token that nobody waits with)
        resident = _worker_memory(opened)
        peak = max(peak, resident)
        if not early and settled > jobs / 10:
            early = resident
    took = time.monotonic() - begun
    yield Figure(
        "jobs a second, from the first sent to the last settled",
        jobs / took,
        "/s",
        f"{jobs:,} jobs, sent in {sent:.0f} s",
    )
    yield Figure(
        "workers' memory at the end over that after a tenth",
        peak / early if early else 0.0,
        "x",
        f"{peak:.0f} MB at most",
    )
    yield Figure("vendor requests over jobs", market.counts()["requests"] / jobs, "x")


def _job(audit_id: str, first: datetime, number: int) -> Message:
    minute = first + timedelta(days=number // 390, minutes=number % 390)
    window = Range(minute, minute + MINUTE)
    return Message(RepairJob(audit_id, 1, VendorRequest("finnhub", ("IBM",), window), (("IBM", window),)).to_message())


def _raise_budget(opened: Any) -> None:
    """The rate budget is not what is measured."""
    functions, name = opened.clients.functions, opened.output("ProcessRepairsFunction")
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    vendors = json.loads(variables["VENDORS"])
    given = json.dumps([{**vendor, "per_minute": 10_000_000} for vendor in vendors])
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "VENDORS": given}}
    )


def _listings(opened: Any) -> list[Any]:
    from minutemend.adapters.parameters import get_interested_stocks

    found: list[Any] = get_interested_stocks(ssm=opened.clients.ssm, parameter=opened.output("SymbolsParameter"))
    return found


def _load(opened: Any, market: Any, symbols: list[str], window: Range) -> None:
    dice = random.Random(SEED)
    bars = [
        Bar(symbol, from_epoch_minute(minute), *values)
        for symbol in symbols
        for minute, *values in market.market.source.rows(symbol, epoch_minute(window.start), epoch_minute(window.end))
        if dice.random() > 0.1
    ]
    opened.lake.put_bars(to_table(bars, source="loaded", repair_id=None, captured_at=window.end))


def _audit(opened: Any, window: Range) -> str:
    machine = opened.clients.stepfunctions
    given = {"start": format_instant(window.start), "end": format_instant(window.end)}
    arn = executions.start(machine, opened.output("StateMachineArn"), given, name=f"bench-{uuid.uuid4().hex[:12]}")
    while executions.describe(machine, arn).running:
        time.sleep(0.1)
    return arn


def _history(opened: Any, arn: str) -> list[dict[str, Any]]:
    pages = opened.clients.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event for page in pages for event in page["events"]]


def _transitions(opened: Any, arn: str) -> int:
    return sum(event["type"].endswith("StateEntered") for event in _history(opened, arn))


def _step_seconds(opened: Any, arn: str) -> tuple[float, int]:
    """Seconds that the steps' functions took, the wait left out, and how often CheckDataHealth looked."""
    took, looks, name, since = 0.0, 0, "", None
    for event in _history(opened, arn):
        if event["type"] == "TaskStateEntered":
            name, since = event["stateEnteredEventDetails"]["name"], event["timestamp"]
            looks += name == "CheckDataHealth"
        elif event["type"] == "TaskSucceeded" and since is not None and name != "WaitForRepairs":
            took += (event["timestamp"] - since).total_seconds()
    return took, looks


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


def _worker_memory(opened: Any) -> float:
    """Resident MB of the local stage's repair workers, together."""
    import local.stack

    stack = local.stack.read(opened.option.partition(":")[2])
    total = 0
    for process in Path("/proc").iterdir():
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if stack and parent == str(stack.aws.pid) and b"process-repairs" in (process / "environ").read_bytes():
                total += int((process / "statm").read_text().split()[1]) * 4096
        except (OSError, IndexError):
            continue
    return total / 1e6
