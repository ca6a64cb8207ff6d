"""The sessions of every known calendar, pinned by digest in infra/layer/sessions.lock; and the file that a layer ships.

`python -m mend.calendars.sessions_lock pin` writes the lock anew: a new release of exchange_calendars then shows in a
diff which calendars it changed, and how far the sessions reach is decided there and not by the clock of a build.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
from minutemend.contract import FIRST_DT
from minutemend.core.errors import BadInput

from infra.layer.sessions_lock import LOCK, sessions_lock
from mend.calendars.exchange_sessions import calendar_names, session_table, write


def digest(sessions: pa.Table) -> str:
    """SHA-256 of the labels, opens and closes of one calendar's sessions, whatever it is called."""
    hashed = hashlib.sha256("\n".join(sessions["dt"].to_pylist()).encode())
    for column in ("open", "close"):
        hashed.update(sessions[column].to_numpy().astype("M8[m]").astype("<i8").tobytes())
    return hashed.hexdigest()


def pin(last: str, out: Path = LOCK) -> None:
    """Write the lock for sessions from FIRST_DT to `last`; unmakeable calendars left out."""
    lines = [
        f"# exchange_calendars {version('exchange_calendars')}; `make lock` writes this file.",
        f"first {FIRST_DT}",
    ]
    lines.append(f"last {last}")
    for name in calendar_names():
        try:
            lines.append(f"{name} {digest(session_table([name], first=FIRST_DT, last=last))}")
        except (NotImplementedError, ValueError, BadInput) as error:
            print(f"{name} is left out: {str(error)[:80]}", file=sys.stderr)
    out.write_text("\n".join(lines) + "\n")


def check(calendars: Sequence[str], lock: Path = LOCK) -> None:
    """Raises BadInput when a calendar is not locked, or its sessions are not those that were locked."""
    locked = sessions_lock(lock)
    for name in sorted(set(calendars)):
        made = digest(session_table([name], first=locked.first, last=locked.last))
        if locked.digests.get(name) != made:
            raise BadInput(f"the sessions of {name} are not those of {lock.name}: `make lock` would pin them anew")


def main(argv: Sequence[str] | None = None) -> int:
    """`pin` writes the lock; `make` writes the locked sessions of some calendars as Parquet."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    pinning = commands.add_parser("pin")
    pinning.add_argument("--last", help="last session date (default: the end of the year after next)")
    making = commands.add_parser("make")
    making.add_argument("--calendars", required=True, help="names, separated by commas: XNYS,24/7")
    making.add_argument("--out", required=True, type=Path)
    given = parser.parse_args(argv)
    if given.command == "pin":
        pin(given.last or f"{datetime.now(UTC).year + 2}-12-31")
        return 0
    calendars, locked = given.calendars.split(","), sessions_lock()
    try:
        check(calendars)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    write(calendars, given.out, first=locked.first, last=locked.last)
    return 0


if __name__ == "__main__":
    sys.exit(main())
