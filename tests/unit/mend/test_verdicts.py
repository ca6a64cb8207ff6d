"""Every expected minute has exactly one verdict, by the one order: bar, absence, failure, missing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.revocations import Revocation
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence, Failure, Verdict
from minutemend.services.lake import Lake

from mend.commands.verdicts import command
from mend.spans import verdicts
from tests.fakes.store import FakeStore

DAY = date(2013, 10, 4)
OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
SESSION = Session("XNYS", DAY, OPEN, OPEN + 10 * MINUTE)
NOW = datetime(2013, 10, 5, tzinfo=UTC)


def _bars(symbol: str, minutes: list[int], repair_id: str | None = None):  # type: ignore[no-untyped-def]
    bars = [Bar(symbol, OPEN + minute * MINUTE, 1.0, 2.0, 0.5, 1.5, 10.0) for minute in minutes]
    return to_table(bars, source="finnhub", repair_id=repair_id, captured_at=NOW)


def _range(first: int, end: int) -> Range:
    return Range(OPEN + first * MINUTE, OPEN + end * MINUTE)


def _lake(*listings: Listing) -> Lake:
    lake = Lake(FakeStore())
    lake.calendars.put([SESSION])
    lake.put_symbols(listings or [Listing("IBM", "XNYS")])
    return lake


def _seen(lake: Lake, window: Range = SESSION.range) -> list[tuple[str, int, int, Verdict, str]]:
    return [
        (one.symbol, (one.range.start - OPEN) // MINUTE, one.range.minutes, one.verdict, one.reason)
        for one in verdicts(lake, window)
    ]


def test_a_bar_beats_an_absence_beats_a_failure_beats_nothing() -> None:
    """All four lie on overlapping minutes; each minute gets the strongest."""
    lake = _lake()
    lake.put_bars(_bars("IBM", [0, 1, 2]))
    lake.put_bars(_bars("IBM", [3], repair_id="job1"))
    lake.put_absences([Absence("IBM", _range(2, 5), "no_trade", "[1]", 2, NOW, rule=RULE)])
    lake.put_failures([Failure("IBM", _range(4, 8), "garbage", "[2]", 3, "a1", NOW)])
    assert _seen(lake) == [
        ("IBM", 0, 3, Verdict.PRESENT, "finnhub"),
        ("IBM", 3, 1, Verdict.REPAIRED, "finnhub"),
        ("IBM", 4, 1, Verdict.ABSENT, "no_trade"),
        ("IBM", 5, 3, Verdict.FAILED, "garbage"),
        ("IBM", 8, 2, Verdict.MISSING, ""),
    ]


def test_the_newest_failure_gives_the_reason() -> None:
    """An audit that failed again later knows better."""
    lake = _lake()
    lake.put_failures([Failure("IBM", _range(0, 10), "garbage", "[]", 3, "a2", NOW)])
    lake.put_failures([Failure("IBM", _range(0, 10), "no_data", "[]", 3, "a1", NOW - timedelta(hours=1))])
    assert _seen(lake) == [("IBM", 0, 10, Verdict.FAILED, "garbage")]


def test_a_failure_at_the_instant_of_a_revocation_is_the_newer_word() -> None:
    """An audit revokes what an answer speaks against as of that answer, and may fail of it at once."""
    lake = _lake()
    lake.put_revocations([Revocation("IBM", _range(0, 10), "minutemend", "a bar was shown", NOW)])
    lake.put_failures([Failure("IBM", _range(0, 10), "garbage", "[]", 3, "a2", NOW)])
    assert _seen(lake) == [("IBM", 0, 10, Verdict.FAILED, "garbage")]


def test_sessions_are_cut_at_the_window_and_bars_outside_do_not_count() -> None:
    """Extended hours are no expected minutes."""
    lake = _lake()
    lake.put_bars(_bars("IBM", [-5, 2, 3, 12]))
    window = Range(OPEN + 2 * MINUTE, OPEN + 30 * MINUTE)
    assert _seen(lake, window) == [
        ("IBM", 2, 2, Verdict.PRESENT, "finnhub"),
        ("IBM", 4, 6, Verdict.MISSING, ""),
    ]


def test_a_symbol_is_expected_only_while_it_is_listed() -> None:
    """Before its first day and from its delisting on nothing is missing."""
    lake = _lake(
        Listing("IBM", "XNYS", listed=date(2013, 10, 5)),
        Listing("X", "XNYS", delisted=DAY),
        Listing("AIG", "XNYS", listed=DAY, delisted=date(2013, 10, 5)),
    )
    assert _seen(lake) == [("AIG", 0, 10, Verdict.MISSING, "")]


def test_what_is_doubted_stands_beside_the_verdicts_and_changes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A low above the close, and what the vendor said later; both minutes are present."""
    lake = _lake()
    odd = [
        Bar("IBM", OPEN, 1.0, 2.0, 1.75, 1.5, 10.0),
        *(Bar("IBM", OPEN + n * MINUTE, *[1.5] * 5) for n in range(1, 10)),
    ]
    lake.put_bars(to_table(odd, source="finnhub", repair_id=None, captured_at=NOW))
    lake.put_looks(to_table([Bar("IBM", OPEN + MINUTE, *[1.25] * 5)], source="finnhub", repair_id="j", captured_at=NOW))
    monkeypatch.setattr("mend.stage.open_stage", lambda _: SimpleNamespace(lake=lake))
    monkeypatch.setattr("mend.commands.sessions.told", lambda *_: None)
    words = ["--stage", "dev", "--start", "2013-10-04", "--values"]
    done = CliRunner().invoke(command, [*words, "--format", "json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["present"]) == (0, 10)
    assert [(one["rule"], one["start"], one["said"]) for one in told["values"]] == [
        ("inconsistent", "2013-10-04T13:30:00Z", "open 1, high 2, low 1.75, close 1.5"),
        (
            "revised",
            "2013-10-04T13:31:00Z",
            "finnhub says 1.25 1.25 1.25 1.25 1.25; stored is 1.5 1.5 1.5 1.5 1.5",
        ),
    ]
    assert "inconsistent" in CliRunner().invoke(command, words).stdout


def test_a_failed_minute_says_what_the_vendor_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is refused and a network that is down want different hands."""
    lake = _lake()
    said = [{"vendor": "alpaca", "kind": "give_up", "observed_at": f"{NOW:%FT%TZ}", "detail": "alpaca: HTTP 403"}]
    lake.put_failures([Failure("IBM", _range(0, 10), "attempts_exhausted", json.dumps(said), 3, "a1", NOW)])
    monkeypatch.setattr("mend.stage.open_stage", lambda _: SimpleNamespace(lake=lake))
    monkeypatch.setattr("mend.commands.sessions.told", lambda *_: None)
    done = CliRunner(env={"COLUMNS": "240"}).invoke(command, ["--stage", "dev", "--start", "2013-10-04"])
    assert "alpaca give_up 2013-10-05 00:00Z: HTTP 403" in done.stdout


@pytest.mark.parametrize("repair", ["4bd2f6c1e9a84bd2f6c1e9a8", "1000200030004000500060e7"])
@pytest.mark.parametrize("columns", [60, 80, 160])
def test_a_repaired_bar_names_its_source_and_its_repair(
    monkeypatch: pytest.MonkeyPatch, columns: int, repair: str
) -> None:
    """`source`, not `reason`; the job's id below the row, said to be a repair's, though it may look like a number."""
    lake = _lake()
    lake.put_bars(_bars("IBM", list(range(8))))
    lake.put_bars(_bars("IBM", [8, 9], repair_id=repair))
    monkeypatch.setattr("mend.stage.open_stage", lambda _: SimpleNamespace(lake=lake))
    monkeypatch.setattr("mend.commands.sessions.told", lambda *_: None)
    words = ["--stage", "dev", "--start", "2013-10-04"]
    shown = CliRunner(env={"COLUMNS": str(columns)}).invoke(command, words).stdout
    assert "source" in shown
    assert "reason" not in shown
    assert any(line.strip() == f"repair {repair}" for line in shown.splitlines()), shown
    assert "2013-10-04 13:38Z" in shown
    told = json.loads(CliRunner().invoke(command, [*words, "--format", "json"]).stdout)
    (row,) = told["ranges"]
    assert (row["reason"], row["evidence"]) == ("finnhub", repair)


def test_an_unknown_symbol_is_answered_as_a_plan_answers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the stage as it was typed."""
    from mend.problems import Problem

    opened = SimpleNamespace(lake=_lake(), name="dev", option="local:demo")
    monkeypatch.setattr("mend.stage.open_stage", lambda _: opened)
    words = ["show", "--stage", "local:demo", "--start", "2013-10-04", "--symbols", "NOPE"]
    refused = CliRunner().invoke(command, words, standalone_mode=False).exception
    assert isinstance(refused, Problem)
    assert str(refused) == "local:demo does not follow NOPE\n  next: mend symbols show --stage local:demo"
