"""The interested symbols: the newest list that was set, or the last good one while that cannot be believed.

    settings/symbols/<when>-<id>.json   the lists, one object for each time that one was set; the newest counts
    symbols/symbols.parquet             the listings in force, for the audit's query: the last good list

A list is JSON as `core.symbols.parse_listings` reads it. Before the first one is set, the stage's parameter in SSM is
taken over, once; later changes of the parameter count for nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from minutemend.contract import CLOSURES_KEY, SYMBOL_LISTS_PREFIX
from minutemend.core.errors import BadInput
from minutemend.core.in_force import listings_in_force
from minutemend.core.symbols import Listing, parse_listings
from minutemend.ports.store import StoreConflict
from minutemend.services.lake import Lake

TAKEN_OVER = f"{SYMBOL_LISTS_PREFIX}0-from-the-parameter.json"  # before every list that has a time


@dataclass(frozen=True, slots=True)
class Interest:
    """The listings in force, and why the newest list was refused (None: it was not)."""

    listings: tuple[Listing, ...]
    refused: str | None = None


def get_interested_stocks(lake: Lake, parameter: Callable[[], str | None], *, write: bool = True) -> Interest:
    """What the stage follows; it is mirrored into the lake for the audit's query, if you do not say otherwise. A list
    that is refused changes nothing. `parameter` reads the text of the stage's parameter (None: there is none); it is
    asked before the first list is set.

    Raises BadInput when there never was a good list.
    """
    good, source = lake.symbols_of()
    try:
        keys, closures = symbol_lists(lake), lake.store.head(CLOSURES_KEY)
        made_from = f"{keys[-1] if keys else TAKEN_OVER} {closures.etag if closures else ''}".strip()
        if keys and good and source == made_from:
            return Interest(tuple(good))
        if not keys and source:
            raise BadInput("the lists of interested symbols were deleted: `mend symbols set` sets one")
        if keys:
            text, name = (lake.store.get(keys[-1]) or b"").decode(errors="replace"), f"the list {keys[-1]}"
        else:
            text, name = _first(parameter)
        listings = listings_in_force(_checked(lake, text, name=name), lake.calendars.closures())
    except BadInput as reason:
        if not good:
            raise
        return Interest(tuple(good), str(reason))
    if write and not keys:
        with suppress(StoreConflict):  # another function was quicker
            lake.store.put(TAKEN_OVER, text.encode(), if_absent=True)
    if write:
        lake.put_symbols(listings, source=made_from)
    return Interest(tuple(listings))


def set_interested_stocks(lake: Lake, text: str, *, now: datetime) -> str:
    """Set the list `text`, which is in force with the next audit and the next capture; returns its key.

    Raises BadInput for one that is malformed or names a calendar whose sessions are not known: nothing is changed.
    """
    _checked(lake, text, name="the list")
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    key = f"{SYMBOL_LISTS_PREFIX}{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{digest}.json"
    lake.store.put(key, text.encode())
    return key


def symbol_lists(lake: Lake) -> list[str]:
    """The keys of every list that was set, the newest last."""
    return [stored.key for stored in lake.store.list(SYMBOL_LISTS_PREFIX)]


def _first(parameter: Callable[[], str | None]) -> tuple[str, str]:
    text = parameter()
    if text is None:
        raise BadInput("there is no list of interested symbols, and no parameter: `mend symbols set` sets one")
    return text, "the symbols parameter"


def _checked(lake: Lake, text: str, *, name: str) -> list[Listing]:
    """The listings of a list whose calendars are known. Raises BadInput."""
    listings = parse_listings(text, name=name)
    known = lake.calendars.known()
    unknown = sorted({one.calendar for one in listings} - {*known}) if known else []  # of none at all: audits refuse
    if unknown:
        raise BadInput(
            f"{name} names {', '.join(unknown)}, of which this stage knows no session: a calendar that it knows would "
            "be right, or `mend sessions refresh --calendar NAME` first"
        )
    return listings
