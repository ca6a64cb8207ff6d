"""What a layer is built for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A runtime ("3.13") on an architecture ("arm64" or "x86_64"), and the calendars whose sessions ship."""

    python: str
    architecture: str
    calendars: tuple[str, ...]
