"""SQS: batches by number and by weight, and what is refused is offered again before it is an error."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from minutemend.adapters.sqs import BATCH_BYTES, NotSent, SqsJobQueue, received, send_to_sqs
from minutemend.ports.queue import Message


class StubSqs:
    """Takes batches; refuses the entries whose body holds a word, as many times as told."""

    def __init__(self, refuse: str = "", times: int = 0) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.taken: list[Any] = []
        self.letters: list[dict[str, Any]] = []
        self._refuse, self._times = refuse, times

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == "queue"
        assert len({entry["Id"] for entry in Entries}) == len(Entries) <= 10
        assert sum(len(entry["MessageBody"].encode()) for entry in Entries) <= 1_048_576
        self.batches.append(Entries)
        failed = []
        for entry in Entries:
            if self._refuse and self._refuse in entry["MessageBody"] and self._times > 0:
                self._times -= 1
                failed.append({"Id": entry["Id"], "Code": "InternalError", "Message": "once more"})
            else:
                self.taken.append(json.loads(entry["MessageBody"]))
        return {"Failed": failed} if failed else {}

    def send_message(self, **given: Any) -> None:
        self.letters.append(given)


def send(sqs: StubSqs, messages: list[Message]) -> int:
    return send_to_sqs(messages, sqs=sqs, queue_url="queue", sleep=lambda _: None)


def test_messages_go_in_batches_of_ten() -> None:
    sqs = StubSqs()
    assert send(sqs, [Message({"n": n}) for n in range(23)]) == 23
    assert [len(batch) for batch in sqs.batches] == [10, 10, 3]
    assert [one["n"] for one in sqs.taken] == list(range(23))


def test_a_batch_never_weighs_more_than_sqs_takes() -> None:
    sqs = StubSqs()
    send(sqs, [Message({"n": n, "text": "x" * (BATCH_BYTES // 3)}) for n in range(7)])
    assert [len(batch) for batch in sqs.batches] == [2, 2, 2, 1]


def test_what_a_batch_refuses_is_offered_again_alone() -> None:
    sqs = StubSqs(refuse='"n":3', times=2)
    assert send(sqs, [Message({"n": n}) for n in range(5)]) == 5
    assert sorted(one["n"] for one in sqs.taken) == [0, 1, 2, 3, 4]
    assert [len(batch) for batch in sqs.batches] == [5, 1, 1]


def test_what_is_refused_for_ever_is_an_error_that_says_why() -> None:
    with pytest.raises(NotSent, match=r"took 4 messages and refused 1 4 times: InternalError once more"):
        send(StubSqs(refuse='"n":3', times=99), [Message({"n": n}) for n in range(5)])


def test_a_delay_is_rounded_up_and_attributes_travel() -> None:
    sqs = StubSqs()
    send(sqs, [Message({}, delay=timedelta(seconds=1.2), attributes={"reason": "why", "empty": ""})])
    ((entry,),) = sqs.batches
    assert entry["DelaySeconds"] == 2
    assert entry["MessageAttributes"] == {"reason": {"DataType": "String", "StringValue": "why"}}


def test_a_dead_letter_keeps_its_body_as_it_came_with_the_reason_beside_it() -> None:
    sqs = StubSqs()
    queue = SqsJobQueue(sqs, queue_url="queue", dead_letter_url="dead")
    queue.dead_letter("{nonsense", reason="é" * 3000, attributes={"job_id": "j"})
    (letter,) = sqs.letters
    assert (letter["QueueUrl"], letter["MessageBody"]) == ("dead", "{nonsense")
    assert letter["MessageAttributes"]["job_id"]["StringValue"] == "j"
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "é" * 1000


def test_records_of_an_event_become_messages_with_their_receives_and_attributes() -> None:
    record = {
        "messageId": "m",
        "body": "{}",
        "attributes": {"ApproximateReceiveCount": "3"},
        "messageAttributes": {"reason": {"stringValue": "why", "dataType": "String"}},
    }
    assert list(received([record])) == [("m", "{}", 3, {"reason": "why"})]
