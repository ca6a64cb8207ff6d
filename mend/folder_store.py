"""A lake's bucket as a folder on this machine, for reading: what `aws s3 sync` brings here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from minutemend.core.errors import BadInput
from minutemend.ports.store import Store, Stored, is_object


class FolderStore(Store):
    """The files under `folder`, by their paths. It writes nothing: only a stage writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        del body, if_absent, if_match
        raise BadInput(f"{self.folder} is read, and never written ({key}): `mend load` writes into a stage's lake")

    def get(self, key: str) -> bytes | None:
        try:
            return (self.folder / key).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            return None

    def head(self, key: str) -> Stored | None:
        path = self.folder / key
        return self._stored(path) if path.is_file() else None

    def list(self, prefix: str) -> list[Stored]:
        """Files whose path begins with `prefix`, sorted; those that a copy has not finished (a dot first) are none."""
        below = self.folder / prefix.rpartition("/")[0]
        files = (path for path in below.rglob("*") if path.is_file() and is_object(path.name))
        return sorted(one for one in map(self._stored, files) if one.key.startswith(prefix))

    def delete(self, keys: Iterable[str]) -> None:
        raise BadInput(f"{self.folder} is read, and never written: nothing of it is deleted ({', '.join(keys)})")

    def _stored(self, path: Path) -> Stored:
        about = path.stat()
        # A file that was replaced has another time: that is as much as its etag has to say here.
        etag = f"{about.st_size}-{about.st_mtime_ns}"
        modified = datetime.fromtimestamp(about.st_mtime, UTC)
        return Stored(path.relative_to(self.folder).as_posix(), about.st_size, etag, modified)
