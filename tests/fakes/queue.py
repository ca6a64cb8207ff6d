"""An in-memory JobQueue that keeps what it was given, for tests of what is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from minutemend.ports.queue import JobQueue, Message


class FakeJobQueue(JobQueue):
    """`sent` are the messages, `dead` the dead letters with their attributes."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.dead: list[tuple[str, dict[str, str]]] = []

    def send(self, messages: Iterable[Message]) -> int:
        # As SQS has it: JSON there and back.
        given = [Message(json.loads(json.dumps(one.body)), one.delay, dict(one.attributes)) for one in messages]
        self.sent += given
        return len(given)

    def dead_letter(self, body: str, *, reason: str, attributes: Mapping[str, str]) -> None:
        self.dead.append((body, {**attributes, "reason": reason}))

    def take(self) -> list[dict[str, Any]]:
        """What was sent since, as bodies."""
        bodies = [dict(one.body) for one in self.sent]
        self.sent.clear()
        return bodies
