"""A past day through a stage as if it were now: each minute's schedule, each hour's audit, by scheduled time.

The schedules of a stage carry the time that they are for. The same events make the same things
happen, at whatever speed the machine allows.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pandas as pd
from minutemend.core.minutes import MINUTE, Range, format_instant

from mend.aws import executions
from mend.aws.dead_letters import depth
from mend.stage import Stage

T = TypeVar("T")
HOUR = timedelta(hours=1)
DELIVERIES = 4  # of a minute's schedule whose function fails: as infra/constructs/schedules.py has it
FACTS = ["open", "high", "low", "close", "volume"]


class ReplayStuck(Exception):
    """The capture queue did not run dry in time."""


class FunctionFailed(Exception):
    """The function raised; the message says what."""


def invoke(functions: Any, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Run a deployed function, wait for it, and return what it returned. Raises FunctionFailed."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    body = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise FunctionFailed(f"{name} failed with {body[:500]}")
    said: dict[str, Any] = json.loads(body)
    return said


@dataclass(frozen=True, slots=True)
class Minute:
    """What the schedule of one minute asked for."""

    start: datetime
    symbols: int
    dropped: tuple[str, ...]  # on purpose, by the flaw


@dataclass(frozen=True, slots=True)
class Replay:
    """A stage, driven by scheduled instants.

    `at_once` is how many schedules run at the same time, and how many audits beside them. An emulator on two cores is
    not made faster by more than four; and each one more is a function that starts cold, which takes seconds.
    """

    stage: Stage
    at_once: int = 4

    def capture(self, minutes: Iterable[datetime], *, tell: Callable[[Minute], None] = lambda _: None) -> None:
        """Run the schedule of each of these minutes (left edges) at the instant at which it is due, again where its
        function fails, as the scheduler does. Raises FunctionFailed when it fails each time."""
        with ThreadPoolExecutor(self.at_once) as pool:  # boto3's clients may be shared by threads
            for done in pool.map(self._request, minutes):
                tell(done)

    def _request(self, minute: datetime) -> Minute:
        stage, settings = self.stage, self.stage.settings
        name = stage.output("RequestCapturesFunction")
        due = {"scheduled_at": format_instant(minute + MINUTE + settings.settling_delay)}
        for delivery in range(1, DELIVERIES + 1):
            try:
                said = invoke(stage.clients.functions, name, due)
                break
            except FunctionFailed:
                if delivery == DELIVERIES:
                    raise
        return Minute(minute, int(said["symbols"]), tuple(said["dropped"]))

    def settle(self, *, seconds: float | None = None) -> None:
        """Wait until the capture workers have nothing left to do, for as long as a message can live: one whose worker
        dies is hidden for six times the worker's time-out, and is dead when that has come to `max_receives` of them.
        Raises ReplayStuck."""
        settings = self.stage.settings
        patience = seconds or settings.max_receives * 6 * settings.worker_timeout.total_seconds()
        until = time.monotonic() + patience
        quiet = 0
        while quiet < 2:  # SQS's counts are approximate: twice nothing is nothing
            found = depth(self.stage.clients.sqs, self.stage.output("CaptureQueueUrl"))
            left = found.waiting + found.in_flight + found.delayed
            quiet = quiet + 1 if left == 0 else 0
            if time.monotonic() > until:
                raise ReplayStuck(f"{left} messages are still on the capture queue after {patience:.0f} s")
            time.sleep(0.15)

    def run(
        self,
        hours: Sequence[datetime],
        audit: Callable[[datetime], T],
        *,
        together: int,
        tell: Callable[[Minute], None] = lambda _: None,
    ) -> list[T]:
        """Capture `together` hours at a time and audit each of them, by `audit`, while the next are captured; what the
        audits gave, in the order of the hours.

        The stage does no less: captures, audits and sweeps may overlap, and an hour's audit wants nothing but that
        its minutes have been captured. Raises ReplayStuck, and whatever `audit` raises.
        """
        blocks = [hours[first : first + together] for first in range(0, len(hours), together)]
        with ThreadPoolExecutor(self.at_once) as pool:
            audits = []
            for block in blocks:
                self.capture((hour + n * MINUTE for hour in block for n in range(60)), tell=tell)
                self.settle()
                audits += [pool.submit(audit, hour) for hour in block]
            return [one.result() for one in audits]

    def audit(self, hour: datetime) -> str:
        """Start the hourly audit of the hour that begins at `hour`, as its schedule does; its execution's ARN."""
        settled = hour + HOUR + self.stage.settings.settling_delay
        return self._start({"scheduled_at": format_instant(settled + 5 * MINUTE)}, name=f"{hour:%Y%m%dT%H}")

    def sweep(self, day: datetime) -> str:
        """Start the nightly sweep after the UTC date that begins at `day`, as its schedule does; its execution's
        ARN. It audits the stage's trailing days, `day` the last of them."""
        night = day + timedelta(days=1, hours=3, minutes=40)
        return self._start({"scheduled_at": format_instant(night), "sweep": True}, name=f"{day:%Y%m%d}-sweep")

    def _start(self, given: Mapping[str, object], *, name: str) -> str:
        return executions.start(
            self.stage.clients.stepfunctions,
            self.stage.output("StateMachineArn"),
            given,
            name=f"replay-{name}-{secrets.token_hex(3)}",
        )


def direct_facts(bars: pd.DataFrame) -> pd.DataFrame:
    """Hourly facts straight from bars (symbol, minute in UTC, values), by pandas alone: the oracle.

    Indexed by symbol and hour, sorted; open, high, low, close, volume, minutes_present.
    """
    ordered = bars.sort_values(["symbol", "minute"])
    hours = ordered.assign(hour=ordered["minute"].dt.floor("h"), minutes_present=1).groupby(["symbol", "hour"])
    return hours.agg(
        {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "minutes_present": "sum"}
    )


def published_facts(stage: Stage, window: Range) -> pd.DataFrame:
    """The stage's hourly facts of the range, indexed like `direct_facts`; hours without a bar are left out."""
    facts = stage.lake.hourly.facts(window).to_pandas()
    facts["hour"] = facts["hour"].dt.tz_localize("UTC")
    held: pd.DataFrame = facts[facts["minutes_present"] > 0].set_index(["symbol", "hour"]).sort_index()
    return held


def differing_facts(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[tuple[str, datetime]]:
    """The symbol-hours in which the two differ, in any bit of any value, or that only one of them has."""
    names = [*FACTS, "minutes_present"]
    index = ours.index.union(theirs.index)
    same = ours[names].reindex(index).to_numpy() == theirs[names].reindex(index).to_numpy()  # NaN equals nothing
    return [(str(symbol), hour.to_pydatetime()) for symbol, hour in index[~same.all(axis=1)]]
