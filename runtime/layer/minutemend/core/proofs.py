"""Proofs of absence, written down: each with its evidence, as a row of the `absences` table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minutemend.core.gaps import Gaps
from minutemend.core.intervals import Numbers
from minutemend.core.minutes import format_instant
from minutemend.core.verdicts import NONE, RULE, Absence, Observation, ProofRule

Seen = tuple[Observation, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Proven:
    """Gaps that are proven, as columns: how, by which one or two pairs (-1: none), the chance of such a run, and
    whether the venue was down."""

    gaps: Gaps
    proof: npt.NDArray[np.str_]
    pairs: tuple[Numbers, Numbers]
    chance: npt.NDArray[np.float64]
    outage: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pairs:
    """What was said of pieces of the gaps (core/evidence.py): a pair has an entry, which is one run of one answer.

    `answer` is the position of an entry's answer in `observations`; `before` and `after` are the bars around its run.
    """

    observations: Sequence[Observation]
    answer: Numbers
    before: Numbers
    after: Numbers
    entry: Numbers


def written(proven: Proven, runs: Pairs, rule: ProofRule) -> list[Absence]:
    """The absences that are proven, sorted as the gaps are."""
    if not len(proven.gaps):
        return []
    columns = (column.tolist() for column in (proven.proof, proven.chance, proven.outage))
    shown = (_shown(each, runs, rule) for each in proven.pairs)
    found = []
    for gap, how, likely, out, *seen in zip(proven.gaps, *columns, *shown, strict=True):
        evidence = [each for each in seen if each is not None]
        found.append(
            Absence(
                gap.symbol,
                gap.range,
                "venue_outage" if out else "no_trade",
                json.dumps([row for _, row in evidence]),
                observations=len(evidence),
                proven_at=max(one.observed_at for one, _ in evidence),
                proof=how,
                plausible=float(f"{likely:.3g}"),
                rule=RULE,
            )
        )
    return found


def _shown(pairs: Numbers, runs: Pairs, rule: ProofRule) -> Iterator[Seen | None]:
    """What each of the pairs says, for people (None: no pair)."""
    heads: dict[int, dict[str, object]] = {}
    entry = runs.entry[pairs]
    columns = (_instants(each[entry]) for each in (runs.before, runs.after))
    for pair, answer, before, after in zip(pairs.tolist(), runs.answer[entry].tolist(), *columns, strict=True):
        if pair < 0:
            yield None
            continue
        one = runs.observations[answer]
        if answer not in heads:
            source = rule.sources.get(one.vendor)
            heads[answer] = {"vendor": one.vendor, "source": source.name if source else "unknown"}
            heads[answer] |= {"observed_at": format_instant(one.observed_at), "job_id": one.job_id}
        yield one, {**heads[answer], "before": before, "after": after}


def _instants(minutes: Numbers) -> list[Any]:
    """Epoch minutes as ISO text (NONE: null)."""
    texts = np.datetime_as_string(minutes.astype("M8[m]"), unit="s").tolist()
    return [None if minute == NONE else f"{text}Z" for minute, text in zip(minutes.tolist(), texts, strict=True)]
