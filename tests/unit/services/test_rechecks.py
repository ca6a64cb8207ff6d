"""The night's rechecks of dates before the sweep's: which, in what order, within which budget, and only once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from minutemend.contract import RECHECKS_KEY, Key, Status
from minutemend.core.answers import VendorLimits
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence, Failure
from minutemend.services.lake import Lake
from minutemend.services.rechecks import KEPT, RequestRechecks
from minutemend.services.report_failure import HOLE_SUSPECTED

from tests.fakes.store import FakeStore
from tests.unit.services.loop import OPEN, Loop, bar
from tests.unit.services.test_absence_again import DAY, HELD, HOLE, HOLES, proven, suspected, sweep

ONE = VendorLimits("fake", rows=1000, symbols=1, per_minute=60)
EVIDENCE = json.dumps([{"vendor": "fake"}])


def night_of(lake: Lake, results: FakeStore | None = None, *, most: int = 100, vendor: VendorLimits = ONE) -> Any:
    return RequestRechecks(lake=lake, results=results or FakeStore(), vendors=[vendor], sweep_days=2, most=most)


class Clock:
    """A store whose objects are written when the test says, and a night that comes later."""

    def __init__(self, *symbols: str) -> None:
        self.now = OPEN
        self.store = FakeStore(lambda: self.now)
        self.lake = Lake(self.store)
        self.lake.put_symbols([Listing(symbol, "XNYS") for symbol in symbols])

    def prove(self, day: datetime, symbol: str, at: datetime, proof: str = "two_looks", minute: int = 7) -> None:
        self.now = at
        span = Range(day + minute * MINUTE, day + (minute + 1) * MINUTE)
        self.lake.put_absences([Absence(symbol, span, "no_trade", EVIDENCE, 2, at, proof, 0.5, RULE)])

    def suspect(self, day: datetime, symbol: str, at: datetime, audit: str, *, reason: str = HOLE_SUSPECTED) -> None:
        self.now = at
        self.lake.put_failures([Failure(symbol, Range(day, day + MINUTE), reason, "[]", 1, audit, at)])

    def night(self, at: datetime, *, most: int = 100, vendor: VendorLimits = ONE) -> dict[date, tuple[str, ...]]:
        self.now = at
        made = night_of(self.lake, most=most, vendor=vendor)
        made.run("night", at)
        body = made.results.get("backfills/rechecks/night.json")
        found: dict[date, tuple[str, ...]] = {}
        for one in json.loads(body or b"[]"):
            day = datetime.fromisoformat(one["input"]["start"]).date()
            found[day] = found.get(day, ()) + tuple(one["input"]["symbols"])
        return found


LONG_AGO = OPEN - timedelta(days=900)


def test_a_proof_is_asked_again_after_a_week_and_a_month_whatever_its_date() -> None:
    """Of a backfill's date the first day's, too: no sweep looks there. Each once, though a night runs each night."""
    clock = Clock("AAA")
    clock.prove(LONG_AGO, "AAA", OPEN)
    asked = [day for day in range(40) if clock.night(OPEN + timedelta(days=day, hours=1))]
    assert asked == [1, 7, 30]


def test_an_object_that_others_left_there_ends_no_night() -> None:
    clock = Clock("AAA")
    clock.prove(LONG_AGO, "AAA", OPEN)
    for stray in ("absences/", "absences/readme.txt", "failures/dt=soon/x.parquet"):
        clock.store.put(stray, b"")
    assert clock.night(OPEN + timedelta(days=1, hours=1))


def test_the_sweeps_own_dates_are_left_to_the_sweep() -> None:
    clock = Clock("AAA")
    clock.prove(OPEN, "AAA", OPEN)
    asked = [day for day in range(12) if clock.night(OPEN + timedelta(days=day, hours=1))]
    assert asked == [3, 7]


def test_a_hole_that_each_night_was_told_of_has_one_beginning() -> None:
    clock = Clock("AAA", "BBB")
    for night in range(5):
        clock.suspect(LONG_AGO, "BBB", OPEN + timedelta(days=night), f"audit-{night}")
    clock.suspect(LONG_AGO, "AAA", OPEN, "audit-0", reason="garbage")
    found = {day: clock.night(OPEN + timedelta(days=day, hours=1)) for day in range(6, 40)}
    assert {day: names for day, names in found.items() if names} == {
        6: {LONG_AGO.date(): ("BBB",)},  # the first night that ran: a day after, and late
        7: {LONG_AGO.date(): ("BBB",)},
        30: {LONG_AGO.date(): ("BBB",)},
    }


@pytest.mark.parametrize("proof", ["two_sources", "venue_statement"])
def test_strong_proofs_and_symbols_that_are_followed_no_more_are_not_asked(proof: str) -> None:
    clock = Clock("AAA")
    clock.prove(LONG_AGO, "AAA", OPEN, proof)
    clock.prove(LONG_AGO, "ZZZ", OPEN)
    assert clock.night(OPEN + timedelta(days=8)) == {}


def test_the_cheapest_date_comes_first_and_the_rest_the_next_night() -> None:
    """A budget of three requests, one symbol each: the date of one, then two of three symbols, then the third."""
    clock = Clock("AAA", "BBB", "CCC")
    dear, cheap = LONG_AGO, LONG_AGO + timedelta(days=1)
    for symbol in ("AAA", "BBB", "CCC"):
        clock.prove(dear, symbol, OPEN)
    clock.prove(cheap, "CCC", OPEN)
    nights = [clock.night(OPEN + timedelta(days=1, hours=24 * n), most=3) for n in range(1, 4)]
    assert nights == [{cheap.date(): ("CCC",), dear.date(): ("AAA", "BBB")}, {dear.date(): ("CCC",)}, {}]
    wide = replace(ONE, symbols=3)
    other = Clock("AAA", "BBB", "CCC")
    for symbol in ("AAA", "BBB", "CCC"):
        other.prove(dear, symbol, OPEN)
    assert other.night(OPEN + timedelta(days=2), most=1, vendor=wide) == {dear.date(): ("AAA", "BBB", "CCC")}
    assert Clock("AAA").night(OPEN, most=0) == {}


def test_a_mark_that_passes_between_two_partial_nights_of_a_date_is_asked_in_the_second() -> None:
    """AAA was asked in the first night, for BBB there was no room; a week after its proof AAA is due once more."""
    clock = Clock("AAA", "BBB")
    clock.prove(LONG_AGO, "AAA", OPEN)
    clock.prove(LONG_AGO, "BBB", OPEN + timedelta(days=5))
    first, second = OPEN + timedelta(days=6, hours=12), OPEN + timedelta(days=7, hours=12)
    assert clock.night(first, most=1) == {LONG_AGO.date(): ("AAA",)}
    assert clock.night(second, most=2) == {LONG_AGO.date(): ("AAA", "BBB")}
    assert clock.night(second + timedelta(days=1)) == {}


def test_what_found_no_room_for_long_is_asked_by_itself_no_more() -> None:
    clock = Clock("AAA")
    clock.prove(LONG_AGO, "AAA", OPEN)
    assert clock.night(OPEN + KEPT - timedelta(hours=1))
    late = Clock("AAA")
    late.prove(LONG_AGO, "AAA", OPEN)
    assert late.night(OPEN + KEPT) == {}


def test_a_step_that_is_tried_again_gives_the_same_windows_and_another_run_none() -> None:
    """Its answer was lost: the windows are there. What was asked is remembered for the next run."""
    clock = Clock("AAA")
    clock.prove(LONG_AGO, "AAA", OPEN)
    night = OPEN + timedelta(days=2)
    results = FakeStore()
    made = night_of(clock.lake, results)
    first = made.run("recheck-1", night)
    (one,) = json.loads(results.get(first["key"]) or b"")
    assert first == {"key": "backfills/rechecks/recheck-1.json", "dates": 1, "requests": 1}
    assert one["name"] == "recheck-1-00000"
    assert made.run("recheck-1", night)["key"] == first["key"]
    assert made.run("recheck-2", night) == {"dates": 0, "requests": 0}
    assert list(json.loads(clock.store.get(RECHECKS_KEY) or b"")) == [LONG_AGO.date().isoformat()]
    with pytest.raises(BadInput, match="run"):
        made.run("no name", night)


def test_a_night_looks_no_further_than_what_is_due() -> None:
    """An audit repairs whatever is missing in its range: of an hour that was repaired alone, no day is fetched."""
    clock = Clock("AAA", "BBB")
    clock.prove(LONG_AGO, "AAA", OPEN, minute=7)
    clock.prove(LONG_AGO, "BBB", OPEN, minute=40)
    found = night_of(clock.lake).night(OPEN + timedelta(days=2)).dates
    assert found == ((Range(LONG_AGO + 7 * MINUTE, LONG_AGO + 41 * MINUTE), ("AAA", "BBB")),)


def test_many_symbols_are_named_in_states_that_stay_small() -> None:
    names = [f"SYMBOL{n:04d}" for n in range(1200)]
    clock = Clock(*names)
    for name in names:
        clock.prove(LONG_AGO, name, OPEN)
    night, results = OPEN + timedelta(days=2), FakeStore()
    made = night_of(clock.lake, results, vendor=replace(ONE, symbols=200))
    windows = json.loads(results.get(made.run("night", night)["key"]) or b"")
    assert sorted(name for one in windows for name in one["input"]["symbols"]) == names
    assert max(len(json.dumps(one["input"]["symbols"])) for one in windows) < 7_000


def ask_again(loop: Loop, name: str) -> dict[str, Any]:
    """The night's window of the loop's day, run as the backfill's machine runs it."""
    night = OPEN + timedelta(days=8)
    made = night_of(loop.lake)
    (one,) = json.loads(made.results.get(made.run("night", night)["key"]) or b"")
    loop.now = night
    given = {key: value for key, value in one["input"].items() if key not in ("start", "end")}
    return loop.run(name, **given)


def test_the_sweep_of_the_same_night_rings_no_second_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor those of the nights after, while the hole lies in their days."""
    loop = suspected()
    told = len(loop.signals.alarms)
    around = [Session("XNYS", day.date(), day, day + MINUTE) for day in (OPEN - timedelta(3), OPEN + timedelta(4))]
    loop.lake.calendars.put([*loop.lake.calendars.sessions(), *around])
    for night in (1, 2):
        loop.now = OPEN + timedelta(days=night, hours=3)
        assert sweep(loop, monkeypatch, f"night-{night}")[Key.STATUS] == Status.KNOWN
    assert len(loop.signals.alarms) == told


def test_a_hole_that_no_audit_has_reported_is_news_at_night_too() -> None:
    """Bars of a day that was whole were deleted since: the night that asks for something else there says so."""
    loop = Loop(truth=HOLES, stored=HOLES)
    assert loop.run("recheck-1", recheck="due")[Key.STATUS] == Status.EXHAUSTED
    assert len(loop.signals.alarms) == 1


def test_what_is_still_missing_is_no_news_and_what_came_is_repaired() -> None:
    """The known hole is asked for once, and there is no second alarm of it."""
    loop = suspected()
    told = len(loop.signals.alarms)
    assert ask_again(loop, "quiet-1")[Key.STATUS] == Status.KNOWN
    assert (len(loop.vendor.asked), len(loop.signals.alarms)) == (1, told)
    came = suspected()
    for minute in range(20, 30):
        came.vendor.bars["BBB", OPEN + minute * MINUTE] = bar("BBB", OPEN + minute * MINUTE)
    assert ask_again(came, "quiet-2")[Key.STATUS] == Status.READY
    assert all(came.lake.read_bars(HELD, ["BBB"])["repair_id"].to_pylist())


def test_a_minute_that_is_newly_missing_is_news_in_a_quiet_audit_too() -> None:
    loop = suspected()
    loop.lake.store.delete([one.key for one in loop.lake.bar_objects(DAY)])
    loop.vendor.bars.clear()
    assert ask_again(loop, "quiet-1")[Key.STATUS] == Status.EXHAUSTED


def test_a_weak_proof_is_asked_again_by_the_night_and_stays() -> None:
    loop = proven()
    assert ask_again(loop, "quiet-1")[Key.STATUS] == Status.READY
    assert len(loop.vendor.asked) == 1
    assert [one.range for one in loop.lake.absences(DAY)] == [HOLE]


HALVES = replace(ONE, rows=20)  # a request is for 18 minutes


def suspect_long(clock: Clock, day: datetime, minutes: int, symbol: str = "AAA") -> None:
    clock.now = OPEN
    span = Range(day, day + minutes * MINUTE)
    clock.lake.put_failures([Failure(symbol, span, HOLE_SUSPECTED, "[]", 1, "audit-1", OPEN)])


def test_a_date_without_room_keeps_no_other_waiting_and_has_its_turn() -> None:
    """The small record of a long hole is taken for cheap. Its first symbol alone takes more than is left."""
    clock = Clock("AAA", "BBB")
    first, long, other = (LONG_AGO + timedelta(days=n) for n in range(3))
    suspect_long(clock, first, 18)
    suspect_long(clock, long, 36)
    for n in range(3):  # larger records
        clock.suspect(other, "BBB", OPEN, f"audit-{n}")
    nights = [clock.night(OPEN + timedelta(days=n), most=2, vendor=HALVES) for n in (1, 2, 3)]
    assert nights == [{first.date(): ("AAA",), other.date(): ("BBB",)}, {long.date(): ("AAA",)}, {}]


def test_a_symbol_that_takes_more_than_the_budget_has_a_night_for_itself() -> None:
    """None but the budget of nothing keeps it waiting for ever, though each night something cheaper is due."""
    clock = Clock("AAA", "BBB")
    suspect_long(clock, LONG_AGO, 100)
    for n in range(3):  # a larger record than the others
        clock.suspect(LONG_AGO, "AAA", OPEN, f"audit-{n}")
    for n in range(20):
        clock.prove(LONG_AGO + timedelta(days=n + 1), "BBB", OPEN + timedelta(days=n))
    asked = [n for n in range(1, 12) if LONG_AGO.date() in clock.night(OPEN + timedelta(days=n), most=1, vendor=HALVES)]
    assert asked == [9]
    assert Clock("AAA").night(OPEN, most=0) == {}
    none = Clock("AAA")
    suspect_long(none, LONG_AGO, 100)
    assert [none.night(OPEN + timedelta(days=n), most=0, vendor=HALVES) for n in (1, 9)] == [{}, {}]
    night = night_of(none.lake, most=1, vendor=HALVES).night(OPEN + timedelta(days=1))
    assert (len(night.dates), night.requests) == (1, 6)  # what is taken is said
