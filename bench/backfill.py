"""A backfill on the local stage, from the market simulator: how fast, how large, how many requests, and every bar.

`python -m bench backfill` runs a part, `python -m bench.backfill measure SYMBOLS MONTHS` any other (or files, planned).
The stage, the vendor and AWS itself are processes of this one machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from minutemend.contract import VENDORS, VendorSettings
from minutemend.core.minutes import MINUTE, Range, edges, epoch_minute, format_instant
from minutemend.services.interest import set_interested_stocks

from bench.bound import at_least, whole
from bench.process import MEND, took
from bench.stage import stage
from bench.table import Figure
from mend.commands.sessions import put_sessions

PATIENCE = 120.0  # seconds
FIRST = datetime(2023, 1, 1, tzinfo=UTC)


def run() -> list[Figure]:
    """A year of 100 symbols, a year of five coins' files, the plan of years, and 5,000 symbols."""
    return [*measure(100, 12), *files(), *planned(), *many()]


def planned(symbols: int = 500, months: int = 60) -> Iterator[Figure]:
    """`mend plan` of years that an empty lake lacks altogether, from the shell."""
    with stage("alpaca") as (opened, *_):
        names = [f"S{number:04}" for number in range(symbols)]
        set_interested_stocks(opened.lake, json.dumps({"XNYS": names}), now=datetime.now(UTC))
        put_sessions(opened)
        option = ["--stage", opened.option, "--start", f"{2024 - months // 12}-01-01", "--end", "2024-01-01"]
        done = took([MEND, "plan", *option, "--format", "json"], codes=(1,))  # something is missing
        told = json.loads(done.said)
        shown = ", ".join(f"{name} {told[name]}" for name in told if not isinstance(told[name], list | dict))
        yield Figure(f"mend plan, {symbols} symbols, {months} months: from the shell", done.seconds, "s", shown, 60)
        yield Figure("the same: peak memory of the command", done.megabytes, "MB")


def files(symbols: int = 5, months: int = 12) -> Iterator[Figure]:
    """Months of coins from the archive, each a window: what QueueRepairs plans, asked by the adapter alone."""
    from minutemend.adapters.http import UrllibHttp
    from minutemend.adapters.vendors import adapter_of, limits_of
    from minutemend.core.intervals import merge
    from minutemend.core.plan import plan
    from minutemend.core.verdicts import ProofRule
    from minutemend.services.queue_repairs import with_archives

    from bench.years_process import needs_of
    from market.server import MarketServer

    names = [f"C{number:02}USDT" for number in range(symbols)]
    least = wrong = stored = 0
    with MarketServer(calendar="24/7") as market:
        vendor = VendorSettings(
            "binance", market.url, 1000, timedelta(minutes=1), archive=market.url
        )  # it makes bars up
        asks = adapter_of(vendor.name)(vendor, credentials=None, http=UrllibHttp(), clock=lambda: datetime.now(UTC))
        first = FIRST
        for _ in range(months):
            end = (first + timedelta(days=32)).replace(day=1)
            opens = np.tile(np.arange(epoch_minute(first), epoch_minute(end), 1440), symbols)
            needs = needs_of(symbols, opens, opens + 1440, opens, opens + 1440)
            limits = with_archives([limits_of(vendor)], needs.gaps)
            least += at_least(merge(needs.gaps.line.starts, needs.gaps.line.ends), rows=1000, symbols=1)
            for job in plan(needs, audit_id="a", attempt=1, vendors=limits, rule=ProofRule(timedelta(0))):
                name = names[int(job.request.symbols[0][1:])]
                todo = [replace(job.request, symbols=(name,))]
                while todo:
                    answer = asks.fetch(todo[0])
                    window = todo[0].range if not answer.left else answer.covered[name]
                    given = market.source.rows(name, epoch_minute(window.start), epoch_minute(window.end))
                    came = np.column_stack([answer.bars.minutes, answer.bars.values])
                    wrong += not np.array_equal(came, np.array(given, np.float64)[:, :6])
                    stored += len(came)
                    todo[:1] = answer.left
            first = end
        asked = market.counts()["requests"]
    title = f"{symbols} symbols, {months} months of 24/7 from files"
    yield Figure(f"{title}: requests to the API's at least", asked / least, "x", f"{asked:,}, {least:,}", 1 / 20)
    yield Figure(f"{title}: answers that differ from the source", wrong, "", f"of {stored:,} bars", 0)


def many(symbols: int = 5000) -> Iterator[Figure]:
    """An hour of very many symbols that the lake lacks: the list is set, the hour audited, repaired and published; then
    minutes captured."""
    with stage("alpaca") as (opened, market, held), tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"XNYS": [f"S{number:05}" for number in range(symbols)]}, file)
        file.flush()
        named = ["--stage", opened.option]
        done = took([MEND, "symbols", "set", *named, file.name])
        size = f"{Path(file.name).stat().st_size:,} bytes"
        yield Figure(f"mend symbols set, {symbols:,} symbols", done.seconds, "s", size)
        hour = ["--start", "2024-03-05T15:00:00Z", "--end", "2024-03-05T16:00:00Z"]
        with Peaks(held.aws.pid) as watched:
            done = took([MEND, "repair", *named, *hour, "--wait"])
        asked = market.counts()["requests"]
        yield Figure(
            f"audit, repair and publish an hour of {symbols:,} symbols", done.seconds, "s", f"{asked} requests"
        )
        for name, peak in sorted(watched.found.items(), key=lambda item: -item[1]):
            yield Figure(f"the same: peak memory of {name}", peak, "MB")
        stored = opened.lake.read_bars(Range(*(datetime(2024, 3, 5, at, tzinfo=UTC) for at in (15, 16)))).num_rows
        yield Figure("the same: bars that are not there", 60 * symbols - stored, "", f"of {60 * symbols:,}", 0)
        done = took([MEND, "repair", *named, *hour, "--wait"])
        more = market.counts()["requests"] - asked
        yield Figure("the same once more", done.seconds, "s", f"{more} requests")
        done = took([MEND, "status", *named])
        yield Figure(f"mend status, {symbols:,} symbols", done.seconds, "s", f"{done.megabytes:.0f} MB")
        minutes = [datetime(2024, 3, 5, 17, minute, tzinfo=UTC) for minute in range(5)]
        times = [captured(opened, minute, symbols) for minute in minutes]  # the first one starts the functions
        title = f"from a minute's schedule to the rows of {symbols:,} symbols, alpaca, local"
        yield Figure(title, max(times[1:]), "s", f"worst of {len(times) - 1}, best {min(times[1:]):.1f} s")


def captured(opened: Any, minute: datetime, symbols: int) -> float:
    """Run the minute's schedule; seconds until its bars are in the lake."""
    due = {"scheduled_at": format_instant(minute + MINUTE + opened.settings.settling_delay)}
    begun = time.perf_counter()
    name = opened.output("RequestCapturesFunction")
    opened.clients.functions.invoke(FunctionName=name, Payload=json.dumps(due).encode())
    while time.perf_counter() - begun < PATIENCE:
        stored = opened.lake.read_bars(Range(minute, minute + MINUTE)).num_rows
        if stored >= symbols * 0.97:  # dev drops one in fifty on purpose
            return time.perf_counter() - begun
        time.sleep(0.05)
    raise TimeoutError(f"the bars of {minute} were not there after {PATIENCE:.0f} s")


def measure(symbols: int, months: int) -> Iterator[Figure]:
    """A backfill of so many symbols of XNYS through Alpaca's API, into an empty lake."""
    end = (FIRST + timedelta(days=31 * months)).replace(day=1)
    names = [f"S{number:03}" for number in range(symbols)]
    with stage("alpaca") as (opened, market, held):
        set_interested_stocks(opened.lake, json.dumps({"XNYS": names}), now=datetime.now(UTC))
        put_sessions(opened)
        sessions = opened.lake.calendars.sessions(Range(FIRST, end), ["XNYS"])
        expected = symbols * sum(one.minutes for one in sessions)
        edges_of = ["--start", f"{FIRST:%Y-%m-%d}", "--end", f"{end:%Y-%m-%d}"]
        command = [MEND, "backfill", "--stage", opened.option, *edges_of, "--wait"]
        title = f"{symbols} symbols, {months} months of XNYS"
        with Peaks(held.aws.pid) as watched:
            done = took([*command, "--format", "json"])
        beside = f"{expected:,} bars, {done.seconds:,.0f} s, {json.loads(done.said)['windows']['whole']} windows"
        yield Figure(f"{title}: minutes a second", expected / done.seconds, "/s", beside)
        asked = market.counts()["requests"]
        yield Figure(f"{title}: requests to the bound", asked / _least(sessions, symbols), "x", f"{asked} requests")
        for name, peak in sorted(watched.found.items(), key=lambda item: -item[1]):
            yield Figure(f"{title}: peak memory of {name}", peak, "MB")
        differ = sum(_differ(opened, market, names, part) for part in sessions)
        yield Figure(f"{title}: bars that differ from the source", differ, "", f"of {expected:,}, each compared", 0)
        done = took(command)
        more = market.counts()["requests"] - asked
        yield Figure(f"{title}: requests of a second run", more, "", f"{done.seconds:,.0f} s", 0)


def _least(sessions: list[Any], symbols: int) -> int:
    """The bound of a plan for all that is expected, month by month."""
    total, limits = 0, VENDORS["alpaca"]
    for _, month in groupby(sessions, key=lambda one: (one.dt.year, one.dt.month)):
        opens, closes = edges(one.range for one in month)
        total += at_least(whole(opens, closes, symbols), rows=limits.rows, symbols=limits.symbols)
    return total


def _differ(opened: Any, market: Any, names: list[str], session: Any) -> int:
    """How many minutes of a session are stored otherwise than the simulator has them, or not, or too many."""
    bars = opened.lake.read_bars(session.range, names)
    stored = np.stack([bars[name].to_numpy() for name in ("open", "high", "low", "close", "volume")], axis=1)
    minute = bars["minute"].to_numpy().astype("M8[m]").astype(np.int64)
    symbol = np.array(bars["symbol"].to_pylist())
    wrong = 0
    for name in names:
        given = np.array(market.source.rows(name, epoch_minute(session.open), epoch_minute(session.close)), np.float64)
        mine = symbol == name
        if not np.array_equal(minute[mine], given[:, 0]):
            wrong += len(np.setxor1d(minute[mine], given[:, 0]))
        else:
            wrong += int((stored[mine] != given[:, 1:6]).any(axis=1).sum())
    return wrong


@dataclass
class Peaks:
    """The most resident MB of each process of a local stage, by name, while the context is open: looked at each
    second, the functions' processes by their function, the largest of several."""

    aws: int  # the process of its AWS
    found: dict[str, float] = field(default_factory=dict)

    def __enter__(self) -> Peaks:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(1):
            for process in Path("/proc").iterdir():
                if process.name.isdigit():
                    self._look(process)

    def _look(self, process: Path) -> None:
        try:
            status = (process / "status").read_text()
            parent = int(status.partition("PPid:")[2].split()[0])
            if self.aws not in (parent, int(process.name)):
                return
            name = "local AWS"
            if parent == self.aws:
                environment = (process / "environ").read_bytes().split(b"\0")
                named = next((one for one in environment if one.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")), b"=")
                name = named.partition(b"=")[2].decode().rpartition("minutemend-dev-")[2] or "another"
            resident = int(status.partition("VmHWM:")[2].split()[0]) / 1000
            self.found[name] = max(resident, self.found.get(name, 0.0))
        except (OSError, IndexError, ValueError):
            return


def main() -> None:
    parts = {part.__name__: part for part in (measure, files, planned, many)}
    for figure in parts[sys.argv[1]](*map(int, sys.argv[2:])):
        print(f"{figure.value:14,.3f} {figure.unit:3} {figure.what}  {figure.beside}", flush=True)


if __name__ == "__main__":
    main()
