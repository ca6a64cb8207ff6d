"""The sessions of every calendar that ships: a layer's hash covers them, and no clock says how far they reach."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).resolve().parents[2] / "mend" / "calendars" / "sessions.npz"


@cache
def calendar_names() -> frozenset[str]:
    """The names of the calendars in it, and other names for them in small letters."""
    with np.load(FILE) as held:
        return frozenset(held["names"].tolist()) | frozenset(held["alias"].tolist())
