"""The one place where AWS clients are made: each when it is first asked for, all from one session.

Region, credentials and AWS_ENDPOINT_URL come from the environment, as for every AWS tool, unless they are given.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

READERS = 16  # objects of the lake that are fetched at once, and so the connections that a client keeps


def _client(service: str) -> Any:
    """The client of a service, made when it is first asked for."""
    return cached_property(lambda clients: clients._make(service))


class Clients:
    """The AWS clients of one process. boto3 is imported with the first of them."""

    s3 = _client("s3")
    sqs = _client("sqs")
    dynamodb = _client("dynamodb")
    athena = _client("athena")
    stepfunctions = _client("stepfunctions")
    ssm = _client("ssm")
    secrets = _client("secretsmanager")
    sns = _client("sns")
    events = _client("events")
    cloudformation = _client("cloudformation")
    cloudwatch = _client("cloudwatch")
    logs = _client("logs")
    functions = _client("lambda")
    sts = _client("sts")

    def __init__(
        self,
        *,
        region: str | None = None,
        endpoint: str | None = None,
        keys: tuple[str, str] | None = None,
        trusted: str | None = None,
    ) -> None:
        self._region = region
        self._endpoint = endpoint
        self._keys = keys
        self._trusted = trusted  # a file of certificates to believe, in place of AWS_CA_BUNDLE and botocore's own

    @cached_property
    def _session(self) -> Any:
        import boto3

        key, secret = self._keys or (None, None)
        return boto3.Session(region_name=self._region, aws_access_key_id=key, aws_secret_access_key=secret)

    def _make(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, max_pool_connections=READERS
        )
        return self._session.client(service, endpoint_url=self._endpoint, config=config, verify=self._trusted)

    @property
    def has_credentials(self) -> bool:
        """Whether anything offers credentials; they may still be expired or wrong."""
        return self._session.get_credentials() is not None
