"""Objects under keys: the lake, and the audits' working files. S3 in AWS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from minutemend.core.errors import MinutemendError


class StoreConflict(MinutemendError):
    """A conditional write met an object other than the one it was conditioned on."""


@dataclass(frozen=True, slots=True, order=True)
class Stored:
    """One object in a listing."""

    key: str
    size: int  # bytes
    etag: str
    modified: datetime


class Store(ABC):
    """A flat space of objects; each put is atomic, and a reader sees the old or the new one whole."""

    @abstractmethod
    def put(self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        """Write an object and return its etag. With `if_absent` or `if_match` (an etag) raises StoreConflict
        when the object is there already, or is another."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None when there is none."""

    @abstractmethod
    def head(self, key: str) -> Stored | None:
        """The object's listing row, or None when there is none."""

    @abstractmethod
    def list(self, prefix: str) -> list[Stored]:
        """Every object (`is_object`) whose key begins with `prefix`, sorted by key."""

    @abstractmethod
    def delete(self, keys: Iterable[str]) -> None:
        """Delete the objects; those that are gone already do not matter."""


def is_object(key: str) -> bool:
    """Whether an object may be one of ours: what is named as a folder, or with a dot or _ first, is another program's.
    Athena leaves the same aside."""
    return not key.rpartition("/")[2].startswith(("_", ".")) and not key.endswith("/")
