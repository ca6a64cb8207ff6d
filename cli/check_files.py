"""The audit of `mend check`: from paths and options to a `CheckResult`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
from minutemend.adapters.bar_files import BarFiles, Seen
from minutemend.adapters.duckdb_lake import DuckDbLake, put_symbols, quoted
from minutemend.contract import Table
from minutemend.core.data_check import CADENCES
from minutemend.core.errors import BadInput
from minutemend.core.gaps import Gap
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

from cli.calendars import CalendarFile, calendar_file
from cli.check_result import CheckResult
from cli.times import parse_range

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """The options of `mend check`, as given."""

    paths: tuple[str, ...]
    calendar: str
    symbols: str | None = None
    start: str | None = None
    end: str | None = None
    cadence: str = "1m"
    symbol_column: str = "symbol"
    minute_column: str = "minute"
    zone: str | None = None


def check_files(
    request: CheckRequest,
    *,
    now: datetime,
    connection: duckdb.DuckDBPyConnection,
    watch: Callable[[str], None] = lambda _: None,
) -> CheckResult:
    """Audit the files. `now` gives `--start yesterday` its meaning; `watch` hears what begins. Raises BadInput."""
    cadence = parse_cadence(request.cadence)
    if request.zone is not None:
        _zone(request.zone)
    wanted = _wanted(request.symbols)
    span = _span(request, now)
    calendar = calendar_file(request.calendar, today=now.date())
    watch("looking at the files")
    files = BarFiles(
        connection,
        request.paths,
        symbol_column=request.symbol_column,
        minute_column=request.minute_column,
        zone=request.zone,
    )
    seen = _chosen(files.seen(), wanted)
    listings, window = _question(seen, span, calendar, request)
    lake = DuckDbLake(
        connection,
        views={
            Table.BARS: files.select_in(window),
            Table.SYMBOLS: put_symbols(connection, listings),
            Table.SESSIONS: f"SELECT * FROM read_parquet('{quoted(str(calendar.sessions))}')",  # noqa: S608
        },
        cadence=cadence,
    )
    watch("counting minutes")
    found = lake.check(window)
    watch("counting rows")
    stored = lake.stored(window)
    missing = sum(bars_in(gap, cadence) for gap in found.gaps)
    return CheckResult(
        sources=request.paths,
        calendar=request.calendar,
        cadence=cadence,
        window=window,
        listings=listings,
        sessions=_sessions(connection, request.calendar, window, listings),
        gaps=found.gaps,
        expected=found.expected_bars,
        missing=missing,
        duplicates=stored.rows - stored.pairs,
        unexpected=stored.pairs - (found.expected_bars - missing),
    )


def bars_in(gap: Gap, cadence: int) -> int:
    """How many bars a gap lacks: its last one may be cut short by the close."""
    return -(-gap.minutes // cadence)


def parse_cadence(text: str) -> int:
    """`5m` or `1h` as minutes. Raises BadInput."""
    number, unit = text[:-1], text[-1:]
    minutes = int(number) * {"m": 1, "h": 60}.get(unit, 0) if number.isascii() and number.isdigit() else 0
    if minutes not in CADENCES:
        raise BadInput(f"--cadence is {text!r}: minutes that divide an hour would be right, as 1m, 5m, 15m or 1h")
    return minutes


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadInput(f"--zone {name!r} is no time zone: UTC or America/New_York would be right") from None


def _wanted(symbols: str | None) -> list[str] | None:
    if symbols is None:
        return None
    wanted = [part.strip() for part in symbols.split(",") if part.strip()]
    if not wanted:
        raise BadInput("--symbols names no symbol: a list like IBM,AIG would be right")
    return wanted


def _span(request: CheckRequest, now: datetime) -> Range | None:
    if request.start is None:
        if request.end is not None:
            raise BadInput("--end is given without --start: both, or none for all that the files hold, would be right")
        return None
    return parse_range(request.start, request.end, now=now)


def _chosen(seen: list[Seen], wanted: list[str] | None) -> list[Seen]:
    if wanted is None:
        return seen
    there = {one.symbol: one for one in seen}
    for symbol in wanted:
        if symbol not in there:
            near = get_close_matches(symbol, there, n=3) or sorted(there)[:10]
            more = ", …" if len(there) > len(near) else ""
            raise BadInput(f"the symbol {symbol!r} is never seen in these files; they hold {', '.join(near)}{more}")
    return [there[symbol] for symbol in sorted(set(wanted))]


def _question(
    seen: Sequence[Seen], span: Range | None, calendar: CalendarFile, request: CheckRequest
) -> tuple[tuple[Listing, ...], Range]:
    """Each symbol with its dates, and the window that holds all of it."""
    if span is not None:
        _refuse_outside(span.start.date(), (span.end - MINUTE).date(), calendar, request.calendar)
        return tuple(Listing(one.symbol, request.calendar) for one in seen), span
    zone = _zone(calendar.zone)
    listings = tuple(
        Listing(
            one.symbol,
            request.calendar,
            one.first.astimezone(zone).date(),
            one.last.astimezone(zone).date() + DAY,
        )
        for one in seen
    )
    first = min(one.listed for one in listings if one.listed)
    last = max(one.delisted for one in listings if one.delisted) - DAY
    _refuse_outside(first, last, calendar, request.calendar)
    # A session may begin on the evening before its date, and a zone is at most 14 hours away from UTC.
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return listings, Range(midnight - 2 * DAY, midnight + (last - first) + 3 * DAY)


def _refuse_outside(first: date, last: date, calendar: CalendarFile, name: str) -> None:
    # Sessions are labels: a calendar's last one may be days before the end of its last year.
    for day in (first, last):
        if day < calendar.first - 7 * DAY or day > calendar.last + 7 * DAY:
            raise BadInput(f"{day} is outside what the calendar {name} knows: {calendar.first} to {calendar.last}")


def _sessions(
    connection: duckdb.DuckDBPyConnection, calendar: str, window: Range, listings: Sequence[Listing]
) -> tuple[Session, ...]:
    """The sessions that touch the window and that some symbol was audited on."""
    start, end = (instant.astimezone(UTC).replace(tzinfo=None) for instant in (window.start, window.end))
    rows = connection.execute(
        f"SELECT dt, open, close FROM {Table.SESSIONS} WHERE open < ? AND close > ? ORDER BY open",  # noqa: S608
        [end, start],
    ).fetchall()
    spans = {(one.listed or date.min, one.delisted or date.max) for one in listings}
    sessions = (
        Session(calendar, date.fromisoformat(dt), opened.replace(tzinfo=UTC), closed.replace(tzinfo=UTC))
        for dt, opened, closed in rows
    )
    return tuple(one for one in sessions if any(first <= one.dt < after for first, after in spans))
