"""Every call that local AWS judged, each kind once: who, what, on what, under which conditions, and the answer.

A line is JSON: {"who": "role/NAME" | "user/NAME" | "service/NAME", "session": "…", "action": "s3:PutObject",
"resource": ARN, "conditions": {key: value}, "allowed": true}.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "calls.jsonl"


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it was judged. `conditions` holds the request's condition keys, in small letters."""

    who: str
    action: str
    resource: str
    allowed: bool
    session: str = ""
    conditions: Mapping[str, Any] = field(default_factory=dict)


class Ledger:
    """Appends calls to a file; the same call again is not written again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def add(self, call: Call) -> None:
        """Write the call down, unless it is there."""
        line = json.dumps(asdict(call), sort_keys=True, default=str)
        with self._lock:
            if line in self._known:
                return
            self._known.add(line)
            with self._file.open("a") as out:
                out.write(line + "\n")


def read_calls(file: Path) -> Iterator[Call]:
    """The calls of a file, as they were written."""
    for line in file.read_text().splitlines():
        yield Call(**json.loads(line))


def principal_of(arn: str) -> tuple[str, str]:
    """`role/NAME` or `user/NAME`, and the session's name, of a principal's ARN as IAM and STS write it.

    >>> principal_of("arn:aws:sts::000000000000:assumed-role/Worker/minutemend-dev-capture-bars")
    ('role/Worker', 'minutemend-dev-capture-bars')
    """
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    if kind == "assumed-role":
        name, _, session = rest.rpartition("/")
        return f"role/{name}", session
    return f"{kind}/{rest}", ""
