"""What must hold when the dust has settled, whatever happened: the whole of it, and what is of executions."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from minutemend.core.minutes import MINUTE
from minutemend.core.verdicts import Verdict

from mend.spans import verdicts
from tests.unit.simulation.beginnings import minutes
from tests.unit.simulation.holding import hold
from tests.unit.simulation.job_invariants import check_answers, check_failures, check_jobs, check_waits
from tests.unit.simulation.lake_invariants import check_absences, check_bars, check_facts
from tests.unit.simulation.machine import Execution
from tests.unit.simulation.memory import MEMORY
from tests.unit.simulation.scenario import Scenario
from tests.unit.simulation.world import Profile, Violation


def run_and_check(seed: int, profile: Profile) -> Scenario:
    """One run, what must hold after it, the healing audit after that, and what must hold then."""
    MEMORY.forget()
    run = Scenario(seed, profile)
    try:
        run.run()
        _check_ends(run)
        check_answers(run)
        check_failures(run)
        run.good_vendors()
        asked = _finished(run)
        healing = run.start_audit("healing", run.market.window, attempts=5)
        run.settle()
        hold(asked in (None, _asked(run)), "a backfill was whole, and the audit after it asks for more")
        check_jobs(run)
        check_waits(run)
        check_bars(run)
        check_absences(run)
        _check_healed(run, healing)
        _check_again(run, healing)
    except Violation as broken:
        story = "\n".join(f"{when:%H:%M:%S} {what}" for when, what in run.world.log[-60:])
        raise Violation(f"seed {seed}, {profile}: {broken}\n{story}") from None
    return run


def _finished(run: Scenario) -> int | None:
    """A backfill is resumed to its end. How often vendors had been asked then, if every window of it is whole."""
    if run.backfill is None:
        return None
    course = run.backfill.finish()
    lost = [part for part in course.not_whole if "MinutesMissing" not in (part.reason or "")]
    hold(not lost, f"a window is not whole, and not for want of minutes: {lost[:1]}")
    return _asked(run) if not course.not_whole else None


def _asked(run: Scenario) -> int:
    return sum(len(vendor.told) for vendor in run.vendors.values())


def _check_ends(run: Scenario) -> None:
    """Every execution ended, within its attempts, and a range that is Done misses nothing."""
    for execution in run.executions:
        hold(execution.ended is not None, f"{execution.name} never ended")
        attempts = execution.given["attempts"]
        hold(execution.state.get("attempt", 0) <= attempts, f"{execution.name} tried more than {attempts} times")
        if execution.ended == "Done":
            hold(execution.state["missing"] == 0, f"{execution.name} is done and misses {execution.state['missing']}")
            said = [event["start"] for event in run.signals.announced if event["end"] == execution.given["end"]]
            hold(not run.profile.publish or execution.given["start"] in said, f"{execution.name} announced nothing")
        if execution.ended == "MinutesMissing":
            told = any(execution.name in alarm for alarm in run.signals.alarms)
            window = "backfill" in execution.given  # the run that it belongs to tells of it
            hold(told is not window, f"{execution.name} told {'somebody' if told else 'nobody'}")
    profile = run.profile
    dark = run.market.dark(run.truth)  # one vendor alone proves none of it
    if profile == Profile(**{name: getattr(profile, name) for name in PEACEFUL}) and not dark:
        for execution in run.executions:
            hold(execution.ended == "Done", f"{execution.name} ended {execution.ended} without any fault")
            hold(execution.timeouts == 0, f"{execution.name} timed out without any fault")
        asked = sum(told.job_id is not None for vendor in run.vendors.values() for told in vendor.told)
        hold(asked == len(run.planned), f"{asked} requests for {len(run.planned)} planned, without any fault")
    if profile == Profile(per_minute=profile.per_minute, patience=profile.patience, market=profile.market) and not dark:
        # Of two quiet minutes on the edge between two requests neither answer shows a bar on both sides.
        quiet = run.market.expected() - run.truth.keys()
        most = 2 + any((symbol, minute + MINUTE) in quiet for symbol, minute in quiet)
        for execution in run.executions:
            hold(execution.ended == "Done", f"{execution.name} ended {execution.ended}: the vendor was slow, no more")
            hold(execution.state["attempt"] <= most, f"{execution.name} spent {execution.state['attempt']} attempts")
    if profile.death == profile.errors == profile.duplicates == profile.slowness == 0 and profile.redrives == 0:
        # Postponements and vendor faults alone: nothing dies, nothing breaks, nothing comes twice.
        letters = [held.body for held in run.queue.dead]
        hold(len(letters) == profile.poison, f"a postponed job spent its receives: {letters}")


# What a profile may say, and still nothing goes wrong.
PEACEFUL = ("audits", "symbols_together", "vendors", "publish", "market", "captures", "sql")


def _check_healed(run: Scenario, healing: Execution) -> None:
    """With good vendors every expected minute has exactly one verdict, and evidence, and what was traded is there. Only
    what no vendor has may be left, and what is not to be told from that."""
    window = run.market.window
    seen: Counter[tuple[str, datetime]] = Counter()
    left = set()
    for span in verdicts(run.lake, window):
        keys = [(span.symbol, minute) for minute in minutes(span.range)]
        seen.update(keys)
        hold(span.verdict is not Verdict.MISSING, f"{span} after healing")
        if span.verdict is Verdict.FAILED:
            left |= {*keys}
        if span.verdict in (Verdict.ABSENT, Verdict.REPAIRED):
            hold(span.evidence != "", f"{span} has no evidence")
        if span.verdict is Verdict.REPAIRED:
            hold(not any(key[0] == span.symbol and key[1] in span.range for key in run.stored), f"{span} was there")
    hold(set(seen) == run.market.expected() and set(seen.values()) == {1}, "a minute has no verdict, or two")
    ended = "MinutesMissing" if left else "Done"
    hold(healing.ended == ended, f"the healing audit ended {healing.ended}, and {len(left)} minutes are left")
    there = {
        key
        for key in left & set(run.truth)
        if not run.profile.loads and run.profile.lies == 0 and any(vendor.has(key) for vendor in run.vendors.values())
    }
    hold(not there, f"{sorted(there)[:3]} were traded, and a vendor has them: they are {healing.state}")
    if run.profile.lasting == "" and run.profile.lies == 0:
        if not run.profile.lag_known:  # what comes after the last bar of a session may still come
            left -= {key for key in left if not _bar_follows(run, key)}
        left -= run.market.dark(run.truth)
        hold(not left, f"{sorted(left)[:3]} were not traded, and are not proven absent")
    if healing.ended == "Done":
        check_facts(run)


def _bar_follows(run: Scenario, key: tuple[str, datetime]) -> bool:
    (session,) = (one for one in run.market.sessions_of(key[0]) if key[1] in one.range)
    return any(name == key[0] and key[1] < minute < session.close for name, minute in run.truth)


def _check_again(run: Scenario, healing: Execution) -> None:
    """A second audit of the same range does nothing."""
    asked = _asked(run)
    lake = dict(run.store.objects)
    again = run.start_audit("again", run.market.window)
    run.settle()
    hold(again.ended == healing.ended, f"the audit after healing ended {again.ended}")
    more = _asked(run) - asked
    hold(more == 0 or healing.ended != "Done", f"the audit after healing asked {more} times")
    wrote = {k for k, v in run.store.objects.items() if lake.get(k, (None,))[0] != v[0]}
    wrote = {key for key in wrote if healing.ended == "Done" or not key.startswith(("failures/", "answers/", "looks/"))}
    hold(not wrote, f"the audit after healing wrote {sorted(wrote)}")
    if run.queue.dead:  # somebody redrives what is left: no harm comes of it
        run.redrive()
        run.settle()
        check_jobs(run)
        check_bars(run)
