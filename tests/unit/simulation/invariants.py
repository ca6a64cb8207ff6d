"""What must hold when the dust has settled, whatever happened."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta

from minutemend.core.answers import Answer, AnswerKind
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.verdicts import Verdict
from minutemend.ports.board import FAILED
from minutemend.services.process_repairs import SUPERSEDED
from minutemend.services.verdicts import verdicts

from tests.unit.simulation.beginnings import MINUTES, OTHER_DAY, SESSION, SYMBOLS
from tests.unit.simulation.machine import Execution
from tests.unit.simulation.memory import MEMORY
from tests.unit.simulation.scenario import APART, MAX_RECEIVES, Scenario
from tests.unit.simulation.world import Profile, Violation


def run_and_check(seed: int, profile: Profile) -> Scenario:
    """One run, what must hold after it, the healing audit after that, and what must hold then."""
    MEMORY.forget()
    run = Scenario(seed, profile)
    try:
        run.run()
        _check_ends(run)
        healing = run.start_audit("healing", SESSION, attempts=5)
        run.settle()
        _check_jobs(run)
        _check_bars(run)
        _check_absences(run)
        _check_healed(run, healing)
        _check_again(run)
    except Violation as broken:
        story = "\n".join(f"{when:%H:%M:%S} {what}" for when, what in run.world.log[-60:])
        raise Violation(f"seed {seed}, {profile}: {broken}\n{story}") from None
    return run


def _check_ends(run: Scenario) -> None:
    """Every execution ended, within its attempts, and a range that is Done misses nothing."""
    for execution in run.executions:
        _hold(execution.ended is not None, f"{execution.name} never ended")
        attempts = execution.given["attempts"]
        _hold(execution.state.get("attempt", 0) <= attempts, f"{execution.name} tried more than {attempts} times")
        if execution.ended == "Done":
            _hold(execution.state["missing"] == 0, f"{execution.name} is done and misses {execution.state['missing']}")
            said = [event["start"] for event in run.signals.announced if event["end"] == execution.given["end"]]
            _hold(not run.profile.publish or execution.given["start"] in said, f"{execution.name} announced nothing")
        if execution.ended == "MinutesMissing":
            _hold(any(execution.name in alarm for alarm in run.signals.alarms), f"{execution.name} told nobody")
    if _peaceful(run.profile):
        for execution in run.executions:
            _hold(execution.ended == "Done", f"{execution.name} ended {execution.ended} without any fault")
            _hold(execution.timeouts == 0, f"{execution.name} timed out without any fault")
        asked = sum(len(vendor.told) for vendor in run.vendors.values())
        _hold(asked == len(run.planned), f"{asked} requests for {len(run.planned)} planned, without any fault")
    if run.profile == Profile(per_minute=run.profile.per_minute, patience=run.profile.patience):
        for execution in run.executions:
            _hold(execution.ended == "Done", f"{execution.name} ended {execution.ended}: the vendor was slow, no more")
            _hold(execution.state["attempt"] <= 2, f"{execution.name} spent {execution.state['attempt']} attempts")
    if _only_slow(run.profile):
        letters = [held.body for held in run.queue.dead]
        _hold(len(letters) == run.profile.poison, f"a postponed job spent its receives: {letters}")


def _check_jobs(run: Scenario) -> None:
    """No job is lost, and none asks its vendor more often than it may."""
    dead = Counter(held.body for held in run.queue.dead)
    evidence = {one.job_id for one in run.lake.observations([SESSION.start.date()])}
    for job_id, job in run.planned.items():
        outcome = run.outcome(job_id)
        _hold(bool(outcome) or dead[json.dumps(job.to_message())] > 0, f"job {job_id} of {job.audit_id} is lost")
        if outcome not in (None, FAILED, SUPERSEDED):
            _hold(job_id in evidence, f"job {job_id} is settled as {outcome} and left no evidence")
    most = Counter(job.request for job in run.planned.values())
    asked = Counter(told.answer.request for vendor in run.vendors.values() for told in vendor.told)
    for request, times in asked.items():
        allowed = most[request] * MAX_RECEIVES * (1 + run.redrives)
        _hold(times <= allowed, f"{request} was asked {times} times, for {most[request]} jobs")
    for held in run.queue.dead:
        explained = held in run.queue.moved or held.attributes.get("reason")
        _hold(bool(explained), f"a dead letter without a reason: {held.body}")
    retries = sum(max(0, count - 1) for count in run.board.grants.values())
    _hold(asked.total() <= len(run.planned) + retries, f"{asked.total()} requests for {len(run.planned)} jobs")
    if run.profile.skew == 0:
        for vendor in run.vendors.values():
            minutes = Counter(told.at.replace(second=0) for told in vendor.told)
            most_asked = max(minutes.values(), default=0)
            # A request begins in the minute whose budget it took, and may come in the next.
            _hold(most_asked <= 2 * run.profile.per_minute, f"{most_asked} requests to {vendor.name} in one minute")


def _check_bars(run: Scenario) -> None:
    """No bar is lost, doubled, changed or invented, and nothing outside the holes is touched."""
    for row in run.raw_rows():
        symbol, stamp, *values, _, repair_id, _ = row
        bar = run.known.get((symbol, stamp))
        _hold(bar is not None, f"{symbol} at {stamp} was invented")
        assert bar is not None
        true = [bar.open, bar.high, bar.low, bar.close, bar.volume]
        _hold(values == true, f"{symbol} at {stamp} was changed to {values}")
        if repair_id is not None:
            _hold((symbol, bar.minute) not in run.stored, f"{symbol} at {stamp} was stored and repaired all the same")
            _hold(repair_id in run.planned, f"{symbol} at {stamp} comes from a job that nobody planned")
    for window in (SESSION, OTHER_DAY):
        keys = run.bars_of(window)
        _hold(len(keys) == len(set(keys)), "a minute has two bars")
        lost = {key for key in run.stored if key[1] in window} - set(keys)
        _hold(not lost, f"{sorted(lost)[:3]} were lost")
    outside = f"dt={OTHER_DAY.start.date().isoformat()}/"
    then = {key: body for key, (body, _) in run.before.items() if outside in key}
    now = {key: body for key, (body, _) in run.store.objects.items() if outside in key}
    _hold(then == now, "a day outside the range was touched")


def _check_absences(run: Scenario) -> None:
    """Every proof names two answers that were given, that left exactly these minutes out, and that count."""
    slack = timedelta(seconds=2 * run.profile.skew)
    for absence in run.lake.absences(SESSION):
        answers = []
        for one in json.loads(absence.evidence):
            when = datetime.fromisoformat(one["observed_at"])
            given = [
                told
                for told in run.vendors[one["vendor"]].told
                if told.answer.observed_at == when and _omits(told.answer, absence.symbol, absence.range)
            ]
            _hold(bool(given), f"{absence.symbol} {absence.range} is absent by an answer that nobody gave: {one}")
            answers.append((one["vendor"], one["job_id"], given))
        _hold(len(answers) == 2, f"{absence.symbol} {absence.range} is absent by {len(answers)} answers")
        (vendor, job, first), (other_vendor, other_job, second) = answers
        apart = max(later.at - earlier.at for earlier in first for later in second)
        _hold(
            vendor != other_vendor or (job != other_job and apart >= APART - slack),
            f"{absence.symbol} {absence.range} is absent by answers only {apart} apart",
        )


def _omits(answer: Answer, symbol: str, window: Range) -> bool:
    if answer.kind is not AnswerKind.BARS or answer.covered is None:
        return False
    mine = {bar.minute for bar in answer.bars if bar.symbol == symbol}
    minutes = {window.start + n * MINUTE for n in range(window.minutes)}
    return bool(mine) and not mine & minutes and answer.covered.intersect(window) == window


def _check_healed(run: Scenario, healing: Execution) -> None:
    """With good vendors the audit ends Done, and every expected minute has exactly one verdict, and evidence."""
    _hold(healing.ended == "Done", f"the healing audit ended {healing.ended}: {healing.state}")
    seen: Counter[tuple[str, datetime]] = Counter()
    for span in verdicts(run.lake, SESSION):
        for n in range(span.range.minutes):
            seen[span.symbol, span.range.start + n * MINUTE] += 1
        _hold(span.verdict not in (Verdict.MISSING, Verdict.FAILED), f"{span} after healing")
        if span.verdict in (Verdict.ABSENT, Verdict.REPAIRED):
            _hold(span.evidence != "", f"{span} has no evidence")
        if span.verdict is Verdict.REPAIRED:
            _hold(not any(key[0] == span.symbol and key[1] in span.range for key in run.stored), f"{span} was there")
    expected = {(symbol, SESSION.start + n * MINUTE) for symbol in SYMBOLS for n in range(MINUTES)}
    _hold(set(seen) == expected and set(seen.values()) == {1}, "a minute has no verdict, or two")
    if run.profile.lies == 0:
        keys = set(run.bars_of(SESSION))
        true = {key for key in run.truth if key[1] in SESSION}
        _hold(keys == true, f"the lake lacks {sorted(true - keys)[:3]}")


def _check_again(run: Scenario) -> None:
    """A second audit of the same range does nothing."""
    asked = sum(len(vendor.told) for vendor in run.vendors.values())
    lake = dict(run.store.objects)
    again = run.start_audit("again", SESSION)
    run.settle()
    _hold(again.ended == "Done", f"the audit after healing ended {again.ended}")
    _hold(sum(len(vendor.told) for vendor in run.vendors.values()) == asked, "the audit after healing asked a vendor")
    _hold({k: v[0] for k, v in run.store.objects.items()} == {k: v[0] for k, v in lake.items()}, "it wrote to the lake")
    if run.queue.dead:  # somebody redrives what is left: no harm comes of it
        run.queue.redrive()
        run.redrives += 1
        run.settle()
        _check_jobs(run)
        _check_bars(run)


def _peaceful(profile: Profile) -> bool:
    return profile == Profile(
        audits=profile.audits,
        symbols_together=profile.symbols_together,
        vendors=profile.vendors,
        publish=profile.publish,
    )


def _only_slow(profile: Profile) -> bool:
    """Postponements and vendor faults alone: nothing dies, nothing breaks, nothing comes twice."""
    return profile.death == profile.errors == profile.duplicates == profile.slowness == 0 and profile.redrives == 0


def _hold(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Violation(otherwise)
