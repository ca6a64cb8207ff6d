"""Dead letters are looked at without being taken, and go back once, with the reason that redrove them."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import Any

import pytest

from mend.aws.dead_letters import NotRedriven, dead_letters, depth, discard, redrive

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


class FakeSqs:
    """Queues by URL; what is received is hidden until its visibility is set to zero or it is deleted."""

    def __init__(self, **queues: list[dict[str, Any]]) -> None:
        self.waiting = {url: deque(messages) for url, messages in queues.items()}
        self.held: dict[str, dict[str, Any]] = {}
        self.refuse = False
        self.poisoned = ""  # the dead-letter queue at which everything that is sent arrives at once

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        counts = dict.fromkeys(AttributeNames, "0") | {"ApproximateNumberOfMessages": str(len(self.waiting[QueueUrl]))}
        return {"Attributes": counts}

    def receive_message(self, QueueUrl: str, MaxNumberOfMessages: int, **_: Any) -> dict[str, Any]:  # noqa: N803
        queue, found = self.waiting[QueueUrl], []
        while queue and len(found) < min(MaxNumberOfMessages, 2):  # SQS may give fewer than asked for
            message = queue.popleft()
            self.held[message["ReceiptHandle"]] = message
            found.append(message)
        return {"Messages": found} if found else {}

    def change_message_visibility(self, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:  # noqa: N803
        assert VisibilityTimeout == 0
        self.waiting[QueueUrl].append(self.held.pop(ReceiptHandle))

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        assert QueueUrl in self.waiting
        del self.held[ReceiptHandle]

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if self.refuse:
            return {"Failed": [{"Id": "0", "Message": "too long"}]}
        if self.poisoned:
            self.waiting[self.poisoned].append(_letter(10 + len(self.waiting[self.poisoned])))
            return {}
        self.waiting[QueueUrl].extend(Entries)
        return {}


def _letter(number: int, **attributes: str) -> dict[str, Any]:
    return {
        "MessageId": f"m{number}",
        "ReceiptHandle": f"r{number}",
        "Body": f"body {number}",
        "Attributes": {"SentTimestamp": str(1000 * number)},
        "MessageAttributes": {name: {"StringValue": value} for name, value in attributes.items()},
    }


def test_a_look_takes_nothing() -> None:
    """Every letter is there again afterwards, and they come oldest first."""
    sqs = FakeSqs(dead=[_letter(2, reason="poison"), _letter(1), _letter(3)])
    found = dead_letters(sqs, "dead", limit=10)
    assert [one.message_id for one in found] == ["m1", "m2", "m3"]
    assert found[1].attributes == {"reason": "poison"}
    assert depth(sqs, "dead").waiting == 3
    assert not sqs.held


def test_a_look_has_a_limit() -> None:
    sqs = FakeSqs(dead=[_letter(number) for number in range(5)])
    assert len(dead_letters(sqs, "dead", limit=3)) == 3
    assert depth(sqs, "dead").waiting == 5
    assert not sqs.held


def test_a_redrive_moves_each_letter_once_and_says_why() -> None:
    """The worker knows a redriven message by its reason; one that had a reason keeps it."""
    sqs = FakeSqs(dead=[_letter(1, reason="garbage"), _letter(2), _letter(3)], alive=[])
    assert redrive(sqs, dead_letter_url="dead", queue_url="alive", now=NOW) == 3
    assert depth(sqs, "dead").waiting == 0
    reasons = [entry["MessageAttributes"]["reason"]["StringValue"] for entry in sqs.waiting["alive"]]
    assert reasons == ["garbage", "redriven by a person", "redriven by a person"]
    assert all(
        entry["MessageAttributes"]["redriven"]["StringValue"] == NOW.isoformat() for entry in sqs.waiting["alive"]
    )
    assert redrive(sqs, dead_letter_url="dead", queue_url="alive", now=NOW) == 0


def test_poison_that_is_back_at_once_is_moved_once_and_hidden_from_nobody() -> None:
    """A letter that was received, and not moved, would be out of sight for half a minute."""
    sqs = FakeSqs(dead=[_letter(number) for number in range(4)], alive=[])
    sqs.poisoned = "dead"
    assert redrive(sqs, dead_letter_url="dead", queue_url="alive", now=NOW) == 4
    assert depth(sqs, "dead").waiting == 4
    assert not sqs.held


def test_a_letter_that_the_queue_refuses_stays_dead() -> None:
    """It is deleted after it was sent, never before."""
    sqs = FakeSqs(dead=[_letter(1)], alive=[])
    sqs.refuse = True
    with pytest.raises(NotRedriven, match="refused m1: too long"):
        redrive(sqs, dead_letter_url="dead", queue_url="alive", now=NOW)
    assert "r1" in sqs.held


def test_a_letter_is_discarded_by_its_name_and_no_other_is() -> None:
    sqs = FakeSqs(dead=[_letter(number) for number in range(5)])
    assert [one.message_id for one in discard(sqs, "dead", wanted={"m3", "m9"})] == ["m3"]
    assert sorted(one.message_id for one in dead_letters(sqs, "dead", limit=10)) == ["m0", "m1", "m2", "m4"]
    assert not sqs.held


def test_all_that_are_there_are_discarded() -> None:
    sqs = FakeSqs(dead=[_letter(number) for number in range(5)])
    assert len(discard(sqs, "dead", wanted=None)) == 5
    assert depth(sqs, "dead").waiting == 0
