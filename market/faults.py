"""The faults that the simulator can be told to have: what each is, when it strikes, which rows it picks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from minutemend.core.errors import BadInput
from minutemend.core.minutes import epoch_minute, parse_instant, parse_moment


class FaultKind(StrEnum):
    """What can go wrong."""

    # The answer never comes, or is another one.
    STATUS = "status"  # answer `status`, with `retry_after` when given
    DELAY = "delay"  # wait `seconds` before the answer
    RATE_LIMIT = "rate_limit"  # 429 after `per_minute` requests to a vendor in a minute
    DROP = "drop"  # close the connection in the middle of the body
    HTML = "html"  # 200 with a page
    WAF = "waf"  # 403 with a page: a firewall before the vendor
    ERROR_BODY = "error_body"  # 200, and the body is the vendor's own words for an error
    TRUNCATED = "truncated"
    # The vendor knows less than the market, or something else.
    MISSING = "missing"  # leave out the rows picked
    LAG = "lag"  # a bar appears `seconds` after its minute's end; now is `as_of` when given
    ONE_BAR = "one_bar"  # of each UTC date one bar alone
    RESTATED = "restated"  # the rows picked (all: when none are) have their values times `factor`
    # Rows that cannot be believed: those picked, or the first of the first symbol.
    NAN = "nan"
    INVERTED = "inverted"
    NEGATIVE = "negative"
    DUPLICATE = "duplicate"
    UNSORTED = "unsorted"
    WRONG_SYMBOL = "wrong_symbol"  # Alpaca alone sends rows of several symbols
    OUT_OF_RANGE = "out_of_range"
    OFF_MINUTE = "off_minute"
    STRINGS = "strings"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. From `since` until `until` (ISO instants; always when left out) it strikes requests to `vendors`
    (all when empty) that ask for one of `symbols` (any when empty): the first `requests` of those (all when None), or
    of those the share `share`, chosen by `seed`.

    It picks rows of `symbols` by any of: `minutes` (left edges), `runs` (pairs of instants, half-open), `past` (from
    that minute of each hour on), and `rows`: that share of all stretches of `length` minutes, chosen by `seed`.
    """

    kind: FaultKind
    vendors: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    requests: int | None = None
    share: float = 1.0
    seed: int = 0
    since: str | None = None
    until: str | None = None
    status: int = 500
    retry_after: str | None = None  # seconds or an HTTP date, as it is
    seconds: float = 0.0
    as_of: str | None = None
    factor: float = 1.01
    per_minute: int = 60
    minutes: tuple[str, ...] = ()
    runs: tuple[tuple[str, str], ...] = ()
    rows: float = 0.0
    length: int = 1
    past: int | None = None

    @classmethod
    def from_json(cls, body: object) -> Fault:
        """The fault of a JSON object, as `asdict` gives it too. Raises BadInput that names what is wrong."""
        known = [field.name for field in fields(cls)]
        if not isinstance(body, dict) or not set(body) <= set(known) or "kind" not in body:
            raise BadInput(f"a fault is an object with `kind` and any of {', '.join(known[1:])}; this is {body!r}")
        if body["kind"] not in list(FaultKind):
            raise BadInput(f"{body['kind']!r} is no fault: one of {', '.join(FaultKind)} would be right")
        given = {name: _READ[name](name, value) for name, value in body.items() if value is not None and name in _READ}
        fault = cls(kind=FaultKind(body["kind"]), **given)  # type: ignore[arg-type]
        if fault.kind is FaultKind.WRONG_SYMBOL and fault.vendors != ("alpaca",):
            raise BadInput('wrong_symbol needs "vendors": ["alpaca"]: the others send rows of one symbol')
        return fault

    def concerns(self, symbol: str) -> bool:
        return not self.symbols or symbol in self.symbols

    def could_strike(self, vendor: str, symbols: list[str], now: datetime) -> bool:
        """Whether such a request, now, is one of those that are counted and chosen from."""
        if (self.vendors and vendor not in self.vendors) or not any(self.concerns(symbol) for symbol in symbols):
            return False
        begun = self.since is None or parse_moment(self.since, name="since") <= now
        return begun and (self.until is None or now < parse_moment(self.until, name="until"))

    @property
    def counted(self) -> bool:
        """Whether it strikes some of the requests that it could strike, by their number, and not all."""
        return self.requests is not None or self.share < 1

    def chosen(self, number: int) -> bool:
        """Whether the fault strikes the `number`th request (from 0) that it could strike."""
        if self.requests is not None and number >= self.requests:
            return False
        return self.share >= 1 or uniform(self.seed, number) < self.share

    @property
    def picks_rows(self) -> bool:
        return bool(self.minutes or self.runs or self.rows or self.past is not None)

    def picker(self) -> Callable[[str, int], bool]:
        """Whether the row of a symbol at an epoch minute is picked."""
        single = {epoch_minute(parse_instant(minute, name="minutes")) for minute in self.minutes}
        runs = [tuple(epoch_minute(parse_instant(edge, name="runs")) for edge in run) for run in self.runs]

        def picked(symbol: str, minute: int) -> bool:
            return self.concerns(symbol) and (
                minute in single
                or any(first <= minute < end for first, end in runs)
                or (self.past is not None and minute % 60 >= self.past)
                or (self.rows > 0 and uniform(self.seed, symbol, minute // self.length) < self.rows)
            )

        return picked


def uniform(*parts: object) -> float:
    """A number in [0, 1), the same for the same parts."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise BadInput(f"{name} is {value!r}: a list of texts would be right")
    return tuple(value)


def _minutes(name: str, value: object) -> tuple[str, ...]:
    for minute in _texts(name, value):
        parse_instant(minute, name=name)
    return _texts(name, value)


def _runs(name: str, value: object) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list | tuple):
        raise BadInput(f"{name} is {value!r}: a list of pairs of instants would be right")
    runs = tuple(_minutes(name, run) for run in value)
    for run in runs:
        if len(run) != 2 or datetime.fromisoformat(run[0]) >= datetime.fromisoformat(run[1]):
            raise BadInput(f"{name} has {run!r}: a pair of instants, the first before the second, would be right")
    return runs


def _instant(name: str, value: object) -> str:
    parse_moment(value, name=name)
    return str(value)


def _text(_name: str, value: object) -> str:
    return str(value)


def _number(low: float, high: float, *, whole: bool = False) -> Callable[[str, object], float]:
    kinds: tuple[type[int] | type[float], ...] = (int,) if whole else (int, float)
    what = "a whole number" if whole else "a number"

    def read(name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            raise BadInput(f"{name} is {value!r}: {what} from {low} to {high} would be right")
        return value

    return read


def _whole(low: int, high: int) -> Callable[[str, object], float]:
    return _number(low, high, whole=True)


_MANY = 10**9
_READ: dict[str, Callable[[str, object], object]] = {
    "vendors": _texts,
    "symbols": _texts,
    "requests": _whole(0, _MANY),
    "share": _number(0, 1),
    "seed": _whole(-_MANY, _MANY),
    "since": _instant,
    "until": _instant,
    "status": _whole(200, 599),
    "retry_after": _text,
    "seconds": _number(0, _MANY),
    "as_of": _instant,
    "factor": _number(0.001, 1000),
    "per_minute": _whole(0, _MANY),
    "minutes": _minutes,
    "runs": _runs,
    "rows": _number(0, 1),
    "length": _whole(1, 1440),
    "past": _whole(0, 59),
}
