"""SQS as it is: at least once, in any order, with visibility, receives, delays and a dead-letter queue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from minutemend.ports.queue import JobQueue, Message

from tests.unit.simulation.world import World

VISIBILITY = timedelta(seconds=120)  # six times the worker's life
LONGEST_DELAY = timedelta(minutes=15)  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/


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
            if message.delay > LONGEST_DELAY:
                raise self.world.wrong(f"SQS refuses a delay of {message.delay}")
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

    def receive(self, batch: list[Held]) -> dict[int, int]:
        """Hide a batch from others until its visibility ends; a duplicate delivery leaves some of it visible.
        Returns the receipts: by the message's number, which of its deliveries this is."""
        for held in batch:
            held.receives += 1
            if not self.world.says(self.world.profile.duplicates):
                held.visible_at = self.world.now + VISIBILITY
        return {held.number: held.receives for held in batch}

    def acknowledge(self, receipts: Mapping[int, int], failed: Iterable[str]) -> None:
        """Delete what a worker is done with; the rest comes again when its visibility ends. A receipt of an earlier
        delivery than the last may succeed without deleting anything."""
        again = set(failed)
        for number, receipt in receipts.items():
            held = self.held.get(number)
            if held is None or str(number) in again:
                continue
            if receipt == held.receives or self.world.dice.random() < 0.5:
                del self.held[number]


class DeadLettersClient:
    """The calls of boto3's SQS client that `mend dlq redrive` makes, over both queues."""

    def __init__(self, queue: SimQueue) -> None:
        self._queue = queue
        self.deleted: list[str] = []  # handles, once for each call

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": str(len(self._ready()))}}

    def receive_message(self, *, MaxNumberOfMessages: int, VisibilityTimeout: int, **_: Any) -> dict[str, Any]:  # noqa: N803
        found = self._ready()[:MaxNumberOfMessages]
        for held in found:
            held.visible_at = self._queue.world.now + timedelta(seconds=VisibilityTimeout)
        return {
            "Messages": [
                {
                    "MessageId": str(held.number),
                    "ReceiptHandle": str(held.number),
                    "Body": held.body,
                    "MessageAttributes": {
                        name: {"DataType": "String", "StringValue": value} for name, value in held.attributes.items()
                    },
                }
                for held in found
            ]
        }

    def change_message_visibility(self, *, ReceiptHandle: str, VisibilityTimeout: int, **_: Any) -> None:  # noqa: N803
        for held in self._queue.dead:
            if str(held.number) == ReceiptHandle:
                held.visible_at = self._queue.world.now + timedelta(seconds=VisibilityTimeout)

    def send_message_batch(self, *, Entries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        for entry in Entries:
            attributes = {name: value["StringValue"] for name, value in entry["MessageAttributes"].items()}
            self._queue.put(entry["MessageBody"], attributes)
        return {}

    def delete_message(self, *, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803
        self.deleted.append(ReceiptHandle)
        self._queue.dead = [held for held in self._queue.dead if str(held.number) != ReceiptHandle]

    def _ready(self) -> list[Held]:
        return [held for held in self._queue.dead if held.visible_at <= self._queue.world.now]
