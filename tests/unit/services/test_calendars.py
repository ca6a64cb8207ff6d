"""The sessions in force: what ships and is newer is taken over, what people record is applied, two at once agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from minutemend.contract import CLOSURES_KEY, EDITIONS_KEY, SESSIONS_KEY, Table
from minutemend.core.closures import Closure, parse_closure
from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.services.calendars import EDITION, Calendars
from minutemend.services.evidence_rows import row_of
from minutemend.services.tables import encode, from_rows, metadata_of

from mend.calendars.known import calendar_named, edition
from mend.calendars.shipped import LAST, sessions_file
from tests.fakes.store import FakeStore

FIRST = datetime(2024, 1, 1, 14, 30, tzinfo=UTC)


def session(calendar: str, day: int, minutes: int = 390) -> Session:
    opened = FIRST + timedelta(days=day)
    return Session(calendar, opened.date(), opened, opened + minutes * MINUTE)


def file_of(sessions: list[Session], version: str = "") -> bytes:
    table = from_rows(map(row_of, sessions), Table.SESSIONS)
    return encode(table.replace_schema_metadata({EDITION: version}) if version else table)


def closed(day: str, calendar: str = "XNYS") -> Closure:
    return parse_closure({"kind": "closed", "calendar": calendar, "start": day, "by": "anna", "why": "storm"})


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def calendars(store: FakeStore) -> Calendars:
    return Calendars(store)


def days(calendars: Calendars, name: str = "XNYS") -> list[int]:
    return [one.dt.day for one in calendars.sessions(calendars=[name])]


def test_a_lake_takes_what_ships_once(calendars: Calendars, store: FakeStore) -> None:
    """And writes nothing when it looks again."""
    shipped = file_of([session("XNYS", 0), session("24/7", 0)], "4.13.2")
    assert calendars.renew(shipped) == ["24/7", "XNYS"]
    puts = list(store.puts)
    assert calendars.renew(shipped) == []
    assert store.puts == puts
    assert (days(calendars), days(calendars, "24/7")) == ([1], [1])


def test_newer_sessions_are_taken_over_in_any_order() -> None:
    """A newer release, or one that reaches further; in any order the same."""
    old, far = file_of([session("XNYS", 0)], "4.9.1"), file_of([session("XNYS", n) for n in (0, 1)], "4.9.1")
    newer = file_of([session("XNYS", n) for n in (0, 2, 3)], "4.13")
    for order in ([old, far, newer], [newer, far, old], [far, newer, old], [old, newer]):
        calendars = Calendars(FakeStore())
        for shipped in order:
            calendars.renew(shipped)
        assert days(calendars) == [1, 3, 4]


def test_a_deploy_renews_the_sessions_of_a_stage_of_before(calendars: Calendars, store: FakeStore) -> None:
    """Commit 2d554fb seeded the table once; calendars that only the lake has stay."""
    store.put(SESSIONS_KEY, file_of([session("XNYS", 0), session("XLON", 0)]))
    assert set(calendars.known()) == {"XNYS", "XLON"}
    assert calendars.renew(file_of([session("XNYS", n) for n in range(3)], "4.13.2")) == ["XNYS"]
    assert (days(calendars), days(calendars, "XLON")) == ([1, 2, 3], [1])
    assert calendars.known()["XNYS"].end == datetime(2024, 1, 4, tzinfo=UTC)


def test_a_closure_is_in_force_at_once_outlives_a_renewal_and_can_be_taken_back(calendars: Calendars) -> None:
    calendars.renew(file_of([session("XNYS", n) for n in range(3)], "4.13.2"))
    calendars.change_closures(lambda told: [*told, closed("2024-01-02")])
    assert days(calendars) == [1, 3]
    calendars.renew(file_of([session("XNYS", n) for n in range(4)], "4.13.3"))
    assert days(calendars) == [1, 3, 4]
    assert calendars.known()["XNYS"].start.date() == date(2024, 1, 1)
    calendars.change_closures(lambda _: [])
    assert days(calendars) == [1, 2, 3, 4]


def test_closing_the_last_session_does_not_make_its_date_unknown(calendars: Calendars) -> None:
    """A closed date is a known one: nothing is expected there."""
    calendars.renew(file_of([session("XNYS", n) for n in range(3)], "4.13.2"))
    before = calendars.known()
    calendars.change_closures(lambda _: [closed("2024-01-03"), closed("2024-01-01")])
    assert days(calendars) == [2]
    assert calendars.known() == before


def test_who_dies_between_the_files_is_put_right_by_the_next_look(calendars: Calendars, store: FakeStore) -> None:
    """Closures, or sessions, that are written and not in force yet."""
    shipped = file_of([session("XNYS", n) for n in range(3)], "4.13.2")
    calendars.renew(shipped)
    before = store.objects[SESSIONS_KEY]
    calendars.change_closures(lambda _: [closed("2024-01-02")])
    store.objects[SESSIONS_KEY] = before
    calendars.renew(shipped)
    assert days(calendars) == [1, 3]
    further = file_of([session("XNYS", n) for n in range(4)], "4.13.2")
    before = store.objects[SESSIONS_KEY]
    calendars.renew(further)
    store.objects[SESSIONS_KEY] = before
    calendars.renew(further)
    assert days(calendars) == [1, 3, 4]


def test_two_that_record_at_once_both_stay(calendars: Calendars, store: FakeStore) -> None:
    calendars.renew(file_of([session("XNYS", n) for n in range(3)], "4.13.2"))
    other = Calendars(store)
    once: list[int] = []

    def meanwhile(told: list[Closure]) -> list[Closure]:
        if not once:
            once.append(1)
            other.change_closures(lambda there: [*there, closed("2024-01-01")])
        return [*told, closed("2024-01-02")]

    calendars.change_closures(meanwhile)
    assert days(calendars) == [3]
    assert len(calendars.closures()) == 2


def test_a_malformed_file_of_closures_leaves_what_is_in_force(calendars: Calendars, store: FakeStore) -> None:
    shipped = file_of([session("XNYS", n) for n in range(3)], "4.13.2")
    calendars.renew(shipped)
    calendars.change_closures(lambda _: [closed("2024-01-02")])
    store.put(CLOSURES_KEY, b"\xff{")
    calendars.renew(shipped)
    assert days(calendars) == [1, 3]
    with pytest.raises(BadInput, match="no JSON"):
        calendars.closures()


def test_the_table_in_force_is_what_the_query_reads(calendars: Calendars, store: FakeStore) -> None:
    """Its columns and no more, for Athena reads the file itself."""
    calendars.renew(file_of([session("XNYS", 0)], "4.13.2"))
    stored = pq.read_table(pa.BufferReader(store.get(SESSIONS_KEY)))
    assert stored.column_names == ["calendar", "dt", "open", "close", "minutes"]
    assert store.get(EDITIONS_KEY) is not None


def test_what_ships_with_a_layer_names_its_edition(calendars: Calendars) -> None:
    """Or no deploy would ever renew a calendar. 24/7 never ends, others where their exchange has said no more."""
    made = sessions_file(["24/7", "XNYS"])
    assert metadata_of(made)[EDITION].decode() == edition()
    assert calendars.renew(made) == ["24/7", "XNYS"]
    ends = {name: calendars.known()[name].end.date() for name in ("24/7", "XNYS")}
    assert ends == {"24/7": LAST + timedelta(days=1), "XNYS": calendar_named("XNYS").last + timedelta(days=1)}


def test_what_ships_is_the_same_bytes_again() -> None:
    """A layer's hash must not change when nothing did."""
    assert sessions_file(["XNYS", "24/7"]) == sessions_file(["24/7", "XNYS"])


def test_sessions_are_replaced_by_calendar() -> None:
    """Those of other calendars stay."""
    calendars = Calendars(FakeStore())
    crypto, early = session("24/7", 0, 1440), session("XNYS", 0, 180)
    calendars.put([session("XNYS", 0), crypto])
    calendars.put([early])
    assert calendars.sessions() == [crypto, early]
    assert calendars.sessions(Range(early.close, crypto.close)) == [crypto]
    assert calendars.sessions(calendars=["XNYS"]) == [early]
