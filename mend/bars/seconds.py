"""Bars shorter than a minute: of a minute that has one, others may be lacking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_STRAY = 2  # rows off the whole minute that mean nothing, as the last of a download of today
_HABIT = 0.05  # of the bars: more mean that the file is written so


def of_seconds(code: Any, rows: Any, *, good: Any, off: Any, marked: Any, named: Callable[[int], str]) -> Iterator[str]:
    """A line for each file or symbol with rows as of bars shorter than a minute: a minute may lack a part.

    `code` is whose each word is, `rows` how many rows it stands for; `good` are bars, `off` rows off the whole minute,
    `marked` those by 5, 10, 15 … seconds (bool arrays of one length).
    """
    bars, others, regular = (np.bincount(code, rows * some) for some in (good, off, marked))
    habit = (regular == others) & (others > np.maximum(_STRAY, _HABIT * bars))
    for one in np.flatnonzero(habit | (others > bars)).tolist():
        if bars[one]:
            share = f"{others[one]:,.0f} of {bars[one] + others[one]:,.0f} times are off the whole minute"
            yield f"{named(one)}: {share}, as of bars of seconds: not known which minutes are whole"
