"""Where bars come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from minutemend.core.answers import Answer, VendorRequest


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request to a vendor may ask, from its documentation."""

    rows: int  # bars in one answer, over all its symbols and pages
    symbols: int  # symbols in one request
    per_minute: int  # requests, by all workers together
    per_second: int | None = None  # likewise; None: only the minute counts


class Vendor(ABC):
    """One vendor's API. `name` stands in every bar that comes from it."""

    name: str
    limits: Limits

    @abstractmethod
    def fetch(self, request: VendorRequest) -> Answer:
        """Ask, validate, and say what the answer is worth. Never raises for what a vendor or a network does.
        Several threads may call it at once."""
