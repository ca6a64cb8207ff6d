"""What is known of every expected minute: exactly one verdict each, derived from the lake, with its evidence."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from minutemend.core.intervals import merge, subtract
from minutemend.core.minutes import MINUTE, Range, edges, epoch_minute, format_instant, ranges_of
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Verdict
from minutemend.services.lake import Lake


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Neighbouring minutes of one symbol inside one session with one verdict and one reason for it.

    `range` is half-open, in UTC. `reason`: for a bar its source, for an absence or a failure why, for a missing minute
    `revoked` where a person revoked its proof. `evidence`: the repair job of a repaired bar; the observations of an
    absence or a failure, or who revoked it (JSON); empty where there is none. `proof` and `plausible` say how strong
    an absence is (core/verdicts.py).
    """

    symbol: str
    range: Range
    verdict: Verdict
    reason: str = ""
    evidence: str = ""
    proof: str = ""
    plausible: float | None = None

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The observations, or who revoked: evidence that is a list; the id of a repair job is none."""
        try:
            told = json.loads(self.evidence)
        except ValueError:
            return []
        return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []

    @property
    def strength(self) -> str:
        """How strong the proof of an absence is, in words; empty for every other verdict."""
        if not self.proof:
            return ""
        chance = "" if self.plausible is None else f", chance of such a run {self.plausible:.2g}"
        return f"{self.proof.replace('_', ' ')}{chance}"


REVOKED = "revoked"  # the reason of a missing minute whose proof a person revoked


def verdicts(lake: Lake, window: Range, symbols: Sequence[str] | None = None) -> Iterator[Span]:
    """The verdicts of `window`, session date by session date, each date sorted by symbol and range.

    `symbols` None means every symbol of interest. Sessions are cut at the edges of `window`.
    """
    wanted = None if symbols is None else set(symbols)
    listings = [one for one in lake.symbols() if wanted is None or one.symbol in wanted]
    by_date: dict[object, list[Session]] = defaultdict(list)
    for session in lake.calendars.sessions(window, {one.calendar for one in listings}):
        by_date[session.dt].append(session)
    for _, sessions in sorted(by_date.items(), key=lambda item: str(item[0])):
        around = Range(min(session.open for session in sessions), max(session.close for session in sessions))
        part = around.intersect(window)
        if part is not None:
            yield from _of_date(lake, part, sessions, listings)


def _of_date(lake: Lake, window: Range, sessions: Sequence[Session], listings: Sequence[Listing]) -> Iterator[Span]:
    names = sorted({one.symbol for one in listings})
    known = _Known(lake, window, names)
    halted = {symbol: merge(*edges(spans)) for symbol, spans in lake.calendars.halted().items()}
    for listing in sorted(listings):
        for session in sorted(sessions):
            both = session.range.intersect(window)
            if session.calendar == listing.calendar and listing.on(session.dt) and both:
                off = halted.get(listing.symbol)
                for part in [both] if off is None else ranges_of(subtract(merge(*edges([both])), off)[0]):
                    yield from known.spans(listing.symbol, part)


class _Known:
    """All that the lake knows of a window: for each symbol its spans of evidence, worst first, and its bars."""

    def __init__(self, lake: Lake, window: Range, symbols: list[str]) -> None:
        told = []
        for one in lake.revocations(window):
            said = {"who": one.who, "why": one.why, "revoked_at": format_instant(one.revoked_at)}
            span = Span(one.symbol, one.range, Verdict.MISSING, REVOKED, json.dumps([said]))
            told.append((one.revoked_at, span))
        told += [
            (one.failed_at, Span(one.symbol, one.range, Verdict.FAILED, one.reason, one.evidence))
            for one in lake.failures(window)
        ]
        # The newest word counts: a failure after a revocation, or the other way round; at one instant the failure.
        spans = [span for _, span in sorted(told, key=lambda one: one[0])]
        spans += [
            Span(one.symbol, one.range, Verdict.ABSENT, one.reason, one.evidence, one.proof, one.plausible)
            for one in lake.absences(window)
        ]
        self._evidence: dict[str, list[Span]] = defaultdict(list)
        for span in spans:
            self._evidence[span.symbol].append(span)
        self._bars, self._origins = _bars_by_symbol(lake.read_bars(window, symbols))

    def spans(self, symbol: str, window: Range) -> Iterator[Span]:
        """The verdicts of one symbol in `window`, which lies inside one session."""
        first, last = epoch_minute(window.start), epoch_minute(window.end)
        known = [Span(symbol, window, Verdict.MISSING), *self._evidence.get(symbol, ())]
        slots = np.zeros(last - first, dtype=np.int64)  # for each minute which of `known`, or of the bars' origins
        for place, span in enumerate(known):
            start, end = epoch_minute(span.range.start) - first, epoch_minute(span.range.end) - first
            slots[max(start, 0) : max(end, 0)] = place
        minutes, origins = self._bars.get(symbol, _NO_BARS)
        inside = slice(*np.searchsorted(minutes, (first, last)))
        slots[minutes[inside] - first] = len(known) + origins[inside]  # from here on one of the bars' origins
        edges = [0, *(np.flatnonzero(np.diff(slots)) + 1).tolist(), len(slots)]
        for start, end in pairwise(edges):
            slot = int(slots[start])
            part = Range(window.start + start * MINUTE, window.start + end * MINUTE)
            if slot < len(known):
                yield replace(known[slot], range=part)
            else:
                yield Span(symbol, part, *self._origins[slot - len(known)])


_Numbers = npt.NDArray[np.int64]
_Origin = tuple[Verdict, str, str]  # of a bar: present or repaired, its source, and its repair job
_NO_BARS: tuple[_Numbers, _Numbers] = (np.empty(0, np.int64), np.empty(0, np.int64))


def _bars_by_symbol(bars: pa.Table) -> tuple[dict[str, tuple[_Numbers, _Numbers]], list[_Origin]]:
    """By symbol: epoch minutes (ascending) and for each its origin, a position in the list of origins."""
    if bars.num_rows == 0:
        return {}, []
    symbol, source, repair = (
        bars[name].combine_chunks().dictionary_encode("encode") for name in ("symbol", "source", "repair_id")
    )
    # The origin is the pair of source and repair id; a column's dictionary holds its null, if there is one.
    pairs = source.indices.to_numpy().astype(np.int64) * len(repair.dictionary) + repair.indices.to_numpy()
    known, origins = np.unique(pairs, return_inverse=True)
    sources, repairs = source.dictionary.to_pylist(), repair.dictionary.to_pylist()
    whys = [
        (Verdict.REPAIRED if repairs[second] else Verdict.PRESENT, sources[first] or "", repairs[second] or "")
        for first, second in (divmod(pair, len(repairs)) for pair in known.tolist())
    ]
    minutes = bars["minute"].to_numpy().astype("datetime64[m]").astype(np.int64)
    names = symbol.indices.to_numpy()  # bars are sorted by symbol: each has one run of rows
    edges = [0, *(np.flatnonzero(np.diff(names)) + 1).tolist(), len(names)]
    rows = {
        symbol.dictionary[int(names[start])].as_py(): (minutes[start:end], origins[start:end])
        for start, end in pairwise(edges)
    }
    return rows, whys


def around(seen: Mapping[str, Any]) -> str:
    """What an observation of the evidence says besides vendor and time: the source, and the bars around."""
    source = seen.get("source")
    text = f" (source {source})" if source else ""
    if "before" in seen:
        before, after = (seen.get(edge) for edge in ("before", "after"))
        text += f", bars around: {before or 'none'} and {after or 'none'}"
    return text
