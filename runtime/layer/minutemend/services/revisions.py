"""Bars of one minute that disagree, and what is decided about them: what is stored, and what a vendor said at another
time, or another vendor.

Nothing is decided here. A person, or the policy of a stage, accepts a revision, and a new whole bar takes the place of
the stored one, which stays readable `as_of`; or rejects it, and is not asked again. `views.comparison` finds them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minutemend.contract import ACCEPTED, SETTINGS_PREFIX
from minutemend.core.bars import VALUES, Bar, to_table
from minutemend.core.errors import BadInput
from minutemend.core.intervals import merge, numbers
from minutemend.core.jobs import content_id
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant, ranges_of
from minutemend.core.revocations import Revocation
from minutemend.services.lake import Lake
from minutemend.services.tables import aware, naive

DECIDED_PREFIX = f"{SETTINGS_PREFIX}revisions/"
# Adjusted for a split: the closes of so many bars of a symbol and date are one multiple of what is stored.
ADJUSTED_BARS, ADJUSTED_BY, ADJUSTED_NEAR = 10, 0.2, 0.002


@dataclass(frozen=True, slots=True)
class Revision:
    """A minute whose stored bar and a bar that was seen disagree. `kind` is `revised` (the stored bar is of the same
    vendor) or `disputed` (of another). Values are open, high, low, close, volume. `times` is how often it was seen."""

    symbol: str
    minute: datetime  # UTC, left edge
    kind: str
    vendor: str  # of the bar that was seen
    seen: tuple[float, ...]
    first_seen: datetime
    last_seen: datetime
    times: int
    stored: tuple[float, ...]
    source: str  # of the stored bar
    repair_id: str | None
    captured_at: datetime

    @classmethod
    def of(cls, row: Sequence[Any]) -> Revision:
        """A row of `views.comparison`; instants are UTC, with a zone or without."""
        symbol, minute, kind, vendor, *rest = row
        said, (first, last, times), stored, (source, repair_id, at, *_) = rest[:5], rest[5:8], rest[8:13], rest[13:]
        return cls(
            symbol=symbol,
            minute=aware(minute),
            kind=kind,
            vendor=vendor,
            seen=tuple(said),
            first_seen=aware(first),
            last_seen=aware(last),
            times=int(times),
            stored=tuple(stored),
            source=source,
            repair_id=repair_id,
            captured_at=aware(at),
        )

    @property
    def id(self) -> str:
        """Names what was seen, whatever is stored."""
        return content_id(self.symbol, format_instant(self.minute), self.vendor, list(self.seen))[:12]

    @property
    def supersedes(self) -> str:
        """Names the stored bar."""
        how = self.source, self.repair_id, self.captured_at
        return _bar_id(self.symbol, self.minute, bar=self.stored, how=how)

    def as_json(self) -> dict[str, Any]:
        bars = {name: dict(zip(VALUES, getattr(self, name), strict=True)) for name in ("seen", "stored")}
        return {"id": self.id, **asdict(self), **bars}


def accept(
    lake: Lake, revisions: Iterable[Revision], *, who: str, why: str, now: datetime, adjusted: bool = False
) -> list[Range]:
    """Put the bars that were seen in the place of the stored ones: new whole bars whose repair ids name what they
    supersede. Returns the hours that were touched, joined where they follow each other. Of several of one minute none
    is taken. `adjusted`: also bars that are one multiple of what is stored.

    Raises BadInput, and writes nothing, where two revisions are of one minute, the stored bar is another by now, one
    side is adjusted for a split, or `who` or `why` is empty.
    """
    given = list(revisions)
    minutes = {(one.symbol, one.minute): one for one in given}
    if len(minutes) < len(given):
        twice = next(one for one in given if minutes[one.symbol, one.minute] is not one)
        raise BadInput(
            f"{twice.symbol} {format_instant(twice.minute)} was seen with several values: --id of one of them would be "
            "right (`mend revisions list` shows them)"
        )
    by_day: dict[date, list[Revision]] = defaultdict(list)
    for one in given:
        by_day[one.minute.date()].append(one)
    for group in by_day.values():
        _refuse_stale(lake, group)
        if not adjusted:
            _refuse_adjusted(group)
    tables = [
        to_table(
            [Bar(one.symbol, one.minute, *one.seen)],
            source=one.vendor,
            repair_id=f"{ACCEPTED}{one.supersedes}",
            captured_at=now,
        )
        for one in given
    ]
    note(lake, given, "accepted", who=who, why=why, now=now)
    if tables:
        lake.put_bars(pa.concat_tables(tables))
    return _hours(given)


def note(lake: Lake, revisions: Iterable[Revision], what: str, *, who: str, why: str, now: datetime) -> None:
    """Keep what was decided, `accepted` or `rejected`, with who and why. What is rejected is open no more, until the
    vendor says something else. Raises BadInput where `who` or `why` is empty."""
    for one in revisions:
        said = Revocation(one.symbol, Range(one.minute, one.minute + MINUTE), who.strip(), why.strip(), now)
        body = {"id": one.id, "what": what, "who": said.who, "why": said.why, "when": format_instant(now)}
        key = f"{DECIDED_PREFIX}{one.minute:%Y-%m-%d}/{one.id}-{what}.json"
        lake.store.put(key, json.dumps(body | {"revision": one.as_json()}, default=str).encode())


def rejections(lake: Lake, day: date) -> set[str]:
    """The ids of what was rejected of a UTC date."""
    keys = [one.key.rpartition("/")[2] for one in lake.store.list(f"{DECIDED_PREFIX}{day.isoformat()}/")]
    return {key.removesuffix("-rejected.json") for key in keys if key.endswith("-rejected.json")}


def _bar_id(symbol: str, minute: datetime, *, bar: Iterable[float], how: tuple[str, str | None, datetime]) -> str:
    """`how`: the source, the repair, and when it was captured."""
    source, repair_id, captured_at = how
    return content_id(symbol, format_instant(minute), source, repair_id, format_instant(captured_at), list(bar))


def _refuse_stale(lake: Lake, group: Sequence[Revision]) -> None:
    """Whether each revision of one UTC date is of the bar that is stored now."""
    first, last = min(one.minute for one in group), max(one.minute for one in group)
    bars = lake.read_bars(Range(first, last + MINUTE), sorted({one.symbol for one in group}))
    wanted = pa.array([naive(one.minute) for one in group], pa.timestamp("ms"))
    stored = set()
    for row in bars.filter(pc.is_in(bars["minute"], value_set=wanted)).to_pylist():
        how = row["source"], row["repair_id"], aware(row["captured_at"])
        stored.add(_bar_id(row["symbol"], aware(row["minute"]), bar=[row[name] for name in VALUES], how=how))
    for one in group:
        if one.supersedes not in stored:
            raise BadInput(
                f"{one.symbol} {format_instant(one.minute)} was decided otherwise meanwhile: `mend revisions list` "
                "shows what is open now"
            )


def _refuse_adjusted(group: Iterable[Revision]) -> None:
    """Whether a vendor's closes of a symbol and date are one multiple of what is stored: that is no restatement."""
    ratios: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in group:
        if one.stored[3] and one.seen[3]:
            ratios[one.vendor, one.symbol].append(one.seen[3] / one.stored[3])
    for (vendor, symbol), found in ratios.items():
        usual = median(found)
        near = sum(abs(ratio / usual - 1) < ADJUSTED_NEAR for ratio in found)
        if near >= max(ADJUSTED_BARS, 0.9 * len(found)) and max(usual, 1 / usual) > 1 + ADJUSTED_BY:
            raise BadInput(
                f"{near} closes of {symbol} by {vendor} are {usual:.4g} times what is stored: one side is adjusted for "
                "a split, which is no restatement; raw bars (alpaca: adjustment=raw), by `mend verify --vendor` with a "
                "vendor that has them, would be right, or --adjusted where the stored bars are the wrong ones"
            )


def _hours(revisions: Iterable[Revision]) -> list[Range]:
    hours = numbers([epoch_minute(one.minute) // 60 * 60 for one in revisions])
    return ranges_of(merge(hours, hours + 60))
