"""Capture: each minute, the bars that are due are asked for and written by the same path as a repair's.

RequestCaptures, on a schedule, turns the due minute into messages; CaptureBars, on their queue, asks the
vendor and writes. A minute that cannot be had in a few tries is left to the audit: the loop mends it.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from minutemend.core.answers import Answer, AnswerKind, VendorRequest
from minutemend.core.bars import Bar, to_table
from minutemend.core.captures import CaptureJob, DropRule, due_bar, due_symbols
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.symbols import Listing
from minutemend.ports import Board, JobQueue, Message, Vendor
from minutemend.services.interest import interest_in_force
from minutemend.services.lake import Lake
from minutemend.services.process_repairs import Received

# One message. A vendor of one symbol a request answers 50 in well under the worker's timeout; a vendor of
# many gets them in one request; 5,000 symbols are 100 messages, ten batches of SQS.
CHUNK = 50
# Put off 2, 4, 8, 16 seconds, or as long as the vendor or its budget says (a minute at most): then the
# minute is four minutes late at worst, and the audit, five past the hour, finds the hole.
MAX_TRIES = 4
BACKOFF = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=1)
# A wait as short as this, for the vendor's next second, is cheaper spent here than in a message of its own.
SHORT_WAIT = timedelta(seconds=1)
_NOBODY_ASKED = (401, 403)  # refused whoever was asked for: asking for half of them cannot help


@dataclass(frozen=True, slots=True)
class Requested:
    """What one scheduled minute asked for. `refused` says why the symbol list was not taken (None: it was)."""

    bar: Range
    symbols: int
    dropped: tuple[str, ...]  # on purpose, by the flaw
    messages: int
    refused: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCaptures:
    """The minute's questions, over ports. `listings` reads the parameter of interested symbols."""

    lake: Lake
    queue: JobQueue
    listings: Callable[[], list[Listing]]
    shipped_sessions: Callable[[], bytes]
    settling: timedelta
    cadence: timedelta = MINUTE
    flaw: DropRule | None = None

    def run(self, scheduled_at: datetime) -> Requested:
        """Send the questions for the bar that is due at `scheduled_at`; none outside sessions.

        Run twice it asks twice, and the same bars are written once. Raises BadInput when there is no usable
        list of symbols and never was.
        """
        bar = due_bar(scheduled_at, settling=self.settling, cadence=self.cadence)
        if not self.lake.has_sessions():
            self.lake.seed_sessions(self.shipped_sessions())
        interest = interest_in_force(self.lake, self.listings)
        calendars = {listing.calendar for listing in interest.listings}
        due = due_symbols(bar, interest.listings, self.lake.sessions(bar, calendars), cadence=self.cadence)
        dropped = tuple(symbol for symbol in due if self.flaw is not None and self.flaw.drops(symbol, bar.start))
        asked = sorted(set(due) - set(dropped))
        chunks = [tuple(asked[first : first + CHUNK]) for first in range(0, len(asked), CHUNK)]
        messages = self.queue.send(Message(CaptureJob(bar, chunk).to_message()) for chunk in chunks) if chunks else 0
        return Requested(bar, len(asked), dropped, messages, interest.refused)


@dataclass(slots=True)
class Captured:
    """What became of a batch. `failed` are the message ids to deliver again; the rest is acknowledged."""

    failed: list[str] = field(default_factory=list)
    bars: int = 0
    requests: Counter[str] = field(default_factory=Counter)  # by vendor
    errors: Counter[str] = field(default_factory=Counter)  # by vendor: answers that were no answers
    throttles: Counter[str] = field(default_factory=Counter)  # by vendor: asked to wait
    events: list[dict[str, Any]] = field(default_factory=list)  # one log line each


@dataclass(slots=True)
class _Chunk:
    """A message under way."""

    groups: list[tuple[str, ...]]  # still to be asked for, each in a request of its own
    at: datetime  # of the latest answer with bars
    bars: list[Bar] = field(default_factory=list)
    in_vain: list[str] = field(default_factory=list)  # asked for, and to be asked for again
    wait: timedelta = timedelta(0)  # the vendor or its budget wants us to; zero: it does not
    tried: int = 0  # a worker that runs out of time has tried nothing: its chunk goes on as it came

    def sort(self, group: tuple[str, ...], answer: Answer) -> None:
        """Take in the answer to one group."""
        if answer.kind is AnswerKind.BARS:
            self.bars += answer.bars
            self.at = max(self.at, answer.observed_at)
        elif answer.kind is AnswerKind.RETRY:
            self.in_vain += group
            self.tried = 1
            self.wait = max(self.wait, answer.retry_after or timedelta(0))
        elif answer.kind is AnswerKind.GIVE_UP and len(group) > 1 and answer.status not in _NOBODY_ASKED:
            half = len(group) // 2  # somebody among them is unknown: the others are not to suffer for it
            self.groups += group[:half], group[half:]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureBars:
    """The capture worker, over ports. `board` holds the rate budget that it shares with the repairs.

    `at_once` is how many requests of a message are under way together; the vendor is asked by as many threads,
    all else is done by one.
    """

    lake: Lake
    board: Board
    queue: JobQueue
    vendor: Vendor
    clock: Callable[[], datetime]
    max_receives: int
    at_once: int = 1
    sleep: Callable[[float], None] = time.sleep

    def run(self, batch: Iterable[Received], *, deadline: datetime | None = None) -> Captured:
        """Work through a batch. What is not asked by `deadline` goes back to the queue."""
        tally = Captured()
        for message in batch:
            try:
                self._work(CaptureJob.from_message(_json(message.body)), deadline, tally)
            except BadInput as reason:
                self._bury(message, str(reason), tally)
            except Exception as error:  # noqa: BLE001 (one message's trouble is that message's alone)
                self._trouble(message, f"{type(error).__name__}: {error}", tally)
        return tally

    def _work(self, job: CaptureJob, deadline: datetime | None, tally: Captured) -> None:
        """Ask for the job's symbols, write what came, and put off what did not: in this order."""
        chunk = _Chunk(self._groups(job), at=self.clock())
        while chunk.groups and not chunk.wait and (deadline is None or self.clock() < deadline):
            self._ask_round(chunk, job.range, deadline, tally)
        if chunk.bars:
            table = to_table(chunk.bars, source=self.vendor.name, repair_id=None, captured_at=chunk.at)
            self.lake.put_bars(table)
            tally.bars += len(chunk.bars)
        later = sorted([*chunk.in_vain, *(symbol for group in chunk.groups for symbol in group)])
        if later:
            put_off = replace(job, symbols=tuple(later), tries=job.tries + chunk.tried)
            self._put_off(put_off, chunk.wait, tally)

    def _ask_round(self, chunk: _Chunk, window: Range, deadline: datetime | None, tally: Captured) -> None:
        """Ask for as many of the chunk's groups as the budget gives at once, and sort what comes of them."""
        name, limits = self.vendor.name, self.vendor.limits
        grant = self.board.take(name, requests=len(chunk.groups), limits=limits, now=self.clock())
        asked, chunk.groups = chunk.groups[: grant.requests], chunk.groups[grant.requests :]
        more = 0
        for group, answer in zip(asked, self._ask(asked, window, deadline), strict=True):
            if answer is None:
                chunk.groups.append(group)
                continue
            self._account(answer, tally)
            more += max(0, answer.requests - 1)
            chunk.sort(group, answer)
        if more:  # pages, and questions anew without the symbol that was refused: they count as well
            self.board.take(name, requests=more, limits=limits, now=self.clock())
        if chunk.wait:
            self.board.pause(name, until=self.clock() + chunk.wait)
        elif chunk.groups and grant.wait <= SHORT_WAIT:
            self.sleep(grant.wait.total_seconds())
        elif chunk.groups:
            chunk.wait, chunk.tried = grant.wait, 1

    def _ask(self, groups: Sequence[tuple[str, ...]], window: Range, deadline: datetime | None) -> list[Answer | None]:
        """The answers in the order of the groups; None for what nobody asked any more, because time ran out or
        the vendor wants to be left alone."""
        alone = threading.Event()

        def ask(group: tuple[str, ...]) -> Answer | None:
            if alone.is_set() or (deadline is not None and self.clock() >= deadline):
                return None
            request = VendorRequest(self.vendor.name, group, window)
            try:
                answer = self.vendor.fetch(request)
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

    def _groups(self, job: CaptureJob) -> list[tuple[str, ...]]:
        """The job's symbols as the vendor takes them."""
        limits = self.vendor.limits
        size = max(1, min(limits.symbols, limits.rows // job.range.minutes))
        return [job.symbols[first : first + size] for first in range(0, len(job.symbols), size)]

    def _put_off(self, job: CaptureJob, wait: timedelta, tally: Captured) -> None:
        """Ask again later, in a fresh message (it spends no receive), or leave the minute to the audit."""
        about: dict[str, object] = {"minute": job.range.start.isoformat(), "symbols": list(job.symbols)}
        if job.tries > MAX_TRIES:
            tally.events.append({"event": "left to the audit", **about})
            return
        wait = min(max(wait, BACKOFF * 2 ** (job.tries - 1)), LONGEST_WAIT)  # 1 s when nothing was tried
        self.queue.send([Message(job.to_message(), delay=wait)])
        tally.events.append({"event": "put off", "seconds": wait.total_seconds(), **about})

    def _account(self, answer: Answer, tally: Captured) -> None:
        name = self.vendor.name
        tally.requests[name] += answer.requests
        if answer.kind is AnswerKind.RETRY and answer.retry_after is not None:
            tally.throttles[name] += 1
        elif answer.kind not in (AnswerKind.BARS, AnswerKind.NO_DATA):
            tally.errors[name] += 1
            said: Mapping[str, object] = {"kind": str(answer.kind), "status": answer.status, "detail": answer.detail}
            symbols: Sequence[str] = answer.request.symbols
            tally.events.append({"event": "no answer", "vendor": name, "symbols": list(symbols), **said})

    def _trouble(self, message: Received, reason: str, tally: Captured) -> None:
        """Deliver the message again; on its last delivery keep it on the dead-letter queue, with the reason."""
        tally.events.append({"event": "trouble", "message_id": message.message_id, "reason": reason})
        if message.receives < self.max_receives:
            tally.failed.append(message.message_id)
            return
        try:
            self._bury(message, reason, tally)
        except Exception:  # noqa: BLE001 (the queue's own redrive policy takes it from here)
            tally.failed.append(message.message_id)

    def _bury(self, message: Received, reason: str, tally: Captured) -> None:
        self.queue.dead_letter(message.body, reason=reason, attributes={"message_id": message.message_id})
        tally.events.append({"event": "poison", "message_id": message.message_id, "reason": reason})


def _json(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError:
        raise BadInput(f"the body is no JSON: {body[:80]!r}") from None
