"""CheckDataHealth: look at the rows, keep what is proven, and decide what comes next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from minutemend.contract import Key, Status
from minutemend.core.audit_state import AuditState
from minutemend.core.audits import AuditRequest
from minutemend.core.errors import BadInput
from minutemend.core.evidence import Needs
from minutemend.core.minutes import Range, edges, format_instant, from_epoch_minute
from minutemend.core.recheck import Recheck, together, watched
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import ProofRule
from minutemend.ports import Board, GapFinder, Store
from minutemend.services import working_files
from minutemend.services.interest import get_interested_stocks
from minutemend.services.lake import Lake
from minutemend.services.look import NOTHING, look
from minutemend.services.report_failure import HOLE_SUSPECTED
from minutemend.services.scope import Scope, scope_of, session_days


@dataclass(frozen=True, slots=True)
class Checked:
    """What the step made of its look: the state machine's next state, and the figures for the metrics."""

    state: dict[str, Any]
    absent: int = 0  # minutes newly proven absent
    oldest: datetime | None = None  # the oldest minute that is missing
    symbols_refused: str | None = None  # why the newest list of symbols was not believed
    session_days: int | None = None  # until the first followed calendar's sessions end


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDataHealth:
    """One step of the loop, over ports. `vendors` are the names of those that may be asked in this stage.

    `parameter` reads the stage's first list of symbols, `shipped_sessions` the sessions file of the layer.
    """

    lake: Lake
    results: Store
    finder: GapFinder
    board: Board
    parameter: Callable[[], str | None]
    shipped_sessions: Callable[[], bytes]
    vendors: Sequence[str]
    serves: Mapping[str, Sequence[str]] = field(
        default_factory=dict
    )  # vendor -> the calendars that it is asked for; not there: all
    rule: ProofRule
    settling: timedelta
    sweep_days: int

    def check(self, event: Mapping[str, Any], *, now: datetime) -> Checked:
        """Look, and decide. `event` is `{input, audit_id, started_at}` at first, later the state.

        Unusable input is no exception but status `refused` with the reason: the machine ends in its Fail state. So is
        a backfill that somebody stopped: none of its windows is looked at any more.
        """
        run = backfill_of(event)
        if run is not None and self.board.stopped(run):
            return _ended(event, Status.STOPPED, f"the backfill was stopped ({run})")
        try:
            return self._check(event, now=now)
        except BadInput as reason:
            return _ended(event, Status.REFUSED, str(reason))

    def _check(self, event: Mapping[str, Any], *, now: datetime) -> Checked:
        before = AuditState.of(event)
        audit_id, attempt = before.audit_id, before.attempt
        self.lake.calendars.renew(self.shipped_sessions())
        interest = get_interested_stocks(self.lake, self.parameter)
        if Key.INPUT in event:
            scope = self._scope(event, interest.listings, now=now)
            working_files.put_json(self.results, working_files.request_key(audit_id), scope.request.to_json())
        else:
            kept = working_files.get_json(self.results, working_files.request_key(audit_id))
            scope = Scope(AuditRequest.from_json(kept), before.unknown or "")
        request, found = scope.request, NOTHING
        if not scope.nothing:
            found = look(
                self.lake,
                self.finder,
                self.rule,
                window=request.range,
                listings=interest.listings,
                symbols=request.symbols,
                audit_id=audit_id,
                token=f"{audit_id}-{attempt}",
                now=now,
                recheck=self._recheck(request, audit_id, now=now),
                vendors=() if attempt else self.vendors,
                serves=self.serves,
            )
        self.lake.put_revocations(found.overturned)
        self.lake.put_absences(found.absences)
        # Weak proofs are asked again by the first attempt alone, and account for their minutes all the time.
        needs = found.needs if found.again is None else together(found.needs, found.again)
        status = self._status(found.needs, needs, scope, attempt=attempt)
        key = working_files.gaps_key(audit_id, attempt)
        repair = status is Status.REPAIR
        working_files.put_needs(
            self.results, key, watched(needs, found.proven, self.vendors) if repair else found.needs
        )
        state = AuditState(
            audit_id=audit_id,
            started_at=before.started_at,
            status=status,
            start=format_instant(request.range.start),
            end=format_instant(request.range.end),
            request_key=working_files.request_key(audit_id),
            gaps_key=key,
            attempt=attempt,
            attempts=request.attempts,
            waits=before.waits,
            missing=found.missing,
            repairable=needs.gaps.take(needs.repairable(self.vendors)).minutes,
            expected=found.expected,
            found=found.missing if before.found is None else before.found,
            queued=before.queued,
            unknown=scope.unknown or None,
            backfill=request.backfill,
        )
        return Checked(
            state=state.as_json(),
            absent=sum(absence.range.minutes for absence in found.absences),
            oldest=from_epoch_minute(int(found.needs.gaps.start.min())) if found.missing else None,
            symbols_refused=interest.refused,
            session_days=session_days(self.lake, interest.listings, now=now),
        )

    def _scope(self, event: Mapping[str, Any], listings: Sequence[Listing], *, now: datetime) -> Scope:
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
        return scope_of(self.lake, request, listings, scheduled="start" not in event[Key.INPUT])

    def _recheck(self, request: AuditRequest, audit_id: str, *, now: datetime) -> Recheck | None:
        if request.recheck:
            return Recheck(audit_id, self.rule)
        return Recheck(audit_id, self.rule, now) if request.sweep else None

    def _status(self, missing: Needs, needs: Needs, scope: Scope, *, attempt: int) -> Status:
        """What comes next, by what is `missing`, and by all `needs`: what is asked again besides."""
        if attempt < scope.request.attempts and needs.repairable(self.vendors).any():
            return Status.REPAIR
        if not len(missing) and not scope.unknown:
            return Status.NOTHING if scope.nothing else Status.READY
        known = scope.request.sweep and not scope.unknown and self._reported(missing, scope.request.range)
        return Status.KNOWN if known else Status.EXHAUSTED

    def _reported(self, missing: Needs, window: Range) -> bool:
        """Whether all that is missing are suspected holes, as an audit before has reported."""
        told = [one for one in self.lake.failures(window) if one.reason == HOLE_SUSPECTED]
        reported = missing.gaps.places([one.symbol for one in told], *edges(one.range for one in told))
        return bool(missing.suspected.all()) and not len(missing.gaps.less(reported))


def backfill_of(event: Mapping[str, Any]) -> str | None:
    """The run of a backfill that this look is for: what an input says of it at first, the state later."""
    given = event.get(Key.INPUT)
    run = given.get(Key.BACKFILL) if isinstance(given, Mapping) else event.get(Key.BACKFILL)
    return run if isinstance(run, str) else None


def _ended(event: Mapping[str, Any], status: Status, reason: str) -> Checked:
    return Checked(AuditState(audit_id=event[Key.AUDIT_ID], status=status, reason=reason).as_json())
