"""Symbols: what may be one, and for how long it is expected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from minutemend.core.errors import BadInput

# Letters, digits and the few marks that exchanges and vendors use (BRK.B, BTC-USD, BF_A, ^GSPC is an index
# and not a stock). No quote, slash, space, percent sign or control character can reach SQL, a key or a URL.
SYMBOL_PATTERN = re.compile(r"[A-Z0-9](?:[A-Z0-9.\-_]{0,22}[A-Z0-9])?")


def valid_symbol(text: object) -> str:
    """`text` itself, when it may be a symbol. Raises BadInput otherwise."""
    if not isinstance(text, str) or not SYMBOL_PATTERN.fullmatch(text):
        raise BadInput(
            f"{text!r} is not a symbol: 1 to 24 capital letters, digits, and . - _ inside, would be right, as BRK.B"
        )
    return text


def valid_symbols(texts: Iterable[object]) -> tuple[str, ...]:
    """The symbols, sorted, each once. Raises BadInput for the first that cannot be one."""
    return tuple(sorted({valid_symbol(text) for text in texts}))


@dataclass(frozen=True, slots=True, order=True)
class Listing:
    """A symbol of interest: its calendar, and the dates on which its sessions are expected.

    `listed` is inclusive, `delisted` exclusive, both session dates of the calendar; None means unbounded.
    """

    symbol: str
    calendar: str
    listed: date | None = None
    delisted: date | None = None
