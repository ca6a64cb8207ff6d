"""Evidence: what the vendors' answers say about minutes that are not stored. The one rule of absence.

docs/absence.md states it for people. In short:

- An omission counts only between bars of the same symbol, in the same session, in the same answer: it needs a later bar
  there, and an earlier one unless it was asked from the open. At the end of a session an answer serves instead that
  came after the close and the settling, from a vendor whose lag is known and over.
- It counts for nothing when a minute of that same silence, from bar to bar, is stored: the answer lacked it. It proves
  nothing when the answer lacked another stored minute of the session, before its last bar.
- It counts for nothing where an answer showed a bar of that minute: one of another vendor, or a later one of its own.
- The venue's own statement that a minute had no trade proves it alone.
- Omissions of two vendors that draw on different, known sources prove.
- Two omissions of one vendor, apart in time, prove only what is plausible (core/density.py) of the whole silence, in
  answers that lack no more of the session than is. What is not is suspected to be its hole, however often it is
  asked: the next vendor is; if there is none the minutes fail.

`no_data`, refusals, garbage and time-outs prove nothing about a minute, however often they are said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minutemend.core.answers import AnswerKind, SourceKind
from minutemend.core.blackouts import Crowd, blackouts, touched
from minutemend.core.density import LEAST, Past, beyond, lacking, plausibility
from minutemend.core.gaps import Gaps
from minutemend.core.intervals import EMPTY, Intervals, Numbers, cut, expand, merge, numbers, place, runs, subtract
from minutemend.core.minutes import EPOCH, MINUTE, Range, edges, epoch_minute, ranges_of
from minutemend.core.proofs import Pairs, Proven, written
from minutemend.core.revocations import Revocation
from minutemend.core.told import told
from minutemend.core.verdicts import NONE, RULE, Absence, Observation, Proof, ProofRule

NEVER = np.iinfo(np.int64).max
CLOCKS = timedelta(seconds=30)  # a worker's clock may be ahead of its vendor's by so much
_MICROSECOND = timedelta(microseconds=1)
_WE = "minutemend"  # who revokes, where no person does
_SHOWN = "{one.vendor} showed a bar of it beside what job {one.job_id} asked for"
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Needs:
    """Gaps, or parts of them, whose minutes all have the same history: the planner's raw material.

    `first` (int64 microseconds since 1970, a column for each of `vendors`; NEVER: it did not) is when the vendor first
    left these minutes out. `closed` says which vendor has nothing more to say of them in this audit: it refused, or it
    answered as often as it can count. `suspected` are those of which a vendor's hole is suspected.
    """

    gaps: Gaps
    vendors: tuple[str, ...]
    first: Numbers
    closed: Flags
    suspected: Flags

    def __len__(self) -> int:
        return len(self.gaps)

    def repairable(self, vendors: Sequence[str]) -> Flags:
        """Whether there is a vendor left to ask in this audit."""
        return ~np.all([self.closed_to(vendor) for vendor in vendors], axis=0) if vendors else self.suspected & False

    def served(self, calendars: Mapping[str, str], serves: Mapping[str, Collection[str]]) -> Needs:
        """The same, closed to the vendors that are not asked for a symbol's calendar. `calendars` are the symbols',
        `serves` those of the vendors that serve some alone."""
        same = self.over(serves)
        for name, known in serves.items():
            foreign = np.array([calendars.get(symbol) not in known for symbol in self.gaps.names], np.bool_)
            same.closed[:, same.vendors.index(name)] |= foreign[self.gaps.symbol]
        return same

    def over(self, vendors: Iterable[str]) -> Needs:
        """A copy with a column for each of these vendors, too."""
        every = tuple(sorted({*self.vendors, *vendors}))
        first, closed = ([of(name) for name in every] for of in (self.first_of, self.closed_to))
        shape = len(every), len(self)
        columns = numbers(first).reshape(shape).T, np.array(closed, np.bool_).reshape(shape).T
        return Needs(self.gaps, every, *columns, self.suspected)

    def closed_to(self, vendor: str) -> Flags:
        return self.closed[:, self.vendors.index(vendor)] if vendor in self.vendors else np.zeros(len(self), np.bool_)

    def first_of(self, vendor: str) -> Numbers:
        if vendor in self.vendors:
            return numbers(self.first[:, self.vendors.index(vendor)])
        return np.full(len(self), NEVER)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What became of the gaps: the proofs, and what is still needed."""

    absences: list[Absence]
    needs: Needs


def judge(
    gaps: Gaps,
    observations: Iterable[Observation],
    rule: ProofRule,
    *,
    audit_id: str,
    window: Range,
    crowd: Crowd,
    raw: Gaps | None = None,
    past: Callable[[], Past] | None = None,
    off: Intervals = EMPTY,
    others: Callable[[], Intervals] | None = None,
    revoked: Sequence[Revocation] = (),
) -> Judged:
    """What `observations` prove of the minutes of `gaps`, and the history of the rest. Again, the same.

    `raw` are all gaps of `window` over the same names, those included that were proven before (None: `gaps`), `crowd`
    whose minutes are expected there. Where a proof of one vendor or a suspected hole rests on it, it is asked for
    more: `past` tells what the symbols' earlier sessions lacked (None: not known), `others` the blackouts, as places of
    the crowd's calendars, with the symbols that are not looked at (None: all are). `off` are minutes in the sessions
    that are not stored, and not expected: of a halt. What an answer said of minutes that are `revoked` since proves
    nothing. Refusals count in their own audit, `audit_id`, only.
    """
    raw = every = raw or gaps
    observed = _Observed(gaps, observations, rule, audit_id, raw=raw, off=off, window=window, revoked=revoked)
    unasked = subtract(subtract(raw.line, gaps.line)[0], observed.left_out)[0]
    raw = raw.less(unasked)
    whole = np.searchsorted(raw.line.starts, place(observed.gaps.symbol, observed.gaps.start), side="right") - 1
    dark = touched(raw, crowd, blackouts(raw, crowd, unasked))[whole]
    at_edge = (raw.start == raw.session_open) | (raw.end == raw.session_close)
    of = np.searchsorted(every.line.starts, raw.line.starts, side="right") - 1
    silent = raw.end - raw.start + np.where(at_edge, beyond(every)[of], 0)
    length = silent[whole] if len(raw) else observed.gaps.end - observed.gaps.start
    known = Past.unknown(len(gaps.names))
    while True:
        chance = (
            plausibility(raw, silent, window, known, unasked=unasked, off=off)[whole]
            if len(raw)
            else np.zeros(len(observed.gaps))
        )
        found = observed.judged(chance, dark, length, known)
        if past is None or not ((found.proof == Proof.LOOKS).any() or found.needs.suspected.any()):
            at = np.flatnonzero(found.proof != "")
            outage = dark & (found.proof == Proof.SOURCES)
            pairs = found.pairs[0][at], found.pairs[1][at]
            proven = Proven(observed.gaps.take(at), found.proof[at], pairs, chance[at], outage[at])
            runs = Pairs(observed.observations, observed.answer, observed.before, observed.after, observed.entry)
            return Judged(written(proven, runs, rule), found.needs)
        known, past = past(), None
        if others is not None:
            dark = dark | touched(raw, crowd, others())[whole]


class _Found(NamedTuple):
    """How each piece is proven (empty: it is not), by which pairs (-1: none), and the needs that are left."""

    proof: npt.NDArray[np.str_]
    pairs: tuple[Numbers, Numbers]
    needs: Needs


class _Observed:
    """What was said of each piece of the gaps: pieces are cut where the history of their minutes changes.

    One entry is one run of one answer; a pair is an entry and a piece inside it. Entries are in the order of time.
    """

    def __init__(
        self,
        gaps: Gaps,
        observations: Iterable[Observation],
        rule: ProofRule,
        audit_id: str,
        *,
        raw: Gaps,
        off: Intervals,
        window: Range,
        revoked: Sequence[Revocation],
    ) -> None:
        code = {name: at for at, name in enumerate(gaps.names)}
        self.rule = rule
        once = {(one.job_id, one.symbol, one.range.start): one for one in observations if one.symbol in code}
        self.observations = sorted(once.values(), key=lambda one: (one.observed_at, one.vendor, one.job_id))
        self.vendors = tuple(sorted({one.vendor for one in self.observations}))
        numbered = [(code[one.symbol], one) for one in self.observations]
        table = np.concatenate([np.empty((0, 7), np.int64), *_entries(numbered, gaps.line, audit_id)])
        self.answer, lane, start, end, self.before, self.after, self.form = table.T
        self.start, self.end = start, end
        begins, ends = place(lane, start), place(lane, end)
        # An answer left out all from bar to bar, though only a part of that was asked for.
        first, last = map(numbers, edges(one.range for one in self.observations))
        silent = self.form == 0
        begun = np.where(self.before == NONE, first[self.answer], self.before + 1)
        until = np.where(self.after == NONE, last[self.answer], self.after)
        begun, until = np.where(silent, begun, start), np.where(silent, until, end)
        self.left_out = merge(place(lane, begun)[self.form < 2], place(lane, until)[self.form < 2])
        void = gaps.places([one.symbol for one in revoked], *edges(one.range for one in revoked))
        pieces, source = cut(gaps.line, np.concatenate([begins, ends, void.starts, void.ends]))
        self.gaps = gaps.of(pieces, source)
        within, past = (np.searchsorted(pieces.starts, edge) for edge in (begins, ends))
        counts = np.maximum(past - within, 0)
        entry = np.repeat(np.arange(len(table)), counts)
        piece = expand(numbers(within), numbers(counts))
        order = np.lexsort((entry, piece))
        self.entry, self.piece = entry[order], piece[order]
        self.when = numbers([microseconds(one.observed_at) for one in self.observations])[self.answer[self.entry]]
        vendor = numbers([self.vendors.index(one.vendor) for one in self.observations])
        self.vendor = vendor[self.answer[self.entry]]
        ours = np.array([one.audit_id == audit_id for one in self.observations], np.bool_)
        self.mine = ours[self.answer[self.entry]]  # of this audit
        # Of a session over midnight an answer has two observations.
        whose: dict[tuple[str, str], int] = {}
        self.whole = numbers([whose.setdefault((one.job_id, one.symbol), len(whose)) for one in self.observations])
        shown = np.array([one.kind is AnswerKind.BARS and one.rows > 0 for one in self.observations], np.bool_)
        reach = np.zeros(len(whose), np.int64)
        np.maximum.at(reach, self.whole[shown], last[shown])
        begin = np.full(len(whose), NEVER)
        np.minimum.at(begin, self.whole[shown], first[shown])
        self.begin, self.reach = begin[self.whole], reach[self.whole]  # what each one's answer tells of, over its parts
        self.told = told(
            self.observations,
            self.whole,
            self.answer[self.entry],
            self.gaps.take(self.piece),
            raw=raw,
            off=off,
            window=window,
        )
        self.silence, wrong = self._silence(raw, off, window)
        wrong |= self._lacked(raw, off, window, lane) | self._contradicted() | self._revoked(revoked)
        self.counts = self._counts() & ~wrong

    def _silence(self, raw: Gaps, off: Intervals, window: Range) -> tuple[Numbers, Flags]:
        """For each pair the expected minutes of which the answer showed nothing, from bar to bar in the session: the
        piece may be a part of them. And whether one of them is stored: then the answer lacked it."""
        lane, opened, closed = (
            getattr(self.gaps, name)[self.piece] for name in ("symbol", "session_open", "session_close")
        )
        before, after = self.before[self.entry], self.after[self.entry]
        begun = np.maximum(before + 1, opened)
        until = np.where(after == NONE, closed, np.minimum(after, closed))
        first, last = np.maximum(begun, epoch_minute(window.start)), np.minimum(until, epoch_minute(window.end))
        edges = place(lane, first), place(lane, last)
        halted = off.count_within(*edges)
        wrong = (self.form[self.entry] == 0) & (last - first - halted > raw.line.count_within(*edges))
        return numbers(until - begun - halted), np.asarray(wrong, np.bool_)

    def _contradicted(self) -> Flags:
        """For each pair whether a bar of the minute was shown: by another vendor, or since by the same one."""
        form, last = self.form[self.entry], np.full((len(self.gaps), len(self.vendors)), -1)
        bars = form == 3
        np.maximum.at(last, (self.piece[bars], self.vendor[bars]), self.when[bars])
        own = last[self.piece, self.vendor]
        other = (last >= 0).sum(axis=1)[self.piece] > (own >= 0)
        return np.asarray((self.when <= own) | ((form == 0) & other), np.bool_)

    def _revoked(self, revoked: Sequence[Revocation]) -> Flags:
        """For each pair whether what it says was revoked since."""
        since, line = np.full(len(self.gaps), -1), self.gaps.line
        for one in revoked:
            void = self.gaps.places([one.symbol], *edges([one.range])).count_within(line.starts, line.ends) > 0
            since[void] = np.maximum(since[void], microseconds(one.revoked_at))
        return np.asarray(self.when <= since[self.piece], np.bool_)

    def _lacked(self, raw: Gaps, off: Intervals, window: Range, lane: Numbers) -> Flags:
        """For each pair whether the answer left out a minute of the session that is stored by now: it was incomplete
        there, as of a vendor that had not loaded all, and what else it left out may have been traded, too."""
        answer_of = self.whole[self.answer]
        left = np.flatnonzero(self.form == 0)
        left = left[np.argsort(place(answer_of[left], self.start[left]), kind="stable")]
        whole, lane, start, end = (column[left] for column in (answer_of, lane, self.start, self.end))
        first, last = np.maximum(start, epoch_minute(window.start)), np.minimum(end, epoch_minute(window.end))
        edges = place(lane, first), place(lane, np.maximum(first, last))
        stored = np.maximum(last - first, 0) - raw.line.count_within(*edges) - off.count_within(*edges)
        before = np.concatenate([[0], np.cumsum(stored)])
        opened, closed = (
            place(answer_of[self.entry], getattr(self.gaps, edge)[self.piece])
            for edge in ("session_open", "session_close")
        )
        low = np.searchsorted(place(whole, end), opened, side="right")
        high = np.searchsorted(place(whole, start), closed, side="left")
        return np.asarray((self.form[self.entry] == 0) & (before[np.maximum(high, low)] > before[low]), np.bool_)

    def _counts(self) -> Flags:
        """Whether the pair's omission or statement counts for its piece."""
        entry, opened, closed = self.entry, self.gaps.session_open[self.piece], self.gaps.session_close[self.piece]
        lags = [self.rule.lags.get(vendor) for vendor in self.vendors]
        known = np.array([lag is not None for lag in lags], np.bool_)[self.vendor]
        lag = numbers([((lag or timedelta(0)) + CLOCKS) // _MICROSECOND for lag in lags])[self.vendor]
        minute = MINUTE // _MICROSECOND
        settled = np.maximum(lag, self.rule.settling // _MICROSECOND)
        begun = (self.before[entry] >= opened) | (self.begin[self.answer[entry]] <= opened)
        later = (self.after[entry] != NONE) & (self.after[entry] < closed)
        over = known & (self.reach[self.answer[entry]] >= closed) & (self.before[entry] >= opened)
        over &= self.when >= closed * minute + settled
        stated = (self.form[entry] == 1) & known & (self.when >= self.gaps.end[self.piece] * minute + lag)
        return np.asarray(((self.form[entry] == 0) & begun & (later | over)) | stated, np.bool_)

    def judged(self, chance: npt.NDArray[np.float64], dark: Flags, length: Numbers, past: Past) -> _Found:
        """The proofs, and the needs that are left: `chance` and `dark` are of each piece's whole gap of `length`."""
        n = len(self.gaps)
        proof = np.full(n, "", dtype="U20")
        one, two = np.full(n, -1), np.full(n, -1)  # the pairs that prove
        first = np.full((n, len(self.vendors)), NEVER)
        closed = np.zeros((n, len(self.vendors)), np.bool_)
        suspected = np.zeros(n, np.bool_)
        form = self.form[self.entry]
        poor = self.told.incomplete | lacking(past, self.gaps.symbol[self.piece], self.told.looked, self.told.shown)
        for at in range(len(self.vendors)):
            refused = (form == 2) & (self.vendor == at)
            closed[self.piece[refused], at] = True
            looked = self.counts & (form == 0) & (self.vendor == at)
            early, late, twice = self._two(looked & ~poor)
            # Answers that lack too much, or what is stored, prove nothing. Where no better one came they are a
            # suspected hole, and end the asking in their own audit: a vendor that lags has more by the next one.
            none = early < 0
            instead, _, again = self._two(looked & poor & self.mine)
            *_, ever = self._two(looked & poor)
            begun = np.where(early >= 0, early, instead)
            has = begun >= 0
            first[has, at] = self.when[begun[has]]
            closed[:, at] |= twice | (again & none)
            silences = np.append(self.silence, 0)  # of no pair, -1: none
            silence = np.where(twice, np.maximum(silences[early], silences[late]), length)
            plausible = (chance ** np.maximum(silence / length, 1) >= LEAST) & ~dark
            proven = twice & plausible & (proof == "")
            proof[proven] = Proof.LOOKS
            one[proven], two[proven] = early[proven], late[proven]
            suspected |= (twice & ~plausible) | (ever & none)
        self._by_sources(proof, one, two)
        stated = _earliest(self.piece, self.counts & (form == 1), n)
        by_venue = stated >= 0
        proof[by_venue] = Proof.STATEMENT
        one[by_venue], two[by_venue] = stated[by_venue], -1
        left = proof == ""
        needs = Needs(self.gaps.take(left), self.vendors, first[left], closed[left], suspected[left])
        return _Found(proof, (one, two), needs)

    def _two(self, looked: Flags) -> tuple[Numbers, Numbers, Flags]:
        """Two looks at each piece: the first pair that `looked`, the first that did long enough after it, and whether
        there are both."""
        n, apart = len(self.gaps), self.rule.apart // _MICROSECOND
        early = _earliest(self.piece, looked, n)
        since = np.append(self.when, 0)[early]
        late = _earliest(self.piece, looked & (self.when >= since[self.piece] + apart), n)
        return early, late, (early >= 0) & (late >= 0) & (late != early)

    def _by_sources(self, proof: Any, one: Numbers, two: Numbers) -> None:
        """Omissions of two known sources: the first of each. Stronger than two looks."""
        sources = {self.rule.sources[name] for name in self.vendors if name in self.rule.sources}
        known = [source for source in sources if source.kind is not SourceKind.UNKNOWN]
        found = []
        for source in sorted(known, key=lambda each: each.name):
            mine = [at for at, name in enumerate(self.vendors) if self.rule.sources.get(name) == source]
            looked = self.counts & (self.form[self.entry] == 0) & ~self.told.incomplete & np.isin(self.vendor, mine)
            found.append(_earliest(self.piece, looked, len(proof)))
        if len(found) < 2:
            return
        firsts = np.where(np.stack(found) >= 0, np.stack(found), len(self.entry))
        firsts.sort(axis=0)
        both = firsts[1] < len(self.entry)
        proof[both] = Proof.SOURCES
        one[both], two[both] = firsts[0][both], firsts[1][both]


def _entries(numbered: Sequence[tuple[int, Observation]], line: Intervals, audit_id: str) -> Iterator[Numbers]:
    """What each observation of a symbol (its number) says: rows of its position, the symbol, start, end, the bar shown
    before and after, and the form: 0 left out, 1 stated, 2 refused, 3 a bar of a minute on the line of gaps."""
    for at, (number, one) in enumerate(numbered):
        left, stated = one.omitted, one.stated
        if one.kind is AnswerKind.BARS and one.rows > 0:
            yield entries(at, number, left.start, left.end, left.before, left.after, 0)
            yield entries(at, number, stated.starts, stated.ends, NONE, NONE, 1)
            bars = one.bars()
            bars = bars[line.holding(place(number, bars)) >= 0]
            yield entries(at, number, bars, bars + 1, NONE, NONE, 3)
        elif one.kind is AnswerKind.GIVE_UP and one.audit_id == audit_id:
            yield entries(at, number, *edges([one.range]), NONE, NONE, 2)


def entries(at: int, *columns: Any) -> Numbers:
    """The rows of runs that one answer says alike: their columns side by side, each an array or one number."""
    return np.stack(np.broadcast_arrays(at, *columns), axis=1)


def _earliest(piece: Numbers, chosen: Flags, n: int) -> Numbers:
    """For each of `n` pieces the first of its chosen pairs, or -1; pairs are sorted by piece, then time."""
    found = np.full(n, -1)
    at = np.flatnonzero(chosen)[::-1]
    found[piece[at]] = at
    return numbers(found)


def microseconds(instant: datetime) -> int:
    """Since 1970."""
    return (instant - EPOCH) // _MICROSECOND


def proven(absences: Iterable[Absence], gaps: Gaps) -> Intervals:
    """The minutes of proofs of the rule in force, as places of the gaps' names."""
    sound = [one for one in absences if one.rule >= RULE]
    return gaps.places([one.symbol for one in sound], *edges(one.range for one in sound))


def shown_since(absences: Iterable[Absence], observations: Iterable[Observation], gaps: Gaps) -> list[Revocation]:
    """Revocations of the proofs that answers speak against: of minutes of `gaps` they showed a bar of since."""
    sound, code = proven(absences, gaps), {name: at for at, name in enumerate(gaps.names)}
    proofs: defaultdict[str, list[Absence]] = defaultdict(list)
    for each in absences:
        proofs[each.symbol].append(each)
    found = []
    for one in sorted(observations, key=lambda each: each.observed_at, reverse=True) if len(sound) else ():
        bars = one.bars() if one.symbol in code else numbers([])
        bars = bars[sound.holding(place(code[one.symbol], bars)) >= 0] if len(bars) else bars
        older = [each.range for each in proofs[one.symbol] if each.proven_at < one.observed_at] if len(bars) else []
        spans = [span for span in ranges_of(runs(bars)) if any(map(span.intersect, older))]
        if spans:
            found += [Revocation(one.symbol, span, _WE, _SHOWN.format(one=one), one.observed_at) for span in spans]
            sound = subtract(sound, gaps.places([one.symbol] * len(spans), *edges(spans)))[0]
    return found
