"""The real bars through the whole stream: captured minute by minute with a flaw, audited each hour, repaired,
published. What is in the lake then equals the source, and the facts equal a direct aggregation of it.

`make test` replays five hours that hold everything there is. `make replay` (marker `replay`) replays all of both
files: every minute of every day in them, then each night's sweep, which has nothing left to do.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from minutemend.core.bars import VALUES
from minutemend.core.captures import DropRule
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.verdicts import Absence
from minutemend.services.interest import set_interested_stocks

from mend.follow import Followed, follow
from mend.stage import Stage
from tests.integration.conftest import Borrow, Market
from tests.integration.real_days import RealDays, SymbolMinute, symbol_minutes
from tests.integration.replay import HOUR, Minute, Replay, differing_facts, direct_facts, published_facts

ELSEWHERE = timedelta(weeks=52)  # other tests of the same stage have the stocks' own dates
NO_TRADE = 108  # minutes, by the README beside the data
SUSPECTED = 3  # of them: three in a row of BTCUSD (docs/absence.md, "How well it tells")
# By day of the replay and hour: the open, and a minute without trade of BTCUSD; one of IBM; the close; one of LTCUSD,
# long before the stocks' session, in which they trade already; AAPL's open, before which no symbol is asked for.
HOURS_WITH_EVERYTHING = ((0, 13), (0, 16), (0, 19), (5, 8), (8, 13))
TOGETHER = 6  # hours: few waits for the last message, and audits while the next are captured


@dataclass(slots=True)
class Course:
    """What a replay did."""

    minutes: list[Minute] = field(default_factory=list)
    audits: dict[datetime, Followed] = field(default_factory=dict)  # by hour
    sweeps: list[Followed] = field(default_factory=list)  # one for each night
    repaired: set[SymbolMinute] = field(default_factory=set)  # as the lake says
    seconds: float = 0.0

    @property
    def dropped(self) -> set[SymbolMinute]:
        """The symbol-minutes that the flaw lost."""
        return {(symbol, minute.start) for minute in self.minutes for symbol in minute.dropped}

    @property
    def unmended(self) -> list[datetime]:
        """The hours whose own audit did not end well."""
        return [hour for hour, audit in self.audits.items() if audit.execution.status != "SUCCEEDED"]


def replayed(stage: Stage, hours: list[datetime], *, at_once: int) -> Course:
    """Replay these hours by their schedules."""
    replay, course, began = Replay(stage, at_once), Course(), time.monotonic()

    def audited(hour: datetime) -> Followed:
        found = ended(stage, replay.audit(hour))
        since = time.monotonic() - began
        print(f"  {hour:%Y-%m-%d %H:%M} {found.execution.status} {len(course.minutes):,} minutes in {since:.0f} s")
        return found

    audits = replay.run(hours, audited, together=TOGETHER, tell=course.minutes.append)
    course.audits = dict(zip(hours, audits, strict=True))
    course.seconds = time.monotonic() - began
    return course


def swept(stage: Stage, days: RealDays, course: Course) -> None:
    """Run the night's sweep after each day: all ends well but for suspected holes, and facts are rewritten of unmended
    hours alone."""
    began, before = time.monotonic(), facts_objects(stage)
    course.sweeps = [ended(stage, Replay(stage).sweep(day)) for day in days.dates()]
    for sweep in course.sweeps:
        assert sweep.execution.status == "SUCCEEDED" or only_suspected(sweep), sweep.execution.cause
    touched = {key for key, etag in facts_objects(stage).items() if before.get(key) != etag}
    assert touched <= {f"hourly/dt={hour:%Y-%m-%d}/{hour:%H}.parquet" for hour in course.unmended}
    course.seconds += time.monotonic() - began


def only_suspected(audit: Followed) -> bool:
    """Whether an audit failed for suspected holes alone: few of the quiet minutes of a coin look like one."""
    execution = audit.execution
    found = re.search(
        r"(\d+) of \d+ minutes could not be repaired: (\d+) vendor_hole_suspected;", execution.cause or ""
    )
    return execution.error == "MinutesMissing" and found is not None and found[1] == found[2]


def ended(stage: Stage, arn: str) -> Followed:
    """An execution, followed to its end."""
    return follow(stage, arn, tell=lambda *_: None, pause=lambda _: time.sleep(1))


def facts_objects(stage: Stage) -> dict[str, str]:
    """Key and etag of every object with facts."""
    return {stored.key: stored.etag for stored in stage.lake.store.list("hourly/")}


@pytest.fixture
def days(
    request: pytest.FixtureRequest,
    real_bars: Path,
    tmp_path: Path,
    market: Market,
    borrow: Borrow,
) -> RealDays:
    """Both files, as the market trades them."""
    found = RealDays.read(real_bars, later=getattr(request, "param", ELSEWHERE))
    for midnight in found.dates():
        borrow(Range(midnight, midnight + timedelta(days=1)))
    path = tmp_path / "market.parquet"
    found.bars.to_parquet(path)
    market.replay(path)
    return found


@pytest.fixture
def _followed(stage: Stage, days: RealDays) -> Iterator[None]:
    """The stage follows the symbols of the files while a test runs, and its own again afterwards."""
    before = stage.interest(write=True)
    set_interested_stocks(stage.lake, days.parameter(), now=datetime.now(UTC))
    yield
    lists = {name: [one.symbol for one in before.listings if one.calendar == name] for name in ("XNYS", "24/7")}
    set_interested_stocks(stage.lake, json.dumps(lists), now=datetime.now(UTC))


@pytest.mark.usefixtures("_followed")
def test_replayed_hours_end_equal_to_their_source(stage: Stage, days: RealDays) -> None:
    """Bars and facts to the last digit, holes by the flaw repaired, no-trade minutes proven and said to be absent."""
    dates = days.dates()
    hours = [dates[day] + hour * HOUR for day, hour in HOURS_WITH_EVERYTHING]
    course = replayed(stage, hours, at_once=2)
    assert course.unmended == []
    absent = ended_equal(stage, days, hours, course)
    assert course.repaired <= course.dropped
    assert {symbol for symbol, _ in absent} == {"IBM", "BTCUSD", "LTCUSD"}


@pytest.mark.replay
@pytest.mark.parametrize("days", [timedelta(0)], indirect=True)
@pytest.mark.usefixtures("_followed")
def test_every_minute_of_both_files_ends_accounted_for(stage: Stage, days: RealDays) -> None:
    """All days of all symbols; an hour that its audit could not mend would be mended by the night's sweep."""
    course = replayed(stage, days.hours(), at_once=4)
    swept(stage, days, course)
    assert all(only_suspected(course.audits[hour]) for hour in course.unmended)
    absent = ended_equal(stage, days, days.hours(), course)
    assert NO_TRADE - len(absent) <= SUSPECTED
    print(figures(days, course, absent))


def ended_equal(stage: Stage, days: RealDays, hours: Collection[datetime], course: Course) -> set[SymbolMinute]:
    """Check everything that the lake is to hold of these hours, and return the minutes proven absent. One without a
    trade is proven, or suspected: by its hour, while others were not mended yet, and not by the night's sweep."""
    dates = [Range(day, day + timedelta(days=1)) for day in days.dates()]
    expected, source = days.expected_in(hours), days.traded_in(hours)
    lost_on_purpose(stage, expected, course)
    stored = pd.concat([stage.lake.read_bars(date).to_pandas() for date in dates])
    stored["minute"] = stored["minute"].dt.tz_localize("UTC")
    stored = stored.sort_values(["symbol", "minute"], ignore_index=True)
    columns = ["symbol", "minute", *VALUES]
    pd.testing.assert_frame_equal(
        stored[columns], source[columns], check_exact=True, check_dtype=False, check_index_type=False
    )
    course.repaired = symbol_minutes(stored[stored["repair_id"].notna()])
    assert course.repaired >= course.dropped & symbol_minutes(source)
    absent = absences([one for date in dates for one in stage.lake.absences(date)])
    failed = [one for date in dates for one in stage.lake.failures(date) if one.reason == "vendor_hole_suspected"]
    suspected = each_minute((one.symbol, one.range) for one in failed)
    assert absent | suspected == symbol_minutes(expected) - symbol_minutes(source)
    assert {minute.replace(minute=0) for _, minute in absent & suspected} <= {*course.unmended}
    suspected -= absent
    facts_equal(stage, dates, expected, source, suspected)
    return absent


def lost_on_purpose(stage: Stage, expected: pd.DataFrame, course: Course) -> None:
    """The schedules asked for every expected minute but for those of the flaw, and for nothing else."""
    flaw = stage.settings.flaw
    assert flaw is not None
    rule = DropRule(flaw.rate, flaw.seed)
    assert course.dropped == {pair for pair in symbol_minutes(expected) if rule.drops(*pair)} != set()
    asked = {minute.start: minute.symbols + len(minute.dropped) for minute in course.minutes}
    assert +Counter(asked) == Counter(expected["minute"].to_list())


def absences(found: list[Absence]) -> set[SymbolMinute]:
    """The symbol-minutes of these proofs, each from two answers."""
    assert all(one.observations == 2 and one.reason == "no_trade" for one in found)
    return each_minute((one.symbol, one.range) for one in found)


def each_minute(ranges: Iterable[tuple[str, Range]]) -> set[SymbolMinute]:
    """The symbol-minutes of ranges of symbols."""
    return {(symbol, span.start + n * MINUTE) for symbol, span in ranges for n in range(span.minutes)}


def facts_equal(
    stage: Stage, dates: list[Range], expected: pd.DataFrame, source: pd.DataFrame, suspected: set[SymbolMinute]
) -> None:
    """The facts are those of pandas, bit for bit; each symbol-hour says what was expected and what is absent."""
    ours = pd.concat([published_facts(stage, date) for date in dates]).sort_index()
    assert differing_facts(ours, direct_facts(source)) == []
    counts = (frame.groupby(["symbol", frame["minute"].dt.floor("h")]).size() for frame in (expected, source))
    asked, there = (dict(count) for count in counts)
    told = {}
    for row in (row for date in dates for row in stage.lake.hourly.facts(date).to_pylist()):
        if row["minutes_expected"]:
            at = (row["symbol"], pd.Timestamp(row["hour"], tz=UTC))
            told[at] = (row["minutes_expected"], row["minutes_present"], row["minutes_absent"])
    open_ = Counter((symbol, pd.Timestamp(minute).floor("h")) for symbol, minute in suspected)
    assert told == {at: (count, there.get(at, 0), count - there.get(at, 0) - open_[at]) for at, count in asked.items()}


def figures(days: RealDays, course: Course, absent: Collection[SymbolMinute]) -> str:
    """What the replay came to, for people."""
    expected, source = days.expected, days.traded_in(days.hours())
    left = course.repaired - course.dropped  # workers died of a busy machine, or were out of tries
    asked = [sum(sum(one.jobs.values()) for one in some) for some in (course.audits.values(), course.sweeps)]
    return "\n".join(
        [
            "",
            f"{len(course.minutes):,} scheduled minutes of {len(days.dates())} days in {course.seconds / 60:.1f} min",
            f"{len(expected):,} symbol-minutes expected: {len(source) - len(course.repaired):,} captured, "
            f"{len(course.repaired):,} repaired, {len(absent):,} proven absent; "
            f"{len(course.dropped):,} dropped on purpose, {len(left):,} that capture left to the audit",
            f"{len(course.audits):,} hourly audits with {asked[0]:,} repair requests left {len(course.unmended)} hours "
            f"to the {len(course.sweeps)} nightly sweeps, with {asked[1]:,}",
            f"{len(direct_facts(source)):,} symbol-hours of facts equal pandas' in every bit",
        ]
    )
