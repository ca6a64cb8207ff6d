"""ReviewValues: each night, what disagrees with the stored bars, what the stage's policy accepts, the next look, and
which values cannot be right.

It comes before the nightly sweep, which makes the facts of the hours anew in which a bar was accepted, and announces
them. Run twice it says the same, accepts nothing more, its looks are the same jobs, and no flag is kept twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from minutemend.contract import BARS_DISAGREE, PARTITION, VENDORS
from minutemend.core.answers import VendorLimits
from minutemend.core.errors import BadInput
from minutemend.core.jobs import RepairJob
from minutemend.core.looks import plan_looks
from minutemend.core.minutes import Range, day_range, format_instant
from minutemend.core.value_rules import RULES
from minutemend.ports import Board, JobQueue
from minutemend.ports.signals import Signals
from minutemend.services.flags import KeptFlag, flags_in, lake_flags_sql
from minutemend.services.lake import Lake
from minutemend.services.queue_repairs import to_message
from minutemend.services.revisions import Revision, accept, rejections
from minutemend.views import revisions_sql

_DAY = timedelta(days=1)
_MOST_NAMED = 1000  # symbols in the event


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What one night found. `open` are the revisions that are neither rejected nor accepted, `flags` the values that
    cannot be right (None: they could not be looked for, and `trouble` is why)."""

    window: Range
    open: tuple[Revision, ...]
    accepted: int
    requests: int  # of the look that was begun
    refused: tuple[str, ...] = ()  # why the policy did not accept what it would have
    flags: tuple[KeptFlag, ...] | None = ()
    trouble: str = ""

    def detail(self) -> dict[str, Any]:
        """The event's, and the log line's."""
        symbols = sorted({one.symbol for one in self.open})
        rules = Counter(one.rule for one in self.flags or ())
        return {
            "start": format_instant(self.window.start),
            "end": format_instant(self.window.end),
            "revised": sum(one.kind == "revised" for one in self.open),
            "disputed": sum(one.kind == "disputed" for one in self.open),
            "accepted": self.accepted,
            "symbols": symbols[:_MOST_NAMED],
            "requests": self.requests,
            "flags": None if self.flags is None else {rule: rules[rule] for rule in RULES if rules[rule]},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewValues:
    """The night's step, over ports. `ask` puts a statement to the engine (the token names the work) and gives rows.

    `share` of the symbols of each session is looked at; of the vendors in `unsure`, whose bars may change at a time
    that is not known, all. `accept_days`: what the vendor of a stored bar restates within so many days is accepted.
    """

    lake: Lake
    board: Board
    queue: JobQueue
    signals: Signals
    vendors: Sequence[VendorLimits]
    unsure: Collection[str]
    ask: Callable[[str, str], Iterable[Sequence[Any]]]
    days: int
    share: float
    accept_days: int | None = None

    def run(self, scheduled_at: datetime, *, now: datetime) -> Reviewed:
        """Review the `days` whole UTC dates before `scheduled_at`, and look at the day before yesterday."""
        today = day_range(scheduled_at.date()).start
        window = Range(today - self.days * _DAY, today)
        found = self._open(window, now)
        taken, refused = self._accept(found, now)
        left = tuple(one for one in found if one.kind == "disputed" or (one.symbol, one.minute) not in taken)
        reviewed = Reviewed(window, left, len(taken), self._look(today, now), tuple(refused))
        try:
            reviewed = replace(reviewed, flags=self._flags(window, now))
        except Exception as trouble:  # noqa: BLE001 (the rest of the night stands; the handler tells of it)
            reviewed = replace(reviewed, flags=None, trouble=f"{type(trouble).__name__}: {trouble}")
        seen = any(one.last_seen >= scheduled_at - _DAY for one in found)  # what is open for long is no news
        if seen or any(one.found_at >= scheduled_at for one in reviewed.flags or ()):
            self.signals.announce(BARS_DISAGREE, reviewed.detail())
        return reviewed

    def _open(self, window: Range, now: datetime) -> list[Revision]:
        first, last = window.start.date(), (window.end - _DAY).date()
        sql = revisions_sql(where=f"{PARTITION} BETWEEN '{first}' AND '{last}'")
        rows = self.ask(sql, f"review-{format_instant(now)}")  # an answer of before an acceptance would be stale
        no = {id for day in window.dates() for id in rejections(self.lake, day)}
        found = sorted(map(Revision.of, rows), key=lambda one: (one.symbol, one.minute, one.vendor, one.seen))
        return [one for one in found if one.id not in no]

    def _accept(self, found: Iterable[Revision], now: datetime) -> tuple[set[tuple[str, datetime]], list[str]]:
        """Accept, of each minute, what the stored bar's vendor said last, if that was soon enough: the minutes, and why
        those of other symbols were refused."""
        newest: dict[str, dict[datetime, Revision]] = defaultdict(dict)
        for one in sorted(found, key=lambda one: one.last_seen):
            soon = self.accept_days is not None and one.last_seen - one.minute <= self.accept_days * _DAY
            if one.kind == "revised" and soon:
                newest[one.symbol][one.minute] = one
        taken, refused = set(), []
        why = f"the same vendor, within {self.accept_days} days"
        for symbol, group in sorted(newest.items()):
            try:
                accept(self.lake, group.values(), who="the policy of the stage", why=why, now=now)
            except BadInput as reason:
                refused.append(str(reason))
            else:
                taken |= {(symbol, minute) for minute in group}
        return taken, refused

    def _flags(self, window: Range, now: datetime) -> tuple[KeptFlag, ...]:
        rows = self.ask(lake_flags_sql(window), f"flags-{format_instant(now)}")
        return tuple(self.lake.flags.keep(flags_in(rows, window), now=now))

    def _look(self, today: datetime, now: datetime) -> int:
        """Begin the look at the day before yesterday; how many requests it takes."""
        jobs = nightly_looks(self.lake, self.vendors, today=today, share=self.share, unsure=self.unsure, now=now)
        if jobs:
            self.board.open_attempt(jobs[0].audit_id, 1, jobs=len(jobs))  # first the count, then the jobs
            self.queue.send(to_message(job, now=now) for job in jobs)
        return len(jobs)


def nightly_looks(
    lake: Lake,
    vendors: Sequence[VendorLimits],
    *,
    today: datetime,
    share: float,
    unsure: Collection[str],
    now: datetime,
) -> list[RepairJob]:
    """The look at the day before yesterday that the night of `today` begins. Reads only; again, the same jobs."""
    window = Range(today - 2 * _DAY, today - _DAY)
    run = f"look-{window.start:%Y%m%d}"
    listings = lake.symbols()
    sessions = lake.calendars.sessions(window, {one.calendar for one in listings})
    return plan_looks(window, listings, sessions, vendors, run=run, share=share, seed=run, whole=unsure, now=now)


def unsure_of(names: Iterable[str]) -> list[str]:
    """Those vendors whose bars may change at a time that is not known: their lag is not documented."""
    return [name for name in names if VENDORS[name].lag is None]
