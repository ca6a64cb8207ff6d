"""A worker: a batch of messages from a queue, each dealt with on its own. Repairs and captures are such workers."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from minutemend.core.answers import Answer, AnswerKind
from minutemend.core.errors import BadInput
from minutemend.ports import Board, JobQueue, Vendor
from minutemend.services.lake import Lake

J = TypeVar("J")


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it came. `receives` counts its deliveries, this one included."""

    message_id: str
    body: str
    receives: int
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """What became of a batch. `failed` are the message ids to deliver again; the rest is acknowledged."""

    failed: list[str] = field(default_factory=list)
    bars: int = 0  # written
    left: int = 0  # bars that a capture leaves to the audit
    requests: Counter[str] = field(default_factory=Counter)  # by vendor
    errors: Counter[str] = field(default_factory=Counter)  # by vendor: answers that were no answers
    throttles: Counter[str] = field(default_factory=Counter)  # by vendor: asked to wait
    events: list[dict[str, Any]] = field(default_factory=list)  # one log line each

    def account(self, answer: Answer) -> bool:
        """Count the answer; whether it was one."""
        name = answer.request.vendor
        self.requests[name] += answer.requests
        if answer.kind in (AnswerKind.BARS, AnswerKind.NO_DATA):
            return True
        throttled = answer.kind is AnswerKind.RETRY and answer.retry_after is not None
        (self.throttles if throttled else self.errors)[name] += 1
        return throttled


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker(ABC, Generic[J]):
    """The worker's frame, over ports. `board` holds the rate budget that all workers share; `max_receives` is the
    queue's own limit."""

    lake: Lake
    board: Board
    queue: JobQueue
    vendors: Mapping[str, Vendor]
    clock: Callable[[], datetime]
    max_receives: int

    def run(self, batch: Iterable[Received], *, deadline: datetime | None = None) -> Tally:
        """Work through a batch. What is not done by `deadline` goes back to the queue."""
        tally = Tally()
        for message in batch:
            job: J | None = None
            try:
                try:
                    job = self.parse(json_of(message.body))
                except BadInput as reason:  # poison: it never gets better
                    self.bury(message, str(reason), tally)
                    continue
                self.work(job, message, deadline, tally)
            except Exception as error:  # noqa: BLE001 (one message's trouble is that message's alone)
                self._trouble(job, message, f"{type(error).__name__}: {error}", tally)
        return tally

    @abstractmethod
    def parse(self, body: object) -> J:
        """The message's job. Raises BadInput."""

    @abstractmethod
    def work(self, job: J, message: Received, deadline: datetime | None, tally: Tally) -> None:
        """Do the job, or send what is left of it."""

    def give_in(self, job: J, message: Received, reason: str, tally: Tally) -> None:  # noqa: ARG002
        """No delivery of this message will come after this one."""
        self.bury(message, reason, tally)

    def bury(self, message: Received, reason: str, tally: Tally) -> None:
        """Keep the message on the dead-letter queue, with the reason beside it."""
        self.queue.dead_letter(message.body, reason=reason, attributes={"message_id": message.message_id})
        tally.events.append({"event": "poison", "message_id": message.message_id, "reason": reason})

    def _trouble(self, job: J | None, message: Received, reason: str, tally: Tally) -> None:
        """Deliver the message again, or, when this was the last delivery, give in with the reason beside it."""
        tally.events.append({"event": "trouble", "message_id": message.message_id, "reason": reason})
        if job is not None and message.receives >= self.max_receives:
            try:
                return self.give_in(job, message, reason, tally)
            except Exception as again:  # noqa: BLE001 (the queue's own redrive policy takes it from here)
                tally.events.append({"event": "trouble", "message_id": message.message_id, "reason": str(again)})
        tally.failed.append(message.message_id)
        return None


def json_of(body: str) -> object:
    """The JSON value of a message's body. Raises BadInput."""
    try:
        return json.loads(body)
    except ValueError:
        raise BadInput(f"the body is no JSON: {body[:80]!r}") from None
