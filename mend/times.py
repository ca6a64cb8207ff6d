"""`--start` and `--end`: ISO times, dates, and words. The range that they name is half-open and in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, parse_instant

DAY = timedelta(days=1)
_WORDS = {
    "today": (0, 1),
    "yesterday": (-1, 0),
}
RIGHT = "a time like 2013-10-04T13:00:00Z, a date like 2013-10-04, today, yesterday or last-week would be right"


def parse_range(start: str, end: str | None, *, now: datetime) -> Range:
    """The range `[start, end)` that two options name; `now` (aware, UTC) gives the words their meaning.

    A time is ISO 8601 with a zone. A date or a word names a whole UTC day, `last-week` the seven UTC days
    from Monday to Sunday before this week. As a start each is its first minute; with no end given the range
    is the whole of it. As an end each is its first minute too, excluded: `--start 2013-10-04 --end
    2013-10-05` is one day, as everywhere in minutemend. Raises BadInput.
    """
    first, after = _span(start, now=now, name="--start")
    if end is not None:
        last, whole = _span(end, now=now, name="--end")
        if first == last and whole:
            raise BadInput(
                f"--start {start} and --end {end} hold no minute, as the end is excluded: leave --end out for all of it"
            )
        return Range(first, last)
    if after is None:
        raise BadInput(f"--end is missing (only a date or a word for --start stands for a whole range): {RIGHT}")
    return Range(first, after)


def _span(text: str, *, now: datetime, name: str) -> tuple[datetime, datetime | None]:
    """The first minute, and for whole days the minute after the last one."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    word = text.strip().lower()
    if word in _WORDS:
        first, after = _WORDS[word]
        return midnight + first * DAY, midnight + after * DAY
    if word == "last-week":
        monday = midnight - midnight.weekday() * DAY
        return monday - 7 * DAY, monday
    if word == "now":
        return now.astimezone(UTC).replace(second=0, microsecond=0), None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        try:
            return parse_instant(text, name=name), None
        except BadInput as problem:
            raise BadInput(f"{str(problem).partition(': an instant')[0]}: {RIGHT}") from None
    midnight = parse_instant(f"{day}T00:00:00Z", name=name)
    return midnight, midnight + DAY
