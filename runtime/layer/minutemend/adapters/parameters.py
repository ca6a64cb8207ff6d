"""The interested symbols: a parameter of SSM that a person may change without a deploy."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from minutemend.core.errors import BadInput
from minutemend.core.symbols import Listing, valid_symbol

_RIGHT = '{"XNYS": ["IBM", {"symbol": "X", "listed": "2020-01-02", "delisted": "2021-01-01"}]} would be right'
_FIELDS = {"symbol", "listed", "delisted"}


def get_interested_stocks(*, ssm: Any, parameter: str) -> list[Listing]:
    """The symbols that this stage follows, sorted. Raises BadInput that says where the parameter is malformed."""
    value = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    return parse_listings(value, name=f"the parameter {parameter}")


def put_interested_stocks(text: str, *, ssm: Any, parameter: str) -> None:
    """Replace the parameter by a list that `parse_listings` has accepted; in force with the next audit."""
    ssm.put_parameter(Name=parameter, Value=text, Type="String", Overwrite=True)


def parse_listings(text: str, *, name: str) -> list[Listing]:
    """The listings in `text`: JSON, an object of calendar to a list of symbols. Raises BadInput."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{name} is no JSON ({error}): {_RIGHT}") from None
    if not isinstance(given, dict) or not given:
        raise BadInput(f"{name} has to be an object of calendars and their symbols: {_RIGHT}")
    found: dict[str, Listing] = {}
    for calendar, entries in given.items():
        if not isinstance(entries, list):
            raise BadInput(f"{name} has {entries!r} for {calendar}, which is no list: {_RIGHT}")
        for entry in entries:
            listing = _listing(entry, calendar, name)
            if listing.symbol in found:
                raise BadInput(f"{name} names {listing.symbol} twice: once, in one calendar, would be right")
            found[listing.symbol] = listing
    if not found:
        raise BadInput(f"{name} names no symbol at all: {_RIGHT}")
    return sorted(found.values(), key=lambda listing: listing.symbol)


def _listing(entry: object, calendar: str, name: str) -> Listing:
    if isinstance(entry, str):
        return Listing(valid_symbol(entry), calendar)
    if not isinstance(entry, dict) or "symbol" not in entry or set(entry) - _FIELDS:
        raise BadInput(f"{name} has the entry {entry!r} in {calendar}: {_RIGHT}")
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
        raise BadInput(f"{name} has {field} {text!r}: a date like 2020-01-02 would be right") from None
