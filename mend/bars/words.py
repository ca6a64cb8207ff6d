"""Minutes of many symbols, an hour to a word: the form in which bars are counted, moved and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]
FULL = np.uint64((1 << 60) - 1)


@dataclass(frozen=True, slots=True)
class Words:
    """Which minutes are there: one row for each symbol and clock hour that has any, sorted by symbol and hour.

    `code` indexes the sorted `names`; `hour` counts from 1970-01-01T00:00Z; bit i of `bits` (60 of them) is minute i of
    the hour; `rows` is how many rows were read there, so that `rows` less the bits set are duplicates.
    """

    names: tuple[str, ...]
    code: Numbers
    hour: Numbers
    bits: Bits
    rows: Numbers

    @classmethod
    def merged(cls, names: Sequence[str], code: Numbers, hour: Numbers, bits: Bits, rows: Numbers) -> Words:
        """Rows in any order and number, as words. `names` need not be sorted, nor used, nor distinct."""
        # Not np.unique: it imports numpy's masked arrays, a tenth of a second.
        used = sorted({names[one] for one in np.flatnonzero(np.bincount(code)).tolist()})
        place = {name: number for number, name in enumerate(used)}
        moved = np.array([place.get(name, -1) for name in names], np.int64)[code] if len(code) else code
        order = np.lexsort((hour, moved))
        moved, hour, bits, rows = moved[order], hour[order], bits[order], rows[order]
        if not len(moved):
            return cls((), moved, hour, bits, rows)
        first = np.flatnonzero(np.r_[True, (np.diff(moved) != 0) | (np.diff(hour) != 0)])
        return cls(
            tuple(used), moved[first], hour[first], np.bitwise_or.reduceat(bits, first), np.add.reduceat(rows, first)
        )

    @property
    def bars(self) -> int:
        """How many distinct minutes there are, over all symbols."""
        return int(np.bitwise_count(self.bits).sum())

    @property
    def duplicates(self) -> int:
        """How many rows say a minute that another row says."""
        return int(self.rows.sum()) - self.bars

    def by_symbol(self, each: npt.NDArray[np.integer]) -> Numbers:
        """Numbers of the words, summed for each symbol."""
        return np.bincount(self.code, each, minlength=len(self.names)).astype(np.int64)

    def shifted(self, minutes: Numbers | int) -> Words:
        """Every minute later by `minutes` (a number, or one for each word; below zero: earlier)."""
        hours, rest = np.divmod(np.broadcast_to(np.asarray(minutes, np.int64), self.hour.shape), 60)
        up = rest.astype(np.uint64)
        low = (self.bits << up) & FULL
        high = np.where(rest > 0, self.bits >> (np.uint64(60) - up), np.uint64(0))
        # Duplicates stay with the first of the two words that a word may fall into.
        spread = np.where(low > 0, np.bitwise_count(high), 0).astype(np.int64)
        parts = (low > 0, high > 0)
        return Words.merged(
            self.names,
            np.concatenate([self.code[part] for part in parts]),
            np.concatenate([(self.hour + hours)[parts[0]], (self.hour + hours + 1)[parts[1]]]),
            np.concatenate([low[parts[0]], high[parts[1]]]),
            np.concatenate([(self.rows - spread)[parts[0]], np.where(low > 0, spread, self.rows)[parts[1]]]),
        )

    def only(self, names: Sequence[str]) -> Words:
        """The words of some symbols."""
        kept = np.isin(self.code, [place for place, name in enumerate(self.names) if name in set(names)])
        return Words.merged(self.names, self.code[kept], self.hour[kept], self.bits[kept], self.rows[kept])

    def naming(self, names: Sequence[str]) -> Words:
        """The same, with symbols that have no minute."""
        if set(names) <= set(self.names):
            return self
        every = tuple(sorted({*self.names, *names}))
        place = {name: number for number, name in enumerate(every)}
        return replace(self, names=every, code=np.array([place[name] for name in self.names], np.int64)[self.code])

    def named(self, name: str) -> Words:
        """The words of one symbol (or none) under another name."""
        return replace(self, names=(name,) * len(self.names))

    def between(self, first: int, after: int) -> Words:
        """The minutes of `[first, after)`, epoch minutes. Symbols without any there keep their names and have none.

        Duplicates in an hour that an edge cuts count, wherever in that hour they are.
        """
        low, high = (np.clip(edge - self.hour * 60, 0, 60).astype(np.uint64) for edge in (first, after))
        return self.masked(((np.uint64(1) << high) - np.uint64(1)) & ~((np.uint64(1) << low) - np.uint64(1)))

    def masked(self, mask: Bits) -> Words:
        """The minutes whose bits are set in the mask of their word. Duplicates stay with every word that stays."""
        bits = self.bits & mask
        rows = self.rows - np.bitwise_count(self.bits & ~mask)
        kept = bits > 0
        return replace(self, code=self.code[kept], hour=self.hour[kept], bits=bits[kept], rows=rows[kept])

    def joined(self, other: Words) -> Words:
        """Both together."""
        names = self.names + other.names
        return Words.merged(
            names,
            np.concatenate([self.code, other.code + len(self.names)]),
            np.concatenate([self.hour, other.hour]),
            np.concatenate([self.bits, other.bits]),
            np.concatenate([self.rows, other.rows]),
        )

    def spans(self) -> list[tuple[int, int]]:
        """For each symbol the slice of its words, as (first, after)."""
        edges = np.searchsorted(self.code, np.arange(len(self.names) + 1)).tolist()
        return list(pairwise(edges))

    def minutes(self, first: int, after: int) -> Numbers:
        """The epoch minutes of the words `[first, after)`, in their order."""
        return expanded(self.hour[first:after], self.bits[first:after])


def expanded(hour: Numbers, bits: Bits) -> Numbers:
    """The epoch minutes whose bits are set, hour by hour; int64, ascending where `hour` is."""
    set_ = (bits[:, None] >> np.arange(60, dtype=np.uint64)[None, :]) & np.uint64(1)
    rows, places = np.nonzero(set_)
    return hour[rows] * 60 + places


def words_of(minutes: Numbers) -> tuple[Numbers, Bits]:
    """Ascending epoch minutes as hours and their bits: what `expanded` undoes."""
    if not len(minutes):
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    hour, place = np.divmod(minutes, 60)
    first = np.flatnonzero(np.r_[True, np.diff(hour) != 0])
    return hour[first], np.bitwise_or.reduceat(np.uint64(1) << place.astype(np.uint64), first)
