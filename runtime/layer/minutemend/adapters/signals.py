"""Signals over Step Functions, SNS and EventBridge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from minutemend.contract import EVENT_SOURCE
from minutemend.core.errors import MinutemendError
from minutemend.ports.signals import Signals

# The execution went on without us: it timed out, ended, or was resumed before.
_OVER = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}


class NotAnnounced(MinutemendError):
    """EventBridge did not take an event."""


class AwsSignals(Signals):
    """A function passes the clients that it has a use for; asking for what was left out is a KeyError of wiring."""

    def __init__(
        self,
        *,
        stepfunctions: Any = None,
        sns: Any = None,
        topic_arn: str = "",
        events: Any = None,
        bus: str = "default",
    ) -> None:
        self._stepfunctions = stepfunctions
        self._sns = sns
        self._topic_arn = topic_arn
        self._events = events
        self._bus = bus

    def resume(self, token: str, output: Mapping[str, Any]) -> None:
        try:
            self._stepfunctions.send_task_success(taskToken=token, output=json.dumps(output))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _OVER:
                raise

    def alarm(self, subject: str, message: str) -> None:
        plain = subject.encode("ascii", "replace").decode()[:100]
        self._sns.publish(TopicArn=self._topic_arn, Subject=plain, Message=message)

    def announce(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        entry = {
            "Source": EVENT_SOURCE,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": self._bus,
        }
        answer = self._events.put_events(Entries=[entry])
        if answer.get("FailedEntryCount"):
            failed = answer["Entries"][0]
            raise NotAnnounced(f"{detail_type}: {failed.get('ErrorCode')} {failed.get('ErrorMessage')}")
