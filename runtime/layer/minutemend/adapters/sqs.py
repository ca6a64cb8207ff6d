"""SQS: jobs on their way to workers, and dead letters."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from minutemend.core.errors import MinutemendError
from minutemend.ports.queue import REASON, JobQueue, Message

BATCH = 10  # entries that SendMessageBatch takes
BATCH_BYTES = 1_000_000  # of 1,048,576 that a message or a batch may weigh; the rest is for the envelope
TRIES = 4  # waits 0.1, 0.2, 0.4 s between them
_REASON_BYTES = 2_000  # of a reason that stands beside a dead letter

Entry = dict[str, Any]


class NotSent(MinutemendError):
    """SQS did not take some messages, however often they were offered; the message says how many and why."""


def send_to_sqs(
    messages: Iterable[Message], *, sqs: Any, queue_url: str, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Send messages in batches of at most 10 and 1 MB, and return how many were sent.

    What SQS refuses within a batch is offered again (4 times in all, 0.7 s of waiting). Raises NotSent then;
    the other messages of the call may have been sent, and sending all of them again is harmless to the workers.
    """
    sent = 0
    for batch in _batches(messages):
        waiting, failed = batch, []
        for one_try in range(TRIES):
            if one_try:
                sleep(0.1 * 2 ** (one_try - 1))
            failed = sqs.send_message_batch(QueueUrl=queue_url, Entries=waiting).get("Failed", [])
            refused = {entry["Id"] for entry in failed}
            waiting = [entry for entry in waiting if entry["Id"] in refused]
            if not waiting:
                break
        if waiting:
            first = failed[0]
            raise NotSent(
                f"SQS took {sent + len(batch) - len(waiting)} messages and refused {len(waiting)} {TRIES} times: "
                f"{first.get('Code')} {first.get('Message', '')}"
            )
        sent += len(batch)
    return sent


class SqsJobQueue(JobQueue):
    """A queue and its dead-letter queue."""

    def __init__(self, sqs: Any, *, queue_url: str, dead_letter_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._dead_letter_url = dead_letter_url

    def send(self, messages: Iterable[Message]) -> int:
        return send_to_sqs(messages, sqs=self._sqs, queue_url=self._queue_url)

    def dead_letter(self, body: str, *, reason: str, attributes: Mapping[str, str]) -> None:
        self._sqs.send_message(
            QueueUrl=self._dead_letter_url,
            MessageBody=body or " ",  # SQS takes no empty body
            MessageAttributes=_attributes(
                {**attributes, REASON: reason.encode()[:_REASON_BYTES].decode("utf-8", "ignore")}
            ),
        )


def _batches(messages: Iterable[Message]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    weight = 0
    for message in messages:
        entry = _entry(message, number=len(batch))
        size = len(entry["MessageBody"].encode()) + _weight(message.attributes)
        if batch and (len(batch) == BATCH or weight + size > BATCH_BYTES):
            yield batch
            batch, weight = [], 0
            entry["Id"] = "0"
        batch.append(entry)
        weight += size
    if batch:
        yield batch


def _entry(message: Message, *, number: int) -> Entry:
    entry: Entry = {"Id": str(number), "MessageBody": json.dumps(message.body, separators=(",", ":"))}
    delay = -(-message.delay.total_seconds() // 1)  # up: never before its time
    if delay > 0:
        entry["DelaySeconds"] = int(delay)
    if message.attributes:
        entry["MessageAttributes"] = _attributes(message.attributes)
    return entry


def _attributes(attributes: Mapping[str, str]) -> dict[str, Any]:
    # At most ten, and none may be empty.
    filled = [(name, value) for name, value in attributes.items() if value][:10]
    return {name: {"DataType": "String", "StringValue": value} for name, value in filled}


def _weight(attributes: Mapping[str, str]) -> int:
    return sum(len(name) + len("String") + len(value.encode()) for name, value in attributes.items())


def received(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, int, dict[str, str]]]:
    """Message id, body, receives and text attributes of each record of a Lambda event from SQS."""
    for record in records:
        attributes = {
            name: str(value.get("stringValue", "")) for name, value in record.get("messageAttributes", {}).items()
        }
        receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        yield record["messageId"], record["body"], receives, attributes
