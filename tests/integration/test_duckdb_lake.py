"""The SQL through DuckDB against an oracle in pandas, on random lakes and on the real bars."""

from __future__ import annotations

import tempfile
from datetime import datetime
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minutemend.core.data_check import Answered, Question, check_data
from minutemend.core.gaps import Gap, Gaps
from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.core.symbols import Listing

from tests.lakes import SESSIONS, WHOLE, RandomLake, at, random_lake, session
from tests.trino.tables import duck

IBM = Listing("IBM", "XNYS")
DAY = SESSIONS[0]  # 2024-03-08


def check(lake: RandomLake, folder: Path) -> Gaps:
    """The lake's files written to the folder, and the statement asked of them."""
    lake.write(folder)
    with duck(folder) as connection:
        connection.execute("SET threads = 1")
        question = Question(lake.window, lake.listings, lake.sessions, lake.asked)
        return check_data(lambda sql: Answered.from_columns(connection.execute(sql).fetchnumpy()), question)


def less_proven(lake: RandomLake, found: Gaps) -> list[Gap]:
    """The gaps less the lake's absences, by the layer's algebra, as an audit takes them away."""
    symbols = [symbol for symbol, _ in lake.absences]
    edges = ([epoch_minute(getattr(span, edge)) for _, span in lake.absences] for edge in ("start", "end"))
    return list(found.less(found.places(symbols, *edges)))


def one_day(bars: list[datetime]) -> RandomLake:
    """IBM on the first session alone, with these bars."""
    return RandomLake([IBM], [("IBM", minute) for minute in bars], [], WHOLE, None, 0, SESSIONS[:1])


def minutes(span: Range) -> list[datetime]:
    return [span.start + number * MINUTE for number in range(span.minutes)]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.integers(0, 2**32))
def test_sql_and_oracle_agree_on_any_lake(seed: int) -> None:
    """Holes, copies, extended hours, seconds, overlapping and empty files, lunch, midnight, listings, absences."""
    lake = random_lake(seed)
    with tempfile.TemporaryDirectory() as folder:
        found = check(lake, Path(folder))
    assert less_proven(lake, found) == lake.oracle()
    expected = Question(lake.window, lake.listings, lake.sessions, lake.asked).expected_minutes
    assert expected == sum(len(minutes) for minutes in lake.expected().values())


@pytest.mark.parametrize("seed", [27, 3, 11])  # 27: sixteen copies of a quarter's last minute, alone in it
def test_lakes_that_once_failed(seed: int, tmp_path: Path) -> None:
    """Found by chance, kept on purpose."""
    lake = random_lake(seed)
    assert less_proven(lake, check(lake, tmp_path)) == lake.oracle()


@pytest.mark.parametrize("copies", [3, 4, 16, 64, 256])
@pytest.mark.parametrize("place", [0, 14])
def test_copies_never_pass_for_other_minutes(copies: int, place: int, tmp_path: Path) -> None:
    """One minute stored so often that its sum, its count or both look like those of minutes that are not there."""
    quarter = Range(at("2024-03-08 15:00"), at("2024-03-08 15:15"))
    rest = [minute for minute in minutes(DAY.range) if minute not in quarter]
    lake = one_day(rest + [quarter.start + place * MINUTE] * copies)
    assert list(check(lake, tmp_path)) == lake.oracle()


def test_as_many_copies_as_holes_are_no_whole_quarter(tmp_path: Path) -> None:
    """Fifteen rows in a quarter, and a minute missing: a count alone would be fooled."""
    stored = minutes(DAY.range)
    stored[40] = stored[41]
    found = check(one_day(stored), tmp_path)
    assert [gap.start for gap in found] == [DAY.open + 40 * MINUTE]


def test_four_copies_and_a_carry_into_the_hole(tmp_path: Path) -> None:
    """Four bars of one minute weigh as much as one bar of the next: it is missing all the same."""
    stored = [minute for minute in minutes(DAY.range) if minute != DAY.open + 31 * MINUTE]
    stored += [DAY.open + 30 * MINUTE] * 3
    found = check(one_day(stored), tmp_path)
    assert [gap.start for gap in found] == [DAY.open + 31 * MINUTE]


@pytest.mark.parametrize(("first", "second"), list(product(range(4), repeat=2)))
def test_the_first_minutes_of_an_hour_are_told_apart(first: int, second: int, tmp_path: Path) -> None:
    """Minutes 0, 1 and 2 of four hours, each so often: 0 weighs as much as 1 at first, and both as much as 2."""
    times = {0: first, 1: second}
    stored = [
        minute
        for minute in minutes(DAY.range)
        for _ in range({**times, 2: minute.hour - 15}.get(minute.minute, 1) if 15 <= minute.hour < 19 else 1)
    ]
    lake = one_day(stored)
    assert list(check(lake, tmp_path)) == lake.oracle()


def test_a_session_without_bars_is_one_gap_save_what_is_proven_absent(tmp_path: Path) -> None:
    """Though only one symbol has an absence; and a cut session is a gap of its part."""
    rest = Listing("REST", "XNYS")
    absence = ("IBM", Range(DAY.open + 30 * MINUTE, DAY.open + 90 * MINUTE))
    for number, window in enumerate((WHOLE, Range(DAY.open + 61 * MINUTE, DAY.close - 45 * MINUTE))):
        lake = RandomLake([IBM, rest], [], [absence], window, None, 0, SESSIONS[:1])
        found = check(lake, tmp_path / str(number))
        assert less_proven(lake, found) == lake.oracle()
        assert found[-1].symbol == "REST"


def test_a_proven_minute_whose_bar_came_late_joins_no_gaps(tmp_path: Path) -> None:
    """Missing neighbours on both sides of it stay two gaps: nothing is asked for that is there."""
    late = DAY.open + 31 * MINUTE
    lake = one_day([minute for minute in minutes(DAY.range) if minute not in (late - MINUTE, late + MINUTE)])
    lake.absences = [("IBM", Range(late, late + MINUTE))]
    found = less_proven(lake, check(lake, tmp_path))
    assert [(gap.start, gap.minutes) for gap in found] == [(late - MINUTE, 1), (late + MINUTE, 1)]


def test_a_lake_without_bars_misses_every_session(tmp_path: Path) -> None:
    """A gap never spans two sessions, and the weekend between them is no gap."""
    lake = RandomLake([IBM], [], [], WHOLE, None, 0)
    found = check(lake, tmp_path)
    assert [gap.range for gap in found] == [one.range for one in SESSIONS if one.calendar == "XNYS"]


def test_a_session_over_midnight_is_one_gap(tmp_path: Path) -> None:
    """Of two dates, and of two years."""
    night = session("24/7", "2023-12-31", "2023-12-31 22:00", "2024-01-01 03:00")
    window = Range(at("2023-12-01 00:00"), at("2024-02-01 00:00"))
    lake = RandomLake([Listing("BTC", "24/7")], [], [], window, None, 0, [night])
    assert [gap.range for gap in check(lake, tmp_path)] == [night.range]
