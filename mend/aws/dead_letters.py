"""Dead letters: look at them without taking them, send them back to their queue, or throw them away."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from minutemend.core.errors import MinutemendError
from minutemend.ports.queue import REASON, REDRIVEN

BATCH = 10
HOLD = 30  # seconds for which a message is hidden from others while we look at it or move it


class NotRedriven(MinutemendError):
    """The queue would not take a message back; it stays a dead letter."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. `attributes` are text; `reason` among them says why a worker gave it up."""

    message_id: str
    body: str
    attributes: dict[str, str]
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages a queue holds; SQS says so approximately."""

    waiting: int
    in_flight: int
    delayed: int


def depth(sqs: Any, queue_url: str) -> Depth:
    """How full a queue is."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return Depth(*(int(found.get(name, 0)) for name in names))


def dead_letters(sqs: Any, queue_url: str, *, limit: int) -> list[DeadLetter]:
    """Up to `limit` dead letters, oldest first. They stay where they are, hidden for no longer than the look."""
    seen: dict[str, DeadLetter] = {}
    handles = []
    try:
        for message in _receive(sqs, queue_url, most=limit):
            handles.append(message["ReceiptHandle"])
            letter = _letter(message)
            if letter.message_id in seen:
                break
            seen[letter.message_id] = letter
    finally:
        for handle in handles:
            sqs.change_message_visibility(QueueUrl=queue_url, ReceiptHandle=handle, VisibilityTimeout=0)
    return sorted(seen.values(), key=lambda letter: (letter.sent_at, letter.message_id))


def redrive(sqs: Any, *, dead_letter_url: str, queue_url: str, now: datetime) -> int:
    """Send every dead letter that is there now back to its queue, and return how many.

    A letter is sent before it is deleted: interrupted between the two it is there twice, and the workers do the
    work of one message once. `now` is when: the tries of a job begin anew once for each such instant. Raises
    NotRedriven when the queue refuses one.
    """
    # Poison comes back while we are at it; what is there now is moved once.
    most = depth(sqs, dead_letter_url).waiting
    moved = 0
    for message in _receive(sqs, dead_letter_url, most=most):
        attributes = {REASON: "redriven by a person"} | _letter(message).attributes | {REDRIVEN: now.isoformat()}
        entry = {
            "Id": "0",
            "MessageBody": message["Body"],
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            },
        }
        failed = sqs.send_message_batch(QueueUrl=queue_url, Entries=[entry]).get("Failed")
        if failed:
            raise NotRedriven(f"{queue_url} refused {message['MessageId']}: {failed[0].get('Message')}")
        sqs.delete_message(QueueUrl=dead_letter_url, ReceiptHandle=message["ReceiptHandle"])
        moved += 1
    return moved


def discard(sqs: Any, queue_url: str, *, wanted: Collection[str] | None) -> list[DeadLetter]:
    """Delete the dead letters with these message ids (None: all that are there now), and return them, oldest first."""
    most = depth(sqs, queue_url).waiting
    seen: set[str] = set()
    gone: list[DeadLetter] = []
    back = []
    try:
        for message in _receive(sqs, queue_url, most=most):
            letter, handle = _letter(message), message["ReceiptHandle"]
            if wanted is None or letter.message_id in wanted:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=handle)
                gone.append(letter)
            else:
                back.append(handle)
            if letter.message_id in seen or (wanted and len(gone) == len(wanted)):
                break
            seen.add(letter.message_id)
    finally:
        for handle in back:
            sqs.change_message_visibility(QueueUrl=queue_url, ReceiptHandle=handle, VisibilityTimeout=0)
    return sorted(gone, key=lambda letter: (letter.sent_at, letter.message_id))


def _receive(sqs: Any, queue_url: str, *, most: int) -> Iterator[dict[str, Any]]:
    """Messages until there are `most`, for one too many would be hidden for HOLD, or the queue seems empty: two empty
    answers in a row, for SQS asks only some of its servers."""
    empty = taken = 0
    while empty < 2 and taken < most:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=min(BATCH, most - taken),
            VisibilityTimeout=HOLD,
            WaitTimeSeconds=1,
            AttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        empty, taken = (0 if answer else empty + 1), taken + len(answer)
        yield from answer


def _letter(message: dict[str, Any]) -> DeadLetter:
    sent = int(message.get("Attributes", {}).get("SentTimestamp", 0))
    attributes = {
        name: str(value.get("StringValue", "")) for name, value in message.get("MessageAttributes", {}).items()
    }
    return DeadLetter(message["MessageId"], message["Body"], attributes, datetime.fromtimestamp(sent / 1000, UTC))
