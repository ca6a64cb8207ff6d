"""The faults that the simulator can be told to have, and what it counts."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum

from minutemend.core.errors import BadInput
from minutemend.core.minutes import epoch_minute, parse_instant

Rows = dict[str, list[list[object]]]  # symbol -> [epoch milliseconds, open, high, low, close, volume]


class FaultKind(StrEnum):
    """What can go wrong."""

    STATUS = "status"  # answer `status`, with `retry_after` when given
    DELAY = "delay"  # wait `seconds` before the answer
    RATE_LIMIT = "rate_limit"  # 429 after `per_minute` requests to a vendor in a minute
    DROP = "drop"  # close the connection in the middle of the body
    MISSING = "missing"  # leave out `minutes`, or the share `rows` of all rows
    HTML = "html"
    TRUNCATED = "truncated"
    NAN = "nan"
    INVERTED = "inverted"
    NEGATIVE = "negative"
    DUPLICATE = "duplicate"
    UNSORTED = "unsorted"
    WRONG_SYMBOL = "wrong_symbol"  # Alpaca alone names symbols in its answers
    OUT_OF_RANGE = "out_of_range"
    OFF_MINUTE = "off_minute"
    STRINGS = "strings"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. It strikes requests to `vendors` (all when empty) that ask for one of `symbols` (any when
    empty): the first `requests` of those (all when None), or of those the share `share`, chosen by `seed`."""

    kind: FaultKind
    vendors: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    requests: int | None = None
    share: float = 1.0
    seed: int = 0
    status: int = 500
    retry_after: str | None = None  # seconds or an HTTP date, as it is
    seconds: float = 0.0
    per_minute: int = 60
    minutes: tuple[str, ...] = ()  # left edges, ISO
    rows: float = 0.0

    @classmethod
    def from_json(cls, body: object) -> Fault:
        """The fault of a JSON object. Raises BadInput that names what is wrong with it."""
        known = [field.name for field in fields(cls)]
        if not isinstance(body, dict) or not set(body) <= set(known) or "kind" not in body:
            raise BadInput(f"a fault is an object with `kind` and any of {', '.join(known[1:])}; this is {body!r}")
        if body["kind"] not in list(FaultKind):
            raise BadInput(f"{body['kind']!r} is no fault: one of {', '.join(FaultKind)} would be right")
        lists = {name: tuple(body[name]) for name in ("vendors", "symbols", "minutes") if name in body}
        retry_after = {"retry_after": str(body["retry_after"])} if body.get("retry_after") is not None else {}
        fault = cls(**{**body, **lists, **retry_after, "kind": FaultKind(body["kind"])})
        if fault.kind is FaultKind.WRONG_SYMBOL and fault.vendors != ("alpaca",):
            raise BadInput('wrong_symbol needs "vendors": ["alpaca"]: the others name no symbol in their answers')
        for minute in fault.minutes:
            parse_instant(minute, name="minutes")
        return fault

    def chosen(self, number: int) -> bool:
        """Whether the fault strikes the `number`th request (from 0) that it could strike."""
        if self.requests is not None and number >= self.requests:
            return False
        return self.share >= 1 or _uniform(self.seed, number) < self.share

    def concerns(self, symbol: str) -> bool:
        return not self.symbols or symbol in self.symbols


def _uniform(*parts: object) -> float:
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


class Faults:
    """The faults in force and the counts since the last reset. Safe to share by threads; memory grows with the
    number of distinct symbols alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: tuple[Fault, ...] = ()
        self._met: list[int] = []
        self._windows: dict[str, tuple[int, int]] = {}  # vendor -> (minute of the clock, requests in it)
        self.reset()

    def reset(self) -> None:
        """Set every count to zero."""
        with self._lock:
            self._vendors: Counter[str] = Counter()
            self._symbols: Counter[str] = Counter()
            self._statuses: Counter[str] = Counter()

    def set(self, faults: Sequence[Fault]) -> None:
        """Put these faults in force, and no others."""
        with self._lock:
            self._faults = tuple(faults)
            self._met = [0] * len(faults)

    def meet(self, vendor: str, symbols: Sequence[str]) -> list[Fault]:
        """Count a request and return the faults that strike it, in the order they were given."""
        with self._lock:
            self._vendors[vendor] += 1
            self._symbols.update(symbols)
            struck = []
            for index, fault in enumerate(self._faults):
                if fault.vendors and vendor not in fault.vendors:
                    continue
                if fault.symbols and not set(fault.symbols) & set(symbols):
                    continue
                if fault.chosen(self._met[index]):
                    struck.append(fault)
                self._met[index] += 1
            return struck

    def over_limit(self, vendor: str, *, per_minute: int, clock_minute: int) -> bool:
        """Count a request against a fixed window of one minute; True when it is one too many."""
        with self._lock:
            window, count = self._windows.get(vendor, (clock_minute, 0))
            count = count + 1 if window == clock_minute else 1
            self._windows[vendor] = (clock_minute, count)
            return count > per_minute

    def answered(self, status: str) -> None:
        """Count an answer by its status, or `dropped`."""
        with self._lock:
            self._statuses[status] += 1

    def counts(self) -> dict[str, object]:
        """What `GET /control` returns."""
        with self._lock:
            return {
                "requests": self._vendors.total(),
                "vendors": dict(self._vendors),
                "symbols": dict(self._symbols),
                "statuses": dict(self._statuses),
                "faults": [asdict(fault) for fault in self._faults],
            }


def thin(fault: Fault, rows: Rows) -> None:
    """Leave out the rows that a `missing` fault names, in place."""
    gone = {epoch_minute(parse_instant(minute, name="minutes")) * 60_000 for minute in fault.minutes}
    for symbol, listed in rows.items():
        if fault.concerns(symbol):
            rows[symbol] = [
                row
                for row in listed
                if row[0] not in gone and not (fault.rows and _uniform(fault.seed, symbol, row[0]) < fault.rows)
            ]


def spoil(fault: Fault, rows: Rows) -> None:
    """Make one row of the first symbol that has rows and that the fault concerns unbelievable, in place."""
    symbol = next((symbol for symbol, listed in rows.items() if listed and fault.concerns(symbol)), None)
    if symbol is None:
        return
    listed = rows[symbol]
    at, opened, high, low, close, volume = listed[0]
    changed: Mapping[FaultKind, list[object]] = {
        FaultKind.NAN: [at, float("nan"), high, low, close, volume],
        FaultKind.INVERTED: [at, opened, _number(low) - 1.0, _number(high) + 1.0, close, volume],
        FaultKind.NEGATIVE: [at, opened, high, -_number(low), close, volume],
        FaultKind.OUT_OF_RANGE: [int(_number(at)) - 7 * 86_400_000, opened, high, low, close, volume],
        FaultKind.OFF_MINUTE: [int(_number(at)) + 30_000, opened, high, low, close, volume],
        FaultKind.STRINGS: [at, opened, high, low, str(close), volume],
    }
    match fault.kind:
        case FaultKind.DUPLICATE:
            listed.insert(0, listed[0])
        case FaultKind.UNSORTED:
            listed.reverse()
        case FaultKind.WRONG_SYMBOL:
            rows["WRONG"] = rows.pop(symbol)
        case kind if kind in changed:
            listed[0] = changed[kind]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
