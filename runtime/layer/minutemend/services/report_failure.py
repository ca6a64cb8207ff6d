"""ReportFailure: what could not be mended, why, and the command that tries again; for the lake, S3 and a person."""

from __future__ import annotations

import json
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np

from minutemend.contract import Key
from minutemend.core.answers import AnswerKind
from minutemend.core.audit_state import AuditState
from minutemend.core.audits import AuditRequest
from minutemend.core.evidence import Needs
from minutemend.core.intervals import EMPTY, Intervals, Numbers, cut, numbers, overlaps, place
from minutemend.core.minutes import edges, format_instant
from minutemend.core.verdicts import Failure, Observation
from minutemend.ports import Signals, Store
from minutemend.services import working_files
from minutemend.services.lake import Lake

UNSETTLED = "unsettled"  # no answer of this audit is on record
HOLE_SUSPECTED = "vendor_hole_suspected"
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
    HOLE_SUSPECTED: "a vendor left them out twice, and so many minutes without a trade, there or in all that it showed "
    "of the session, are not plausible for the symbol: it is likely that vendor's hole; compare another vendor, report "
    "it to that one, then `mend repair --recheck`",
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

    def run(self, given: Mapping[str, Any], *, now: datetime) -> Report:
        """Write the failures and the report, and tell a person, unless it is a window of a backfill, which does so at
        its end. Again with the same state: the same, once more."""
        state = AuditState.of(given)
        audit_id = state.audit_id
        needs = working_files.get_needs(self.results, given[Key.GAPS_KEY])
        symbols = needs.gaps.symbols
        observations = self.lake.answers.read(needs.gaps.dates(), symbols) if len(needs) else []
        found = failures(needs, observations, audit_id=audit_id, attempts=state.attempt, now=now)
        self.lake.put_failures(found)
        minutes: Counter[str] = Counter()
        for failure in found:
            minutes[failure.reason] += failure.range.minutes
        by_symbol = _by_symbol(found)
        request = AuditRequest.from_json(working_files.get_json(self.results, given[Key.REQUEST_KEY]))
        retry = retry_command(self.stage, request, symbols, recheck=HOLE_SUSPECTED in minutes)
        key = working_files.report_key(audit_id)
        working_files.put_json(self.results, key, _report(state, found, minutes, retry, now))
        said = []
        if found:
            reasons = ", ".join(f"{count} {name}" for name, count in sorted(minutes.items()))
            said.append(f"{sum(minutes.values())} of {state.expected} minutes could not be repaired: {reasons}")
            said.append(f"they are of {_few(by_symbol)}; what is whole is published")
        if state.unknown:
            said.append(f"not looked at, because what to expect is not known: {state.unknown}")
        reason = "; ".join(said)
        if state.backfill is None:  # of years there may be hundreds: their run has an end, and an alarm, of its own
            self.signals.alarm(
                f"minutemend {self.stage}: {sum(minutes.values())} minutes failed",
                self._message(state, found, minutes, retry, key),
            )
        return Report(replace(state, report_key=key, reason=reason).as_json(), minutes)

    def _message(
        self, state: AuditState, found: Sequence[Failure], minutes: Mapping[str, int], retry: str, key: str
    ) -> str:
        shown = [f"  {one.symbol} {one.range}  {one.range.minutes} min  {one.reason}" for one in found[:20]]
        unknown = state.unknown
        more = [f"  … and {len(found) - 20} more ranges, in the report"] if len(found) > 20 else []
        return "\n".join(
            [
                f"The audit {state.audit_id} of [{state.start}, {state.end}) ended in failure after "
                f"{state.attempt} of {state.attempts} attempts.",
                "",
                *([f"Not looked at, because what to expect is not known: {unknown}."] if unknown else []),
                *(f"{count} minutes {name}: {_MEANING[name]}." for name, count in sorted(minutes.items())),
                "",
                *shown,
                *more,
                "",
                f"Try again:  {retry}",
                f"What is known of them:  mend verdicts --stage {self.stage} --start {state.start} --end {state.end}",
                f"The whole report, in the results bucket:  {key}",
            ]
        )


def failures(
    needs: Needs, observations: Iterable[Observation], *, audit_id: str, attempts: int, now: datetime
) -> list[Failure]:
    """A failure for each part of `needs` with one history, sorted. The newest answer of this audit gives the reason;
    where a vendor's hole is suspected, that is the reason, and the answers without the minutes are the evidence."""
    code = {name: at for at, name in enumerate(needs.gaps.names)}
    known = (one for one in observations if one.symbol in code)
    said = sorted(known, key=lambda one: (one.observed_at, one.job_id), reverse=True)
    shown = [_shown(one) for one in said]
    made = partial(Failure, attempts=attempts, audit_id=audit_id, failed_at=now)
    holes = needs.gaps.take(needs.suspected)
    answer, runs = _joined([(at, code[one.symbol], one.omitted.start, one.omitted.end) for at, one in enumerate(said)])
    run, hole = overlaps(runs, holes.line)
    seen: dict[int, set[int]] = defaultdict(set)
    for at, who in zip(hole.tolist(), answer[run].tolist(), strict=True):
        seen[at].add(who)
    found = [
        made(gap.symbol, gap.range, HOLE_SUSPECTED, json.dumps([shown[who] for who in sorted(seen[at])[::-1]]))
        for at, gap in enumerate(holes)
    ]
    gaps = needs.gaps.take(~needs.suspected)
    mine = [(at, code[one.symbol], *edges([one.range])) for at, one in enumerate(said) if one.audit_id == audit_id]
    answer, ranges = _joined(mine)
    pieces, source = cut(gaps.line, np.concatenate([ranges.starts, ranges.ends]))
    asked, piece = overlaps(ranges, pieces)
    newest = np.full(len(pieces), len(said))
    np.minimum.at(newest, piece, answer[asked])
    begins = np.diff(newest, prepend=-1).astype(np.bool_) | np.diff(source, prepend=-1).astype(np.bool_)
    ends = np.append(begins[1:], len(begins) > 0)[: len(begins)]
    parts = gaps.of(Intervals(pieces.starts[begins], pieces.ends[ends]), source[begins])
    for part, who in zip(parts, newest[begins].tolist(), strict=True):
        why = (_REASONS[said[who].kind], json.dumps([shown[who]])) if who < len(said) else (UNSETTLED, "[]")
        found.append(made(part.symbol, part.range, *why))
    return sorted(found)


def _joined(rows: Sequence[tuple[int, int, Any, Any]]) -> tuple[Numbers, Intervals]:
    """Ranges of many answers as places, and the position of each one's answer."""
    if not rows:
        return numbers([]), EMPTY
    answer = np.repeat([at for at, *_ in rows], [len(starts) for _, _, starts, _ in rows])
    starts, ends = (np.concatenate([place(row[1], row[column]) for row in rows]) for column in (2, 3))
    return numbers(answer), Intervals(starts, ends)


def retry_command(stage: str, request: AuditRequest, symbols: Sequence[str], *, recheck: bool) -> str:
    """The command that audits the same range again, for the symbols that failed. A suspected hole is asked for again
    only by a recheck."""
    named = f" --symbols {shlex.quote(','.join(symbols))}" if symbols else ""  # M&M.NS, ^GSPC
    start, end = format_instant(request.range.start), format_instant(request.range.end)
    return f"mend repair --stage {stage} --start {start} --end {end}{named}{' --recheck' if recheck else ''} --wait"


def _by_symbol(found: Iterable[Failure]) -> dict[str, dict[str, int]]:
    """By symbol and reason the minutes that failed."""
    minutes: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        minutes[one.symbol][one.reason] += one.range.minutes
    return {symbol: dict(sorted(reasons.items())) for symbol, reasons in sorted(minutes.items())}


def _few(by_symbol: Mapping[str, Mapping[str, int]]) -> str:
    """The worst symbols with their minutes, as few as a message holds."""
    counts = sorted(((sum(reasons.values()), symbol) for symbol, reasons in by_symbol.items()), reverse=True)
    named = ", ".join(f"{symbol} ({count})" for count, symbol in counts[:10])
    return named + (f" and {len(counts) - 10} other symbols" if len(counts) > 10 else "")


def _shown(one: Observation) -> dict[str, object]:
    seen = {"vendor": one.vendor, "kind": str(one.kind), "observed_at": format_instant(one.observed_at)}
    return seen | {"status": one.status, "detail": one.detail, "job_id": one.job_id}


def _report(
    state: AuditState, found: Sequence[Failure], minutes: Mapping[str, int], retry: str, now: datetime
) -> dict[str, Any]:
    return {
        "audit_id": state.audit_id,
        "start": state.start,
        "end": state.end,
        "attempts": state.attempt,
        "expected": state.expected,
        "failed": sum(minutes.values()),
        "reasons": dict(sorted(minutes.items())),
        "unknown": state.unknown,
        "retry": retry,
        "reported_at": format_instant(now),
        "symbols": _by_symbol(found),
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
