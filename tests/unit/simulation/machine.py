"""The state machine, interpreted: the same ways, choices, retries and catches as the template's.

`NEXT`, `CHOICES` and `STEP_TRIES` are what it goes by; tests/unit/infra/test_machine_is_simulated.py holds them to the
definition that is deployed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from minutemend.contract import Key, Status

from tests.unit.simulation.world import Violation, World

NEXT = {
    "QueueRepairs": "WaitForRepairs",
    "WaitForRepairs": "CheckDataHealth",  # resumed
    "ExecuteDataTask": "Done",
    "ReportFailure": "ExecuteDataTask",
}
CHOICES = {
    Status.READY: "ExecuteDataTask",
    Status.REPAIR: "QueueRepairs",
    Status.EXHAUSTED: "ReportFailure",
    Status.KNOWN: "ExecuteDataTask",
    Status.REFUSED: "Refused",
    Status.NOTHING: "NothingExpected",
    Status.STOPPED: "Stopped",
}
LATE = "CheckProgress"  # where a wait goes that timed out …
WAIT_ON = {True: "WaitForRepairs", False: "CheckDataHealth"}  # … and from there, by `moving`
ENDS = {"Done", "MinutesMissing", "AskedAgain", "Refused", "NothingExpected", "Stopped"}
STEP_LIFE = timedelta(seconds=60)
STEP_TRIES = 4  # one, and three retries
RETRY_AFTER = timedelta(seconds=2)
LARGEST_STATE = 10_000  # bytes

Step = Callable[[dict[str, Any]], Any]


@dataclass(slots=True)
class Execution:
    """One execution. `ended` is None while it runs; then one of ENDS, or `StepFailed`."""

    world: World
    name: str
    steps: dict[str, Step]
    given: dict[str, Any]
    on_timeout: Callable[[Execution], None]
    ended: str | None = None
    at: str = "CheckDataHealth"
    state: dict[str, Any] = field(default_factory=dict)
    tries: int = 0
    token: str | None = None
    timer: datetime | None = None  # when a retry or the wait's timeout is due
    timeouts: int = 0

    def begin(self) -> None:
        started = self.world.now.isoformat()
        self._enter("CheckDataHealth", {"input": self.given, "audit_id": self.name, "started_at": started})

    def resume(self, token: str) -> None:
        """The waiting task succeeds; a token that is used up or timed out does not matter."""
        if self.ended is None and token == self.token and self.at == "WaitForRepairs":
            self.world.note(f"{self.name} is resumed")
            self._enter(NEXT[self.at], self.state)

    def abort(self) -> None:
        """Somebody stops it, or its parent dies: what it invoked goes on."""
        self._end("ABORTED")

    def tick(self) -> None:
        """The timer is due."""
        self.timer = None
        if self.at == "WaitForRepairs" and self.token is not None:
            self.world.note(f"{self.name} waited long enough")
            self.timeouts += 1
            self.on_timeout(self)
            self._enter(LATE, self.state)
        else:
            self._invoke()

    def _enter(self, step: str, state: dict[str, Any]) -> None:
        if len(json.dumps(state)) > LARGEST_STATE:
            raise Violation(f"the state of {self.name} has {len(json.dumps(state))} bytes")
        self.at, self.state, self.tries, self.token, self.timer = step, state, 0, None, None
        if step in ENDS:
            self._end(step)
        else:
            self._invoke()

    def _invoke(self) -> None:
        self.tries += 1
        step, state = self.at, dict(self.state)
        if step == "WaitForRepairs":
            self.token = f"{self.name}/{state[Key.ATTEMPT]}/{self.tries}"
            self.timer = self.world.now + timedelta(minutes=self.world.profile.patience)
            state = {key: state[key] for key in (Key.AUDIT_ID, Key.ATTEMPT)} | {str(Key.TASK_TOKEN): self.token}
        mine = (step, self.tries, self.token)

        def still_here() -> bool:
            return self.ended is None and (self.at, self.tries, self.token) == mine

        self.world.start(
            f"{self.name} {step}",
            lambda: self.steps[step](state),
            life=STEP_LIFE,
            finished=lambda result: self._finished(result) if still_here() else None,
            died=lambda: self._failed() if still_here() else None,
        )

    def _failed(self) -> None:
        self.token = None
        if self.tries >= STEP_TRIES:
            self._end("StepFailed")
        else:
            self.timer = self.world.now + RETRY_AFTER * 2 ** (self.tries - 1)

    def _finished(self, result: Any) -> None:
        if self.at == "WaitForRepairs":
            return  # the answer goes by the token
        if self.at == "ExecuteDataTask" and Key.PUBLISH_FROM in result:
            self._enter(self.at, result)  # a long range: there are dates left
            return
        if self.at == "ExecuteDataTask" and result[Key.STATUS] == Status.EXHAUSTED:
            self._enter("MinutesMissing", result)  # what is whole is published
            return
        if self.at == "ExecuteDataTask" and result[Key.STATUS] == Status.KNOWN:
            self._enter("AskedAgain", result)
            return
        if self.at == LATE:
            self._enter(WAIT_ON[result[Key.MOVING]], result)
            return
        if self.at != "CheckDataHealth":
            self._enter(NEXT[self.at], result)
            return
        chosen = CHOICES.get(result[Key.STATUS])
        if chosen is None:
            raise Violation(f"CheckDataHealth gave {result}")
        if chosen == "QueueRepairs" and result[Key.ATTEMPT] >= result[Key.ATTEMPTS]:
            raise Violation(f"{self.name} would try {result[Key.ATTEMPT] + 1} times")
        self._enter(chosen, result)

    def _end(self, how: str) -> None:
        self.world.note(f"{self.name} ends: {how}")
        self.ended, self.timer, self.token = how, None, None
