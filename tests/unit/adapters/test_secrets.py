"""The vendor secret: what it may hold, and what is said of what it may not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from minutemend.adapters.secrets import KEEP, VendorCredentials
from minutemend.core.errors import BadInput


class StubSecrets:
    def __init__(self, text: str) -> None:
        self.text, self.reads = text, 0

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803
        assert SecretId == "secret"
        self.reads += 1
        return {"SecretString": self.text}


def test_the_secret_is_read_once_and_again_when_it_is_old() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    clock = [now]
    secrets = StubSecrets('{"finnhub": "one"}')
    known = VendorCredentials(secrets, "secret", clock=lambda: clock[0])
    assert (known.of("finnhub"), known.of("alpaca"), secrets.reads) == ("one", None, 1)
    secrets.text = '{"finnhub": "two"}'
    clock[0] = now + KEEP - timedelta(seconds=1)
    assert known.of("finnhub") == "one"
    clock[0] = now + KEEP
    assert (known.of("finnhub"), secrets.reads) == ("two", 2)


def test_a_malformed_secret_is_refused_without_a_word_of_what_it_holds() -> None:
    known = VendorCredentials(StubSecrets("s3cr3t"), "secret", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(BadInput) as refused:
        known.of("finnhub")
    assert "s3cr3t" not in str(refused.value)
    assert "s3cr3t" not in repr(known)
