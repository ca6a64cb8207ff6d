"""How few requests could do: a lower bound for plans with several symbols a request.

Any weights of some missing minutes that add up to at most 1 in every possible request add up, over all of them, to no
more than the number of requests of any plan. The weight taken here is one over the most of those minutes that a request
with this minute in it can hold at all, so that no request ever weighs more than 1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from minutemend.core.cover import Parts, fewest

APART = (1, 100, 400)  # minutes between the chosen minutes of a symbol; each choice gives a bound


def at_least(missing: Mapping[str, Parts], *, rows: int, symbols: int) -> int:
    """No plan has fewer requests than this. For one symbol a request it is the minimum itself."""
    bound = fewest(missing, rows=rows, symbols=symbols)
    if symbols == 1:
        return bound
    for apart in APART:
        bound = max(bound, _weighed(_chosen(missing, apart), rows=rows, symbols=symbols))
    return bound


def _chosen(missing: Mapping[str, Parts], apart: int) -> list[tuple[int, str]]:
    """The first minutes of gaps, at least `apart` from one another in a symbol, in the order of time."""
    chosen = []
    for symbol, parts in missing.items():
        last = -math.inf
        for start, _ in parts:
            if start - last >= apart:
                chosen.append((start, symbol))
                last = start
    return sorted(chosen)


def _weighed(chosen: Sequence[tuple[int, str]], *, rows: int, symbols: int) -> int:
    most = [0] * len(chosen)
    for fewest_symbols, most_symbols in _steps(min(symbols, rows, len({symbol for _, symbol in chosen}))):
        _raise_most(chosen, most, width=rows // fewest_symbols, together=most_symbols)
    # A hair less than the sum: its rounding must not make a bound that is none.
    return math.ceil(sum(1 / count for count in most) - 1e-6)


def _raise_most(chosen: Sequence[tuple[int, str]], most: list[int], *, width: int, together: int) -> None:
    """For each chosen minute, the most that a request of this width and so many symbols can hold with it."""
    inside: Counter[str] = Counter()
    end = 0
    held: list[int] = []  # by the first minute of the window
    for start, (minute, _) in enumerate(chosen):
        while end < len(chosen) and chosen[end][0] < minute + width:
            inside[chosen[end][1]] += 1
            end += 1
        held.append(_largest(inside, together))
        symbol = chosen[start][1]
        inside[symbol] -= 1
        if not inside[symbol]:
            del inside[symbol]
    first = 0
    window: list[int] = []  # indexes of `held`, falling
    for index, (minute, _) in enumerate(chosen):
        while window and held[window[-1]] <= held[index]:
            window.pop()
        window.append(index)
        while chosen[first][0] <= minute - width:
            first += 1
        while window[0] < first:
            window.pop(0)
        most[index] = max(most[index], held[window[0]])


def _largest(inside: Counter[str], together: int) -> int:
    if len(inside) <= together:
        return inside.total()
    return sum(sorted(inside.values(), reverse=True)[:together])


def _steps(most: int) -> Iterator[tuple[int, int]]:
    """Every number of symbols from 1 to `most`, in steps: one by one at first, then a tenth at a time."""
    low = 1
    while low <= most:
        high = min(most, max(low, low + low // 10))
        yield low, high
        low = high + 1
