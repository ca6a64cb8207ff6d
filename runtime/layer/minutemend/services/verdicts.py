"""What is known of every expected minute: exactly one verdict each, derived from the lake, with its evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Verdict
from minutemend.services.lake import Lake


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Neighbouring minutes of one symbol inside one session with one verdict and one reason for it.

    `range` is half-open, in UTC. `reason`: for a bar its source, for an absence or a failure why. `evidence`: the
    repair job of a repaired bar, the observations (JSON) of an absence or a failure; empty where there is none.
    """

    symbol: str
    range: Range
    verdict: Verdict
    reason: str = ""
    evidence: str = ""
    minutes: int = 0  # expected ones: fewer than the range holds where the cadence is coarser than a minute


@dataclass(frozen=True, slots=True)
class _Why:
    verdict: Verdict
    reason: str = ""
    evidence: str = ""


def verdicts(
    lake: Lake, window: Range, symbols: Sequence[str] | None = None, *, cadence: timedelta = MINUTE
) -> Iterator[Span]:
    """The verdicts of `window`, session date by session date, each date sorted by symbol and range.

    `symbols` None means every symbol of interest. Sessions are cut at the edges of `window`.
    """
    wanted = None if symbols is None else set(symbols)
    listings = [one for one in lake.symbols() if wanted is None or one.symbol in wanted]
    by_date: dict[object, list[Session]] = defaultdict(list)
    for session in lake.sessions(window, {one.calendar for one in listings}):
        by_date[session.dt].append(session)
    for _, sessions in sorted(by_date.items(), key=lambda item: str(item[0])):
        around = Range(min(session.open for session in sessions), max(session.close for session in sessions))
        part = around.intersect(window)
        if part is not None:
            yield from _of_date(lake, part, sessions, listings, cadence=cadence)


def _of_date(
    lake: Lake, window: Range, sessions: Sequence[Session], listings: Sequence[Listing], *, cadence: timedelta
) -> Iterator[Span]:
    names = sorted({one.symbol for one in listings})
    known = _Known(lake, window, names)
    for listing in sorted(listings):
        for session in sorted(sessions):
            after = listing.listed is None or listing.listed <= session.dt
            before = listing.delisted is None or session.dt < listing.delisted
            both = session.range.intersect(window)
            if session.calendar == listing.calendar and after and before and both:
                yield from known.spans(listing.symbol, session, both, cadence=cadence)


class _Known:
    """All that the lake knows of a window: for each symbol its spans of evidence, worst first, and its bars."""

    def __init__(self, lake: Lake, window: Range, symbols: list[str]) -> None:
        self._evidence: dict[str, list[tuple[Range, _Why]]] = defaultdict(list)
        wanted = set(symbols)
        for failure in sorted(lake.failures(window), key=lambda one: one.failed_at):
            if failure.symbol in wanted:
                why = _Why(Verdict.FAILED, failure.reason, failure.evidence)
                self._evidence[failure.symbol].append((failure.range, why))
        for absence in lake.absences(window):
            if absence.symbol in wanted:
                why = _Why(Verdict.ABSENT, absence.reason, absence.evidence)
                self._evidence[absence.symbol].append((absence.range, why))
        self._bars, self._origins = _bars_by_symbol(lake.read_bars(window, symbols))

    def spans(self, symbol: str, session: Session, window: Range, *, cadence: timedelta) -> Iterator[Span]:
        """The verdicts of one symbol in the part of one session that is inside `window`."""
        step = int(cadence / MINUTE)
        opened = epoch_minute(session.open)
        first = -(-(epoch_minute(window.start) - opened) // step)  # slots of the session, counted from its open
        last = -(-(epoch_minute(window.end) - opened) // step)
        if first >= last:
            return
        whys = [_Why(Verdict.MISSING)]
        slots = np.zeros(last - first, dtype=np.int64)  # which of `whys`, and of the bars' origins
        for span, why in self._evidence.get(symbol, ()):
            start, end = (-(-(epoch_minute(at) - opened) // step) - first for at in (span.start, span.end))
            if end > 0 and start < len(slots):
                slots[max(start, 0) : end] = len(whys)
                whys.append(why)
        minutes, origins = self._bars.get(symbol, _NO_BARS)
        inside = slice(*np.searchsorted(minutes, (epoch_minute(window.start), epoch_minute(window.end))))
        place, off = np.divmod(minutes[inside] - opened, step)
        known = len(whys)  # from here on a slot says which of the bars' origins
        slots[place[off == 0] - first] = known + origins[inside][off == 0]
        edges = [0, *(np.flatnonzero(np.diff(slots)) + 1).tolist(), len(slots)]
        for start, end in pairwise(edges):
            slot = int(slots[start])
            why = whys[slot] if slot < known else self._origins[slot - known]
            begin = session.open + (first + start) * cadence
            stop = min(session.open + (first + end) * cadence, window.end)
            yield Span(symbol, Range(begin, stop), why.verdict, why.reason, why.evidence, end - start)


_Numbers = npt.NDArray[np.int64]
_NO_BARS: tuple[_Numbers, _Numbers] = (np.empty(0, np.int64), np.empty(0, np.int64))


def _bars_by_symbol(bars: pa.Table) -> tuple[dict[str, tuple[_Numbers, _Numbers]], list[_Why]]:
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
        _Why(Verdict.REPAIRED if repairs[second] else Verdict.PRESENT, sources[first] or "", repairs[second] or "")
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
