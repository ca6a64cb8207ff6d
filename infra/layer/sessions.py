"""The sessions of every calendar that ships: a layer's hash covers them, and no clock says how far they reach."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "mend" / "calendars" / "sessions.npz"


@cache
def calendar_names() -> frozenset[str]:
    """The names of the calendars in it, and other names for them in small letters. Read without numpy, which settings
    would else import for every command of `mend`."""
    with zipfile.ZipFile(FILE) as held:
        return frozenset(held.read("names.txt").decode().splitlines())
