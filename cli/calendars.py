"""The sessions of a calendar as a file, made once and kept: importing exchange_calendars takes longer than an audit.

`python -m cli.calendars NAME ...` makes the files ahead of time; `make setup` does so for the commonest.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

FIRST = "1990-01-01"
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """Sessions of one calendar (the columns of the `sessions` table), its zone, and the dates that it knows."""

    sessions: Path
    zone: str
    first: date
    last: date


def calendar_file(name: str, *, today: date) -> CalendarFile:
    """The calendar's file, made when there is none for this release of exchange_calendars and this year.

    It reaches from 1990, or from where the calendar begins, to the end of next year. Raises BadInput.
    """
    last = f"{today.year + 1}-12-31"
    folder = _cache() / f"{version('exchange_calendars')}-{last}"
    note = folder / (re.sub(r"[^A-Za-z0-9]", "_", name) + ".json")
    sessions = note.with_suffix(".parquet")
    if not note.exists():
        _make(name, sessions, note, last)
    known = json.loads(note.read_text())
    return CalendarFile(sessions, known["zone"], date.fromisoformat(known["first"]), date.fromisoformat(known["last"]))


def _make(name: str, sessions: Path, note: Path, last: str) -> None:
    import pyarrow.parquet as pq
    from minutemend.adapters.exchange_sessions import calendar_zone, session_table

    table = session_table([name], first=FIRST, last=last)
    labels = table["dt"]
    known = {"zone": calendar_zone(name), "first": labels[0].as_py(), "last": labels[len(labels) - 1].as_py()}
    sessions.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and moved, the note last: two commands at once each find a whole pair, or none.
    aside = sessions.with_name(f"{sessions.name}.{os.getpid()}")
    pq.write_table(table, aside)
    aside.replace(sessions)
    aside = note.with_name(f"{note.name}.{os.getpid()}")
    aside.write_text(json.dumps(known))
    aside.replace(note)


def _cache() -> Path:
    """Inside the clone where there is one, else where this user's caches lie."""
    if (_ROOT / "pyproject.toml").exists():
        return _ROOT / ".build" / "calendars"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minutemend" / "calendars"


if __name__ == "__main__":
    for calendar in sys.argv[1:]:
        calendar_file(calendar, today=datetime.now(UTC).date())
