"""What the simulator keeps between requests: the faults in force and the counts since the last reset."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from market.faults import Fault


class State(ABC):
    """Shared by all requests, also by those that are answered at the same time."""

    @abstractmethod
    def set(self, faults: Sequence[Fault]) -> None:
        """Put these faults in force, and no others."""

    @abstractmethod
    def reset(self) -> None:
        """Set every count to zero."""

    @abstractmethod
    def meet(self, vendor: str, symbols: list[str], now: datetime) -> list[Fault]:
        """Count a request and return the faults that strike it, in the order they were given."""

    @abstractmethod
    def over_limit(self, vendor: str, *, per_minute: int, clock_minute: int) -> bool:
        """Count a request against a fixed window of one minute; True when it is one too many."""

    @abstractmethod
    def answered(self, status: str) -> None:
        """Count an answer by its status, or `dropped`."""

    @abstractmethod
    def counts(self) -> dict[str, object]:
        """`requests`, `vendors`, `symbols`, `statuses`, and the `faults` in force."""


class Memory(State):
    """In this process. Memory grows with the number of distinct symbols alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: tuple[Fault, ...] = ()
        self._met: list[int] = []
        self._windows: dict[str, tuple[int, int]] = {}  # vendor -> (minute of the clock, requests in it)
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._vendors: Counter[str] = Counter()
            self._symbols: Counter[str] = Counter()
            self._statuses: Counter[str] = Counter()

    def set(self, faults: Sequence[Fault]) -> None:
        with self._lock:
            self._faults = tuple(faults)
            self._met = [0] * len(faults)

    def meet(self, vendor: str, symbols: list[str], now: datetime) -> list[Fault]:
        with self._lock:
            self._vendors[vendor] += 1
            self._symbols.update(symbols)
            struck = []
            for index, fault in enumerate(self._faults):
                if fault.could_strike(vendor, symbols, now):
                    if fault.chosen(self._met[index]):
                        struck.append(fault)
                    self._met[index] += 1
            return struck

    def over_limit(self, vendor: str, *, per_minute: int, clock_minute: int) -> bool:
        with self._lock:
            window, count = self._windows.get(vendor, (clock_minute, 0))
            count = count + 1 if window == clock_minute else 1
            self._windows[vendor] = (clock_minute, count)
            return count > per_minute

    def answered(self, status: str) -> None:
        with self._lock:
            self._statuses[status] += 1

    def counts(self) -> dict[str, object]:
        with self._lock:
            return {
                "requests": self._vendors.total(),
                "vendors": dict(self._vendors),
                "symbols": dict(self._symbols),
                "statuses": dict(self._statuses),
                "faults": [asdict(fault) for fault in self._faults],
            }
