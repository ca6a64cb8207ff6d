"""The loop over fakes, driven step by step as the state machine does, with a clock that only the test moves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from minutemend.contract import Key, Status
from minutemend.core.answers import VendorLimits
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, format_instant
from minutemend.core.sessions import Session
from minutemend.core.verdicts import ProofRule
from minutemend.services.await_repairs import AwaitRepairs
from minutemend.services.check_data_health import CheckDataHealth, Checked
from minutemend.services.lake import Lake
from minutemend.services.process_repairs import ProcessRepairs
from minutemend.services.queue_repairs import QueueRepairs
from minutemend.services.report_failure import ReportFailure
from minutemend.services.worker import Received, Tally

from tests.fakes.board import FakeBoard
from tests.fakes.gap_finder import FakeGapFinder
from tests.fakes.queue import FakeJobQueue
from tests.fakes.signals import FakeSignals
from tests.fakes.store import FakeStore
from tests.fakes.vendor import FakeVendor

OPEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
APART = timedelta(seconds=60)
SYMBOLS = ("AAA", "BBB", "CCC")


def bar(symbol: str, minute: datetime, price: float = 10.0) -> Bar:
    return Bar(symbol, minute, price, price + 1, price - 1, price, 100.0)


def session_bars(symbols: Iterable[str] = SYMBOLS, minutes: int = 60) -> list[Bar]:
    """A bar for each minute of the session, each with a price of its own."""
    return [
        bar(symbol, OPEN + n * MINUTE, price=10.0 + n + 100 * index)
        for index, symbol in enumerate(symbols)
        for n in range(minutes)
    ]


class Loop:
    """One stage in memory. `now` is the time for everybody."""

    def __init__(self, *, truth: list[Bar], stored: list[Bar], minutes: int = 60, per_minute: int = 10_000) -> None:
        self.now = OPEN + timedelta(hours=8)
        self.store, self.results = FakeStore(lambda: self.now), FakeStore(lambda: self.now)
        self.lake = Lake(self.store)
        self.lake.calendars.put([Session("XNYS", date(2026, 1, 5), OPEN, OPEN + minutes * MINUTE)])
        self.read_parameter: Callable[[], str | None] = lambda: json.dumps({"XNYS": SYMBOLS})
        if stored:
            self.lake.put_bars(to_table(stored, source="capture", repair_id=None, captured_at=OPEN))
        self.board, self.queue, self.signals = FakeBoard(), FakeJobQueue(), FakeSignals()
        self.finder = FakeGapFinder(self.lake)
        self.vendor = FakeVendor(truth, clock=lambda: self.now, limits=VendorLimits("fake", 100, 1, per_minute))
        self.max_receives = 3
        self.minutes = minutes

    def audit_input(self, **more: Any) -> dict[str, Any]:
        return {"start": format_instant(OPEN), "end": format_instant(OPEN + self.minutes * MINUTE), **more}

    def auditor(self) -> CheckDataHealth:
        return CheckDataHealth(
            lake=self.lake,
            results=self.results,
            finder=self.finder,
            board=self.board,
            parameter=self.read_parameter,
            shipped_sessions=lambda: b"",
            vendors=[self.vendor.name],
            rule=ProofRule(APART),
            settling=MINUTE,
            sweep_days=2,
        )

    def check(self, event: dict[str, Any]) -> Checked:
        return self.auditor().check(event, now=self.now)

    def begin(self, name: str = "audit-1", **more: Any) -> dict[str, Any]:
        """The first look's state."""
        started = format_instant(self.now)
        given = {Key.INPUT: self.audit_input(**more), Key.AUDIT_ID: name, Key.STARTED_AT: started}
        return self.check({str(key): value for key, value in given.items()}).state

    def queuer(self) -> QueueRepairs:
        vendors = [self.vendor.limits]
        return QueueRepairs(
            results=self.results, board=self.board, queue=self.queue, vendors=vendors, rule=ProofRule(APART)
        )

    def queue_repairs(self, state: dict[str, Any]) -> dict[str, Any]:
        return self.queuer().run(state, now=self.now)

    def waiter(self) -> AwaitRepairs:
        return AwaitRepairs(board=self.board, signals=self.signals)

    def wait(self, state: dict[str, Any], token: str) -> None:
        self.waiter().run({**state, "task_token": token})

    def worker(self) -> ProcessRepairs:
        return ProcessRepairs(
            lake=self.lake,
            board=self.board,
            queue=self.queue,
            signals=self.signals,
            vendors={self.vendor.name: self.vendor},
            clock=lambda: self.now,
            lease=timedelta(seconds=30),
            max_receives=self.max_receives,
        )

    def work(self, *, receives: int = 1) -> Tally:
        """Deliver everything that was sent, once, at the time at which the last of it is visible."""
        sent, self.queue.sent = self.queue.sent, []
        self.now += max((one.delay for one in sent), default=timedelta(0))
        batch = [Received(str(n), json.dumps(one.body), receives, one.attributes) for n, one in enumerate(sent)]
        return self.worker().run(batch)

    def run(self, name: str = "audit-1", **more: Any) -> dict[str, Any]:
        """A whole execution, without faults."""
        state = self.begin(name, **more)
        while state[Key.STATUS] == Status.REPAIR:
            state = self.queue_repairs(state)
            token = f"{name}-{state[Key.ATTEMPT]}"
            self.wait(state, token)
            while self.queue.sent:
                self.work()
            assert token in self.signals.resumed
            state = self.check(state).state
        if state[Key.STATUS] == Status.EXHAUSTED:
            return self.report(state)
        return state

    def reporter(self) -> ReportFailure:
        return ReportFailure(lake=self.lake, results=self.results, signals=self.signals, stage="dev")

    def report(self, state: dict[str, Any]) -> dict[str, Any]:
        return self.reporter().run(state, now=self.now).state
