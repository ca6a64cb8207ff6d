"""The vendors' credentials: one secret of Secrets Manager, JSON of vendor name to token or keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from minutemend.core.errors import BadInput

KEEP = timedelta(minutes=5)  # a rotated token is in use this soon, and a busy worker reads the secret this seldom
# A vendor that answers 401 to everything has the secret read anew this often, not once for each of its jobs.
RARELY = timedelta(seconds=10)


class VendorCredentials:
    """Reads the secret once a process, and again when what it has is older than KEEP. Never in repr or a message."""

    def __init__(self, secrets: Any, secret_id: str, *, clock: Callable[[], datetime]) -> None:
        self._secrets = secrets
        self._secret_id = secret_id
        self._clock = clock
        self._known: dict[str, Any] = {}
        self._read_at: datetime | None = None
        self._doubted_at: datetime | None = None

    def again(self, vendor: str) -> Any:
        """As `of`, but read anew: the vendor says that what we have is wrong, and it may have been rotated."""
        now = self._clock()
        if self._doubted_at is None or now - self._doubted_at >= RARELY:
            self._doubted_at, self._read_at = now, None
        return self.of(vendor)

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
