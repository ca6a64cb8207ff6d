"""Where bars come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, timedelta

from minutemend.core.answers import Answer, Source, VendorLimits, VendorRequest


class Vendor(ABC):
    """One vendor's API.

    `name` stands in every bar that comes from it, `source` is what it draws on, `lag` how long after a minute's end
    its bars are complete (None: it does not say, so the newest minutes that it leaves out are no evidence).
    """

    name: str
    source: Source
    lag: timedelta | None
    limits: VendorLimits

    @abstractmethod
    def fetch(self, request: VendorRequest, *, until: datetime | None = None) -> Answer:
        """Ask, validate, and say what the answer is worth. Never raises for what a vendor or a network does. No page
        after the first is begun later than `until`: what is then not looked at is `left` in the answer.
        Several threads may call it at once."""
