"""Revocations: a person says that a proof of absence is not believed. The minutes are missing, and asked for, again.

A revocation voids the proofs that are as old as it is or older, and takes the word of the answers that are: only what
vendors say afterwards counts for its minutes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from minutemend.core.errors import BadInput
from minutemend.core.intervals import merge, subtract
from minutemend.core.minutes import Range, edges, ranges_of
from minutemend.core.symbols import valid_symbol
from minutemend.core.verdicts import Absence

_LONGEST = 1000  # characters of `who` and `why`


@dataclass(frozen=True, slots=True, order=True)
class Revocation:
    """Minutes of one symbol whose proofs and answers up to `revoked_at` count no more: a row of `revocations`.

    Raises BadInput where `who` or `why` says nothing, or is longer than 1,000 characters.
    """

    symbol: str
    range: Range
    who: str
    why: str
    revoked_at: datetime

    def __post_init__(self) -> None:
        valid_symbol(self.symbol)
        for name in ("who", "why"):
            text = getattr(self, name)
            if not text.strip() or len(text) > _LONGEST or not text.isprintable():
                raise BadInput(
                    f"{name} is {text[:40]!r}: one line of 1 to {_LONGEST} characters would be right, "
                    "for those who read the verdict later"
                )


def in_force(absences: Iterable[Absence], revocations: Iterable[Revocation]) -> Iterator[Absence]:
    """The proofs less the minutes for which they are revoked."""
    by_symbol: defaultdict[str, list[Revocation]] = defaultdict(list)
    for each in revocations:
        by_symbol[each.symbol].append(each)
    for one in absences:
        void = [each.range for each in by_symbol[one.symbol] if one.proven_at <= each.revoked_at]
        left = ranges_of(subtract(merge(*edges([one.range])), merge(*edges(void)))[0]) if void else [one.range]
        yield from (replace(one, range=part) for part in left)
