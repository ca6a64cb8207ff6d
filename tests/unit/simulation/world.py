"""A world in which time, scheduling, death and errors are decided by one seed.

Every process (a worker's invocation, a step of the state machine) runs the real services as a greenlet. Each call
of a port is a point at which the world may let another process go on, let time pass, or kill the process: before
the effect, or after it. There are no threads and no clocks: one seed replays one run, step by step.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import greenlet

BEGIN = datetime(2026, 1, 6, 12, 0, tzinfo=UTC)


class Died(BaseException):
    """The process is gone: no `except Exception` of the services sees it, as none sees a killed function."""


class Broken(Exception):
    """An AWS call failed for once."""


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How bad a run is. Rates are probabilities at each occasion; all zero is a run without faults."""

    death: float = 0.0  # at each effect
    errors: float = 0.0  # at each effect: the call fails, before the effect or after it
    slowness: float = 0.0  # at each effect: up to 70 s pass, in which others' leases and lives run out
    duplicates: float = 0.0  # of each delivery
    throttling: float = 0.0  # of each vendor request: 429 with Retry-After, an hour now and then
    outage: float = 0.0  # of each vendor request: 5xx, time-outs
    garbage: float = 0.0
    no_data: float = 0.0
    refusals: float = 0.0
    lies: float = 0.0  # of each bar in an answer: left out for once
    restates: float = 0.0  # of each bar in an answer: other values than the vendor said before
    cut_short: float = 0.0  # of each answer: `covered` ends early
    skew: int = 0  # seconds that a process's clock may be off, either way
    audits: int = 1
    backfill: bool = False  # the first of them is a backfill of several windows
    kills: int = 0  # how often it is stopped, or its map or a window is killed; each time it is resumed
    poison: int = 0
    redrives: int = 0
    per_minute: int = 1000
    patience: int = 15  # minutes until a wait times out
    symbols_together: int = 1
    vendors: int = 1
    publish: bool = False
    market: str = "hour"  # which sessions there are: `beginnings.MARKETS`
    captures: int = 0  # minutes that are captured late, beside the repairs
    spread: int = 80  # steps in which audits and captures begin
    past: int = 0  # sessions that the hourly facts know: two of the symbols lacked no minute in them
    lasting: str = ""  # minutes that vendors lack for good: `beginnings.lasting_holes`
    loads: bool = False  # in the end they load them
    lag: int = 0  # minutes after which vendors have a bar
    lag_known: bool = True  # they say so
    sources: str = "unknown"  # what vendors draw on: `unknown`, `same`, `two`, `venue`
    sql: bool = False  # audits look by the SQL itself, on DuckDB
    board_losses: int = 0  # how often everything on the board is gone

    def as_dict(self) -> dict[str, Any]:
        """Every rate by its name."""
        return asdict(self)


@dataclass(slots=True)
class Process:
    """One invocation of a function, and when it has to be over."""

    name: str
    fiber: Any
    ends: datetime
    skew: timedelta
    pace: float  # how often it is its turn: some are starved, so that others overtake them
    finished: Callable[[Any], None]
    died: Callable[[], None]
    job: str | None = None  # the repair job whose lease it holds


@dataclass(slots=True)
class World:
    """The scheduler. `log` is what happened, for a person who replays a seed."""

    seed: int
    profile: Profile
    now: datetime = BEGIN
    processes: list[Process] = field(default_factory=list)
    log: list[tuple[datetime, str]] = field(default_factory=list)
    quiet: bool = False  # the dust settles: no new faults from here on
    dice: random.Random = field(init=False)
    current: Process | None = None
    steps: int = 0  # how often a process went on: finer than the time
    violations: list[Violation] = field(default_factory=list)
    _main: Any = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self._main = greenlet.getcurrent()

    def says(self, rate: float) -> bool:
        """Whether a fault of this rate strikes now."""
        return rate > 0 and not self.quiet and self.dice.random() < rate

    def note(self, text: str) -> None:
        self.log.append((self.now, text))

    def wrong(self, text: str) -> Violation:
        """An invariant is broken in the middle of a process, whose services might take the exception for trouble."""
        self.violations.append(Violation(text))
        return self.violations[-1]

    def clock(self) -> datetime:
        """The time as the running process sees it."""
        return self.now + (self.current.skew if self.current else timedelta(0))

    def start(
        self,
        name: str,
        work: Callable[[], Any],
        *,
        life: timedelta,
        finished: Callable[[Any], None],
        died: Callable[[], None],
    ) -> None:
        """Begin a process. It runs when the world lets it."""
        off = self.profile.skew if not self.quiet else 0
        skew = timedelta(seconds=self.dice.randint(-off, off) if off else 0)
        fiber = greenlet.greenlet(work, parent=self._main)
        pace = self.dice.choice([0.02, 0.3, 1.0])
        self.processes.append(Process(name, fiber, self.now + life, skew, pace, finished, died))
        self.note(f"{name} begins")

    def effect(self, name: str, act: Callable[[], Any]) -> Any:
        """One effect of the running process: others may run before it, and death comes before or after it.

        A call that fails may have done its work all the same: the answer was lost.
        """
        process = self.current
        if process is None:
            return act()  # the test itself looks or prepares
        self._main.switch()
        fails = self.says(self.profile.errors)
        if fails and self.dice.random() < 0.5:
            self.note(f"{process.name}: {name} fails")
            raise Broken(f"{name} failed for once")
        result = act()
        if fails:
            self.note(f"{process.name}: {name} is done, and fails all the same")
            raise Broken(f"{name} failed for once, after it was done")
        if self.says(self.profile.death / 2):
            self.note(f"{process.name} dies after {name}")
            raise Died
        return result

    def sleep(self, seconds: float) -> None:
        """The running process waits, and time passes for all."""

        def pass_time() -> None:
            self.now += timedelta(seconds=seconds)

        self.effect("sleep", pass_time)

    def run_one(self, process: Process) -> None:
        """Let a process go on to its next effect, or die."""
        self.current = process
        self.steps += 1
        try:
            if process.ends <= self.now or self.says(self.profile.death / 2):
                self.note(f"{process.name} {'runs out of time' if process.ends <= self.now else 'dies'}")
                result = process.fiber.throw(Died)
            else:
                result = process.fiber.switch()
        except (Died, Broken) as end:
            self.current = None
            self.processes.remove(process)
            self.note(f"{process.name} is gone: {end or 'dead'}")
            process.died()
            return
        finally:
            self.current = None
        if process.fiber.dead:
            self.processes.remove(process)
            process.finished(result)


class Mortal:
    """A port, each of whose methods is an effect of the world."""

    def __init__(self, world: World, port: Any) -> None:
        self._world = world
        self._port = port

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found
        world, label = self._world, f"{type(self._port).__name__}.{name}"

        def effect(*args: Any, **kwargs: Any) -> Any:
            return world.effect(label, lambda: found(*args, **kwargs))

        return effect
