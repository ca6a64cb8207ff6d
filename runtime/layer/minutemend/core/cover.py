"""Covering missing minutes with requests of limited size: the arithmetic of the plan, on plain integers.

One symbol a request: the greedy cover from the left is minimal. (The first minutes of its requests lie at least
one request's width apart, so that no two of them fit into one request, of anybody's plan.) Several symbols a
request make it a rectangle cover, which is NP-hard: several greedy sweeps are tried and the best is taken;
`fewest` is a bound that no plan can go below.
"""

from __future__ import annotations

import bisect
import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_SMALL = 2000  # parts up to which every request may be of a shape of its own: that takes a second or two
Parts = Sequence[tuple[int, int]]  # sorted, disjoint [start, end) of epoch minutes


@dataclass(frozen=True, slots=True, order=True)
class Request:
    """One request: `[start, end)` in epoch minutes, and for each of its symbols (sorted) the missing parts inside."""

    start: int
    end: int
    covers: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]


def cover(missing: Mapping[str, Parts], *, rows: int, symbols: int) -> list[Request]:
    """Requests of at most `symbols` symbols and `rows` symbol-minutes, each missing minute in exactly one."""
    missing = {symbol: parts for symbol, parts in missing.items() if parts}
    if not missing:
        return []
    if min(symbols, len(missing), rows) == 1:
        return sorted(request for symbol, parts in missing.items() for request in _alone(symbol, parts, rows))
    bound = fewest(missing, rows=rows, symbols=symbols)
    best: list[Request] = []
    widths = _widths(missing, rows=rows, symbols=symbols)
    small = sum(map(len, missing.values())) <= _SMALL
    for choices in [*([together] for together in widths), *([widths] if small else [])]:
        found = _sweep(missing, choices, rows=rows, most=len(best))
        best = found or best
        if len(best) == bound:
            break
    return sorted(best)


def fewest(missing: Mapping[str, Parts], *, rows: int, symbols: int) -> int:
    """A number of requests that no cover can go below; for one symbol a request it is exact."""
    alone = {symbol: sum(1 for _ in _alone(symbol, parts, rows)) for symbol, parts in missing.items() if parts}
    if not alone:
        return 0
    if symbols == 1:
        return sum(alone.values())
    minutes = sum(end - start for parts in missing.values() for start, end in parts)
    by_rows = math.ceil(minutes / rows)
    by_symbols = math.ceil(sum(alone.values()) / symbols)  # a request serves one step of each symbol's own cover
    return max(by_rows, by_symbols, *alone.values())


def _alone(symbol: str, parts: Parts, width: int) -> Iterable[Request]:
    """The minimal cover of one symbol by requests of `width` minutes, each ending with its last missing minute."""
    inside: list[tuple[int, int]] = []
    limit = 0
    for begin, end in parts:
        start = begin
        while start < end:
            if inside and start >= limit:
                yield Request(inside[0][0], inside[-1][1], ((symbol, tuple(inside)),))
                inside = []
            if not inside:
                limit = start + width
            stop = min(end, limit)
            inside.append((start, stop))
            start = stop
    if inside:
        yield Request(inside[0][0], inside[-1][1], ((symbol, tuple(inside)),))


def _widths(missing: Mapping[str, Parts], *, rows: int, symbols: int) -> list[int]:
    """How many symbols to ask for together: few for long gaps, many for short ones; what is likely best first."""
    most = min(len(missing), symbols, rows)
    fits = [max(1, min(most, rows // length)) for length in _lengths(missing)]
    powers = [2**power for power in range(most.bit_length()) if 2**power <= most]
    return list(dict.fromkeys([*fits, *reversed(powers), most]))


def _lengths(missing: Mapping[str, Parts]) -> list[int]:
    """The lengths of a gap that hold most minutes (at most four): an outage has one length for all symbols."""
    counts: dict[int, int] = {}
    for parts in missing.values():
        for start, end in parts:
            counts[end - start] = counts.get(end - start, 0) + end - start
    return sorted(counts, key=lambda length: (-counts[length], length))[:4]


def _sweep(missing: Mapping[str, Parts], choices: Sequence[int], *, rows: int, most: int) -> list[Request]:
    """From the left: at the first minute not yet covered, the symbols that lack most in the time that so many
    symbols may be asked for; of several `choices` of how many, the one that covers most.

    Empty as soon as it is no shorter than `most` (0: there is nothing to compare with yet).
    """
    waiting = [(parts[0][0], symbol, _Left(parts)) for symbol, parts in missing.items()]
    heapq.heapify(waiting)
    widest = rows // min(choices)
    found: list[Request] = []
    while waiting:
        if most and len(found) + 1 >= most:
            return []
        start = waiting[0][0]
        active = []
        while waiting and waiting[0][0] < start + widest:
            active.append(heapq.heappop(waiting))
        options = [_option(active, start, together, rows // together) for together in choices]
        limit, chosen = max(options, key=lambda option: -sum(entry[1] for entry in option[1]))
        covers = sorted((symbol, rest.take(limit)) for _, _, symbol, rest in chosen)
        for _, symbol, rest in active:
            if not rest.empty:
                heapq.heappush(waiting, (rest.first, symbol, rest))
        begins = min(parts[0][0] for _, parts in covers)
        ends = max(parts[-1][1] for _, parts in covers)
        found.append(Request(begins, ends, tuple(covers)))
    return found


def _option(
    active: Sequence[tuple[int, str, _Left]], start: int, together: int, width: int
) -> tuple[int, list[tuple[bool, int, str, _Left]]]:
    """Who would be asked for before which minute, were it `together` symbols."""
    limit = start + width
    # Who lacks the very first minute goes along in any case: nothing before it is left for anybody.
    entries = [(first > start, -rest.within(limit), symbol, rest) for first, symbol, rest in active if first < limit]
    return limit, heapq.nsmallest(together, entries, key=_urgency) if len(entries) > together else entries


def _urgency(entry: tuple[bool, int, str, _Left]) -> tuple[bool, int, str]:
    return entry[:3]


class _Left:
    """The missing parts of one symbol that no request covers yet, taken from the left."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._starts = [start for start, _ in parts]
        self._before = [0]  # minutes before each part
        for start, end in parts:
            self._before.append(self._before[-1] + end - start)
        self._at = 0
        self.first = parts[0][0]

    @property
    def empty(self) -> bool:
        return self._at >= len(self._parts)

    def within(self, limit: int) -> int:
        """Missing minutes before `limit`."""
        return max(0, self._counted(limit) - self._counted(self.first))

    def _counted(self, limit: int) -> int:
        index = bisect.bisect_right(self._starts, limit) - 1
        if index < 0:
            return 0
        start, end = self._parts[index]
        return self._before[index] + min(end, max(limit, start)) - start

    def take(self, limit: int) -> tuple[tuple[int, int], ...]:
        """The missing parts before `limit`, which are covered from now on."""
        taken = []
        while not self.empty:
            start, end = max(self._parts[self._at][0], self.first), self._parts[self._at][1]
            if start >= limit:
                self.first = start
                break
            taken.append((start, min(end, limit)))
            if end > limit:
                self.first = limit
                break
            self._at += 1
            if not self.empty:
                self.first = self._parts[self._at][0]
        return tuple(taken)
