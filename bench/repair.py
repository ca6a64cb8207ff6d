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

import numpy as np
from minutemend.adapters.sqs import send_to_sqs
from minutemend.contract import VENDORS
from minutemend.core.answers import VendorRequest
from minutemend.core.cover import cover
from minutemend.core.intervals import Intervals, merge, numbers, place
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.ports.queue import Message
from minutemend.wiring.clients import Clients

from bench.bound import at_least
from bench.healed_hour import healed_hour
from bench.table import Figure

SEED = 20260101
JOBS = 10_000
SYMBOLS, HOLED = 500, 0.02


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
    lanes = np.arange(SYMBOLS)
    outage = Intervals(place(lanes, 0), place(lanes, 60))
    for name in ("binance", "finnhub", "alpaca"):
        limits = VENDORS[name]
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


def holed_year() -> Intervals:
    """The missing minutes of 252 sessions, each symbol on a lane: each holed session lacks one to three runs."""
    dice = random.Random(SEED)
    rows = []
    for number in range(SYMBOLS):
        for day in range(252):
            if dice.random() < HOLED:
                opened = day * 1440 + 870
                cuts = sorted(dice.sample(range(390), 2 * dice.randint(1, 3)))
                rows += [
                    (number, opened + start, opened + end) for start, end in zip(cuts[::2], cuts[1::2], strict=True)
                ]
    lane, start, end = numbers(rows).T
    return merge(place(lane, start), place(lane, end))


@contextmanager
def stage(vendor: str = "finnhub") -> Iterator[tuple[Any, Any]]:
    """A local stage of its own, and the simulator that its workers ask as one vendor, with no budget: that is not what
    is measured."""
    import local.stack
    from market.server import MarketServer
    from mend.local_stage import store_token
    from mend.stage import open_stage

    name, token = f"bench-{uuid.uuid4().hex[:6]}", uuid.uuid4().hex
    with MarketServer(credentials={vendor: VENDORS[vendor].entry(token)}) as market:
        local.stack.up(name, say=print, vendor=vendor, vendor_url=market.url, store_token=store_token, token=token)
        try:
            opened = open_stage(f"local:{name}")
            _raise_budget(local.stack.read(name), opened.output("ProcessRepairsFunction"))
            yield opened, market
        finally:
            local.stack.down(name)


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
    start = [epoch_minute(minute)]
    gap = merge(start, [start[0] + 1])
    return Message(RepairJob(audit_id, 1, VendorRequest("finnhub", ("IBM",), window), gap).to_message())


def _raise_budget(stack: Any, name: str) -> None:
    """By the administrator: the operator may not."""
    from local.ministack import REGION
    from local.principals import ADMINISTRATOR, make_principals

    keys = make_principals(stack.home)[ADMINISTRATOR]
    trusted = str(stack.certificate)
    clients = Clients(region=REGION, endpoint=stack.endpoint, keys=(keys.key, keys.secret), trusted=trusted)
    functions = clients.functions
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    vendors = json.dumps([{**vendor, "per_minute": 10_000_000} for vendor in json.loads(variables["VENDORS"])])
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "VENDORS": vendors}}
    )


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
