"""The vendors' credentials: one secret of Secrets Manager, JSON of vendor name to token or keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from minutemend.core.errors import BadInput

KEEP = timedelta(minutes=5)  # a rotated token is in use this soon, and a busy worker reads the secret this seldom


class VendorCredentials:
    """Reads the secret once a process, and again when what it has is older than KEEP. Never in repr or a message."""

    def __init__(self, secrets: Any, secret_id: str, *, clock: Callable[[], datetime]) -> None:
        self._secrets = secrets
        self._secret_id = secret_id
        self._clock = clock
        self._known: dict[str, Any] = {}
        self._read_at: datetime | None = None

    def of(self, vendor: str) -> Any:
        """The vendor's entry (text, or an object), or None when the secret has none. Raises BadInput."""
        now = self._clock()
        if self._read_at is None or now - self._read_at >= KEEP:
            self._known = self._read()
            self._read_at = now
        return self._known.get(vendor)

    def _read(self) -> dict[str, Any]:
        text = self._secrets.get_secret_value(SecretId=self._secret_id).get("SecretString", "")
        try:
            given = json.loads(text)
        except ValueError:
            given = None
        if not isinstance(given, dict):  # what it is instead is not said: it may be a secret
            raise BadInput('the vendor secret is no JSON object: {"finnhub": "token"} would be right')
        return given
