"""Evidence: what the vendors' earlier answers say about minutes that are missing now.

A believable answer (kind BARS: it had at least one bar of that symbol) that leaves a minute out is one
observation of its absence. `ProofRule` says when observations make a proof. Everything else a vendor may
answer, `no_data` and refusals and garbage, proves nothing about a minute, however often it is said.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from minutemend.core.answers import AnswerKind
from minutemend.core.gaps import Gap
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant, merge, subtract
from minutemend.core.verdicts import Absence, Observation, ProofRule


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """A gap, or a part of one, whose minutes all have the same history: the planner's raw material.

    `seen` is, for each vendor that left these minutes out of a believable answer, when it first did so.
    `refused` are the vendors that refused to answer for them in this audit.
    """

    gap: Gap
    seen: tuple[tuple[str, datetime], ...] = ()
    refused: tuple[str, ...] = ()

    def repairable(self, vendors: Sequence[str]) -> bool:
        """Whether there is a vendor left to ask in this audit."""
        return any(vendor not in self.refused for vendor in vendors)


def prove(
    gaps: Iterable[Gap], observations: Iterable[Observation], rule: ProofRule, *, venues: Mapping[str, str]
) -> list[Absence]:
    """The absences that `observations` prove of the minutes of `gaps`, sorted, no minute twice.

    The same evidence gives the same absences, whenever it is looked at: each names the two observations that
    prove it, and was proven when the second was made. `venues` maps every symbol of interest to its calendar:
    where all symbols of a calendar (two or more) are proven absent, the reason is `venue_outage`.
    """
    witnesses = _by_symbol(observations)
    proven = [
        (gap.symbol, part, pair)
        for gap in gaps
        for part, seen in _parts(gap, witnesses.get(gap.symbol, ()))
        if (pair := _proof(seen, rule)) is not None
    ]
    outages = _outages(((symbol, part) for symbol, part, _ in proven), venues)
    absences = []
    for symbol, part, pair in proven:
        lost = [both for outage in outages.get(venues.get(symbol, ""), ()) if (both := part.intersect(outage))]
        pieces = [(piece, "venue_outage") for piece in lost]
        pieces += [(piece, "no_trade") for piece in subtract([part], lost)]
        evidence = json.dumps(
            [
                {"vendor": one.vendor, "observed_at": format_instant(one.observed_at), "job_id": one.job_id}
                for one in pair
            ]
        )
        absences += [
            Absence(symbol, piece, reason, evidence, observations=2, proven_at=pair[1].observed_at)
            for piece, reason in pieces
        ]
    return sorted(absences)


def needs(gaps: Iterable[Gap], observations: Iterable[Observation], *, audit_id: str) -> list[Need]:
    """The gaps, cut where the history of their minutes changes, sorted. Refusals count in their own audit only."""
    witnesses = _by_symbol(observations)
    found = []
    for gap in gaps:
        heard = witnesses.get(gap.symbol, ())
        for part, seen in _parts(
            gap, [one for one in heard if one.kind is AnswerKind.BARS or one.audit_id == audit_id]
        ):
            first: dict[str, datetime] = {}
            for one in seen:
                if one.kind is AnswerKind.BARS:
                    first[one.vendor] = min(one.observed_at, first.get(one.vendor, one.observed_at))
            refused = sorted({one.vendor for one in seen if one.kind is AnswerKind.GIVE_UP})
            piece = Gap(gap.symbol, part.start, part.end, gap.session_open, gap.session_close)
            found.append(Need(piece, seen=tuple(sorted(first.items())), refused=tuple(refused)))
    return found


def _by_symbol(observations: Iterable[Observation]) -> dict[str, list[Observation]]:
    """What says anything at all about a minute, by symbol, in the order of time."""
    told: dict[str, list[Observation]] = defaultdict(list)
    for one in sorted(observations, key=lambda one: (one.observed_at, one.vendor, one.job_id)):
        if one.kind is AnswerKind.GIVE_UP or (one.kind is AnswerKind.BARS and one.omitted and one.rows > 0):
            told[one.symbol].append(one)
    return told


def _parts(gap: Gap, heard: Sequence[Observation]) -> Iterator[tuple[Range, list[Observation]]]:
    """The gap cut where what was heard of its minutes changes, with what was heard of each part."""
    told = []
    for one in heard:
        about = one.omitted if one.kind is AnswerKind.BARS else (one.range,)
        told += [(both, one) for part in about if (both := part.intersect(gap.range))]
    edges = sorted({gap.start, gap.end, *(r.start for r, _ in told), *(r.end for r, _ in told)})
    for start, end in pairwise(edges):
        yield Range(start, end), [one for both, one in told if both.start <= start < both.end]


def _proof(seen: Sequence[Observation], rule: ProofRule) -> tuple[Observation, Observation] | None:
    """The earliest two observations that are a proof together (`seen` in the order of time), or None."""
    seen = [one for one in seen if one.kind is AnswerKind.BARS]
    for second, later in enumerate(seen):
        for earlier in seen[:second]:
            if later.vendor != earlier.vendor or (
                later.job_id != earlier.job_id and later.observed_at - earlier.observed_at >= rule.apart
            ):
                return earlier, later
    return None


def _outages(proven: Iterable[tuple[str, Range]], venues: Mapping[str, str]) -> dict[str, tuple[Range, ...]]:
    """By calendar, the minutes that are proven absent for every one of its symbols (of two or more)."""
    size = Counter(venues.values())
    lacking: Counter[tuple[str, int]] = Counter()
    begin: dict[tuple[str, int], datetime] = {}
    for symbol, part in proven:
        venue = venues.get(symbol)
        if venue is None or size[venue] < 2:
            continue
        for offset in range(part.minutes):
            minute = part.start + offset * MINUTE
            key = (venue, epoch_minute(minute))
            lacking[key] += 1
            begin[key] = minute
    found: dict[str, list[Range]] = defaultdict(list)
    for key, symbols in lacking.items():
        if symbols == size[key[0]]:
            found[key[0]].append(Range(begin[key], begin[key] + MINUTE))
    return {venue: merge(minutes) for venue, minutes in found.items()}
