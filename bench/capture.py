"""Capture on a local stage: from a minute's schedule to its rows visible in the lake.

Starts a stage of its own and stops it. Each size is measured on warm functions (`WARM` minutes at once start as many
workers as the stage allows), `TURNS` minutes each, and the worst is the figure. Finnhub is asked symbol by symbol,
which is the dear case; 5,000 symbols want a vendor of many.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from minutemend.core.minutes import MINUTE, Range
from minutemend.services.capture import CHUNK

from bench.table import Figure
from cli.stage import Stage, open_stage
from local.replay import Replay

OPEN = datetime(2025, 11, 12, 14, 30, tzinfo=UTC)
SIZES = (("finnhub", 50), ("finnhub", 500), ("alpaca", 500), ("alpaca", 5_000))
TURNS = 3
WARM = 4
PATIENCE = 120.0  # seconds
LIMIT = 10.0


@contextmanager
def stage(vendor: str) -> Iterator[Stage]:
    """A local stage that asks the simulator by that vendor's API."""
    import local.stack
    from cli.local_stage import store_token
    from local.servers import free_port

    name = f"bench-{vendor}-{free_port()}"
    local.stack.up(name, say=lambda _: None, vendor=vendor, store_token=store_token)
    try:
        yield open_stage(f"local:{name}")
    finally:
        local.stack.down(name)


def follow_symbols(opened: Stage, symbols: int) -> None:
    names = [f"S{number:04d}" for number in range(symbols)]
    parameter = opened.output("SymbolsParameter")
    text = json.dumps({"XNYS": names}, separators=(",", ":"))
    opened.clients.ssm.put_parameter(Name=parameter, Type="String", Tier="Advanced", Overwrite=True, Value=text)


def warm(opened: Stage, minutes: list[datetime]) -> None:
    """Capture some minutes at once, which starts the functions."""
    replay = Replay(opened)
    replay.capture(minutes)
    replay.settle()


def visible(opened: Stage, minute: datetime, expected: int) -> float:
    """Run the minute's schedule; seconds until all its bars are in the lake.

    Of the hour's objects only new ones are read, again and again: whoever looks on takes little of the two cores.
    """
    window = Range(minute, minute + MINUTE)
    before = {(stored.key, stored.etag) for stored in opened.lake.bar_objects(window)}
    begun = time.perf_counter()
    asked = []
    Replay(opened).capture([minute], tell=asked.append)
    wanted = asked[0].symbols
    assert wanted + len(asked[0].dropped) == expected
    while time.perf_counter() - begun < PATIENCE:
        if opened.lake.read_bars(window, without=before).num_rows >= wanted * 0.99:  # some do not trade
            return time.perf_counter() - begun
        time.sleep(0.05)
    raise TimeoutError(f"{wanted} bars of {minute} were not there after {PATIENCE:.0f} s")


def run() -> Iterator[Figure]:
    """For each vendor and size the worst of the turns."""
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


def main() -> None:
    for figure in run():
        print(f"{figure.value:8.2f} {figure.unit} {figure.what}: {figure.beside}", flush=True)


if __name__ == "__main__":
    main()
