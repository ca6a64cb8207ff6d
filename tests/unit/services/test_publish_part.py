"""Publishing what there is: symbol by symbol, session by session, each date listed once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from minutemend.contract import Key, Status
from minutemend.core.answers import Answer, AnswerKind
from minutemend.core.bars import Bar, to_table
from minutemend.core.closures import parse_closure
from minutemend.core.minutes import MINUTE, Range, format_instant
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.services import working_files
from minutemend.services.lake import Lake
from minutemend.services.publish import Publish, Published

from tests.fakes.signals import FakeSignals
from tests.fakes.store import FakeStore
from tests.unit.services.loop import OPEN, SYMBOLS, Loop, session_bars

HOUR = Range(OPEN.replace(minute=0), OPEN.replace(minute=0) + timedelta(hours=1))


class Listed(FakeStore):
    """A store that counts what is listed."""

    def __init__(self) -> None:
        super().__init__()
        self.prefixes: Counter[str] = Counter()

    def list(self, prefix):  # type: ignore[no-untyped-def]
        self.prefixes[prefix] += 1
        return super().list(prefix)


def sparse(days: list[int]) -> Lake:
    """A lake with sessions of ten minutes on some days of two and a half years, each with all of its bars."""
    lake = Lake(Listed())
    sessions = [
        Session("XNYS", (OPEN + day * timedelta(days=1)).date(), at, at + 10 * MINUTE)
        for day in days
        for at in (OPEN + day * timedelta(days=1),)
    ]
    lake.calendars.put(sessions)
    lake.put_symbols([Listing("IBM", "XNYS")])
    for session in sessions:
        bars = [Bar("IBM", session.open + n * MINUTE, 1.0, 2.0, 0.5, 1.5, 10.0) for n in range(10)]
        lake.put_bars(to_table(bars, source="sim", repair_id=None, captured_at=session.close))
    return lake


def publish(lake: Lake, signals: FakeSignals, window: Range, **options) -> Published:  # type: ignore[no-untyped-def]
    service = Publish(lake=lake, signals=signals, retire_after=timedelta(0))
    return service.run(window, options.pop("symbols", None), audit_id="a1", now=window.end, **options)


YEARS = Range(OPEN.replace(hour=0, minute=0), OPEN.replace(hour=0, minute=0) + timedelta(days=913))


def test_a_long_range_with_few_sessions_lists_their_dates_alone_and_each_once() -> None:
    """17 sessions in two and a half years: 30 months of facts, and two tables of 17 dates."""
    lake, signals = sparse([n * 53 for n in range(17)]), FakeSignals()
    done = publish(lake, signals, YEARS)
    assert (done.hours, len(done.changed), done.announced) == (17, 17, True)
    listed: Counter[str] = lake.store.prefixes  # type: ignore[attr-defined]
    of_tables = {
        prefix: count for prefix, count in listed.items() if prefix.split("/")[0] in ("bars", "hourly", "absences")
    }
    assert set(of_tables.values()) == {1}
    kinds = Counter(prefix.split("/")[0] for prefix in of_tables)
    assert kinds == {"bars": 17, "absences": 17, "hourly": 31}
    assert listed["retired/"] == 2


def test_a_year_in_which_nothing_is_expected_costs_its_months() -> None:
    """And nothing is said of it."""
    lake, signals = sparse([0]), FakeSignals()
    done = publish(lake, signals, Range(YEARS.start + timedelta(days=40), YEARS.start + timedelta(days=405)))
    assert (done.hours, done.announced, signals.announced) == (0, False, [])
    assert sum(lake.store.prefixes.values()) <= 16  # type: ignore[attr-defined]


def test_facts_of_a_session_that_was_called_off_go() -> None:
    """A storm is written down after the date was published: its facts are found, though it has no session any more."""
    lake, signals = sparse([0, 1]), FakeSignals()
    publish(lake, signals, YEARS)
    storm = parse_closure({"kind": "closed", "calendar": "XNYS", "start": "2026-01-06", "by": "anna", "why": "storm"})
    lake.calendars.change_closures(lambda _: [storm])
    done = publish(lake, signals, YEARS)
    assert [hour.date() for hour, _ in done.changed] == []
    assert {row["hour"].date() for row in lake.hourly.facts(YEARS).to_pylist()} == {date(2026, 1, 5)}


def test_a_halt_is_not_expected_of_the_hour() -> None:
    lake, signals = sparse([0]), FakeSignals()
    record = {"kind": "halt", "symbol": "IBM", "by": "anna", "why": "LULD"}
    spans = {"start": format_instant(OPEN + 2 * MINUTE), "end": format_instant(OPEN + 5 * MINUTE)}
    lake.calendars.change_closures(lambda _: [parse_closure(record | spans)])
    publish(lake, signals, HOUR)
    (row,) = lake.hourly.facts(HOUR).to_pylist()
    assert (row["minutes_expected"], row["minutes_present"]) == (7, 7)


def test_one_quiet_symbol_costs_itself_alone() -> None:
    """The audit fails; the hour of the others is published and announced, and the event says which is which."""
    truth = session_bars()
    quiet = [one for one in truth if one.symbol == "BBB" and one.minute >= OPEN + 20 * MINUTE]
    kept = [one for one in truth if one not in quiet]
    loop = Loop(truth=kept, stored=kept)
    loop.vendor.misbehave = lambda request, now: Answer(request, AnswerKind.GIVE_UP, now, status=404, detail="unknown")
    state = loop.run()
    assert state[Key.STATUS] == Status.EXHAUSTED
    assert "they are of BBB (40); what is whole is published" in state[Key.REASON]
    report = working_files.get_json(loop.results, state[Key.REPORT_KEY])
    assert list(report["symbols"]) == ["BBB"]
    assert sum(report["symbols"]["BBB"].values()) == 40
    missing = working_files.missing_minutes(loop.results, state[Key.GAPS_KEY])
    window = Range(OPEN, OPEN + 60 * MINUTE)
    done = publish(loop.lake, loop.signals, window, missing=missing)
    ((_, detail),) = loop.signals.announced
    assert (detail["symbols"], detail["not_ready"]) == (["AAA", "CCC"], {"BBB": 40})
    assert done.as_json()["ready"] == ["AAA", "CCC"]
    facts = loop.lake.hourly.facts(window).to_pylist()
    short = {row["symbol"]: row["minutes_expected"] - row["minutes_present"] for row in facts if row["hour"].hour == 15}
    assert short == {"AAA": 0, "BBB": 30, "CCC": 0}  # a row that is not whole says so
    assert not publish(loop.lake, loop.signals, window, missing=missing).announced


def test_where_nothing_is_whole_nothing_is_said_to_be_ready() -> None:
    lake, signals = sparse([0]), FakeSignals()
    assert not publish(lake, signals, HOUR, missing={"IBM": 3}).announced
    assert signals.announced == []


def test_only_what_was_audited_is_said_to_be_ready() -> None:
    """Of the symbols that were asked for, those that are not missing."""
    loop = Loop(truth=session_bars(), stored=session_bars())
    loop.begin()
    publish(loop.lake, loop.signals, HOUR, symbols=("AAA", "BBB"), missing={"BBB": 1})
    ((_, detail),) = loop.signals.announced
    assert detail["symbols"] == ["AAA"]


def test_a_symbol_that_expects_nothing_there_is_not_said_to_be_ready() -> None:
    """It was not looked at: its exchange was closed, or it was not listed."""
    loop = Loop(truth=session_bars(), stored=session_bars())
    loop.begin()
    loop.lake.put_symbols(
        [Listing("AAA", "XNYS"), Listing("BBB", "XHKG"), Listing("CCC", "XNYS", delisted=OPEN.date())]
    )
    publish(loop.lake, loop.signals, HOUR, symbols=SYMBOLS)
    ((_, detail),) = loop.signals.announced
    assert detail["symbols"] == ["AAA"]


def test_too_many_symbols_for_an_event_are_not_all_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    """No `symbols` at all, rather than a null that says all: who reads on gets an error, not a lie."""
    monkeypatch.setattr("minutemend.services.publish._LARGEST_DETAIL", 80)
    loop = Loop(truth=session_bars(), stored=session_bars())
    loop.begin()
    publish(loop.lake, loop.signals, HOUR, symbols=SYMBOLS, missing={"BBB": 1})
    ((_, detail),) = loop.signals.announced
    assert "symbols" not in detail
    assert detail["too_many_symbols"] is True
    assert datetime.fromisoformat(detail["start"]) == HOUR.start.astimezone(UTC)
