"""Which sessions ship with a layer: their dates and their digests, pinned in `sessions.lock` by `make lock`.

So a layer's hash covers the sessions without making them, and no clock says how far they reach. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

LOCK = Path(__file__).with_name("sessions.lock")


@dataclass(frozen=True, slots=True)
class SessionsLock:
    """The first and last session dates that ship (YYYY-MM-DD, both inclusive), and a SHA-256 for each calendar."""

    first: str
    last: str
    digests: dict[str, str]


@cache
def sessions_lock(path: Path = LOCK) -> SessionsLock:
    """The lock as it is committed. Raises ValueError for a line that is not a name and a value."""
    rows = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    if bad := [row for row in rows if len(row) != 2]:
        raise ValueError(f"{path}: {' '.join(bad[0])!r}: a name and a value would be right; `make lock` writes them")
    values = dict(rows)
    return SessionsLock(values.pop("first"), values.pop("last"), values)
