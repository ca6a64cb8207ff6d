"""SQS as it is: at least once, in any order, with visibility, receives, delays and a dead-letter queue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from minutemend.ports.queue import JobQueue, Message

from tests.unit.simulation.world import World

VISIBILITY = timedelta(seconds=120)  # six times the worker's life


@dataclass(slots=True)
class Held:
    """One message in the queue."""

    number: int
    body: str
    attributes: dict[str, str]
    visible_at: datetime
    receives: int = 0


@dataclass(slots=True)
class SimQueue(JobQueue):
    """`dead` are the dead letters; `moved` those among them that the queue itself gave up on, unexplained."""

    world: World
    max_receives: int
    held: dict[int, Held] = field(default_factory=dict)
    dead: list[Held] = field(default_factory=list)
    moved: list[Held] = field(default_factory=list)
    sent: int = 0

    def send(self, messages: Iterable[Message]) -> int:
        count = 0
        for message in messages:
            self.put(json.dumps(message.body), dict(message.attributes), delay=message.delay)
            count += 1
        return count

    def put(self, body: str, attributes: dict[str, str], *, delay: timedelta = timedelta(0)) -> None:
        self.sent += 1
        self.held[self.sent] = Held(self.sent, body, attributes, self.world.now + delay)

    def dead_letter(self, body: str, *, reason: str, attributes: Mapping[str, str]) -> None:
        self.sent += 1
        self.dead.append(Held(self.sent, body, {**attributes, "reason": reason}, self.world.now))

    def visible(self) -> list[Held]:
        """What may be received now. What was received too often is moved away, as the queue's policy has it."""
        ready = [held for held in self.held.values() if held.visible_at <= self.world.now]
        for held in ready:
            if held.receives >= self.max_receives:
                self.world.note(f"message {held.number} was received {held.receives} times: dead")
                del self.held[held.number]
                self.dead.append(held)
                self.moved.append(held)
        return [held for held in ready if held.receives < self.max_receives]

    def receive(self, batch: list[Held]) -> None:
        """Hide a batch from others; a duplicate delivery leaves some of it visible."""
        for held in batch:
            held.receives += 1
            if not self.world.says(self.world.profile.duplicates):
                held.visible_at = self.world.now + VISIBILITY

    def acknowledge(self, batch: Iterable[Held], failed: Iterable[str]) -> None:
        """Delete what a worker is done with."""
        again = set(failed)
        for held in batch:
            if str(held.number) not in again:
                self.held.pop(held.number, None)

    def redrive(self) -> int:
        """Send the dead letters back, as `mend dlq redrive` does."""
        letters, self.dead = self.dead, []
        for letter in letters:
            attributes = {"reason": "redriven by a person"} | letter.attributes
            self.put(letter.body, attributes | {"redriven": self.world.now.isoformat()})
        return len(letters)
