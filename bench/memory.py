"""A store in memory, for benchmarks of the code alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from minutemend.ports.store import Store, StoreConflict, Stored

NOW = datetime(2025, 11, 13, tzinfo=UTC)


class MemoryStore(Store):
    """Objects in a dict; `requests` counts what was asked."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.requests = 0

    def put(self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        self.requests += 1
        found = self.objects.get(key)
        if (if_absent and found) or (if_match is not None and (found is None or found[1] != if_match)):
            raise StoreConflict(key)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.objects[key] = (body, etag)
        return etag

    def get(self, key: str) -> bytes | None:
        self.requests += 1
        found = self.objects.get(key)
        return found[0] if found else None

    def head(self, key: str) -> Stored | None:
        self.requests += 1
        found = self.objects.get(key)
        return Stored(key, len(found[0]), found[1], NOW) if found else None

    def list(self, prefix: str) -> list[Stored]:
        self.requests += 1
        return [
            Stored(key, len(body), etag, NOW)
            for key, (body, etag) in sorted(self.objects.items())
            if key.startswith(prefix)
        ]

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)
