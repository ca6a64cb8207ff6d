"""What must hold of the lake: its bars, the facts made of them, and the proofs of absence."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from minutemend.core.answers import SourceKind
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session
from minutemend.core.verdicts import Absence, Proof

from tests.unit.simulation.beginnings import as_told, minutes, restated
from tests.unit.simulation.functions import APART, SETTLING
from tests.unit.simulation.holding import hold
from tests.unit.simulation.scenario import Scenario
from tests.unit.simulation.store import Row, rows_of
from tests.unit.simulation.vendor import Told


def check_bars(run: Scenario) -> None:
    """No bar is lost, doubled, changed or invented, the right one of two is read, and nothing outside is touched."""
    for row in run.raw_rows():
        symbol, stamp, *values, source, repair_id, _ = row
        traded = run.truth.get((symbol, run.minutes[stamp])) if stamp in run.minutes else None
        hold(traded is not None, f"{symbol} at {stamp} was invented")
        assert traded is not None
        bar = as_told(traded, source)
        said = [[one.open, one.high, one.low, one.close, one.volume] for one in (bar, restated(bar))]
        hold(values in said[: 1 + bool(run.profile.restates)], f"{symbol} at {stamp} became {values}")
        if repair_id is not None:
            hold((symbol, bar.minute) not in run.stored, f"{symbol} at {stamp} was stored and repaired all the same")
            hold(repair_id in run.planned, f"{symbol} at {stamp} comes from a job that was not planned")
    _check_precedence(run)
    outside = tuple(f"dt={session.dt.isoformat()}/" for session in run.market.earlier)
    then, now = (
        {key: body for key, (body, _) in objects.items() if any(part in key for part in outside)}
        for objects in (run.before, run.store.objects)
    )
    hold(then == now, "a day outside the range was touched")


def _check_precedence(run: Scenario) -> None:
    """Readers see one bar of each minute, the one that counts, and compaction loses none of those."""
    best = run.store.best
    seen = [row for session in (*run.market.earlier, *run.market.sessions) for row in _read(run, session.range)]
    hold(len(set(seen)) == len({row[:2] for row in seen}), "a minute has two bars")
    lost = sorted(best.keys() - {row[:2] for row in seen})
    hold(not lost, f"{lost[:3]} were lost")
    wrong = sorted(row for row in seen if best[row[0], row[1]] != row)
    hold(not wrong, f"{wrong[:1]} is read in place of {[best[row[0], row[1]] for row in wrong[:1]]}")


def _read(run: Scenario, window: Range) -> list[Row]:
    return rows_of(run.lake.read_bars(window))


def check_facts(run: Scenario) -> None:
    """The facts of every hour say what its bars and its proofs say, counted by hand."""
    if not run.profile.publish:
        return
    window = run.market.window
    bars = {(row[0], run.minutes[row[1]]): row for row in _read(run, window)}
    absent = run.lake.absences(window)
    expected: dict[tuple[str, datetime], list[datetime]] = {}
    for symbol, minute in sorted(run.market.expected()):
        expected.setdefault((symbol, minute.replace(minute=0)), []).append(minute)
    due = []
    for (symbol, hour), asked in sorted(expected.items()):
        rows = [bars[symbol, minute] for minute in asked if (symbol, minute) in bars]
        gone = [
            minute
            for minute in asked
            if (symbol, minute) not in bars and any(one.symbol == symbol and minute in one.range for one in absent)
        ]
        opened, high, low, close, volume = zip(*(row[2:7] for row in rows), strict=True) if rows else [(None,)] * 5
        facts = (opened[0], max(high), min(low), close[-1], sum(volume)) if rows else (None,) * 5
        due.append((symbol, hour, *facts, len(rows), len(asked), len(gone)))
    said = [
        (symbol, datetime.fromtimestamp(stamp / 1000, window.start.tzinfo), *rest)
        for facts in run.lake.hourly.read(run.lake.hourly.objects(window)).values()
        for symbol, stamp, *rest in rows_of(facts.rows)
    ]
    hold(sorted(said) == due, f"the facts say {sorted(set(said) - set(due))[:1]}: {sorted(set(due) - set(said))[:1]}")


def check_absences(run: Scenario) -> None:
    """No minute that was traded is absent. Each proof names answers that were given, and that may prove it."""
    slack = timedelta(seconds=2 * run.profile.skew)
    for absence in run.lake.absences(run.market.window):
        what = f"{absence.symbol} {absence.range}"
        traded = [minute for minute in minutes(absence.range) if run.sure((absence.symbol, minute))]
        hold(not traded, f"{what} is absent by {absence.proof}, and {traded} were traded: {absence.evidence}")
        (session,) = (one for one in run.market.sessions_of(absence.symbol) if absence.range.start in one.range)
        said = [(one["vendor"], one["job_id"], _given(run, absence, one)) for one in json.loads(absence.evidence)]
        for vendor, _, given in said:
            if absence.proof == Proof.STATEMENT:
                hold(run.vendors[vendor].source.kind is SourceKind.VENUE, f"{what}: {vendor} is no venue")
            else:
                shows = any(_is_between(run, absence, session, told, slack) for told in given)
                hold(shows, f"{what} is absent by {vendor}, which shows no bars around it, and may have more to come")
        if absence.proof == Proof.LOOKS:
            (vendor, job, first), (other_vendor, other_job, second) = said
            apart = max(later.at - earlier.at for earlier in first for later in second)
            hold(vendor == other_vendor and job != other_job, f"{what} is absent by one look")
            hold(apart >= APART - slack, f"{what} is absent by answers only {apart} apart")
        elif absence.proof == Proof.SOURCES:
            kinds = {run.vendors[vendor].source for vendor, _, _ in said}
            known = all(source.kind is not SourceKind.UNKNOWN for source in kinds)
            hold(len(kinds) == 2 and known, f"{what} is absent by two sources that are {kinds}")
        else:
            hold(absence.proof == Proof.STATEMENT, f"{what} is absent by {absence.proof!r}")


def _is_between(run: Scenario, absence: Absence, session: Session, told: Told, slack: timedelta) -> bool:
    """Whether the answer has bars of the session before and after, or leaves out all of it from its open on. At the end
    of a session it may have come late enough instead."""
    vendor, omitted = run.vendors[told.request.vendor], absence.range
    around = [minute for name, minute in told.shown if name == absence.symbol and minute in session.range]
    before, after = (any(minute < omitted.start for minute in around), any(minute >= omitted.end for minute in around))
    from_open = told.omits(absence.symbol, Range(session.open, omitted.end))
    over = vendor.lag is not None and told.at >= session.close + max(vendor.late, SETTLING) - slack
    over = over and before and told.omits(absence.symbol, Range(omitted.start, session.close))
    return (before or from_open) and (after or over)


def _given(run: Scenario, absence: Absence, one: dict[str, str]) -> list[Told]:
    """The answers that a proof names."""
    when = datetime.fromisoformat(one["observed_at"])
    given = [
        told
        for told in run.vendors[one["vendor"]].told
        if (told.observed_at, told.job_id) == (when, one["job_id"]) and told.omits(absence.symbol, absence.range)
    ]
    hold(bool(given), f"{absence.symbol} {absence.range} is absent by an answer that was not given: {one}")
    return given
