"""The stage's parameter in SSM: its first list of interested symbols (services/interest.py)."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError


def read_parameter(*, ssm: Any, name: str) -> str | None:
    """The parameter's text; None when there is no such parameter."""
    try:
        return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return None
        raise
