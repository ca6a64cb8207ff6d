"""ReportFailure: what could not be mended, why, and the command that tries again; for the lake, S3 and a person."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from minutemend.contract import Key
from minutemend.core.answers import AnswerKind
from minutemend.core.audits import AuditRequest
from minutemend.core.evidence import Need
from minutemend.core.minutes import Range, format_instant, subtract
from minutemend.core.verdicts import Failure, Observation
from minutemend.ports import Signals, Store
from minutemend.services import working_files
from minutemend.services.lake import Lake

UNSETTLED = "unsettled"  # no answer of this audit is on record
_REASONS = {
    AnswerKind.GIVE_UP: "vendor_refused",
    AnswerKind.GARBAGE: "garbage",
    AnswerKind.NO_DATA: "no_data",
    AnswerKind.RETRY: "attempts_exhausted",
    AnswerKind.BARS: "attempts_exhausted",
}
_MEANING = {
    "attempts_exhausted": "asked as often as the audit may, and the minutes are neither there nor proven absent",
    "vendor_refused": "the vendor refuses to answer: see its status and detail (token, plan, symbol)",
    "garbage": "the vendor's answers could not be believed: see their detail",
    "no_data": "the vendor says that it has nothing for the whole range, which proves nothing",
    UNSETTLED: "no worker settled the request in time: see the repair queue, its dead letters, and the workers' log",
}


@dataclass(frozen=True, slots=True)
class Report:
    """The next state, and how many minutes failed by reason."""

    state: dict[str, Any]
    minutes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFailure:
    """The last step of an audit that did not mend everything. The machine ends in Fail after it."""

    lake: Lake
    results: Store
    signals: Signals
    stage: str

    def run(self, state: Mapping[str, Any], *, now: datetime) -> Report:
        """Write the failures and the report, raise the alarm. Again with the same state: the same, once more."""
        audit_id = state[Key.AUDIT_ID]
        needs = working_files.get_needs(self.results, state[Key.GAPS_KEY])
        dates = sorted({date for need in needs for date in need.gap.range.dates()})
        symbols = sorted({need.gap.symbol for need in needs})
        told = [one for one in self.lake.observations(dates, symbols) if one.audit_id == audit_id] if needs else []
        found = failures(needs, told, audit_id=audit_id, attempts=state[Key.ATTEMPT], now=now)
        self.lake.put_failures(found)
        minutes: Counter[str] = Counter()
        for failure in found:
            minutes[failure.reason] += failure.range.minutes
        request = AuditRequest.from_json(working_files.get_json(self.results, state[Key.REQUEST_KEY]))
        retry = retry_command(self.stage, request, symbols)
        key = working_files.report_key(audit_id)
        working_files.put_json(self.results, key, _report(state, found, minutes, retry, now))
        reason = f"{sum(minutes.values())} of {state[Key.EXPECTED]} minutes could not be repaired: " + ", ".join(
            f"{count} {name}" for name, count in sorted(minutes.items())
        )
        self.signals.alarm(
            f"minutemend {self.stage}: {sum(minutes.values())} minutes failed",
            self._message(state, found, minutes, retry, key),
        )
        return Report({**state, str(Key.REPORT_KEY): key, str(Key.REASON): reason}, minutes)

    def _message(
        self, state: Mapping[str, Any], found: Sequence[Failure], minutes: Mapping[str, int], retry: str, key: str
    ) -> str:
        shown = [f"  {one.symbol} {one.range}  {one.range.minutes} min  {one.reason}" for one in found[:20]]
        more = [f"  … and {len(found) - 20} more ranges, in the report"] if len(found) > 20 else []
        return "\n".join(
            [
                f"The audit {state[Key.AUDIT_ID]} of [{state[Key.START]}, {state[Key.END]}) ended in failure after "
                f"{state[Key.ATTEMPT]} of {state[Key.ATTEMPTS]} attempts.",
                "",
                *(f"{count} minutes {name}: {_MEANING[name]}." for name, count in sorted(minutes.items())),
                "",
                *shown,
                *more,
                "",
                f"Try again:  {retry}",
                f"What is known of them:  mend verdicts --stage {self.stage} --start {state[Key.START]} "
                f"--end {state[Key.END]}",
                f"The whole report, in the results bucket:  {key}",
            ]
        )


def failures(
    needs: Iterable[Need], told: Iterable[Observation], *, audit_id: str, attempts: int, now: datetime
) -> list[Failure]:
    """A failure for each part of `needs` with one history, sorted: the newest answer gives the reason."""
    by_symbol: dict[str, list[Observation]] = defaultdict(list)
    for one in sorted(told, key=lambda one: (one.observed_at, one.job_id), reverse=True):
        by_symbol[one.symbol].append(one)
    found = []
    for need in needs:
        left: Sequence[Range] = [need.gap.range]
        for one in by_symbol[need.gap.symbol]:
            about = [both for part in left if (both := part.intersect(one.range))]
            found += [
                Failure(need.gap.symbol, part, _REASONS[one.kind], _evidence(one), attempts, audit_id, now)
                for part in about
            ]
            left = subtract(left, about)
        found += [Failure(need.gap.symbol, part, UNSETTLED, "[]", attempts, audit_id, now) for part in left]
    return sorted(found)


def retry_command(stage: str, request: AuditRequest, symbols: Sequence[str]) -> str:
    """The command that audits the same range again, for the symbols that failed."""
    named = f" --symbols {','.join(symbols)}" if symbols else ""
    start, end = format_instant(request.range.start), format_instant(request.range.end)
    return f"mend repair --stage {stage} --start {start} --end {end}{named} --wait"


def _evidence(one: Observation) -> str:
    seen = {"vendor": one.vendor, "kind": str(one.kind), "observed_at": format_instant(one.observed_at)}
    return json.dumps([seen | {"status": one.status, "detail": one.detail, "job_id": one.job_id}])


def _report(
    state: Mapping[str, Any], found: Sequence[Failure], minutes: Mapping[str, int], retry: str, now: datetime
) -> dict[str, Any]:
    return {
        "audit_id": state[Key.AUDIT_ID],
        "start": state[Key.START],
        "end": state[Key.END],
        "attempts": state[Key.ATTEMPT],
        "expected": state[Key.EXPECTED],
        "failed": sum(minutes.values()),
        "reasons": dict(sorted(minutes.items())),
        "retry": retry,
        "reported_at": format_instant(now),
        "ranges": [
            {
                "symbol": one.symbol,
                "start": format_instant(one.range.start),
                "end": format_instant(one.range.end),
                "minutes": one.range.minutes,
                "reason": one.reason,
                "evidence": json.loads(one.evidence),
            }
            for one in found
        ],
    }
