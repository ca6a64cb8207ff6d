"""Capture on a local stage: from a minute's schedule to its rows visible in the lake.

Starts a stage of its own and stops it. Each size is measured on warm functions (`WARM` minutes at once start as many
workers as the stage allows), `TURNS` minutes each, and the worst is the figure. Finnhub is asked symbol by symbol,
which is the dear case; 5,000 symbols want a vendor of many.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from minutemend.core.minutes import MINUTE, Range, format_instant
from minutemend.services.capture import CHUNK
from minutemend.services.interest import set_interested_stocks

from bench.table import Figure
from local.replay import Replay
from mend.aws import executions
from mend.stage import Stage, open_stage

OPEN = datetime(2025, 11, 12, 14, 30, tzinfo=UTC)
SIZES = (("finnhub", 50), ("finnhub", 500), ("alpaca", 500), ("alpaca", 5_000))
LARGEST = 5_000
TURNS = 3
WARM = 4
PATIENCE = 120.0  # seconds
LIMIT = 10.0


@contextmanager
def stage(vendor: str) -> Iterator[Stage]:
    """A local stage that asks a simulator in this process by that vendor's API: what is measured is ours alone."""
    import local.stack
    from local.servers import free_port
    from market.server import MarketServer
    from mend.local_stage import store_token

    name = f"bench-{vendor}-{free_port()}"
    with MarketServer() as market:
        local.stack.up(name, say=lambda _: None, vendor=vendor, vendor_url=market.url, store_token=store_token)
        try:
            yield open_stage(f"local:{name}")
        finally:
            local.stack.down(name)


def follow_symbols(opened: Stage, symbols: int) -> None:
    names = [f"S{number:04d}" for number in range(symbols)]
    set_interested_stocks(opened.lake, json.dumps({"XNYS": names}), now=datetime.now(UTC))


def warm(opened: Stage, minutes: list[datetime]) -> None:
    """Capture some minutes at once, which starts the functions."""
    replay = Replay(opened)
    replay.capture(minutes)
    replay.settle()


def visible(opened: Stage, minute: datetime, expected: int) -> float:
    """Run the minute's schedule; seconds until all its bars are in the lake.

    Of the hour's objects only new ones are read, again and again: looking takes little of the two cores.
    """
    window = Range(minute, minute + MINUTE)
    before = {(stored.key, stored.etag) for stored in opened.lake.bar_objects(window)}
    begun = time.perf_counter()
    asked = []
    Replay(opened).capture([minute], tell=asked.append)
    wanted = asked[0].symbols
    assert wanted + len(asked[0].dropped) == expected
    while time.perf_counter() - begun < PATIENCE:
        new = [one for one in opened.lake.bar_objects(window) if (one.key, one.etag) not in before]
        if opened.lake.read_bars(window, known=new).num_rows >= wanted * 0.99:  # some do not trade
            return time.perf_counter() - begun
        time.sleep(0.05)
    raise TimeoutError(f"{wanted} bars of {minute} were not there after {PATIENCE:.0f} s")


def hour_of(opened: Stage, symbols: int) -> Iterator[Figure]:
    """A whole hour of as many symbols through the deployed state machine, and what `mend status` takes after it."""
    from bench.publish import HOUR, day_of_bars
    from mend.follow import follow

    bars = day_of_bars(symbols)
    minute = bars["minute"].cast(pa.int64())
    edges = [int(at.timestamp() * 1000) for at in (HOUR.start, HOUR.end)]
    opened.lake.put_bars(bars.filter(pc.and_(pc.greater_equal(minute, edges[0]), pc.less(minute, edges[1]))))
    given = {"start": format_instant(HOUR.start), "end": format_instant(HOUR.end)}
    machine = opened.output("StateMachineArn")
    arn = executions.start(opened.clients.stepfunctions, machine, given, name=f"bench-{symbols}")
    done = follow(opened, arn, tell=lambda *_: None, watch=lambda *_: None).execution
    if done.status != "SUCCEEDED" or done.stopped is None:
        raise RuntimeError(f"the audit ended {done.status}: {done.cause}")
    took = (done.stopped - done.started).total_seconds()
    what = f"audit and publish a whole hour of {symbols:,} symbols, local"
    yield Figure(what, took, "s", "the deployed state machine")
    begun = time.perf_counter()
    shown = subprocess.run(
        [sys.executable, "-m", "mend.main", "status", "--stage", opened.option, "--format", "json"],
        capture_output=True,
        check=False,
    )
    took = time.perf_counter() - begun
    if json.loads(shown.stdout)["symbols"] != {"XNYS": symbols}:
        raise RuntimeError(shown.stderr.decode())
    yield Figure(f"`mend status` with {symbols:,} symbols, local", took, "s", "a process of its own, from its start")


def run() -> Iterator[Figure]:
    """For each vendor and size the worst of the turns; of the largest an hour's audit besides."""
    for vendor in dict.fromkeys(name for name, _ in SIZES):
        with stage(vendor) as opened:
            minute = OPEN
            for symbols in (size for name, size in SIZES if name == vendor):
                follow_symbols(opened, symbols)
                warm(opened, [minute + n * MINUTE for n in range(WARM)])
                times = [visible(opened, minute + (WARM + n) * MINUTE, symbols) for n in range(TURNS)]
                minute += timedelta(hours=1)
                yield Figure(
                    f"from a minute's schedule to the rows of {symbols:,} symbols, {vendor}, local",
                    max(times),
                    "s",
                    f"worst of {TURNS}, best {min(times):.1f} s; {-(-symbols // CHUNK)} messages",
                    limit=LIMIT if symbols == 500 else None,
                )
                if symbols == LARGEST:
                    yield from hour_of(opened, symbols)
