"""Capture: each minute, the bars that are due are asked for and written by the same path as a repair's.

RequestCaptures, on a schedule, turns the due minute into messages; CaptureBars, on their queue, asks the
vendor and writes. A minute that cannot be had in a few tries is left to the audit: the loop mends it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import pyarrow as pa

from minutemend.contract import CAPTURE_TOGETHER, VendorSettings
from minutemend.core.answers import Answer, AnswerKind, VendorRequest, halves
from minutemend.core.bars import to_table
from minutemend.core.captures import CaptureJob, DropRule, due_bar, due_symbols
from minutemend.core.columns import Bars
from minutemend.core.errors import BadInput
from minutemend.core.in_force import unknown_calendars
from minutemend.core.minutes import Range
from minutemend.core.symbols import Listing
from minutemend.ports import JobQueue, Message, Vendor
from minutemend.services.interest import get_interested_stocks
from minutemend.services.lake import Lake
from minutemend.services.worker import Received, Tally, Worker

# A vendor that fails is asked again after 2, 4, 8 and 16 s; one that has no bar yet after 15 and 30 s more, so that
# bars 45 s late are had, and a symbol without a trade costs three requests and no more. Waiting for a budget or for a
# vendor's pause spends neither. After four minutes all is left to the hour's audit, which begins when the hour's last
# bar has been due for four.
MAX_TRIES = 4
BACKOFF = timedelta(seconds=2)
LATE = (timedelta(seconds=15), timedelta(seconds=30))
LEAVE_AFTER = timedelta(minutes=4)
LONGEST_WAIT = timedelta(minutes=1)
# A wait as short as this, for the vendor's next second, is cheaper spent here than in a message of its own.
SHORT_WAIT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Requested:
    """What one scheduled minute asked for. `refused` says why the symbol list was not taken (None: it was), `unknown`
    of which calendars no session tells of the minute: their symbols are not asked for."""

    bar: Range
    symbols: int
    dropped: tuple[str, ...]  # on purpose, by the flaw
    messages: int
    refused: str | None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCaptures:
    """The minute's questions, over ports. `parameter` reads the stage's first list of symbols."""

    lake: Lake
    queue: JobQueue
    parameter: Callable[[], str | None]
    shipped_sessions: Callable[[], bytes]
    settling: timedelta
    vendors: Sequence[VendorSettings] = ()
    flaw: DropRule | None = None

    def run(self, scheduled_at: datetime) -> Requested:
        """Send the questions for the bar that is due at `scheduled_at`; none outside sessions.

        Run twice it asks twice, and the same bars are written once. Raises BadInput when there is no usable
        list of symbols and never was.
        """
        bar = due_bar(scheduled_at, settling=self.settling)
        self.lake.calendars.renew(self.shipped_sessions())
        interest = get_interested_stocks(self.lake, self.parameter)
        sessions = self.lake.calendars.sessions(bar, {listing.calendar for listing in interest.listings})
        unknown = unknown_calendars(self.lake.calendars.known(), interest.listings, bar)
        halted = {who for who, spans in self.lake.calendars.halted().items() if any(bar.start in one for one in spans)}
        dropped: list[str] = []
        chunks: list[CaptureJob] = []
        for vendor, listings in groupby(sorted(interest.listings, key=self._asked_of), self._asked_of):
            due = due_symbols(bar, listings, sessions, halted=halted)
            flawed = [symbol for symbol in due if self.flaw is not None and self.flaw.drops(symbol, bar.start)]
            asked = sorted(set(due) - set(flawed))
            for first in range(0, len(asked), CAPTURE_TOGETHER):
                chunks.append(CaptureJob(bar, tuple(asked[first : first + CAPTURE_TOGETHER]), vendor=vendor or None))
            dropped += flawed
        messages = self.queue.send(Message(chunk.to_message()) for chunk in chunks) if chunks else 0
        asked_for = sum(len(chunk.symbols) for chunk in chunks)
        return Requested(bar, asked_for, tuple(sorted(dropped)), messages, interest.refused, tuple(unknown.values()))

    def _asked_of(self, listing: Listing) -> str:
        """The first vendor that serves the listing's calendar; empty: the stage's first."""
        return next((vendor.name for vendor in self.vendors if vendor.serves(listing.calendar)), "")


@dataclass(slots=True)
class _Chunk:
    """A message under way."""

    vendor: Vendor
    groups: list[tuple[str, ...]]  # still to be asked for, each in a request of its own
    at: datetime  # of the latest answer with bars
    begun: datetime
    bars: list[Bars] = field(default_factory=list)  # each answer's
    in_vain: list[str] = field(default_factory=list)  # asked for, and to be asked for again
    unseen: list[str] = field(default_factory=list)  # asked for, and the vendor has no bar of them yet
    refused: int = 0  # symbols that asking again cannot bring
    wait: timedelta = timedelta(0)  # the vendor or its budget wants us to; zero: it does not

    def sort(self, group: tuple[str, ...], answer: Answer) -> None:
        """Take in the answer to one group."""
        if answer.divide:  # one among them is unknown: the others are not to suffer for it
            self.groups += [half.symbols for half in halves(answer.request)]
            return
        if len(answer.bars):
            self.bars.append(answer.bars)
            self.at = max(self.at, answer.observed_at)
        self.wait = max(self.wait, answer.retry_after or timedelta(0))
        looked = set(answer.looked_for())
        self.groups += [rest] if (rest := tuple(symbol for symbol in group if symbol not in looked)) else []
        for symbol in looked:
            kind, _ = answer.said_of(symbol)
            if kind in (AnswerKind.RETRY, AnswerKind.GARBAGE):
                self.in_vain.append(symbol)
            elif kind is AnswerKind.NO_DATA and symbol not in answer.stated:
                self.unseen.append(symbol)
            elif kind is AnswerKind.GIVE_UP:
                self.refused += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureBars(Worker[CaptureJob]):
    """The capture worker, over ports. It shares the rate budget of `board` with the repairs.

    `at_once` is how many requests of a message are under way together; the vendor is asked by as many threads,
    all else is done by one.
    """

    at_once: int = 1
    sleep: Callable[[float], None] = time.sleep

    def parse(self, body: object) -> CaptureJob:
        job = CaptureJob.from_message(body)
        self._vendor(job)
        return job

    def work(self, job: CaptureJob, message: Received, deadline: datetime | None, tally: Tally) -> None:  # noqa: ARG002
        """Ask for the job's symbols, write what came, and put off what did not: in this order."""
        begun = self.clock()
        vendor = self._vendor(job)
        chunk = _Chunk(vendor, _groups(job, vendor), at=begun, begun=begun)
        while chunk.groups and not chunk.wait and (deadline is None or self.clock() < deadline):
            self._ask_round(chunk, job.range, deadline, tally)
        if chunk.bars:
            how: dict[str, Any] = {"source": vendor.name, "repair_id": None, "captured_at": chunk.at}
            tables = [to_table(bars, **how) for bars in chunk.bars]
            self.lake.put_bars(pa.concat_tables(tables))
            tally.bars += sum(len(bars) for bars in chunk.bars)
        tally.left += chunk.refused * job.range.minutes
        job = replace(job, since=job.since or chunk.begun)
        unasked = [symbol for group in chunk.groups for symbol in group]
        for symbols, later, wait in (
            (unasked, job, chunk.wait),
            (chunk.in_vain, replace(job, tries=job.tries + 1), BACKOFF * 2**job.tries),
            (chunk.unseen, replace(job, unseen=job.unseen + 1), LATE[min(job.unseen, len(LATE) - 1)]),
        ):
            if symbols:
                self._put_off(replace(later, symbols=tuple(sorted(symbols))), max(chunk.wait, wait), tally)

    def _ask_round(self, chunk: _Chunk, window: Range, deadline: datetime | None, tally: Tally) -> None:
        """Ask for as many of the chunk's groups as the budget gives at once, and sort what comes of them."""
        name, limits = chunk.vendor.name, chunk.vendor.limits
        grant = self.board.take(name, requests=len(chunk.groups), limits=limits, now=self.clock())
        asked, chunk.groups = chunk.groups[: grant.requests], chunk.groups[grant.requests :]
        more = 0
        for group, answer in zip(asked, self._ask(chunk.vendor, asked, window, deadline), strict=True):
            if answer is None:
                chunk.groups.append(group)
                continue
            if not tally.account(answer):
                said = {"kind": str(answer.kind), "status": answer.status, "detail": answer.detail}
                tally.events.append({"event": "no answer", "vendor": name, "symbols": list(group), **said})
            more += max(0, answer.requests - 1)
            chunk.sort(group, answer)
        if more:  # pages, and questions anew without the symbol that was refused: they count as well
            self.board.take(name, requests=more, limits=limits, now=self.clock())
        if chunk.wait:
            self.board.pause(name, until=self.clock() + chunk.wait)
        elif chunk.groups and grant.wait <= SHORT_WAIT:
            self.sleep(grant.wait.total_seconds())
        elif chunk.groups:
            chunk.wait = grant.wait

    def _ask(
        self, vendor: Vendor, groups: Sequence[tuple[str, ...]], window: Range, deadline: datetime | None
    ) -> list[Answer | None]:
        """The answers in the order of the groups; None for what was not asked any more, because time ran out or
        the vendor wants to be left alone."""
        alone = threading.Event()

        def ask(group: tuple[str, ...]) -> Answer | None:
            if alone.is_set() or (deadline is not None and self.clock() >= deadline):
                return None
            request = VendorRequest(vendor.name, group, window)
            try:
                answer = vendor.fetch(request, until=deadline)
            except Exception as error:  # noqa: BLE001 (one request's trouble is that request's alone)
                # Its text is not ours: a token might be in it.
                return Answer(request, AnswerKind.RETRY, self.clock(), detail=f"it raised {type(error).__name__}")
            if answer.kind is AnswerKind.RETRY and answer.retry_after is not None:
                alone.set()
            return answer

        if not groups:
            return []
        with ThreadPoolExecutor(min(self.at_once, len(groups))) as pool:
            return list(pool.map(ask, groups))

    def _vendor(self, job: CaptureJob) -> Vendor:
        """Whom the job asks. Raises BadInput for a vendor that the stage no longer asks: the audit has its minute."""
        name = job.vendor or next(iter(self.vendors))
        if name not in self.vendors:
            raise BadInput(f"the vendor is {name!r}: this stage asks {', '.join(self.vendors)}")
        return self.vendors[name]

    def _put_off(self, job: CaptureJob, wait: timedelta, tally: Tally) -> None:
        """Ask again later, in a fresh message (it spends no receive), or leave the minute to the audit."""
        about: dict[str, object] = {"minute": job.range.start.isoformat(), "symbols": list(job.symbols)}
        late = job.since is not None and self.clock() - job.since > LEAVE_AFTER
        if job.tries > MAX_TRIES or job.unseen > len(LATE) or late:
            tally.left += len(job.symbols) * job.range.minutes
            tally.events.append({"event": "left to the audit", **about})
            return
        wait = min(max(wait, SHORT_WAIT), LONGEST_WAIT)
        self.queue.send([Message(job.to_message(), delay=wait)])
        tally.events.append({"event": "put off", "seconds": wait.total_seconds(), **about})


def _groups(job: CaptureJob, vendor: Vendor) -> list[tuple[str, ...]]:
    """The job's symbols as the vendor takes them."""
    size = max(1, min(vendor.limits.symbols, vendor.limits.rows // job.range.minutes))
    return [job.symbols[first : first + size] for first in range(0, len(job.symbols), size)]
