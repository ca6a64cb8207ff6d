"""What an answer is worth to its job: which bars may be written, and what it left out between which bars."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from minutemend.core.answers import Answer, AnswerKind, VendorRequest
from minutemend.core.bars import Bar
from minutemend.core.columns import Bars
from minutemend.core.intervals import merge, numbers, place
from minutemend.core.jobs import RepairJob
from minutemend.core.learned import believed, learned
from minutemend.core.minutes import MINUTE, Range, epoch_minute

OPEN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
FIRST = epoch_minute(OPEN)
REQUEST = VendorRequest("binance", ("AAA",), Range(OPEN, OPEN + 20 * MINUTE))
JOB = RepairJob("audit", 1, REQUEST, merge(place(0, numbers([FIRST + 5])), place(0, numbers([FIRST + 12]))))  # 5 to 12


def answer(shown: list[int], stated: list[int]) -> Answer:
    bars = Bars.of(Bar("AAA", OPEN + n * MINUTE, 1.0, 1.0, 1.0, 1.0, 1.0) for n in shown)
    covered, said = {"AAA": REQUEST.range}, {"AAA": numbers([FIRST + n for n in stated])}
    return Answer(REQUEST, AnswerKind.BARS, OPEN, bars=bars, covered=covered, stated=said, status=200)


def test_only_bars_of_the_gaps_may_be_written() -> None:
    """What is stored is never touched, whatever the vendor says of it."""
    found = believed(JOB, answer([3, 4, 5, 6, 13], []))
    assert [minute - FIRST for minute in found.minutes.tolist()] == [5, 6]


def test_a_run_that_is_left_out_lies_between_the_nearest_bars_that_were_shown() -> None:
    """Not the bars at its ends: 7 to 10 is left out after 6 and before 10, and 11 before 14."""
    (one,) = learned(JOB, answer([2, 3, 5, 6, 10, 14], []))
    assert [[edge - FIRST for edge in row] for row in one.omitted.rows()] == [[7, 10, 6, 10], [11, 12, 10, 14]]


def test_what_the_venue_states_is_not_left_out() -> None:
    (one,) = learned(JOB, answer([2, 5, 6, 10, 11, 14], [7, 8]))
    assert [[edge - FIRST for edge in row] for row in one.omitted.rows()] == [[9, 10, 6, 10]]
    assert (one.stated.points() - FIRST).tolist() == [7, 8]


def test_what_an_answer_told_of_is_kept_whether_it_was_asked_for_or_not() -> None:
    """With a bar, or as without a trade; a bar outside of the range that was looked at counts for nothing."""
    (one,) = learned(JOB, answer([2, 3, 5, 14, 25], [0, 7]))
    assert one.shown is not None
    assert np.flatnonzero(one.shown.flags(one.range)).tolist() == [0, 2, 3, 5, 7, 14]
    assert (one.bars() - FIRST).tolist() == [2, 3, 5, 14], "what the venue stated beside the gaps is no bar"
    (silent,) = learned(JOB, replace(answer([], []), kind=AnswerKind.NO_DATA))
    assert silent.shown is None
