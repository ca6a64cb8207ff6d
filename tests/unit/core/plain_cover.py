"""The greedy sweeps of core/cover.py on plain sets of minutes, one request at a time: what the arrays are held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from minutemend.core.cover import MARGIN, width

Parts = Sequence[tuple[int, int]]
Open = dict[str, list[int]]  # by symbol the minutes that no request covers yet, ascending


class Asked(NamedTuple):
    start: int
    end: int
    minutes: dict[str, set[int]]

    def order(self) -> tuple[object, ...]:
        return self.start, self.end, sorted((symbol, sorted(minutes)) for symbol, minutes in self.minutes.items())


def plain_cover(missing: Mapping[str, Parts], *, rows: int, symbols: int) -> list[Asked]:
    """One symbol a request, or the first of the sweeps that is shorter than all before it. All are tried."""
    left = {name: [n for start, end in parts for n in range(start, end)] for name, parts in missing.items() if parts}
    most = min(symbols, len(left), rows)
    best = [one for name, minutes in left.items() for one in _sweep({name: minutes}, [1], rows)]
    if most > 1:
        widths = list(_widths(missing, rows, most))
        for choices in [*([together] for together in widths), widths]:
            best = min(best, list(_sweep(left, choices, rows)), key=len)
    return sorted(best, key=Asked.order)


def _widths(missing: Mapping[str, Parts], rows: int, most: int) -> dict[int, None]:
    lengths = [end - start for parts in missing.values() for start, end in parts]
    heavy = sorted(set(lengths), key=lambda length: (-length * lengths.count(length), length))[:4]
    powers = [2**power for power in range(8) if 2**power <= most]
    fits = [max(1, min(most, rows // (length + MARGIN))) for length in heavy]
    return dict.fromkeys([*fits, *reversed(powers), most])


def _sweep(left: Open, choices: Sequence[int], rows: int) -> Iterator[Asked]:
    left = dict(left)
    while left := {name: minutes for name, minutes in left.items() if minutes}:
        start = min(minutes[0] for minutes in left.values())
        options = [_option(left, start, together, start + width(rows, together)) for together in choices]
        taken = max(options, key=lambda option: sum(map(len, option.values())))
        for name, minutes in taken.items():
            left[name] = left[name][len(minutes) :]
        yield Asked(start, max(map(max, taken.values())) + 1, taken)


def _option(left: Open, start: int, together: int, limit: int) -> dict[str, set[int]]:
    """Who lacks the first minute, then who lacks most before the limit, then by name."""
    inside = {name: {n for n in minutes if n < limit} for name, minutes in left.items()}
    order = sorted((min(some) > start, -len(some), name) for name, some in inside.items() if some)
    return {name: inside[name] for _, _, name in order[:together]}
