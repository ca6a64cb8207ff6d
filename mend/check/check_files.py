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

from mend.bars.documents import lacks
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
from mend.check.count import Counted, count, spanned
from mend.check.doubt import doubts, tell
from mend.check.labels import labelled, mixed
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
    zone = None if request.zone is None else zones.zone_named(request.zone, connection)
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
        doubtful = (*found.unplaced, *lacks(files, chosen), *(mixed(files) if request.label is None else ()))
        result = replace(result, unplaced=(*doubtful, *overlaid(connection, rows, words)))
        if not request.values:
            return result
        watch("looking at the values")
        window = window and result.window
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
            words, label, why = labelled(
                given,
                self.barren,
                calendar,
                cadence,
                self.request.label,
                all(group.reading.ends for group in files.groups),
            )
            barren = self.barren.shifted(-cadence) if label == "right" else self.barren
            words = words.naming(barren.names)
            parts, first, after = spanned(words, calendar, barren, window)
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
        self.said += why
        whole, slots = words, slots[slots.end <= self.now]
        if window is not None:
            slots, self.window = grid.touched(slots, window)
            if self.window != window:
                self.said.append(f"range: {self.window}, as a bar lies across an edge of the one that was asked for")
            begin = min([epoch_minute(window.start), *slots.start[:1].tolist()])
            words = words.between(begin, epoch_minute(window.end))
        counted = count(words, calendar, slots, parts, self.kept)
        if not counted.expected:
            raise refusals.nothing_expected(whole, window, calendar)
        if not inside and counted.missing == counted.expected:
            raise refusals.wrong_calendar(whole, calendar)
        return self._told(words, cadence, label, counted, files, found)

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
