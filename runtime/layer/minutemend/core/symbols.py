"""Symbols: what may be one, for how long it is expected, and the list of those that a stage follows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from minutemend.core.errors import BadInput

# Capital letters, digits and, one at a time between them, the marks that exchanges, vendors and files use: BRK.B,
# BTC-USD, BTC/USDT, ^GSPC, ES=F, X:BTCUSD, BF_A, M&M. No quote, comma, backslash, space, percent sign or control
# character, and no A/../B. A slash is no danger to a key of the lake, for keys hold `key_part`.
SYMBOL_PATTERN = re.compile(r"\^?[A-Z0-9]+(?:[.\-_/^=:&][A-Z0-9]+)*")
LONGEST = 32
MOST_SYMBOLS = 20_000
MOST_BYTES = 4_000_000  # of a list's JSON: 20,000 entries with their listing dates have 1.6 MB

_RIGHT = '{"XNYS": ["IBM", {"symbol": "X", "listed": "2020-01-02", "delisted": "2021-01-01"}]} would be right'
_FIELDS = {"symbol", "listed", "delisted"}


def valid_symbol(text: object) -> str:
    """`text` itself, when it may be a symbol. Raises BadInput otherwise."""
    if not isinstance(text, str) or len(text) > LONGEST or not SYMBOL_PATTERN.fullmatch(text):
        shown = repr(text) if len(repr(text)) <= 80 else f"{text!r:.80}…"
        raise BadInput(
            f"{shown} is not a symbol: 1 to 32 capital letters, digits, and a single . - _ / = : & or ^ between them "
            "would be right, as BRK.B, BTC/USDT or ^GSPC"
        )
    return text


def valid_symbols(texts: Iterable[object]) -> tuple[str, ...]:
    """The symbols, sorted, each once. Raises BadInput for the first that cannot be one."""
    return tuple(sorted({valid_symbol(text) for text in texts}))


def key_part(symbol: str) -> str:
    """The symbol as part of an object's key: no slash and nothing that a key or URL reads otherwise. IBM stays IBM."""
    return quote(symbol, safe="")


@dataclass(frozen=True, slots=True)
class Listing:
    """A symbol of interest: its calendar, and the dates on which its sessions are expected.

    `listed` is inclusive, `delisted` exclusive, both session dates of the calendar; None means unbounded. A symbol may
    have several, disjoint in time, in one calendar. Sorted by symbol, calendar, dates.
    """

    symbol: str
    calendar: str
    listed: date | None = None
    delisted: date | None = None

    def __lt__(self, other: Listing) -> bool:
        return self._place < other._place

    @property
    def _place(self) -> tuple[str, str, date, date]:
        return self.symbol, self.calendar, self.listed or date.min, self.delisted or date.max

    def on(self, dt: date) -> bool:
        """Whether the session of this date is expected of it."""
        return (self.listed is None or self.listed <= dt) and (self.delisted is None or dt < self.delisted)


def parse_listings(text: str, *, name: str) -> list[Listing]:
    """The listings in `text`, sorted: JSON, an object of calendar to a list of symbols. Raises BadInput that says
    where it is malformed; `name` says what is, for the message."""
    if len(text) > MOST_BYTES:
        raise BadInput(f"{name} has {len(text):,} characters: at most {MOST_BYTES:,} would be right")
    try:
        given = json.loads(text, object_pairs_hook=lambda pairs: _each_once(pairs, name))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name} is no JSON ({error}): {_RIGHT}") from None
    if not isinstance(given, dict) or not given:
        raise BadInput(f"{name} has to be an object of calendars and their symbols: {_RIGHT}")
    found: dict[str, list[Listing]] = {}
    for calendar, entries in given.items():
        if not isinstance(entries, list):
            raise BadInput(f"{name} has {entries!r:.80} for {calendar}, which is no list: {_RIGHT}")
        for entry in entries:
            listing = _listing(entry, calendar, name)
            found.setdefault(listing.symbol, []).append(listing)
    if not found:
        raise BadInput(f"{name} names no symbol at all: {_RIGHT}")
    if len(found) > MOST_SYMBOLS:
        raise BadInput(f"{name} names {len(found):,} symbols: at most {MOST_SYMBOLS:,} would be right")
    return [listing for symbol in sorted(found) for listing in _disjoint(found[symbol], name)]


def _each_once(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    """The object of the pairs. JSON would keep the last of two, and drop the first one's symbols in silence."""
    given = dict(pairs)
    if len(given) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadInput(f"{name} has {twice!r} twice: one entry with all of its symbols would be right")
    return given


def _disjoint(listings: list[Listing], name: str) -> list[Listing]:
    """The listings of one symbol in order. Raises BadInput when they overlap or are of two calendars."""
    ordered = sorted(listings, key=lambda one: one.listed or date.min)  # of any calendar
    for one, after in pairwise(ordered):
        if one.calendar != after.calendar:
            raise BadInput(
                f"{name} names {one.symbol} twice, in {one.calendar} and {after.calendar}: one calendar would be right"
            )
        if one.delisted is None or after.listed is None or after.listed < one.delisted:
            raise BadInput(
                f"{name} names {one.symbol} twice in {one.calendar}: once would be right, or listing intervals that do "
                "not overlap"
            )
    return ordered


def _listing(entry: object, calendar: str, name: str) -> Listing:
    if isinstance(entry, str):
        return Listing(valid_symbol(entry), calendar)
    if not isinstance(entry, dict) or "symbol" not in entry or set(entry) - _FIELDS:
        raise BadInput(f"{name} has the entry {entry!r:.80} in {calendar}: {_RIGHT}")
    listed, delisted = (_date(entry.get(field), field, name) for field in ("listed", "delisted"))
    if listed is not None and delisted is not None and listed >= delisted:
        raise BadInput(
            f"{name} delists {entry['symbol']} on {delisted}, which is not after {listed}, when it is listed"
        )
    return Listing(valid_symbol(entry["symbol"]), calendar, listed, delisted)


def _date(text: object, field: str, name: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise BadInput(f"{name} has {field} {text!r:.40}: a date like 2020-01-02 would be right") from None
