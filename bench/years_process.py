"""One measured step of a history of years, in a process of its own: `python bench/years_process.py STEP SESSIONS N`.

Prints JSON with the CPU seconds of the step alone and what came of it. `plan` runs on the code of 2d554fb as well,
with its objects for the same input: nothing but numpy is imported before a step is chosen.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

APART = timedelta(minutes=10)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def names(count: int) -> tuple[str, ...]:
    return tuple(f"S{n:04d}" for n in range(count))


def plan_whole(sessions: Any, symbols: int) -> dict[str, Any]:
    """Every session of so many symbols is missing, and never was asked for; Alpaca is."""
    from minutemend.core import evidence, plan, verdicts

    opens, closes = sessions.T
    if hasattr(evidence, "Need"):  # the code of 2d554fb: an object for each
        from minutemend.core.gaps import Gap
        from minutemend.core.minutes import from_epoch_minute

        edges = [(from_epoch_minute(start), from_epoch_minute(end)) for start, end in sessions.tolist()]
        needs: Any = [evidence.Need(Gap(name, *edge, *edge)) for name in names(symbols) for edge in edges]
    else:
        needs = needs_of(symbols, *(np.tile(edge, symbols) for edge in (opens, closes, opens, closes)))
    limits = plan.VendorLimits("alpaca", rows=10_000, symbols=200, per_minute=200)
    begun = time.process_time()
    jobs = plan.plan(needs, audit_id="a", attempt=1, vendors=[limits], rule=verdicts.ProofRule(APART))
    return {"cpu": time.process_time() - begun, "requests": len(jobs), "gaps": len(needs)}


def needs_of(symbols: int, start: Any, end: Any, opened: Any, closed: Any) -> Any:
    """Gaps, as many of each symbol, never asked for."""
    from minutemend.core.evidence import Needs
    from minutemend.core.gaps import Gaps

    n = len(start)
    gaps = Gaps(names(symbols), np.repeat(np.arange(symbols), n // symbols), start, end, opened, closed)
    return Needs(gaps, (), np.empty((n, 0), np.int64), np.empty((n, 0), np.bool_), np.zeros(n, np.bool_))


def holes(sessions: Any, share: float, *, seed: int = 0) -> Any:
    """Of each session single minutes, so many in the mean, as columns: start, end, open, close."""
    dice, rows = np.random.default_rng([20261129, seed]), []
    for opened, closed in sessions.tolist():
        inside = np.arange(opened + 1, closed - 1, 2)
        start = inside[dice.random(len(inside)) < 2 * share]
        rows.append(np.stack([start, start + 1, np.full(len(start), opened), np.full(len(start), closed)]))
    return np.concatenate(rows, axis=1)


def thin(sessions: Any, symbols: int, share: float = 0.1) -> Any:
    """A share of the minutes of each symbol, one by one, as needs: other ones of each."""
    each = [holes(sessions, share, seed=number) for number in range(symbols)]
    least = min(len(columns[0]) for columns in each)
    return needs_of(symbols, *np.concatenate([columns[:, :least] for columns in each], axis=1))


def third_look(sessions: Any, count: int) -> dict[str, Any]:
    """One symbol lacks `count` single minutes, and its vendor left them out twice: the look that proves it."""
    columns = holes(sessions, 0.15)[:, :count]
    needs = needs_of(1, *columns)
    return all_proven(look_again(needs, sessions[sessions[:, 0] <= columns[2].max()]))


def look_window(sessions: Any, symbols: int) -> dict[str, Any]:
    """The same of a window of backfill: of each symbol a tenth of the minutes, one by one."""
    return all_proven(look_again(thin(sessions, symbols), sessions))


def look_half(sessions: Any, symbols: int) -> dict[str, Any]:
    """The same of every other minute, which is more than one vendor's word is good for."""
    return look_again(thin(sessions, symbols, 0.5), sessions)


def all_proven(found: dict[str, Any]) -> dict[str, Any]:
    assert found["proven"] == found["holes"], found  # else another step is measured than the one that proves
    return found


def look_again(needs: Any, sessions: Any) -> dict[str, Any]:
    from minutemend.core.minutes import Range, from_epoch_minute
    from minutemend.core.sessions import Session
    from minutemend.core.symbols import Listing
    from minutemend.core.verdicts import ProofRule
    from minutemend.ports.gap_finder import Found
    from minutemend.services.lake import Lake
    from minutemend.services.look import look

    from bench.memory import MemoryStore

    lake = Lake(MemoryStore())
    edges = [(from_epoch_minute(start), from_epoch_minute(end)) for start, end in sessions.tolist()]
    lake.calendars.put(Session("24/7", start.date(), start, end) for start, end in edges)
    for days in (0, 1):
        lake.answers.put(left_out(needs.gaps, sessions, edges[-1][1] + timedelta(days=3 + days)))
    listings = [Listing(name, "24/7", None, None) for name in needs.gaps.names]
    lake.put_symbols(listings)
    finder = type("Finder", (), {"find": lambda *_, **__: Found(needs.gaps, 10**6, None)})()
    begun = time.process_time()
    window = Range(edges[0][0], edges[-1][1])
    rule = ProofRule(APART, timedelta(0), {}, {"v": timedelta(minutes=1)})
    asked: dict[str, Any] = {"window": window, "listings": listings, "symbols": None, "audit_id": "a", "token": "t"}
    found = look(lake, finder, rule, **asked, now=window.end + timedelta(days=9))
    lake.put_absences(found.absences)
    return {"cpu": time.process_time() - begun, "holes": len(needs), "proven": len(found.absences)}


def left_out(gaps: Any, sessions: Any, at: datetime) -> Iterable[Any]:
    """What a vendor's answers, one for each symbol and session, left out."""
    from minutemend.core.answers import AnswerKind
    from minutemend.core.minutes import Range, from_epoch_minute
    from minutemend.core.verdicts import Observation, Omissions, Shown

    for number, name in enumerate(gaps.names):
        mine = gaps.take(gaps.symbol == number)
        for opened, closed in sessions.tolist():
            first, last = np.searchsorted(mine.start, [opened, closed])
            start, end = mine.start[first:last], mine.end[first:last]
            window = Range(from_epoch_minute(opened), from_epoch_minute(closed))
            said = Omissions(start, end, start - 1, end)
            bars = np.ones(closed - opened, np.bool_)
            bars[start - opened] = False
            job = f"{number:06d}{opened:09d}{at:%d}"
            counts = int(bars.sum()), 200, "", job, "before", 1
            yield Observation(name, window, at, "v", AnswerKind.BARS, said, *counts, shown=Shown.of(bars))


def needs_whole(sessions: Any, symbols: int) -> dict[str, Any]:
    """Write the needs of a window that lacks everything, for `queue`."""
    opens, closes = (np.tile(edge, symbols) for edge in sessions.T)
    return kept(needs_of(symbols, opens, closes, opens, closes))


def needs_holes(sessions: Any, symbols: int) -> dict[str, Any]:
    """The same of a window that lacks every other minute."""
    return kept(thin(sessions, symbols, 0.5))


def kept(needs: Any) -> dict[str, Any]:
    from minutemend.services import working_files

    from bench.memory import MemoryStore

    store = MemoryStore()
    working_files.put_needs(store, "gaps", needs)
    Path(sys.argv[2]).with_suffix(".needs").write_bytes(store.get("gaps") or b"")
    return {"gaps": len(needs)}


def queue(_sessions: Any, _symbols: int) -> dict[str, Any]:
    """QueueRepairs of the needs that were written: read, planned, and every job made a message."""
    from minutemend.core.answers import VendorLimits
    from minutemend.core.verdicts import ProofRule
    from minutemend.services.queue_repairs import QueueRepairs

    from bench.memory import MemoryStore

    store = MemoryStore()
    store.put("gaps", Path(sys.argv[2]).with_suffix(".needs").read_bytes())
    sent: list[int] = []
    step = QueueRepairs(
        results=store,
        board=type("Board", (), {"open_attempt": lambda *_, **__: None})(),
        queue=type("Queue", (), {"send": lambda _, given: sent.extend(len(json.dumps(one.body)) for one in given)})(),
        vendors=[VendorLimits("alpaca", rows=10_000, symbols=200, per_minute=200)],
        rule=ProofRule(APART),
    )
    begun = time.process_time()
    step.run({"audit_id": "a", "attempt": 0, "gaps_key": "gaps"}, now=NOW)
    return {"cpu": time.process_time() - begun, "requests": len(sent), "largest": max(sent)}


STEPS = {
    step.__name__: step for step in (plan_whole, third_look, look_window, look_half, needs_whole, needs_holes, queue)
}

if __name__ == "__main__":
    told = STEPS[sys.argv[1]](np.load(Path(sys.argv[2])), int(sys.argv[3]))
    print(json.dumps(told))
