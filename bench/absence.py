"""What one vendor's silence is taken for, on real bars: natural quiet minutes, and holes in the vendor's copy.

Each symbol's session is the truth; one hole at a time is punched into what the vendor has (seeded, PUNCHED a
symbol-session), an audit finds it missing, and the vendor leaves it out twice. The rule must not suspect what is
natural, and must suspect what is punched. Two pasts are compared: none (a new lake), and LONG sessions like this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from minutemend.core.density import LEAST, LONG, Past, plausibility
from minutemend.core.gaps import Gaps
from minutemend.core.intervals import numbers, runs
from minutemend.core.minutes import epoch_minute
from minutemend.core.sessions import Session

from bench.table import Figure

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "real-minute-bars"
SEED, PUNCHED = 20261128, 20
LENGTHS = (1, 2, 5, 15)


@dataclass(frozen=True, slots=True)
class Day:
    """One symbol's session: which of its minutes (from the open) have a bar."""

    symbol: str
    session: Session
    traded: npt.NDArray[np.bool_]

    @property
    def lacks(self) -> int:
        return int((~self.traded).sum())


def run() -> list[Figure]:
    """Every figure, in the order in which a person reads them."""
    days = list(real_days())
    lacking = {day.symbol: [one.lacks / len(one.traded) for one in days if one.symbol == day.symbol] for day in days}
    dense = {symbol for symbol, shares in lacking.items() if np.mean(shares) <= 0.01}
    found = []
    for past, name in ((0, "a new lake"), (LONG, f"{LONG} sessions before like these")):
        natural = [judged for day in days for judged in suspected(day, ~day.traded, days, past)]
        found.append(
            Figure(
                f"natural quiet minutes suspected, {name}", 100 * float(np.mean(natural)), "%", f"of {len(natural)}", 3
            )
        )
        for length in LENGTHS:
            holes = [judged for day in days if day.symbol in dense for judged in punched(day, length, days, past)]
            limit = {1: None, 2: 97.0}.get(length, 98.0)
            note = f"of {len(holes)}, in {', '.join(sorted(dense))}"
            title = f"punched runs of {length} suspected, {name}"
            found.append(Figure(title, 100 * float(np.mean(holes)), "%", note, limit, at_least=True))
    return found


def real_days() -> Iterator[Day]:
    """The symbol-sessions of the shared real bars."""
    from mend.calendars.known import calendar_named

    for file in ("xnys.parquet", "crypto-24x7.parquet"):
        rows = pq.read_table(DATA / file, columns=["symbol", "minute", "calendar"]).to_pandas()
        for (calendar, symbol), bars in rows.groupby(["calendar", "symbol"]):
            minutes = bars["minute"].dt.tz_localize(None).to_numpy().astype("M8[m]").astype(np.int64)
            first, last = (bars["minute"].agg(edge).date() for edge in ("min", "max"))
            for session in calendar_named(str(calendar)).sessions(first, last):
                opened = epoch_minute(session.open)
                inside = minutes[(minutes >= opened) & (minutes < epoch_minute(session.close))] - opened
                traded = np.zeros(session.minutes, np.bool_)
                traded[inside] = True
                if traded.any():
                    yield Day(str(symbol), session, traded)


def suspected(day: Day, wanted: npt.NDArray[np.bool_], days: list[Day], past: int) -> list[bool]:
    """Whether each `wanted` minute that has no bar is suspected to be the vendor's hole."""
    gaps = gaps_of(day, day.traded)
    if not len(gaps):
        return []
    chance = plausibility(gaps, gaps.end - gaps.start, day.session.range, past_of(day, days, past))
    implausible = np.repeat(chance < LEAST, gaps.end - gaps.start)
    return implausible[wanted[~day.traded]].tolist()


def punched(day: Day, length: int, days: list[Day], past: int) -> Iterator[bool]:
    """Whether holes of so many traded minutes, one at a time, are suspected."""
    dice = np.random.default_rng([SEED, length, epoch_minute(day.session.open)])
    whole = np.flatnonzero(np.convolve(day.traded, np.ones(length), "valid") == length)
    for start in dice.choice(whole, PUNCHED, replace=False).tolist():
        shown = day.traded.copy()
        shown[start : start + length] = False
        gaps = gaps_of(day, shown)
        chance = plausibility(gaps, gaps.end - gaps.start, day.session.range, past_of(day, days, past))
        hit = gaps.start <= epoch_minute(day.session.open) + start
        yield bool(chance[np.flatnonzero(hit)[-1]] < LEAST)


def gaps_of(day: Day, shown: npt.NDArray[np.bool_]) -> Gaps:
    """What an audit of the session finds missing."""
    left = runs(np.flatnonzero(~shown) + epoch_minute(day.session.open))
    edges = (np.full(len(left), epoch_minute(edge)) for edge in (day.session.open, day.session.close))
    return Gaps((day.symbol,), np.zeros(len(left), np.int64), left.starts, left.ends, *edges)


def past_of(day: Day, days: list[Day], sessions: int) -> Past:
    """A past of so many sessions, drawn from the symbol's own."""
    if not sessions:
        return Past.unknown(1)
    dice = np.random.default_rng([SEED, epoch_minute(day.session.open)])
    own = [one.lacks for one in days if one.symbol == day.symbol]
    return Past(numbers([sessions]), numbers([dice.choice(own, sessions).max()]))
