"""One run: a lake with holes, vendors, audits, workers, and faults until the dust settles."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from minutemend.core.bars import to_table
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant
from minutemend.core.plan import VendorLimits
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import ProofRule
from minutemend.ports.vendor import Limits
from minutemend.services.audit import Audit
from minutemend.services.await_repairs import AwaitRepairs
from minutemend.services.lake import Lake
from minutemend.services.process_repairs import ProcessRepairs, Received
from minutemend.services.publish import Publish
from minutemend.services.queue_repairs import QueueRepairs
from minutemend.services.report_failure import ReportFailure

from tests.fakes.gap_finder import FakeGapFinder
from tests.fakes.store import FakeStore
from tests.unit.simulation.beginnings import (
    OTHER_DAY,
    POISON,
    SESSION,
    SYMBOLS,
    holes_of,
    truth_of,
    window_of,
)
from tests.unit.simulation.machine import Execution
from tests.unit.simulation.ports import Remembering, SimBoard, SimSignals
from tests.unit.simulation.queue import Held, SimQueue
from tests.unit.simulation.vendor import SimVendor
from tests.unit.simulation.world import Mortal, Profile, Violation, World

APART = timedelta(seconds=30)
WORKER_LIFE = timedelta(seconds=20)
RESERVE = timedelta(seconds=4)
MAX_RECEIVES = 4
ROWS = 9
MOST_STEPS = 20_000
NOISY_STEPS = 1_500
_STAMP = pa.timestamp("ms")


class Scenario:
    """Everything of one run. `truth` is what the vendors know, `stored` what the lake held at the start."""

    def __init__(self, seed: int, profile: Profile) -> None:
        self.world = world = World(seed, profile)
        self.profile = profile
        self.store = FakeStore(lambda: world.now)
        self.results = FakeStore(lambda: world.now)
        self.lake = Lake(self.store)
        self.board = SimBoard()
        self.queue = SimQueue(world, MAX_RECEIVES)
        self.executions: list[Execution] = []
        self.signals = SimSignals(self)
        self.truth = truth_of(world)
        # By symbol and milliseconds, as the lake keeps them.
        self.minutes = {_milliseconds(minute): minute for _, minute in self.truth}
        self.known = {(symbol, _milliseconds(minute)): bar for (symbol, minute), bar in self.truth.items()}
        holes = holes_of(world)
        self.stored = {key: bar for key, bar in self.truth.items() if key not in holes}
        self.lake.put_sessions(
            Session("XNYS", window.start.date(), window.start, window.end) for window in (OTHER_DAY, SESSION)
        )
        kept = [bar for bar in self.stored.values() if world.dice.random() < 0.9 or bar.minute in SESSION]
        self.lake.put_bars(to_table(kept, source="capture", repair_id=None, captured_at=SESSION.end))
        self.stored = {(bar.symbol, bar.minute): bar for bar in kept}
        self.before = dict(self.store.objects)
        limits = Limits(rows=ROWS, symbols=profile.symbols_together, per_minute=profile.per_minute)
        self.vendors = {
            name: SimVendor(world, name, self.truth.values(), limits) for name in ("one", "two")[: profile.vendors]
        }
        self.planned: dict[str, RepairJob] = {}
        self.redrives = 0
        self.workers = 0

    def run(self) -> None:
        """Audits and faults, then quiet, until nothing is left to do."""
        world = self.world
        begins = sorted(world.dice.randint(0, 80) for _ in range(self.profile.audits - 1))
        redrives = sorted(world.dice.randint(100, 600) for _ in range(self.profile.redrives))
        for _ in range(self.profile.poison):
            self.queue.put(world.dice.choice(POISON), {})
        self.start_audit("audit-0", SESSION)
        for step in range(MOST_STEPS):
            world.quiet = world.quiet or step > NOISY_STEPS
            while begins and begins[0] <= step:
                begins.pop(0)
                self.start_audit(f"audit-{len(self.executions)}", window_of(world))
            while redrives and redrives[0] <= step:
                redrives.pop(0)
                self.redrives += 1
                self.queue.redrive()
            if not self._step() and not begins:
                break
        else:
            raise Violation("it never ends")
        world.quiet = True

    def settle(self) -> None:
        """No more faults: let what is left come to its end."""
        self.world.quiet = True
        for _ in range(MOST_STEPS):
            if not self._step():
                return
        raise Violation("it never ends")

    def start_audit(self, name: str, window: Range, *, attempts: int = 3) -> Execution:
        steps = {
            "CheckDataHealth": self._check,
            "QueueRepairs": self._queue_repairs,
            "WaitForRepairs": self._wait,
            "CheckProgress": self._look_on,
            "ExecuteDataTask": self._publish,
            "ReportFailure": self._report,
        }
        given = {"start": format_instant(window.start), "end": format_instant(window.end), "attempts": attempts}
        execution = Execution(self.world, name, steps, given, self._timed_out)
        self.executions.append(execution)
        execution.begin()
        return execution

    def _step(self) -> bool:
        """One thing happens. False when there is nothing left that could."""
        world = self.world
        for execution in list(self.executions):
            if execution.timer is not None and execution.timer <= world.now:
                execution.tick()
        visible = self.queue.visible() if self.workers < 3 else []
        count = len(world.processes) + bool(visible)
        if count == 0:
            times = [one.timer for one in self.executions if one.timer] + [
                held.visible_at for held in self.queue.held.values()
            ]
            if not times:
                return False
            world.now = max(world.now, *times) if len(times) == 1 else max(world.now, min(times))
            return True
        if world.says(self.profile.slowness):
            world.now += timedelta(seconds=world.dice.choice([1, 5, 25, 70]))
        paces = [process.pace for process in world.processes] + [0.3] * bool(visible)
        (pick,) = world.dice.choices(range(count), paces)
        if pick < len(world.processes):
            world.run_one(world.processes[pick])
        else:
            self._deliver(visible)
        return True

    def _deliver(self, visible: list[Held]) -> None:
        world = self.world
        batch = world.dice.sample(visible, min(len(visible), world.dice.randint(1, 3)))
        self.queue.receive(batch)
        records = [Received(str(one.number), one.body, one.receives, dict(one.attributes)) for one in batch]
        self.workers += 1

        def finished(failed: list[str]) -> None:
            self.workers -= 1
            self.queue.acknowledge(batch, failed)

        def died() -> None:
            self.workers -= 1

        name = f"worker({','.join(record.message_id for record in records)})"
        world.start(name, lambda: self._work(records), life=WORKER_LIFE, finished=finished, died=died)

    # the functions, each over mortal ports

    def _mortal(self, port: Any) -> Any:
        return Mortal(self.world, port)

    def _check(self, state: dict[str, Any]) -> dict[str, Any]:
        lake = Lake(self._mortal(self.store))
        service = Audit(
            lake=lake,
            results=self._mortal(self.results),
            finder=self._mortal(FakeGapFinder(self.lake)),
            listings=lambda: [Listing(symbol, "XNYS") for symbol in SYMBOLS],
            shipped_sessions=lambda: b"",
            vendors=sorted(self.vendors),
            rule=ProofRule(APART),
            settling=MINUTE,
            sweep_days=2,
        )
        return service.check(state, now=self.world.clock()).state

    def _queue_repairs(self, state: dict[str, Any]) -> dict[str, Any]:
        vendors = [
            VendorLimits(name, one.limits.rows, one.limits.symbols, one.limits.per_minute)
            for name, one in sorted(self.vendors.items())
        ]
        service = QueueRepairs(
            results=self._mortal(self.results),
            board=self._mortal(self.board),
            queue=self._mortal(Remembering(self)),
            vendors=vendors,
            rule=ProofRule(APART),
        )
        return service.run(state, now=self.world.clock())

    def _wait(self, state: dict[str, Any]) -> None:
        AwaitRepairs(board=self._mortal(self.board), signals=self._mortal(self.signals)).run(state)

    def _look_on(self, state: dict[str, Any]) -> dict[str, Any]:
        return AwaitRepairs(board=self._mortal(self.board), signals=self._mortal(self.signals)).look(state)

    def _work(self, records: list[Received]) -> list[str]:
        service = ProcessRepairs(
            lake=Lake(self._mortal(self.store)),
            board=self._mortal(self.board),
            queue=self._mortal(self.queue),
            signals=self._mortal(self.signals),
            vendors={name: self._mortal(vendor) for name, vendor in self.vendors.items()},
            clock=self.world.clock,
            lease=WORKER_LIFE + RESERVE,
            max_receives=MAX_RECEIVES,
        )
        return service.run(records, deadline=self.world.clock() + WORKER_LIFE / 2).failed

    def _publish(self, state: dict[str, Any]) -> dict[str, Any]:
        if self.profile.publish:
            service = Publish(
                lake=Lake(self._mortal(self.store)), signals=self._mortal(self.signals), retire_after=timedelta(0)
            )
            window = Range(datetime.fromisoformat(state["start"]), datetime.fromisoformat(state["end"]))
            service.run(window, None, audit_id=state["audit_id"], now=self.world.clock())
        return state

    def _report(self, state: dict[str, Any]) -> dict[str, Any]:
        service = ReportFailure(
            lake=Lake(self._mortal(self.store)),
            results=self._mortal(self.results),
            signals=self._mortal(self.signals),
            stage="dev",
        )
        return service.run(state, now=self.world.clock()).state

    def _timed_out(self, execution: Execution) -> None:
        """A wait may time out for jobs that are late or dead, never because nobody woke it up."""
        audit_id, attempt = execution.state["audit_id"], execution.state["attempt"]
        on_board = self.board.attempts[audit_id, attempt]
        mine = [body for held in self.queue.held.values() if _is_of(body := held.body, audit_id, attempt)]
        moved = [held for held in self.queue.moved if _is_of(held.body, audit_id, attempt)]
        done = on_board.jobs is not None and on_board.settled >= on_board.jobs
        if done and not mine and not moved and not self.world.processes:
            raise Violation(f"{execution.name} waits for nothing: every job of attempt {attempt} is settled")

    def outcome(self, job_id: str) -> str | None:
        """What the board says of a job; None while it is open."""
        known = self.board.jobs.get(job_id)
        return known.outcome if known else None

    def raw_rows(self) -> list[tuple[Any, ...]]:
        """Every row of every bar object that is there, unresolved; minutes in milliseconds."""
        rows: list[tuple[Any, ...]] = []
        for key in self.store.objects:
            part = self.lake.read_objects([key]) if key.startswith("bars/") else None
            if part is not None:
                columns = [column.cast(pa.int64()) if column.type == _STAMP else column for column in part.columns]
                rows += zip(*(column.to_pylist() for column in columns), strict=True)
        return rows

    def bars_of(self, window: Range) -> list[tuple[str, datetime]]:
        """Symbol and minute of every bar that a reader sees."""
        bars = self.lake.read_bars(window)
        stamps = bars["minute"].cast(pa.int64()).to_pylist()
        return [(symbol, self.minutes[stamp]) for symbol, stamp in zip(bars["symbol"].to_pylist(), stamps, strict=True)]


def _milliseconds(minute: datetime) -> int:
    return epoch_minute(minute) * 60_000


def _is_of(body: str, audit_id: str, attempt: int) -> bool:
    try:
        given = json.loads(body)
    except ValueError:
        return False
    return bool(isinstance(given, dict) and given.get("audit_id") == audit_id and given.get("attempt") == attempt)
