"""The interested symbols in force: the parameter's, or the last good list when the parameter is malformed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minutemend.core.errors import BadInput
from minutemend.core.symbols import Listing
from minutemend.services.lake import Lake


@dataclass(frozen=True, slots=True)
class Interest:
    """The listings in force, and why the parameter was refused (None: it was not)."""

    listings: tuple[Listing, ...]
    refused: str | None = None


def interest_in_force(lake: Lake, read: Callable[[], list[Listing]]) -> Interest:
    """Read the list and mirror it into the lake for the audit's query; a malformed one changes nothing.

    Raises BadInput when the list is malformed and there never was a good one.
    """
    try:
        listings = read()
    except BadInput as reason:
        listings = lake.symbols()
        if not listings:
            raise
        return Interest(tuple(listings), str(reason))
    lake.put_symbols(listings)
    return Interest(tuple(listings))
