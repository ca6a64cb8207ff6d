"""Nothing is final: what rests on one vendor's word is asked of that vendor again.

That is a proof by two looks of one vendor, and a hole that is suspected at it. A person has it asked at once
(`mend repair --recheck`); the nightly sweep asks when 1, 7 and 30 days have gone by since the second look. What is
proven stays accounted for meanwhile; what the vendor has by now is repaired.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minutemend.core.answers import AnswerKind
from minutemend.core.evidence import NEVER, Flags, Needs, entries, microseconds, proven
from minutemend.core.gaps import COLUMNS, Gaps
from minutemend.core.intervals import Intervals, Numbers, cut, numbers, overlaps, place
from minutemend.core.minutes import edges
from minutemend.core.verdicts import RULE, Absence, Observation, Proof, ProofRule

AFTER = (timedelta(days=1), timedelta(days=7), timedelta(days=30))  # when the sweep asks again
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Recheck:
    """What an audit asks again. `due_at` None: all of it, once in this audit; else what is due at that time."""

    audit_id: str
    rule: ProofRule
    due_at: datetime | None = None

    def reopened(self, needs: Needs, observations: Sequence[Observation]) -> Needs:
        """The needs, their suspected holes open to the vendors that shall be asked once more."""
        first, closed, words = needs.first.copy(), needs.closed.copy(), _words(observations, needs.gaps)
        for at, vendor in enumerate(needs.vendors):
            said = words.take(words.vendor == vendor)
            looked = said.take(first[said.row, at] != NEVER)
            late = looked.take(looked.when - first[looked.row, at] >= self.rule.apart // _MICROSECOND)
            second = np.full(len(needs), NEVER)
            np.minimum.at(second, late.row, late.when)
            held = needs.suspected & closed[:, at] & (second != NEVER)
            again = held & self._open(np.where(held, second, 0), said)
            first[again, at], closed[again, at] = NEVER, False
        return replace(needs, first=first, closed=closed)

    def weak(
        self,
        absences: Sequence[Absence],
        raw: Gaps,
        vendors: Sequence[str],
        observations: Callable[[Gaps], Sequence[Observation]],
    ) -> Needs:
        """The minutes of `raw` that are proven by one vendor's word alone and asked again, as needs: each open to that
        vendor, or to all of `vendors` where it is asked no more. Of a minute's proofs the newest counts. `observations`
        reads those of gaps, and is asked of those alone whose time has come."""
        code = {name: at for at, name in enumerate(raw.names)}
        looks = [one for one in absences if one.proof == Proof.LOOKS and one.rule >= RULE and one.symbol in code]
        looks.sort(key=lambda one: one.proven_at)
        lane = [code[one.symbol] for one in looks]
        ranges = Intervals(*(place(lane, edge) for edge in edges(one.range for one in looks)))
        left = raw.less(proven((one for one in absences if one.proof != Proof.LOOKS), raw))
        pieces, source = cut(left.line, np.concatenate([ranges.starts, ranges.ends]))
        look, piece = overlaps(ranges, pieces)
        newest = np.full(len(pieces), -1)
        newest[piece] = look
        gaps, newest = left.of(pieces, source).take(newest >= 0), newest[newest >= 0]
        since = numbers([microseconds(one.proven_at) for one in looks])[newest]
        vendor = np.array([json.loads(one.evidence)[0]["vendor"] for one in looks], np.str_)[newest]
        due = self._open(since, _words((), gaps))
        gaps, since, vendor = gaps.take(due), since[due], vendor[due]
        words = _words(observations(gaps), gaps)
        due = self._open(since, words.take(words.vendor == vendor[words.row]))
        gaps, vendor, every = gaps.take(due), vendor[due], tuple(sorted(vendors))
        closed = (vendor[:, None] != np.array(every, np.str_)) & np.isin(vendor, every)[:, None]
        return Needs(gaps, every, np.full(closed.shape, NEVER), closed, np.zeros(len(gaps), np.bool_))

    def _open(self, since: Numbers, said: _Words) -> Flags:
        """Whether minutes whose second look was at `since` are asked again, after all that their vendor said."""
        if self.due_at is None:
            due, said = np.zeros(len(since), np.int64), said.take(said.audit == self.audit_id)
        else:
            passed = since[:, None] + numbers([span // _MICROSECOND for span in AFTER])
            due = np.where(passed <= microseconds(self.due_at), passed, -1).max(axis=1)
        last = np.full(len(since), -1)
        np.maximum.at(last, said.row, said.when)
        return np.asarray(last < due, np.bool_)


def together(one: Needs, other: Needs) -> Needs:
    """Needs over the same names, which share no minute, as one, sorted."""
    parts = one.over(other.vendors), other.over(one.vendors)
    symbol, start, *rest = (
        np.concatenate([getattr(part.gaps, name) for part in parts]) for name in ("symbol", *COLUMNS)
    )
    order = np.lexsort((start, symbol))
    gaps = Gaps(one.gaps.names, *(column[order] for column in (symbol, start, *rest)))
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "closed", "suspected"))
    return Needs(gaps, parts[0].vendors, *(column[order] for column in columns))


def watched(needs: Needs, proven: Gaps, vendors: Sequence[str]) -> Needs:
    """The needs, and what is `proven` absent besides, closed to all vendors: none is asked for it, and it is wanted all
    the same where an answer shows it, for the vendor has loaded it by then."""
    rest, every = proven.less(needs.gaps.line), tuple(sorted(vendors))
    shape = len(rest), len(every)
    closed = Needs(rest, every, np.full(shape, NEVER), np.ones(shape, np.bool_), np.zeros(len(rest), np.bool_))
    return together(needs, closed)


class _Words(NamedTuple):
    """What was said of which gap, as columns of one length: the gap's row, the vendor, the audit, and when (in
    microseconds since 1970)."""

    row: Numbers
    vendor: npt.NDArray[np.str_]
    audit: npt.NDArray[np.str_]
    when: Numbers

    def take(self, chosen: Any) -> _Words:
        return _Words(*(column[chosen] for column in self))


def _words(observations: Sequence[Observation], gaps: Gaps) -> _Words:
    """An answer with bars speaks of the minutes that it left out alone, because only those were asked for; one without
    of its whole range. A vendor that did not get to answer said nothing."""
    code, parts = {name: at for at, name in enumerate(gaps.names)}, [np.empty((0, 3), np.int64)]
    for at, one in enumerate(observations):
        if one.symbol in code and one.kind is not AnswerKind.RETRY:
            said = (one.omitted.start, one.omitted.end) if one.kind is AnswerKind.BARS else edges([one.range])
            parts.append(entries(at, *(place(code[one.symbol], edge) for edge in said)))
    answer, starts, ends = np.concatenate(parts).T
    entry, row = overlaps(Intervals(starts, ends), gaps.line)
    vendor, audit = (np.array([getattr(one, name) for one in observations], np.str_) for name in ("vendor", "audit_id"))
    when = numbers([microseconds(one.observed_at) for one in observations])
    said = answer[entry]
    return _Words(row, vendor[said], audit[said], when[said])
