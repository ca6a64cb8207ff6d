"""What an audit may look at: the symbols whose calendars tell of its range.

Where nothing is known, nothing is whole: a calendar whose sessions do not reach over the range is no calendar without
sessions there. Where known sessions expect no minute, there is nothing to look at, and nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from minutemend.core.audits import AuditRequest
from minutemend.core.errors import BadInput
from minutemend.core.in_force import expected_of, nearest, unknown_calendars
from minutemend.core.symbols import Listing
from minutemend.services.lake import Lake


@dataclass(frozen=True, slots=True)
class Scope:
    """The request, narrowed to the symbols that can be looked at; `unknown` says why others cannot (empty: there are
    none), `nothing` that known sessions expect no minute."""

    request: AuditRequest
    unknown: str = ""
    nothing: bool = False


def scope_of(lake: Lake, request: AuditRequest, listings: Sequence[Listing], *, scheduled: bool) -> Scope:
    """What an audit of the request may look at. Raises BadInput with what would be right when that is nothing: no
    session is known there, or a range that somebody named (not `scheduled`) expects no minute."""
    wanted = None if request.symbols is None else set(request.symbols)
    asked = [one for one in listings if wanted is None or one.symbol in wanted]
    if not asked:
        raise BadInput(
            f"none of {', '.join(request.symbols or ())[:200] or 'the symbols'} is followed: nothing is expected"
        )
    unknown = unknown_calendars(lake.calendars.known(), asked, request.range)
    why = "; ".join(unknown.values())
    seen = [one for one in asked if one.calendar not in unknown]
    if unknown and not seen:
        raise BadInput(
            f"{why}, and the range is {request.range}: a range that they tell of would be right, or more sessions by "
            "`mend sessions refresh`"
        )
    if unknown:
        request = replace(request, symbols=tuple(sorted({one.symbol for one in seen})))
    calendars = {one.calendar for one in seen}
    if any(expected_of(seen, lake.calendars.sessions(request.range, calendars))):
        return Scope(request, why)
    if scheduled:
        return Scope(request, why, nothing=True)
    near = nearest(seen, lake.calendars.sessions(None, calendars), request.range)
    offer = " and ".join(f"{one.calendar}'s of {one.dt}, {one.range}" for one in near) or "none, at any time"
    raise BadInput(
        f"no minute is expected in {request.range}: no session of {', '.join(sorted(calendars))} lies in it; the "
        f"nearest sessions of these symbols are {offer}"
    )


def session_days(lake: Lake, listings: Iterable[Listing], *, now: datetime) -> int | None:
    """Whole days until the sessions end of that followed calendar whose sessions end first; 0 for one without any.
    None when nothing is followed."""
    known = lake.calendars.known()
    today = now.date()
    calendars = {one.calendar for one in listings if one.delisted is None or today < one.delisted}
    return min((max((known[name].end - now).days, 0) if name in known else 0 for name in calendars), default=None)
