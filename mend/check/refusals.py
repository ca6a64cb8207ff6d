"""What `mend check` refuses to count, and what would be right instead."""

from __future__ import annotations

from datetime import date, timedelta
from difflib import get_close_matches

from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range

from mend.bars.words import Words
from mend.calendars.known import Calendar, calendar_named
from mend.check import grid, zones
from mend.check.zones import LIKELY_CALENDARS

_WEEK = timedelta(days=7)


def refuse_outside(words: Words, window: Range | None, calendar: Calendar) -> None:
    """Raises BadInput for dates that the calendar does not know."""
    ends = (words.hour.argmin(), words.hour.argmax()) if window is None else ()
    whose = [f" (a bar of {words.names[words.code[one]]})" for one in ends] or ["", ""]
    days = (window.start.date(), window.end.date()) if window is not None else _days(words)
    for day, who in zip(days, whose, strict=True):
        # Sessions are labels: a calendar's last one may be days before the end of its last year.
        if day < calendar.first - _WEEK or day > calendar.last + _WEEK:
            raise BadInput(
                f"{day}{who} is outside what the calendar {calendar.name} knows: {calendar.first} to {calendar.last}; "
                "--start and --end inside it would be right"
            )


def nothing_expected(words: Words, window: Range | None, calendar: Calendar) -> BadInput:
    """The refusal where no session lies: nothing was looked at, so nothing is whole."""
    first, last = _days(words)
    days = f"on {first}" if first == last else f"from {first} to {last}"
    fits = zones.inside(words, calendar) > 0
    if window is not None:
        what = f"the calendar {calendar.name} has no minute in {window} that is over"
        hint = f": the bars lie {days}, and --start and --end there would be right"
    elif fits:
        what = f"no minute of {calendar.name} where the bars lie, {days}, is over yet"
        hint = ""
    else:
        what = f"the calendar {calendar.name} expects no minute where the bars lie, {days}"
    return BadInput(f"{what}, so there is nothing to check{hint if fits else _other_calendars(words, calendar)}")


def wrong_calendar(words: Words, calendar: Calendar) -> BadInput:
    """The refusal where no bar lies in any session."""
    what = f"none of the {words.bars:,} bars lies in a session of {calendar.name}"
    return BadInput(f"{what}{_other_calendars(words, calendar)}")


def finer(between: int, there: int, cadence: int) -> BadInput:
    """The refusal of a cadence that is too coarse: a bar of a minute is none of five."""
    step = grid.shown(cadence)
    return BadInput(
        f"{between:,} of {there:,} bars in sessions lie between the marks of --cadence {step}: they are shorter, or "
        "have other marks; without --cadence it is worked out"
    )


def never_seen(symbol: str, there: list[str]) -> BadInput:
    """The refusal of a symbol that no file holds."""
    near = get_close_matches(symbol, there, n=3) or there[:10]
    more = ", …" if len(there) > len(near) else ""
    return BadInput(f"the symbol {symbol!r} is never seen in these files; they hold {', '.join(near)}{more}")


def _other_calendars(words: Words, calendar: Calendar) -> str:
    """The calendars that fit the bars, to be pasted."""
    bars = words.bars
    fits = [(zones.inside(words, calendar_named(name)), name) for name in LIKELY_CALENDARS if name != calendar.name]
    best = sorted((one for one in fits if one[0] > bars / 2), key=lambda one: (-one[0], LIKELY_CALENDARS.index(one[1])))
    if not best:
        return ": another calendar, or another --zone or --start, would be right"
    # Every bar lies in a calendar that never closes: one that closes says more.
    closing = [one for one in best if one[1] not in ("24/7", "forex", "CMES")] or best
    listed = ", ".join(f"{number:,} of {bars:,} lie in sessions of {name}" for number, name in closing[:2])
    return f"; {listed}: --calendar {closing[0][1]} would be right"


def days(words: Words, window: Range | None, calendar: Calendar) -> tuple[date, date]:
    """The first and the last date that the calendar knows of the window, or of the bars, and a week around them."""
    first, last = (window.start.date(), window.end.date()) if window is not None else _days(words)
    return min(max(first, calendar.first), calendar.last) - _WEEK, max(min(last, calendar.last), calendar.first) + _WEEK


def _days(words: Words) -> tuple[date, date]:
    first, last = (date(1970, 1, 1) + timedelta(days=int(hour) // 24) for hour in (words.hour.min(), words.hour.max()))
    return first, last
