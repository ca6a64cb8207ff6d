"""The audit of `mend check`: from paths and options to a `CheckResult`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
from minutemend.core.closures import parse_closures
from minutemend.core.errors import BadInput
from minutemend.core.gaps import Gap
from minutemend.core.minutes import Range, epoch_minute, from_epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

from mend.bars.reader import BarFiles
from mend.bars.recognise import BarOptions
from mend.bars.rows import select_rows
from mend.bars.scan import Scan, scan
from mend.bars.series import told_apart
from mend.bars.tables import quoted_text
from mend.bars.words import Words
from mend.calendars.known import Calendar, calendar_named
from mend.check import grid, refusals, zones
from mend.check.check_result import CheckResult
from mend.check.closures import Kept, calendar_in_force, kept_slots
from mend.check.count import Counted, count, parts_of
from mend.check.doubt import doubts, tell
from mend.check.overlaid import overlaid
from mend.check.values import find_flags
from mend.times import parse_range

DAY = timedelta(days=1)
_FIT = 0.6  # of the bars in sessions must lie at the cadence that was worked out: else it is that of a part alone


@dataclass(frozen=True, slots=True)
class CheckRequest(BarOptions):
    """The options of `mend check`, as given."""

    paths: tuple[str, ...]
    calendar: str
    symbols: str | None = None
    start: str | None = None
    end: str | None = None
    cadence: str | None = None
    closures: Path | None = None
    values: bool = False

    def chosen(self) -> list[str] | None:
        """The symbols of `--symbols`, or None for all. Raises BadInput."""
        if self.symbols is None:
            return None
        chosen = [part.strip() for part in self.symbols.split(",") if part.strip()]
        if not chosen:
            raise BadInput("--symbols names no symbol: a list like IBM,AIG would be right")
        return chosen

    def window(self, now: datetime) -> Range | None:
        """The range of `--start` and `--end`, or None for what the files hold. Raises BadInput."""
        if self.start is not None:
            return parse_range(self.start, self.end, now=now)
        if self.end is not None:
            raise BadInput("--end is given without --start: both, or none for all that the files hold, would be right")
        return None


def check_files(
    request: CheckRequest,
    *,
    now: datetime,
    connection: duckdb.DuckDBPyConnection,
    watch: Callable[[str], None] = lambda _: None,
) -> CheckResult:
    """Audit the files. `now` (aware) says which minutes have happened; `watch` hears what begins. Raises BadInput."""
    cadence = None if request.cadence is None else grid.parse_cadence(request.cadence)
    zone = None if request.zone is None else zones.zone_named(request.zone)
    wanted, chosen, window = request.wanted(), request.chosen(), request.window(now)
    file = request.closures
    closures = [] if file is None else parse_closures(file.read_text(errors="replace"), name=str(file))
    calendar = calendar_named(request.calendar)
    connection.execute("SET TimeZone = 'UTC'")
    watch("looking at the files")
    with BarFiles(connection, wanted).open(request.paths, request.symbol) as files:
        watch("reading the bars")
        found = scan(files)
        _choose(found, chosen, request.symbol)
        said = list(files.said(found.left_out))
        if request.calendar != calendar.name:
            said.append(f"calendar: {calendar.name}, which {request.calendar} stands for")
        words = found.zoned
        if doubt := zones.disguised(words, calendar):
            said.append(doubt)
        if found.naive.names:
            grid.cadence_of(words.joined(found.naive))  # daily bars are refused as such
            zones.refuse_half(found.naive, files.where(found.naive_files))
            some = bool(words.names) and len(found.naive_files) == len({one.shown for one in files.members})
            if zone is None:
                raise zones.refuse_naive(found.naive, calendar, files.where(found.naive_files), some=some)
            local, notes = zones.to_utc(found.naive, zone, files)
            words = words.joined(local.only(found.naive.names))
            said += [f"zone: {zone.key}, for times that carry none", *notes]
        watch("counting minutes")
        barren = zones.reach(found.barren, found.barren_naive, zone, calendar, now)
        every = words.joined(barren) if barren.names else words
        calendar = calendar_in_force(calendar, closures, refusals.days(every, window, calendar))
        audit = _Audit(request, calendar, window, epoch_minute(now), kept_slots(closures, calendar), barren, said)
        result = audit.result(words, cadence, files, found)
        early = result.cadence if result.label == "right" else 0
        rows = select_rows(files, zone=zone, symbols=None if request.symbol else words.names, early=early, partly=True)
        if request.symbol is not None:
            rows = f"SELECT * REPLACE ({quoted_text(request.symbol)} AS symbol) FROM ({rows})"  # noqa: S608
        result = replace(result, unplaced=(*found.unplaced, *overlaid(connection, rows, words)))
        if not request.values:
            return result
        watch("looking at the values")
        return replace(result, flags=find_flags(connection, rows, calendar, cadence=result.cadence, window=window))


@dataclass(slots=True)
class _Audit:
    """Bars against a calendar, once they are minutes in UTC."""

    request: CheckRequest
    calendar: Calendar
    window: Range | None
    now: int  # epoch minute
    kept: Kept
    barren: Words
    said: list[str] = field(default_factory=list)

    def result(self, words: Words, cadence: int | None, files: BarFiles, found: Scan) -> CheckResult:
        calendar, window = self.calendar, self.window
        refusals.refuse_outside(words, window, calendar)
        given, asked = words, cadence
        cadence = self._cadence(words, asked, told_apart(one.shown for one in files.members))
        while True:
            words, label = self._labelled(given, cadence, ends=all(group.reading.ends for group in files.groups))
            barren = self.barren.shifted(-cadence) if label == "right" else self.barren
            words = words.naming(barren.names)
            parts, first, after = self._parts(words, window, barren)
            if first >= after:
                raise refusals.nothing_expected(words, window, calendar)
            inside = zones.inside(words, calendar)
            slots, anchor = grid.slots_for(calendar, cadence, words, first, after)
            if cadence == 1:
                break
            some = words.between(int(calendar.open[first]), int(calendar.close[after - 1]))
            there, fits = zones.inside(some, calendar), grid.fitting(some, slots)
            if fits >= _FIT * there:
                break
            if asked is not None:
                raise refusals.finer(there - fits, there, cadence)
            self.said.append("cadence: 1m, as many bars lie between those")
            cadence = 1
        if anchor != "open":
            what = "the first open of the day" if anchor == "day" else "the clock"
            self.said.append(f"cadence: bars go by {what}, not by the session's open")
        whole = words
        if window is not None:
            words = words.between(epoch_minute(window.start), epoch_minute(window.end))
        counted = count(words, calendar, slots, parts, window=window, now=self.now, kept=self.kept)
        if not counted.expected:
            raise refusals.nothing_expected(whole, window, calendar)
        if not inside and counted.missing == counted.expected:
            raise refusals.wrong_calendar(whole, calendar)
        return self._told(words, cadence, label, counted, files, found)

    def _parts(self, words: Words, window: Range | None, barren: Words) -> tuple[list[tuple[int, int]], int, int]:
        parts = parts_of(words, self.calendar, window, barren)
        spans = [(begin, end) for begin, end in parts if begin < end]
        return parts, min((begin for begin, _ in spans), default=0), max((end for _, end in spans), default=0)

    def _cadence(self, words: Words, asked: int | None, told: int | None) -> int:
        """The bars' cadence: as `asked` for; else as they lie, or finer where the files' names have `told` so."""
        seen = grid.cadence_of(words)
        if asked is None and told in grid.CADENCES and told < seen:
            self.said.append(
                f"cadence: {grid.shown(told)}, as the files' names say, though the bars lie {grid.shown(seen)} apart "
                f"(--cadence {grid.shown(seen)} would count those)"
            )
            return told
        if asked is None and seen > 1:
            self.said.append(f"cadence: {grid.shown(seen)}, as the bars lie")
        elif asked is not None and seen > 1 and seen != asked:
            self.said.append(f"the bars lie {grid.shown(seen)} apart, and --cadence is {grid.shown(asked)}")
        return seen if asked is None else asked

    def _labelled(self, words: Words, cadence: int, *, ends: bool) -> tuple[Words, str]:
        """The bars by their left edges, and which edge named them."""
        if self.request.label is not None:
            return (words.shifted(-cadence), "right") if self.request.label == "right" else (words, "left")
        _, first, after = self._parts(words, None, self.barren)
        if first >= after or self.calendar.name == "24/7":  # no close shows by which edge they are named
            if ends:
                self.said.append(
                    "label: right, as the column of times is called an end (--label left would say otherwise)"
                )
            return (words.shifted(-cadence), "right") if ends else (words, "left")
        slots, _ = grid.slots_for(self.calendar, cadence, words, first, after)
        alike, sessions = grid.named_right(words, slots, self.calendar)
        # Bars beyond the close are no right edges: then the hours are extended, and a minute is missing.
        if sessions and alike == sessions == words.bars - zones.inside(words, self.calendar):
            self.said.append(
                "label: right, as in every session the first bar is missing and one lies at the close "
                "(--label left would say otherwise)"
            )
            return words.shifted(-cadence), "right"
        # Where more lie outside than inside, it is the calendar that is wrong.
        if alike and alike >= sessions / 2 and 2 * zones.inside(words, self.calendar) > words.bars:
            self.said.append(
                f"in {alike:,} of {sessions:,} sessions a bar lies at the close and none at the open: "
                "--label right may be meant"
            )
        return words, "left"

    def _told(  # noqa: PLR0917 (once, by name)
        self, words: Words, cadence: int, label: str, counted: Counted, files: BarFiles, found: Scan
    ) -> CheckResult:
        calendar, holes = self.calendar, counted.holes
        closed = np.minimum(holes.closed, self.now)  # of a session that still runs, what has been of it
        columns = (column.tolist() for column in (holes.symbol, holes.start, holes.end, holes.opened, closed))
        spans = [
            (calendar.date_of(begin), calendar.date_of(end - 1) + DAY) if begin < end else None
            for begin, end in counted.parts
        ]
        used = sorted({part for begin, end in set(counted.parts) for part in range(begin, end)})
        sessions = tuple(
            Session(
                calendar.name,
                calendar.date_of(part),
                from_epoch_minute(int(calendar.open[part])),
                from_epoch_minute(min(int(calendar.close[part]), self.now)),
            )
            for part in used
            if calendar.open[part] < self.now
        )
        unseen = tuple(name for name, span in zip(words.names, spans, strict=True) if span is None)
        self.said += [f"{name} has no bar in a session of {calendar.name}: it was not audited" for name in unseen[:5]]
        if self.window is None and (early := counted.early()):
            more = f" and {len(early) - 1:,} more" if len(early) > 1 else ""
            self.said.append(
                f"{words.names[early[0]]}{more} ended before {sessions[-1].dt}, where others go on: audited until then "
                "(--start and --end would audit all alike)"
            )
        doubted = doubts(words, calendar, cadence)
        self.said += tell(doubted, calendar.name, symbols=len(words.names))
        return CheckResult(
            sources=self.request.paths,
            calendar=calendar.name,
            cadence=cadence,
            label=label,
            zone=self.request.zone if found.naive.names else None,
            window=self.window or Range(sessions[0].open, sessions[-1].close),
            listings=tuple(
                Listing(name, calendar.name, *(span if self.window is None else (None, None)))
                for name, span in zip(words.names, spans, strict=True)
                if span
            ),
            sessions=sessions,
            gaps=tuple(
                Gap(words.names[symbol], *map(from_epoch_minute, instants))
                for symbol, *instants in zip(*columns, strict=True)
            ),
            bars=tuple(holes.bars.tolist()),
            expected=counted.expected,
            missing=counted.missing,
            edge=counted.edge,
            duplicates=words.duplicates,
            unexpected=counted.unexpected,
            said=tuple(self.said),
            skipped=tuple(files.skipped),
            unread=tuple(files.unread),
            left_out=found.left_out,
            unseen=unseen,
            doubts=tuple(doubted),
        )


def _choose(found: Scan, chosen: list[str] | None, symbol: str | None) -> None:
    """Keep the symbols that are asked for; `--symbol` renames the only one that a column names."""
    there = sorted({*found.zoned.names, *found.naive.names})
    if symbol is not None and there != [symbol]:
        if len(there) > 1:
            raise BadInput(
                f"the files name {len(there):,} symbols themselves, --symbol {symbol} is one: --symbols would choose"
            )
        found.each(lambda words: words.named(symbol))
        there = [symbol]
    there = sorted({*there, *found.barren.names, *found.barren_naive.names})
    for one in chosen or ():
        if one not in there:
            raise refusals.never_seen(one, there)
    if chosen is not None:
        found.each(lambda words: words.only(chosen))
