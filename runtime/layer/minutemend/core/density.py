"""How many minutes without a trade are plausible for a symbol: judged by its own density, here and in its past.

The rule was measured on real bars (docs/absence.md has the figures): what a run of `r` minutes would have for a chance,
were minutes empty there as often as around it, and whether the session lacks more than the symbol's sessions ever did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minutemend.core.gaps import Gaps
from minutemend.core.intervals import EMPTY, Intervals, Numbers, numbers, place
from minutemend.core.minutes import Range, epoch_minute

AROUND = 120  # minutes on either side of a run
LEAST = 1e-3  # a run that is less likely than this is not plausible
COUNTED = 3  # minutes for which another run counts at the most: a long one may be a vendor's hole as well
LONG, SHORT = 20, 5  # sessions that make a long and a short history
UNKNOWN_SHARE = 0.2  # of a session that may lack without any history
LACKING_SHARE = 0.5  # of what one answer looked at; it may be a few minutes, so that a fifth would be one or two


@dataclass(frozen=True, slots=True)
class Past:
    """Sessions before the window of which every minute is accounted for, by the position of the symbol: how many, and
    the most minutes that one of them lacked."""

    sessions: Numbers
    most: Numbers

    @classmethod
    def unknown(cls, symbols: int) -> Past:
        return cls(np.zeros(symbols, np.int64), np.zeros(symbols, np.int64))


def plausibility(
    gaps: Gaps, length: Numbers, window: Range, past: Past, *, unasked: Intervals = EMPTY, off: Intervals = EMPTY
) -> npt.NDArray[np.float64]:
    """For each gap the chance of a silence of that `length` there (0: its session lacks more than it ever did).

    `gaps` and `unasked` are all that is not stored in `window`, proven absent or not; only that part of a session can
    be judged. `unasked` are minutes that no vendor left out so far: they may be missing because the lake is young;
    `off` are minutes of sessions that are not expected.
    """
    return np.where(_lacks_as_ever(gaps, window, past, unasked, off), _chance(gaps, length, window, unasked, off), 0.0)


def _chance(gaps: Gaps, length: Numbers, window: Range, unasked: Intervals, off: Intervals) -> npt.NDArray[np.float64]:
    """q ** r with q = (empty minutes + 0.5) / (minutes + 1) among AROUND minutes on either side, the run left out."""
    start = np.maximum(gaps.start - AROUND, np.maximum(gaps.session_open, epoch_minute(window.start)))
    end = np.minimum(gaps.end + AROUND, np.minimum(gaps.session_close, epoch_minute(window.end)))
    line = gaps.line
    edges = place(gaps.symbol, start), place(gaps.symbol, end)
    missing = line.count_within(*edges) + unasked.count_within(*edges) + off.count_within(*edges)
    present = (end - start) - missing
    first = np.searchsorted(line.ends, place(gaps.symbol, start), side="right")
    after = np.searchsorted(line.starts, place(gaps.symbol, end), side="left")
    counted = np.concatenate([[0], np.cumsum(np.minimum(line.lengths, COUNTED))])
    others = counted[after] - counted[first] - np.minimum(gaps.end - gaps.start, COUNTED)
    density = (others + 0.5) / (present + others + 1.0)
    chance: npt.NDArray[np.float64] = density**length
    return chance


def beyond(gaps: Gaps) -> Numbers:
    """For each gap by how much the silence is longer that it is a part of. Where the next session begins within AROUND
    minutes (midnight of a market that never closes, a lunch break), gaps on both sides are one."""
    ends, opens = gaps.session_close[:-1], gaps.session_open[1:]
    one = (gaps.end[:-1] == ends) & (gaps.start[1:] == opens) & (gaps.symbol[:-1] == gaps.symbol[1:])
    one &= (opens >= ends) & (opens - ends <= AROUND)
    of = np.cumsum(np.concatenate([[False], ~one])[: len(gaps)])
    length = gaps.end - gaps.start
    return numbers(np.bincount(of, weights=length)[of]) - length


def _lacks_as_ever(gaps: Gaps, window: Range, past: Past, unasked: Intervals, off: Intervals) -> npt.NDArray[np.bool_]:
    """Whether the gap's session lacks no more than is known of the symbol's sessions, all of its parts that open on the
    same date together. Where nothing is known of them, a share of what was asked for, or is stored, is the measure."""
    if not len(gaps):
        return np.zeros(0, np.bool_)
    _, first = np.unique(place(gaps.symbol, gaps.session_open), return_index=True)
    _, day = np.unique(place(gaps.symbol, gaps.session_open // 1440), return_inverse=True)
    lacks = np.bincount(day, weights=gaps.end - gaps.start)[day]
    start = np.maximum(gaps.session_open, epoch_minute(window.start))
    end = np.minimum(gaps.session_close, epoch_minute(window.end))
    edges = place(gaps.symbol, start), place(gaps.symbol, end)
    new, halted = unasked.count_within(*edges), off.count_within(*edges)
    new, known = (np.bincount(day[first], weights=of[first])[day] for of in (new, end - start - new - halted))
    lacks = np.where(past.sessions[gaps.symbol] >= SHORT, lacks + new, lacks)
    return np.asarray(lacks <= _most(past, gaps.symbol, numbers(known), UNKNOWN_SHARE), np.bool_)


def lacking(past: Past, symbol: Numbers, looked: Numbers, shown: Numbers) -> npt.NDArray[np.bool_]:
    """Whether answers lack more of a session than is known of the symbol's sessions: they `looked` at so many expected
    minutes of it, and showed so many."""
    return np.asarray(looked - shown > _most(past, symbol, looked, LACKING_SHARE), np.bool_)


def _most(past: Past, symbol: Numbers, known: Numbers, share: float) -> npt.NDArray[np.float64]:
    """The most minutes that a session of the symbol may lack; where no history tells, a share of the `known` ones."""
    sessions, most = past.sessions[symbol], past.most[symbol]
    told = np.where(most == 0, 0, 2 * most + 2)
    untold = np.maximum(share * known, 1.0)
    return np.where(sessions >= LONG, told, np.where(sessions >= SHORT, 2 * most + 3, untold))
