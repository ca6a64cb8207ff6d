"""How few requests could do: a lower bound for plans with several symbols a request.

Any weights of some missing minutes that add up to at most 1 in every possible request add up, over all of them, to no
more than the number of requests of any plan. The weight taken here is one over the most of those minutes that a request
with this minute in it can hold at all, so that no request ever weighs more than 1.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from minutemend.core.cover import fewest, width
from minutemend.core.intervals import LANE, Intervals, Numbers, lanes

APART = (1, 100, 400)  # minutes between the chosen minutes of a symbol; each choice gives a bound
MANY = 50_000  # gaps beyond which the minutes alone give the bound
FEW = 500  # instants up to which every number of symbols is tried by itself


def at_least(missing: Intervals, *, rows: int, symbols: int) -> int:
    """No plan whose requests have room for neighbours (`width`) has fewer requests than this. For one symbol a request
    it is the minimum itself."""
    bound = fewest(missing, rows=rows, symbols=symbols)
    if symbols == 1 or not len(missing):
        return bound
    wide = {together: width(rows, together) for together in range(1, min(symbols, rows) + 1)}
    bound = max(bound, _by_minutes(missing, wide))
    if len(missing) > MANY:
        return bound
    lane, gaps = lanes(missing)
    parts = list(zip(lane.tolist(), gaps.starts.tolist(), gaps.ends.tolist(), strict=True))
    choices = [_chosen(parts, apart) for apart in APART]
    # Of an outage, who asks for the first minute and for the last has the width of all of it, and so few symbols.
    edges = {(minute, symbol) for symbol, start, end in parts for minute in (start, end - 1)}
    if len({minute for minute, _ in edges}) <= FEW:
        choices.append(sorted(edges))
    return max(bound, *(_weighed(chosen, wide) for chosen in choices))


def _by_minutes(missing: Intervals, wide: Mapping[int, int]) -> int:
    """Every missing minute weighs: a request of so many symbols holds no more than as often those of its range that any
    symbol lacks."""
    _, gaps = lanes(missing)
    first, last = int(gaps.starts.min()), int(gaps.ends.max())
    lacking = np.zeros(last - first + 1, np.int64)
    np.add.at(lacking, gaps.starts - first, 1)
    np.add.at(lacking, gaps.ends - first, -1)
    lacking = np.cumsum(lacking)[:-1]
    before = np.concatenate([[0], np.cumsum(lacking > 0)])
    most = np.ones(len(lacking), np.int64)
    symbols = len(np.unique(missing.starts // LANE))
    for together, minutes in wide.items():
        if together <= symbols:
            at = np.arange(len(lacking))
            held = before[np.minimum(at + minutes, len(lacking))] - before[at]
            most = np.maximum(most, together * _highest(held, minutes))
    return math.ceil(float((lacking / most).sum()) - 1e-6)


def _highest(held: Numbers, width: int) -> Numbers:
    """For each instant the highest of `held` of the windows of so many minutes that it lies in."""
    found, reach = held.copy(), 1
    while reach < width:
        step = min(reach, width - reach)
        found[step:] = np.maximum(found[step:], found[:-step].copy()) if step < len(found) else found[step:]
        reach += step
    return found


def _chosen(parts: Sequence[tuple[int, int, int]], apart: int) -> list[tuple[int, int]]:
    """The first minutes of gaps, at least `apart` from one another in a symbol."""
    chosen: list[tuple[int, int]] = []
    last: dict[int, float] = {}
    for symbol, start, _ in parts:
        if start - last.get(symbol, -math.inf) >= apart:
            chosen.append((start, symbol))
            last[symbol] = start
    return chosen


def _weighed(chosen: Sequence[tuple[int, int]], wide: Mapping[int, int]) -> int:
    at: dict[int, list[int]] = {}
    for minute, symbol in sorted(chosen):
        at.setdefault(minute, []).append(symbol)
    most = dict.fromkeys(at, 0)
    limit = min(len(wide), len({symbol for _, symbol in chosen}))
    for fewest_symbols, most_symbols in _steps(limit, exact=len(at) <= FEW):
        _raise_most(at, most, width=wide[fewest_symbols], together=most_symbols)
    # A hair less than the sum: its rounding must not make a bound that is none.
    return math.ceil(sum(len(names) / most[minute] for minute, names in at.items()) - 1e-6)


def _raise_most(at: Mapping[int, Sequence[int]], most: dict[int, int], *, width: int, together: int) -> None:
    """For each instant (sorted), the most that a request of this width and so many symbols can hold with it."""
    minutes = list(at)
    inside: Counter[int] = Counter()
    end = 0
    held: list[int] = []  # by the first instant of the window
    for minute in minutes:
        while end < len(minutes) and minutes[end] < minute + width:
            inside.update(at[minutes[end]])
            end += 1
        held.append(_largest(inside, together))
        inside.subtract(at[minute])
        for symbol in at[minute]:
            if not inside[symbol]:
                del inside[symbol]
    first = 0
    window: deque[int] = deque()  # indexes of `held`, falling
    for index, minute in enumerate(minutes):
        while window and held[window[-1]] <= held[index]:
            window.pop()
        window.append(index)
        while minutes[first] <= minute - width:
            first += 1
        while window[0] < first:
            window.popleft()
        most[minute] = max(most[minute], held[window[0]])


def _largest(inside: Counter[int], together: int) -> int:
    if len(inside) <= together:
        return inside.total()
    return sum(sorted(inside.values(), reverse=True)[:together])


def _steps(most: int, *, exact: bool) -> Iterator[tuple[int, int]]:
    """Every number of symbols from 1 to `most`: one by one, or, beyond the first few, a tenth at a time."""
    low = 1
    while low <= most:
        high = low if exact else min(most, low + low // 10)
        yield low, high
        low = high + 1
