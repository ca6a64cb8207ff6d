"""Seeded reports of any size, with everything that a report can show."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
from minutemend.core.answers import AnswerKind
from minutemend.core.minutes import MINUTE, Range, epoch_minute, from_epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import NOTHING, Observation, Verdict

from mend.calendars.exchange_sessions import session_table
from mend.report.model import Attempt, Cause, ReportData, Runs
from tests.fakes.observed import left_out

ELEVEN = ("AAPL", "AIG", "AMZN", "BAC", "GOOG", "IBM", "JPM", "MSFT", "SPY", "TSLA", "XOM")
_JOB = "0f3a9c51d2e84b7796aa01c2"
_WRITTEN = datetime(2026, 1, 5, 6, 30, tzinfo=UTC)
_CAUSES = (
    Cause(Verdict.MISSING, "", ""),
    Cause(Verdict.REPAIRED, "finnhub", f"job {_JOB}, in hand at 2026-01-05T06:05:09Z"),
    Cause(Verdict.ABSENT, "no_trade", "left out by finnhub at 2026-01-05T06:05:09Z and at 2026-01-05T06:05:13Z"),
    Cause(Verdict.FAILED, "vendor_refused", "finnhub answered 403 to each of 3 attempts"),
    Cause(Verdict.FAILED, "garbage", "finnhub sent HTML with status 200"),
)


def names(count: int) -> tuple[str, ...]:
    """So many symbols: the eleven first, then invented ones."""
    return tuple(sorted([*ELEVEN, *(f"S{number:03d}" for number in range(count - len(ELEVEN)))]))


def report_data(*, symbols: int, first: date, last: date, holed: float = 0.02, seed: int = 1) -> ReportData:
    """A report over the XNYS sessions from `first` to `last`, this share of whose symbol-days is not whole.

    Some holes are single minutes, some runs, some whole sessions; each cause comes up.
    """
    sessions = _sessions(first, last)
    opens = np.array([epoch_minute(session.open) for session in sessions])
    lengths = np.array([session.minutes for session in sessions])
    random = np.random.default_rng(seed)
    rows = []
    for cell in np.flatnonzero(random.random(symbols * len(sessions)) < holed):
        row, session = divmod(int(cell), len(sessions))
        at, length = 0, int(lengths[session])
        cause = int(random.choice(len(_CAUSES), p=[0.08, 0.72, 0.14, 0.04, 0.02]))
        if random.random() < 0.1:
            rows.append((row, opens[session], length, cause))
            continue
        for _ in range(int(random.integers(1, 4))):
            start = at + int(random.integers(0, 120))
            minutes = int(random.choice([1, 1, 2, 7, 45]))
            if start + minutes > length:
                break
            rows.append((row, opens[session] + start, minutes, cause))
            at = start + minutes + 1
    runs = Runs.of(rows)
    window = Range(sessions[0].open, sessions[-1].close)
    return ReportData(
        title=f"Stage dev, {first} to {last}",
        source="stage dev",
        range=window,
        written_at=_WRITTEN,
        command=f"mend report --stage dev --start {first} --end {last}",
        listings=tuple(Listing(name, "XNYS") for name in names(symbols)),
        sessions={"XNYS": sessions},
        runs=runs,
        causes=_CAUSES,
        answers=_answers(runs, symbols),
        attempts=_attempts(runs),
        notes=("<b>Nothing</b> in a note is markup.",),
    )


def minutes_by_verdict(data: ReportData) -> dict[str, int]:
    """What the page's totals have to be, counted the long way round."""
    expected = len(data.listings) * sum(session.minutes for session in data.sessions["XNYS"])
    counts = {verdict.value: 0 for verdict in Verdict}
    for minutes, cause in zip(data.runs.minutes.tolist(), data.runs.cause.tolist(), strict=True):
        counts[data.causes[cause].verdict.value] += minutes
    counts["present"] = expected - sum(counts.values())
    return counts


def _sessions(first: date, last: date) -> list[Session]:
    rows = session_table(["XNYS"], first=first.isoformat(), last=last.isoformat()).to_pylist()
    return [
        Session(
            "XNYS", date.fromisoformat(row["dt"]), row["open"].replace(tzinfo=UTC), row["close"].replace(tzinfo=UTC)
        )
        for row in rows
    ]


def _answers(runs: Runs, symbols: int) -> tuple[Observation, ...]:
    told = names(symbols)
    answers = []
    for number in range(min(len(runs), 4000)):
        start = from_epoch_minute(int(runs.start[number]))
        window = Range(start, start + int(runs.minutes[number]) * MINUTE)
        absent = runs.cause[number] == 2
        refused = runs.cause[number] == 3
        answers.append(
            Observation(
                symbol=told[runs.symbol[number]],
                range=window,
                observed_at=_WRITTEN - timedelta(minutes=25) + timedelta(seconds=number % 97),
                vendor="finnhub",
                kind=AnswerKind.GIVE_UP if refused else AnswerKind.BARS,
                omitted=left_out(window) if absent else NOTHING,
                rows=0 if refused or absent else window.minutes,
                status=403 if refused else 200,
                detail="<script>alert(1)</script>" if refused else "",
                job_id=_JOB,
                audit_id="hourly-2026-01-05T06",
                attempt=1 + number % 3,
            )
        )
    return tuple(answers)


def _attempts(runs: Runs) -> tuple[Attempt, ...]:
    repaired = int(runs.minutes[runs.cause == 1].sum())
    absent = int(runs.minutes[runs.cause == 2].sum())
    parts = [(repaired - repaired // 5, 0), (repaired // 5, absent // 2), (0, absent - absent // 2)]
    return tuple(
        Attempt(
            audit_id="hourly-2026-01-05T06",
            attempt=number,
            first_at=_WRITTEN - timedelta(minutes=30 - 5 * number),
            last_at=_WRITTEN - timedelta(minutes=28 - 5 * number),
            jobs=90 // number,
            answers={"bars": 80 // number, "retry": 4},
            repaired=mended,
            absent=proven,
        )
        for number, (mended, proven) in enumerate(parts, start=1)
    )
