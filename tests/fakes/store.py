"""An in-memory Store: what the real one promises, with etags and conditional puts, and not more."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from minutemend.ports.store import Store, StoreConflict, Stored, is_object

ARBITRARY = datetime(2026, 1, 1, tzinfo=UTC)


class FakeStore(Store):
    """Objects in a dict. `now` dates them; `objects` is open to tests that look or meddle."""

    def __init__(self, now: Callable[[], datetime] = lambda: ARBITRARY) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.puts: list[str] = []  # the keys of every put that succeeded, in order
        self._now = now

    def put(self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        stored = self.head(key)
        if if_absent and stored is not None:
            raise StoreConflict(f"{key} is there already")
        if if_match is not None and (stored is None or stored.etag != if_match):
            raise StoreConflict(f"{key} is another object than {if_match}")
        self.objects[key] = (bytes(body), self._now())
        self.puts.append(key)
        return etag_of(body)

    def get(self, key: str) -> bytes | None:
        found = self.objects.get(key)
        return found[0] if found else None

    def head(self, key: str) -> Stored | None:
        found = self.objects.get(key)
        return Stored(key, len(found[0]), etag_of(found[0]), found[1]) if found else None

    def list(self, prefix: str) -> list[Stored]:
        return [
            Stored(key, len(body), etag_of(body), modified)
            for key, (body, modified) in sorted(self.objects.items())
            if key.startswith(prefix) and is_object(key)
        ]

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)


def etag_of(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
