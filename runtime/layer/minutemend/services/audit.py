"""CheckDataHealth: look at the rows, fold what the vendors said into proofs, and decide what comes next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from minutemend.contract import Key, Status
from minutemend.core.audits import AuditRequest
from minutemend.core.errors import BadInput
from minutemend.core.evidence import Need, needs, prove
from minutemend.core.gaps import Gap
from minutemend.core.minutes import Range, format_instant, subtract
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Absence, Observation, ProofRule
from minutemend.ports import GapFinder, Store
from minutemend.services import working_files
from minutemend.services.interest import interest_in_force
from minutemend.services.lake import Lake

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found: the state machine's next state, and the figures for the metrics."""

    state: State
    absent: int = 0  # minutes newly proven absent
    scanned_bytes: int | None = None
    oldest: datetime | None = None  # the oldest minute that is missing
    symbols_refused: str | None = None  # why the symbols parameter was not believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One step of the loop, over ports. `vendors` are the names of those that may be asked in this stage.

    `listings` reads the parameter of interested symbols, `shipped_sessions` the sessions file of the layer.
    """

    lake: Lake
    results: Store
    finder: GapFinder
    listings: Callable[[], list[Listing]]
    shipped_sessions: Callable[[], bytes]
    vendors: Sequence[str]
    rule: ProofRule
    settling: timedelta
    sweep_days: int

    def check(self, event: Mapping[str, Any], *, now: datetime) -> Finding:
        """Look, and decide. `event` is `{input, audit_id, started_at}` at first, later the state.

        Unusable input is no exception but status `refused` with the reason: the machine ends in its Fail state.
        """
        try:
            return self._check(event, now=now)
        except BadInput as reason:
            state = {Key.AUDIT_ID: event.get(Key.AUDIT_ID), Key.STATUS: Status.REFUSED, Key.REASON: str(reason)}
            return Finding(state={str(key): value for key, value in state.items()})

    def _check(self, event: Mapping[str, Any], *, now: datetime) -> Finding:
        audit_id, attempt = event[Key.AUDIT_ID], event.get(Key.ATTEMPT, 0)
        if not self.lake.has_sessions():
            self.lake.seed_sessions(self.shipped_sessions())
        interest = interest_in_force(self.lake, self.listings)
        if Key.INPUT in event:
            request = self._request(event, interest.listings, now=now)
            working_files.put_json(self.results, working_files.request_key(audit_id), request.to_json())
        else:
            request = AuditRequest.from_json(working_files.get_json(self.results, working_files.request_key(audit_id)))
        found = self.finder.find(request.range, request.symbols, token=f"{audit_id}-{attempt}")
        told = self._observations(found.gaps)
        missing, absences = self._fold(found.gaps, told, interest.listings)
        history = needs(missing, told, audit_id=audit_id)
        key = working_files.gaps_key(audit_id, attempt)
        working_files.put_needs(self.results, key, history)
        state = {
            Key.AUDIT_ID: audit_id,
            Key.STARTED_AT: event.get(Key.STARTED_AT),
            Key.STATUS: self._status(history, attempt=attempt, attempts=request.attempts),
            Key.START: format_instant(request.range.start),
            Key.END: format_instant(request.range.end),
            Key.REQUEST_KEY: working_files.request_key(audit_id),
            Key.GAPS_KEY: key,
            Key.ATTEMPT: attempt,
            Key.ATTEMPTS: request.attempts,
            Key.WAITS: event.get(Key.WAITS, 0),
            Key.MISSING: sum(gap.minutes for gap in missing),
            Key.REPAIRABLE: sum(need.gap.minutes for need in history if need.repairable(self.vendors)),
            Key.EXPECTED: found.expected,
        }
        return Finding(
            state={str(key): value for key, value in state.items()},
            absent=sum(absence.range.minutes for absence in absences),
            scanned_bytes=found.scanned_bytes,
            oldest=min((gap.start for gap in missing), default=None),
            symbols_refused=interest.refused,
        )

    def _request(self, event: Mapping[str, Any], listings: Sequence[Listing], *, now: datetime) -> AuditRequest:
        started = datetime.fromisoformat(event[Key.STARTED_AT])
        due = (now - self.settling).replace(second=0, microsecond=0)
        request = AuditRequest.from_input(
            event[Key.INPUT], scheduled_at=started, due=due, settling=self.settling, sweep_days=self.sweep_days
        )
        known = {listing.symbol for listing in listings}
        unknown = [symbol for symbol in request.symbols or () if symbol not in known]
        if unknown:
            raise BadInput(
                f"symbols names {', '.join(unknown[:10])}, which this stage does not follow: "
                f"it follows {', '.join(sorted(known)[:20])}{' and others' if len(known) > 20 else ''}"
            )
        return request

    def _fold(
        self, gaps: Sequence[Gap], told: Sequence[Observation], listings: Sequence[Listing]
    ) -> tuple[list[Gap], list[Absence]]:
        """The gaps that remain when what the answers prove is taken away, and the new proofs, written."""
        venues = {listing.symbol: listing.calendar for listing in listings}
        absences = prove(gaps, told, self.rule, venues=venues)
        if not absences:
            return list(gaps), []
        self.lake.put_absences(absences)
        proven: dict[str, list[Range]] = {}
        for absence in absences:
            proven.setdefault(absence.symbol, []).append(absence.range)
        left = [
            Gap(gap.symbol, part.start, part.end, gap.session_open, gap.session_close)
            for gap in gaps
            for part in subtract([gap.range], proven.get(gap.symbol, ()))
        ]
        return left, absences

    def _observations(self, gaps: Sequence[Gap]) -> list[Observation]:
        if not gaps:
            return []
        dates = {date for gap in gaps for date in gap.range.dates()}
        return self.lake.observations(sorted(dates), sorted({gap.symbol for gap in gaps}))

    def _status(self, history: Sequence[Need], *, attempt: int, attempts: int) -> Status:
        if not history:
            return Status.READY
        if attempt < attempts and any(need.repairable(self.vendors) for need in history):
            return Status.REPAIR
        return Status.EXHAUSTED
