"""Objects of dates are found by few lists: a day each where they are few, a month each where they are years."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from minutemend.contract import Table
from minutemend.ports.store import Stored
from minutemend.services.tables import listed, partition

from tests.fakes.store import FakeStore

FIRST = date(2023, 11, 28)
DAYS = st.sets(st.integers(0, 100), max_size=60)


class Counting(FakeStore):
    def __init__(self) -> None:
        super().__init__()
        self.lists = 0

    def list(self, prefix: str) -> list[Stored]:
        self.lists += 1
        return super().list(prefix)


def filled(days: set[int]) -> Counting:
    store = Counting()
    for day in days:
        for table in (Table.ABSENCES, Table.ANSWERS):
            store.put(f"{partition(table, FIRST + timedelta(days=day))}x.parquet", b"")
    return store


@given(DAYS, DAYS)
def test_they_are_the_objects_of_each_date(there: set[int], wanted: set[int]) -> None:
    store = filled(there)
    dates = [FIRST + timedelta(days=day) for day in wanted]
    one_by_one = [found for day in sorted(dates) for found in store.list(partition(Table.ABSENCES, day))]
    assert listed(store, Table.ABSENCES, dates) == one_by_one


def test_years_take_a_list_a_month() -> None:
    store = filled({5, 90})
    found = listed(store, Table.ABSENCES, [FIRST + timedelta(days=day) for day in range(-800, 800)])
    assert (len(found), store.lists) == (2, 54)
    store.lists = 0
    assert len(listed(store, Table.ABSENCES, [FIRST + timedelta(days=5)])) == 1
    assert store.lists == 1


@pytest.mark.parametrize("days", [1, 100])
def test_what_others_left_there_is_left_aside(days: int) -> None:
    """A console makes an empty object of each "folder"; people put notes beside files."""
    store = filled({0})
    for stray in ("", "readme.txt", "dt=soon/x.parquet", f"dt={FIRST}/", f"dt={FIRST}/readme.txt", f"dt={FIRST}/a/b"):
        store.put(f"{Table.ABSENCES}/{stray}", b"")
    found = listed(store, Table.ABSENCES, [FIRST + timedelta(days=day) for day in range(days)])
    assert [one.key for one in found] == [f"{partition(Table.ABSENCES, FIRST)}x.parquet"]
