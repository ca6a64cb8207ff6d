"""A backfill in the simulation: the real `Backfills` over a Distributed Map that may be killed, and so may a window."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from mend.aws import executions
from mend.backfill.backfills import Backfills
from mend.backfill.model import Asked, Course, State
from mend.backfill.windows import cut
from tests.unit.simulation.machine import Execution
from tests.unit.simulation.world import Violation

if TYPE_CHECKING:
    from tests.unit.simulation.scenario import Scenario

AT_ONCE = 2
MACHINE, AUDITS = "arn:aws:states:r:1:stateMachine:backfill", "arn:aws:states:r:1:stateMachine:audit"
ENDED = {"Done": "SUCCEEDED", "NothingExpected": "SUCCEEDED", "ABORTED": "ABORTED", None: "RUNNING"}  # else FAILED
RESUMED = 4  # how often a person resumes in the end, with good vendors, before giving up


@dataclass(slots=True)
class SimMap:
    """One run of the backfill's machine: the windows that are left to begin, and those that have begun."""

    left: list[dict[str, Any]]
    begun: list[Execution] = field(default_factory=list)
    status: str = "RUNNING"


class SimStepFunctions:
    """Executions of both machines, as the client tells of them."""

    exceptions = SimpleNamespace(ExecutionDoesNotExist=type("Gone", (Exception,), {}))

    def __init__(self, run: Scenario) -> None:
        self._run = run
        self.maps: dict[str, SimMap] = {}

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, str]:  # noqa: N803
        windows = json.loads(self._run.results.get(json.loads(input)["key"]) or b"")
        self.maps[name] = SimMap(windows)
        return {"executionArn": executions.execution_arn(stateMachineArn, name)}

    def stop_execution(self, *, executionArn: str, **_: str) -> None:  # noqa: N803
        self.abort(self.maps[_name(executionArn)])

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        name = _name(executionArn)
        if name in self.maps:
            return {"name": name, "status": self.maps[name].status, "startDate": self._run.world.now}
        return _told(next(one for one in self._run.executions if one.name == name), self._run.world.now)

    def list_executions(self, **_: Any) -> dict[str, Any]:
        return {"executions": [_told(one, self._run.world.now) for one in self._run.executions]}

    def get_execution_history(self, *, executionArn: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        (one,) = (one for one in self._run.executions if one.name == _name(executionArn))
        left = {"name": "CheckDataHealth", "output": json.dumps(one.state)}
        return {"events": [{"id": 1, "timestamp": self._run.world.now, "stateExitedEventDetails": left}]}

    def abort(self, killed: SimMap) -> None:
        """The map is gone, and with it any of its windows: which, is not for us to say."""
        killed.status, killed.left = "ABORTED", []
        for one in killed.begun:
            if one.ended is None and self._run.world.dice.random() < 0.5:
                one.abort()

    def tick(self) -> None:
        """The maps begin their next windows, and end."""
        for one in self.maps.values():
            while one.left and sum(each.ended is None for each in one.begun) < AT_ONCE:
                item = one.left.pop(0)
                one.begun.append(self._run.start_execution(item["name"], item["input"]))
            if one.status == "RUNNING" and not one.left and all(each.ended for each in one.begun):
                whole = all(ENDED.get(each.ended) == "SUCCEEDED" for each in one.begun)
                one.status = "SUCCEEDED" if whole else "FAILED"


class SimBackfill:
    """The backfill of all of a run's window, and the person who begins, stops and resumes it."""

    def __init__(self, run: Scenario) -> None:
        self._run = run
        self.sfn = SimStepFunctions(run)
        outputs = {"StateMachineArn": AUDITS, "BackfillMachineArn": MACHINE}
        clients = SimpleNamespace(stepfunctions=self.sfn)
        opened: Any = SimpleNamespace(name="dev", option="dev", output=outputs.__getitem__, clients=clients)
        self.backfills = Backfills(opened, run.results, run.board, [("one", 9, 1000)])

    def begin(self) -> None:
        market, dice = self._run.market, self._run.world.dice
        asked = Asked(market.window, None, 3, oldest_first=dice.random() < 0.5)
        most = dice.choice([10, 20, 40])
        options: dict[str, Any] = {"whole_list": True, "oldest_first": asked.oldest_first, "most": most}
        windows = cut(market.listings, market.sessions, market.window, **options)
        with patch("secrets.token_hex", lambda _: "seeded"):
            self.backfills.begin(asked, windows, now=self._run.world.now)

    def kills(self, times: int) -> Iterator[tuple[int, Callable[[], object]]]:
        """At which steps it is killed, and when a person resumes it after that."""
        for _ in range(times):
            step = self._run.world.dice.randint(1, 400)
            yield step, self.kill
            yield step + self._run.world.dice.randint(1, 200), self.backfills.resume

    def kill(self) -> None:
        """A person stops it, or its map dies without a word, or one of its windows does."""
        world, running = self._run.world, [one for one in self.sfn.maps.values() if one.status == "RUNNING"]
        windows = [each for one in self.sfn.maps.values() for each in one.begun if each.ended is None]
        kind = world.dice.choice(["stop", "map", "window"])
        world.note(f"kill: {kind}")
        if kind == "stop":
            self.backfills.stop()
        elif kind == "map" and running:
            self.sfn.abort(world.dice.choice(running))
        elif kind == "window" and windows:
            world.dice.choice(windows).abort()

    def finish(self) -> Course:
        """With good vendors a person resumes until every window is whole, or it helps no more: how far it is then."""
        for _ in range(RESUMED):
            _, todo = self.backfills.resume()
            self._run.settle()
            if not todo:
                break
        backfill, _ = self.backfills.current()
        if backfill is None:
            raise Violation("the backfill is gone")
        course = self.backfills.look(backfill)
        strange = [part for part in course.parts if part.state in (State.RUNNING, State.WAITING)]
        if course.running or strange:
            raise Violation(f"the backfill never ends: {course.status}, {strange[:2]}")
        return course


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]


def _told(one: Execution, now: datetime) -> Mapping[str, Any]:
    status = ENDED.get(one.ended, "FAILED")
    more = {"output": json.dumps(one.state)} if status == "SUCCEEDED" else {"error": one.ended}
    return {"name": one.name, "status": status, "startDate": now, **more}
