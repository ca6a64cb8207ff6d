"""Flags as the nights find and keep them: the lake's statement, and the table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import cache

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from minutemend.contract import Table
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.value_rules import RULES, Flag, flags_of
from minutemend.services.flags import TooManyFlags, flags_in, lake_flags_sql
from minutemend.services.lake import Lake

from mend.lake_values import doubted
from tests.engine import engine
from tests.fakes.store import FakeStore
from tests.flawed import write_flawed
from tests.lakes import WHOLE, at

NOW = at("2024-03-13 03:10")


SEEDS = range(3)


@cache
def flawed(seed: int) -> Lake:
    lake = Lake(FakeStore())
    write_flawed(lake, seed)
    return lake


@cache
def found(lake: Lake, window: Range = WHOLE) -> Sequence[Flag]:
    return flags_of(engine(lake)(lake_flags_sql(window), ""))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stage_finds_what_a_laptop_finds(seed: int) -> None:
    """Sessions by the lake's tables there, by the nearest open before here; the rules are one text."""
    lake = flawed(seed)
    on_laptop = [one for one in doubted(lake, WHOLE) if one.rule in RULES]
    assert list(found(lake)) == on_laptop
    assert on_laptop
    assert "STRANGER" not in {one.symbol for one in on_laptop}


def test_the_flawed_lakes_ring_every_rule_but_that_of_rows_that_a_lake_resolves() -> None:
    rang = {one.rule for seed in SEEDS for one in found(flawed(seed))}
    assert rang == {*RULES} - {"two_values"}


def test_no_part_of_the_statement_is_called_like_a_table() -> None:
    """An engine that looks tables up by name, as the local one does, would take the one for the other."""
    parts = re.findall(r"^(?:WITH )?(\w+) AS \($", lake_flags_sql(WHOLE), flags=re.MULTILINE)
    assert len(parts) > 5
    assert set(parts).isdisjoint(Table)


def test_a_session_that_is_not_over_is_left_for_the_next_night() -> None:
    """NIGHT's session of the 12th begins at 22:10 of the 11th: half of it says not what is usual."""
    lake = flawed(1)
    half = Range(at("2024-03-11 00:00"), at("2024-03-12 00:00"))
    judged = {"spike", "frozen", "flat_fill", "split_step", "scale"}

    def of_night(window: Range) -> set[str]:
        return {
            one.rule
            for one in found(lake, window)
            if one.symbol.startswith("NIGHT") and at("2024-03-11 22:10") <= one.start and one.rule in judged
        }

    assert of_night(half) == set()
    assert of_night(WHOLE)


def test_more_than_a_person_can_look_at_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer itself is cut off: what a feed of filled minutes rings fills no memory."""
    monkeypatch.setattr("minutemend.services.flags.MOST_ROWS", 10)
    rows = engine(flawed(0))(lake_flags_sql(WHOLE), "")
    assert len(rows) == 11
    with pytest.raises(TooManyFlags, match="more than 10 bars"):
        flags_in(rows, WHOLE)
    assert flags_in(rows[:10], WHOLE) == list(flags_of(rows[:10]))


def flag(minute: str, rule: str = "spike", *, bars: int = 1, said: str = "high 9") -> Flag:
    return Flag("IBM", at(minute), at(minute) + bars * MINUTE, rule, bars, said)


def test_a_flag_is_kept_once_with_when_it_was_found() -> None:
    """Run twice, or a night later with other numbers: the same row. What is new has an object of its own."""
    lake = Lake(FakeStore())
    first = [flag("2024-03-11 14:00"), flag("2024-03-12 14:00", "frozen", bars=9)]
    assert [one.found_at for one in lake.flags.keep(first, now=NOW)] == [NOW, NOW]
    keys = {one.key for one in lake.store.list("flags/")}
    assert {key.split("/")[1] for key in keys} == {"dt=2024-03-11", "dt=2024-03-12"}
    later = NOW + timedelta(days=1)
    again = lake.flags.keep([flag("2024-03-11 14:00", said="high 9, 25 usual moves"), first[1]], now=later)
    assert [(one.said, one.found_at) for one in again] == [("high 9", NOW), ("high 9", NOW)]
    assert {one.key for one in lake.store.list("flags/")} == keys
    more = lake.flags.keep([*first, flag("2024-03-11 15:00")], now=later)
    assert [one.found_at for one in more] == [NOW, later, NOW]
    stored = [lake.store.get(one.key) or b"" for one in lake.store.list("flags/")]
    assert [pq.read_metadata(pa.BufferReader(body)).num_rows for body in stored] == [1, 1, 1]  # as Athena reads them


def test_what_no_longer_rings_stays_as_what_was_found_then() -> None:
    lake = Lake(FakeStore())
    lake.flags.keep([flag("2024-03-11 14:00")], now=NOW)
    assert lake.flags.keep([], now=NOW) == []
    assert [one.rule for one in lake.flags.read([NOW.date() - timedelta(days=2)])] == ["spike"]


def test_the_table_has_a_flag_in_the_partition_of_its_beginning() -> None:
    """A run over midnight is one row."""
    lake = Lake(FakeStore())
    lake.flags.keep([flag("2024-03-11 23:50", "frozen", bars=30)], now=NOW)
    assert [one.key.rpartition("/")[0] for one in lake.store.list(f"{Table.FLAGS}/")] == ["flags/dt=2024-03-11"]
