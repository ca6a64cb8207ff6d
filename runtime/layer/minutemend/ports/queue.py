"""Messages on their way to workers. SQS in AWS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

# The attributes of a dead letter: why it is one and, when `mend` sent it back, at which instant. A message that comes
# with a reason was redriven.
REASON = "reason"
REDRIVEN = "redriven"


@dataclass(frozen=True, slots=True)
class Message:
    """A JSON body, how long it is to stay invisible (at most 15 minutes), and text attributes beside it."""

    body: Mapping[str, Any]
    delay: timedelta = timedelta(0)
    attributes: Mapping[str, str] = field(default_factory=dict)


class JobQueue(ABC):
    """A queue with a dead-letter queue. Delivery is at least once and in no order."""

    @abstractmethod
    def send(self, messages: Iterable[Message]) -> int:
        """Send all of them, in batches, and return how many. Raises when any could not be sent."""

    @abstractmethod
    def dead_letter(self, body: str, *, reason: str, attributes: Mapping[str, str]) -> None:
        """Put a raw body on the dead-letter queue, with the reason beside it (attribute REASON)."""
