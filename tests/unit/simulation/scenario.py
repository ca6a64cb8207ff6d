"""One run: a lake with holes, vendors, audits, workers, captures, and faults until the dust settles."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from minutemend.core.answers import Source, SourceKind, VendorLimits
from minutemend.core.bars import to_table
from minutemend.core.columns import Bar, Bars
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant
from minutemend.services.lake import Lake
from minutemend.services.worker import Received

from tests.fakes.store import FakeStore
from tests.unit.simulation.backfill import SimBackfill
from tests.unit.simulation.beginnings import (
    LONG,
    MARKETS,
    POISON,
    QUIET,
    as_told,
    holes_of,
    lasting_holes,
    past_facts,
    past_sessions,
    truth_of,
    window_of,
)
from tests.unit.simulation.functions import MAX_RECEIVES, SETTLING, WORKER_LIFE, Functions
from tests.unit.simulation.machine import Execution
from tests.unit.simulation.ports import SimBoard, SimSignals
from tests.unit.simulation.queue import DeadLettersClient, SimQueue
from tests.unit.simulation.store import Row, SimStore, rows_of
from tests.unit.simulation.vendor import SimVendor
from tests.unit.simulation.world import Profile, Violation, World

ROWS = 9  # of each symbol
WORKERS = 3
MOST_STEPS = 20_000
NOISY_STEPS = 1_500
PERSON = timedelta(minutes=30)  # how long a person's command may run


class Scenario:
    """Everything of one run. `truth` is what was traded, `stored` what the lake held at the start."""

    def __init__(self, seed: int, profile: Profile) -> None:
        self.market = market = MARKETS[profile.market]
        self.world = world = World(seed, profile, now=market.window.end + 3 * MINUTE)
        self.profile = profile
        self.store = SimStore(world)
        self.results = FakeStore(lambda: world.now)
        self.lake = Lake(self.store)
        self.board = SimBoard(self)
        self.queue = SimQueue(world, MAX_RECEIVES)
        self.capture_queue = SimQueue(world, MAX_RECEIVES)
        self.executions: list[Execution] = []
        self.signals = SimSignals(self)
        self.truth = truth_of(world, market, past=profile.past)
        self.minutes = {_milliseconds(minute): minute for _, minute in self.truth}
        self.vendors = self._vendors()
        self.stored = self._begin()
        self.before = dict(self.store.objects)
        self.captured_from = world.dice.choice(sorted(self.vendors))
        self.planned: dict[str, RepairJob] = {}
        self.looked: dict[tuple[str, int], int] = {}  # by audit and attempt: the step at which its look began
        self.reported: dict[str, int] = {}  # by audit: the step at which its report began
        self.redrives = 0
        self.functions = Functions(self)
        self._steps = self.functions.steps()
        self._workers = {"worker": 0, "capture": 0}
        self.backfill = SimBackfill(self) if profile.backfill else None

    def _vendors(self) -> dict[str, SimVendor]:
        """One or two of them. Those that draw on two known sources never lack the same traded minute for good."""
        world, profile = self.world, self.profile
        kind = {"unknown": SourceKind.UNKNOWN, "venue": SourceKind.VENUE}.get(profile.sources, SourceKind.FEED)
        vendors: dict[str, SimVendor] = {}
        for name in ("one", "two")[: profile.vendors]:
            taken = {key for other in vendors.values() for key in other.holes if self.two_sources}
            free = self.truth.keys() - taken
            holes = lasting_holes(world, self.market, free, profile.lasting, past=profile.past)
            vendors[name] = SimVendor(
                world,
                name,
                self.truth.values(),
                VendorLimits(name, ROWS * profile.symbols_together, profile.symbols_together, profile.per_minute),
                source=Source(kind, name if profile.sources != "same" else "the tape"),
                holes=holes,
                expected=self.market.expected(),
            )
        return vendors

    def _begin(self) -> dict[tuple[str, datetime], Bar]:
        """Fill the lake, holes left out; days before that the run is not to touch have holes as well."""
        market, world = self.market, self.world
        self.lake.calendars.put([*market.sessions, *market.earlier, *past_sessions(market, self.profile.past)])
        for hour, facts, quiet in past_facts(market, self.profile.past):
            self.lake.hourly.put(hour, facts, replaces=None)
            self.lake.put_absences([quiet])
        holes = holes_of(world, market)
        if self.profile.past == 0:  # a single minute that the lake lacks is plausible, whatever the vendor lacks beside
            holes |= {key for vendor in self.vendors.values() for key in vendor.holes}
        kept = [
            bar
            for key, bar in self.truth.items()
            if key not in holes and (bar.minute in market.window or world.dice.random() < 0.9)
        ]
        fed = [as_told(bar, "feed") for bar in kept]
        self.lake.put_bars(to_table(Bars.of(fed), source="feed", repair_id=None, captured_at=market.window.end))
        return {(bar.symbol, bar.minute): bar for bar in kept}

    def run(self) -> None:
        """Audits and faults, then quiet, until nothing is left to do."""
        world, profile = self.world, self.profile
        for _ in range(profile.poison):
            self.queue.put(world.dice.choice(POISON), {})
        plans: list[tuple[int, Callable[[], object]]] = [
            *((world.dice.randint(0, profile.spread), self._audit_anything) for _ in range(profile.audits - 1)),
            *((world.dice.randint(100, 600), self.redrive) for _ in range(profile.redrives)),
            *((world.dice.randint(0, profile.spread), self._capture_late) for _ in range(profile.captures)),
            *((world.dice.randint(20, 300), self.board.lose) for _ in range(profile.board_losses)),
        ]
        if self.backfill is None:
            self.start_audit("audit-0", self.market.window)
        else:
            self.backfill.begin()
            plans += self.backfill.kills(profile.kills)
        plans.sort(key=lambda plan: plan[0])
        for step in range(MOST_STEPS):
            world.quiet = world.quiet or step > NOISY_STEPS
            while plans and plans[0][0] <= step:
                plans.pop(0)[1]()
            if not self.step() and not plans:
                break
        else:
            raise Violation("it never ends")
        world.quiet = True

    def good_vendors(self) -> None:
        """Time passes until no vendor is paused and no bar late; what vendors load in the end, they load."""
        pauses = [budget.paused for budget in self.board.budgets.values() if budget.paused]
        late = self.market.window.end + timedelta(minutes=self.profile.lag) + 5 * MINUTE
        self.world.now = max(self.world.now, late, *pauses)
        for vendor in self.vendors.values():
            if self.profile.loads:
                vendor.holes.clear()

    def sure(self, key: tuple[str, datetime]) -> bool:
        """Whether a minute was traded that no silence may prove absent. What vendors leave out for once, at random, is
        plausible of a symbol whose past is not known, and counts when two sources happen to leave it out."""
        profile = self.profile
        known = profile.past >= LONG and key[0] != QUIET and not (profile.vendors == 2 and self.two_sources)
        return key in self.truth and (profile.lies == 0 or known)

    @property
    def two_sources(self) -> bool:
        return self.profile.sources in ("two", "venue")

    def settle(self) -> None:
        """No more faults: let what is left come to its end."""
        self.world.quiet = True
        for _ in range(MOST_STEPS):
            if not self.step():
                return
        raise Violation("it never ends")

    def start_audit(self, name: str, window: Range, *, attempts: int = 3) -> Execution:
        given = {"start": format_instant(window.start), "end": format_instant(window.end), "attempts": attempts}
        return self.start_execution(name, given)

    def start_execution(self, name: str, given: dict[str, Any]) -> Execution:
        execution = Execution(self.world, name, self._steps, given, self._timed_out)
        self.executions.append(execution)
        execution.begin()
        return execution

    def redrive(self) -> None:
        """A person sends the dead letters back: each one that was sent is no dead letter any more. Another person may
        have deleted it meanwhile."""
        self.redrives += 1
        client = DeadLettersClient(self.queue)

        def finished(moved: int) -> None:
            there = [held for held in self.queue.dead if str(held.number) in client.deleted]
            if there or len(client.deleted) < moved:
                raise Violation(f"{moved} dead letters were redriven, and {len(client.deleted) - len(there)} are gone")

        work = lambda: self.functions.redrive(client)  # noqa: E731
        self.world.start("mend dlq redrive", work, life=PERSON, finished=finished, died=lambda: None)

    def _audit_anything(self) -> None:
        self.start_audit(f"audit-{len(self.executions)}", window_of(self.world, self.market))

    def _capture_late(self) -> None:
        """The schedule asks for one of the session's minutes, late or once more."""
        bar = self.world.dice.choice([minute for _, minute in sorted(self.market.expected())])
        due = bar + MINUTE + SETTLING
        self.world.start(
            f"request-captures {bar:%H:%M}",
            lambda: self.functions.request_captures(due),
            life=WORKER_LIFE,
            finished=lambda _: None,
            died=lambda: None,
        )

    def step(self) -> bool:
        """One thing happens. False when there is nothing left that could."""
        world = self.world
        if self.backfill is not None:
            self.backfill.sfn.tick()
        for execution in list(self.executions):
            if execution.timer is not None and execution.timer <= world.now:
                execution.tick()
        queues = {"worker": self.queue, "capture": self.capture_queue}
        ready = [(name, visible) for name in queues if (visible := queues[name].visible())]
        ready = [(name, visible) for name, visible in ready if self._workers[name] < WORKERS]
        if not world.processes and not ready:
            times = [one.timer for one in self.executions if one.timer]
            times += [held.visible_at for queue in queues.values() for held in queue.held.values()]
            if not times:
                return False
            world.now = max(world.now, min(times))
            return True
        if world.says(self.profile.slowness):
            world.now += timedelta(seconds=world.dice.choice([1, 5, 25, 70]))
        paces = [process.pace for process in world.processes] + [0.3] * len(ready)
        (pick,) = world.dice.choices(range(len(paces)), paces)
        if pick < len(world.processes):
            world.run_one(world.processes[pick])
        else:
            name, visible = ready[pick - len(world.processes)]
            work = self.functions.work if name == "worker" else self.functions.capture
            self._deliver(name, queues[name], work)
        if world.violations:
            raise world.violations[0]
        return True

    def _deliver(self, name: str, queue: SimQueue, work: Callable[[list[Received]], list[str]]) -> None:
        world = self.world
        visible = queue.visible()
        batch = world.dice.sample(visible, min(len(visible), world.dice.randint(1, 3)))
        receipts = queue.receive(batch)
        records = [Received(str(one.number), one.body, one.receives, dict(one.attributes)) for one in batch]
        self._workers[name] += 1

        def finished(failed: list[str]) -> None:
            self._workers[name] -= 1
            queue.acknowledge(receipts, failed)

        def died() -> None:
            self._workers[name] -= 1

        called = f"{name}({','.join(record.message_id for record in records)})"
        world.start(called, lambda: work(records), life=WORKER_LIFE, finished=finished, died=died)

    def _timed_out(self, execution: Execution) -> None:
        """A wait may time out for jobs that are late or dead, never for lack of a wake-up."""
        audit_id, attempt = execution.state["audit_id"], execution.state["attempt"]
        on_board = self.board.attempts.get((audit_id, attempt))
        mine = [body for held in self.queue.held.values() if _is_of(body := held.body, audit_id, attempt)]
        moved = [held for held in self.queue.moved if _is_of(held.body, audit_id, attempt)]
        done = on_board is not None and on_board.jobs is not None and on_board.settled >= on_board.jobs
        if done and not mine and not moved and not self.world.processes and not self.board.losses:
            raise Violation(f"{execution.name} waits for nothing: every job of attempt {attempt} is settled")

    def outcome(self, job_id: str) -> str | None:
        """What a job was settled as; None while it is open."""
        return self.board.outcomes.get(job_id)

    def raw_rows(self) -> list[Row]:
        """Every row of every bar object that is there, unresolved."""
        rows: list[Row] = []
        for key in self.store.objects:
            part = self.lake.read_objects([key]) if key.startswith("bars/") else None
            rows += rows_of(part) if part is not None else []
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
