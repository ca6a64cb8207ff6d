"""Signals: a token that is used up does not matter, anything else does."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from minutemend.adapters.signals import AwsSignals, NotAnnounced


class Stub:
    """A client whose calls are kept, and which answers or raises as told."""

    def __init__(self, answer: Any = None, error: str = "") -> None:
        self.calls: list[dict[str, Any]] = []
        self._answer, self._error = answer, error

    def _call(self, **given: Any) -> Any:
        self.calls.append(given)
        if self._error:
            raise ClientError({"Error": {"Code": self._error, "Message": "so it is"}}, "call")
        return self._answer

    send_task_success = publish = put_events = _call


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_an_execution_that_went_on_without_us_does_not_matter(code: str) -> None:
    AwsSignals(stepfunctions=Stub(error=code)).resume("token", {})


def test_any_other_trouble_with_a_token_is_raised_so_that_the_message_comes_again() -> None:
    with pytest.raises(ClientError):
        AwsSignals(stepfunctions=Stub(error="AccessDeniedException")).resume("token", {})


def test_a_subject_is_made_fit_for_sns() -> None:
    sns = Stub()
    AwsSignals(sns=sns, topic_arn="arn").alarm("ü" * 200, "what to do")
    assert (sns.calls[0]["Subject"], sns.calls[0]["Message"]) == ("?" * 100, "what to do")


def test_an_event_that_the_bus_did_not_take_is_an_error() -> None:
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "Throttled", "ErrorMessage": "later"}]}
    with pytest.raises(NotAnnounced, match="Throttled later"):
        AwsSignals(events=Stub(refused)).announce("Range Ready", {})
    taken = Stub({"FailedEntryCount": 0, "Entries": [{}]})
    AwsSignals(events=taken).announce("Range Ready", {"start": "x"})
    assert taken.calls[0]["Entries"][0]["Source"] == "minutemend"
