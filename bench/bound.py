"""How few requests could do: a lower bound for plans with several symbols a request.

Any weights of some missing minutes that add up to at most 1 in every possible request add up, over all of them, to no
more than the number of requests of any plan. The weight taken here is one over the most of those minutes that a request
with this minute in it can hold at all, so that no request ever weighs more than 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from minutemend.core.cover import fewest, width
from minutemend.core.intervals import LANE, Intervals, Numbers, lanes, place


def at_least(missing: Intervals, *, rows: int, symbols: int) -> int:
    """No plan whose requests have room for neighbours (`width`) has fewer requests than this. For one symbol a request
    it is the minimum itself."""
    bound = fewest(missing, rows=rows, symbols=symbols)
    if symbols == 1 or not len(missing):
        return bound
    wide = {together: width(rows, together) for together in range(1, min(symbols, rows) + 1)}
    return max(bound, _by_minutes(missing, wide))


def whole(opens: Numbers, closes: Numbers, symbols: int) -> Intervals:
    """Every session of so many symbols, as places."""
    lane = np.repeat(np.arange(symbols), len(opens))
    return Intervals(place(lane, np.tile(opens, symbols)), place(lane, np.tile(closes, symbols)))


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
            highest = pd.Series(held).rolling(minutes, min_periods=1).max()  # of the windows that an instant lies in
            most = np.maximum(most, together * highest.to_numpy(np.int64))
    return math.ceil(float((lacking / most).sum()) - 1e-6)
