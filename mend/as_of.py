"""What a reader got at an earlier time: the bars that were known then, by the one rule (services/history.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc
from minutemend.core.bars import BARE, KNOWN, resolve
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, format_instant, parse_moment
from minutemend.services.history import History, read_history, read_superseded
from minutemend.services.lake import Lake, compacted, in_order
from minutemend.services.tables import READ_AGAIN, LakeUnsettled, naive

_TIMED = BARE.append(KNOWN.field("known_since"))


def parse_as_of(given: str | datetime, *, window: Range, now: datetime) -> datetime:
    """The time that `as_of` names: an aware datetime, text like 2013-10-04T21:00:00Z, or a date, which is its first
    moment in UTC. Raises BadInput, also for the future and for a time before anything of the window could be known."""
    if isinstance(given, datetime):
        if given.tzinfo is None:
            raise BadInput(f"as_of is {given.isoformat()}, which has no time zone: UTC would be right")
        moment = given.astimezone(UTC)
    else:
        try:
            day = date.fromisoformat(given)
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        except ValueError:
            moment = parse_moment(given, name="as_of")
    if moment > now:
        raise BadInput(
            f"as_of is {format_instant(moment)}, in the future: what readers will get is not known; none would be right"
        )
    if moment <= window.start:
        raise BadInput(
            f"as_of is {format_instant(moment)}, and the range begins at {format_instant(window.start)}: no bar of it "
            "was known before its minute ended; a later as_of or an earlier range would be right"
        )
    return moment


def known_bars(
    lake: Lake, window: Range, symbols: Sequence[str] | None = None, *, as_of: datetime | None = None
) -> pa.Table:
    """The bars of `window` (schema KNOWN), one whole bar a minute: of today, or those that a reader got at `as_of`.

    Times are of whole seconds, as S3 keeps them: a bar that came in the very second of `as_of` was not known yet.
    Raises BadInput where the lake was compacted by a version that kept no such times, with the time from which it did.
    """
    history = settled_history(lake, window, symbols)
    then = history.bars
    if as_of is not None:
        _refuse_untold(history, window, as_of)
        then = _before(pa.concat_tables([then, read_superseded(lake, window, symbols)]), as_of)
    return resolve(then)


def settled_history(lake: Lake, window: Range, symbols: Sequence[str] | None) -> History:
    """The history of all that is stored of `window`. Raises LakeUnsettled where it was rewritten again and again."""
    for _ in range(READ_AGAIN):
        history = read_history(lake, lake.bar_objects(window), window, symbols)
        if history is not None:  # else compaction took an object away between listing and reading
            return history
    raise LakeUnsettled(f"the bars of {window} were rewritten {READ_AGAIN} times while they were read")


def known_values(lake: Lake, window: Range, symbols: Sequence[str] | None, as_of: datetime) -> pa.Table:
    """The same without provenance (schema BARE): quicker where nothing but a compacted object tells of a date."""
    objects = lake.bar_objects(window)
    if compacted(keys := [one.key for one in objects]):
        history = read_history(lake, objects, window, symbols, schema=_TIMED)
        if history is not None and not read_superseded(lake, window, symbols).num_rows:
            _refuse_untold(history, window, as_of)
            return in_order(_before(history.bars, as_of), keys).select(BARE.names)
    return known_bars(lake, window, symbols, as_of=as_of).select(BARE.names)


def _before(bars: pa.Table, as_of: datetime) -> pa.Table:
    edge = pa.scalar(naive(as_of).replace(microsecond=0), pa.timestamp("ms"))
    newest = pc.max(bars["known_since"])
    if newest.is_valid and newest.as_py() < edge.as_py():
        return bars
    return bars.filter(pc.field("known_since") < edge)


def _refuse_untold(history: History, window: Range, as_of: datetime) -> None:
    edge = history.tells_from
    if edge is not None and as_of <= edge:
        raise BadInput(
            f"as_of is {format_instant(as_of)}, and of {window} this lake can tell only from {format_instant(edge)} "
            "on: an earlier version compacted it, and kept no times; a later as_of would be right"
        )
