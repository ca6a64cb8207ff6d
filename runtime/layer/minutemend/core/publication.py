"""What publishing works out of sessions alone: which dates are over, and which symbols are ready."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa

from minutemend.core.minutes import Range, day_range, epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

_HOUR = timedelta(hours=1)


def closed_dates(window: Range, sessions: Mapping[date, Sequence[Session]]) -> set[date]:
    """The UTC dates with sessions that are over by the end of `window`: nothing more is to come for them. So are its
    dates without any."""
    return {
        day
        for day in window.dates()
        if day_range(day).end <= window.end
        or (day in sessions and all(session.close <= window.end for session in sessions[day]))
    }


def by_date(sessions: Iterable[Session], window: Range) -> dict[date, list[Session]]:
    """The sessions by the UTC dates of `window` that they touch."""
    found: dict[date, list[Session]] = defaultdict(list)
    for session in sessions:
        part = session.range.intersect(window)
        for day in part.dates() if part else ():
            found[day].append(session)
    return dict(found)


def touches(sessions: Iterable[Session], hour: datetime) -> bool:
    return any(session.open < hour + _HOUR and hour < session.close for session in sessions)


def ready_symbols(
    symbols: Sequence[str] | None,
    missing: Mapping[str, int],
    listings: Iterable[Listing],
    sessions: Mapping[date, Sequence[Session]],
    window: Range,
    *,
    lacks: Mapping[str, int],
) -> tuple[tuple[str, ...] | None, dict[str, int]]:
    """The symbols that are ready (None: all of interest that expect a minute), and the missing minutes of those that
    are not, sorted. `missing` is what the audit found of `symbols` (None: of all), `lacks` what the facts say of any.
    A symbol that expects nothing in the range is not ready: it was not looked at."""
    followed = {one.symbol for one in listings} & {*(lacks if symbols is None else symbols)}
    missing = {**missing, **{name: lacks[name] for name in followed & {*lacks}}}
    if symbols is None and not missing:
        return None, {}
    touched = {one for mine in sessions.values() for one in mine if one.range.intersect(window)}
    dates: dict[str, set[date]] = defaultdict(set)
    for session in touched:
        dates[session.calendar].add(session.dt)
    asked = {one.symbol for one in listings if any(map(one.on, dates.get(one.calendar, ())))}
    asked &= set(symbols) if symbols is not None else asked
    return tuple(sorted(asked - set(missing))), dict(sorted(missing.items()))


def by_hour(bars: pa.Table, window: Range) -> dict[datetime, pa.Table]:
    """Bars sorted by symbol, minute, cut into the hours of `window`; the order stays."""
    hour_of = bars["minute"].cast(pa.int64()).to_numpy() // 3_600_000
    order = np.argsort(hour_of, kind="stable")
    edges = np.searchsorted(hour_of[order], [epoch_minute(hour) // 60 for hour in window.hours()])
    edges = np.append(edges, len(order))
    return {
        hour: bars.take(pa.array(order[first:last]))
        for hour, first, last in zip(window.hours(), edges[:-1], edges[1:], strict=True)
    }
