"""The stage's parameter: its text, or nothing when somebody deleted it; other errors of AWS stay what they are."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from minutemend.adapters.parameters import read_parameter


class StubSsm:
    def __init__(self, value: str = "", *, code: str | None = None) -> None:
        self.value, self.code = value, code

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803
        assert Name == "/symbols"
        if self.code:
            raise ClientError({"Error": {"Code": self.code}}, "GetParameter")
        return {"Parameter": {"Value": self.value}}


def test_the_text_is_read_as_it_is() -> None:
    assert read_parameter(ssm=StubSsm("{"), name="/symbols") == "{"


def test_a_deleted_parameter_is_no_error() -> None:
    """The last good list stays in force, and the alarm says so."""
    assert read_parameter(ssm=StubSsm(code="ParameterNotFound"), name="/symbols") is None
    with pytest.raises(ClientError):
        read_parameter(ssm=StubSsm(code="ThrottlingException"), name="/symbols")
