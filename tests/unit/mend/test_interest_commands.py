"""`mend symbols`, `mend closures`, `mend sessions` and `mend status` on a stage that a test makes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from minutemend.contract import vendors_to_json
from minutemend.core.minutes import MINUTE
from minutemend.core.sessions import Session
from minutemend.core.value_rules import Flag
from minutemend.services.lake import Lake

import mend.stage
from infra.settings import DEV, FREE_PLANS
from mend.commands import backfill, closures, plan, sessions, status, symbols, verdicts
from mend.commands.status import QUEUES
from mend.problems import explain
from mend.stage import Stage
from tests.fakes.store import FakeStore

NOW = datetime.now(UTC)
PAUSE = NOW.replace(microsecond=0) + timedelta(hours=1)


class Aws:
    """SSM with one parameter, queues with nothing in them, one audit, and a vendor that wants a pause."""

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        return {"Parameter": {"Value": '{"XNYS": ["IBM", "AIG"]}'}}

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        names = (f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed"))
        return {"Attributes": dict.fromkeys(names, "0")}

    def list_executions(self, **_: Any) -> dict[str, Any]:
        row = {"executionArn": "a", "name": "audit-1", "status": "SUCCEEDED", "startDate": NOW, "stopDate": NOW}
        return {"executions": [row]}

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        given = {"start": "2026-01-05T14:00:00Z", "end": "2026-01-05T15:00:00Z", "symbols": ["IBM"]}
        row = self.list_executions()["executions"][0]
        return {**row, "input": json.dumps(given), "output": "{}", "error": None, "cause": None}

    def get_function_configuration(self, **_: Any) -> dict[str, Any]:
        return {"Environment": {"Variables": {"VENDORS": vendors_to_json(FREE_PLANS)}}}

    def get_item(self, *, Key: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        paused = {"N": str(int(PAUSE.timestamp() * 1000))}
        return {"Item": {"paused": paused}} if "alpaca" in str(Key) else {}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage whose lake knows XNYS for two years from now."""
    aws = Aws()
    outputs = dict.fromkeys(
        ["SymbolsParameter", "StateMachineArn", "BoardTable", "QueueRepairsFunction", *QUEUES.values()], "x"
    )
    found = Stage(
        "dev",
        "dev",
        DEV,
        "nowhere",
        outputs,
        SimpleNamespace(ssm=aws, sqs=aws, stepfunctions=aws, functions=aws, dynamodb=aws),
    )  # type: ignore[arg-type]
    found.__dict__["lake"] = Lake(FakeStore())
    found.lake.calendars.put(_sessions(range(-30, 700)))
    monkeypatch.setattr(mend.stage, "open_stage", lambda _: found)
    return found


def _sessions(days: range) -> list[Session]:
    opened = NOW.replace(hour=14, minute=30, second=0, microsecond=0)
    at = [opened + timedelta(days=day) for day in days]
    return [Session("XNYS", one.date(), one, one + timedelta(hours=6)) for one in at]


def run(command: click.Command, *given: str, code: int = 0, text: str | None = None) -> Result:
    """The command's result; its problem, if it has one, as `mend` says it."""
    named = isinstance(command, click.Group) and not command.invoke_without_command
    words = [given[0], "--stage", "dev", *given[1:]] if named else ["--stage", "dev", *given]
    done = CliRunner().invoke(command, words, input=text)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        said = explain(done.exception)  # type: ignore[arg-type]
        assert said is not None, done.exception
        assert code == 2, said
        done.output_bytes = said.encode()
        return done
    assert done.exit_code == code, done.output
    return done


def state(code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(status.command, "--format", "json", code=code).stdout)
    return found


def test_status_shows_what_is_followed_and_how_long_its_sessions_are_known(stage: Stage) -> None:
    found = state()
    assert (found["symbols"], found["symbols_refused"]) == ({"XNYS": 2}, None)
    (one,) = found["sessions"]
    assert (one["calendar"], one["days_left"] > 690, one["ends_soon"]) == ("XNYS", True, False)
    assert stage.lake.symbols() == []  # looking writes nothing


@pytest.mark.usefixtures("stage")
def test_status_shows_what_each_audit_was_asked_and_which_vendor_wants_a_pause() -> None:
    """Of the vendors that the deployed functions ask, whatever the settings say by now."""
    found = state()
    assert [(one["vendor"], one["calendars"], one["paused_until"]) for one in found["vendors"]] == [
        ("alpaca", ["XNYS"], PAUSE.isoformat().replace("+00:00", "Z")),
        ("coinbase", ["24/7"], None),
    ]
    (audit,) = found["audits"]
    assert (audit["start"], audit["end"], audit["symbols"]) == ("2026-01-05T14:00:00Z", "2026-01-05T15:00:00Z", ["IBM"])
    table = " ".join(run(status.command).output.split())
    assert "2026-01-05 14:00Z to 2026-01-05 15:00Z" in table


def test_status_counts_what_the_nights_flagged_of_late(stage: Stage) -> None:
    """By rule, of the newest week; what is older is in the table."""
    assert state()["flags"] == {}
    for ago, rule in ((1, "spike"), (2, "spike"), (3, "frozen"), (30, "scale")):
        start = NOW - timedelta(days=ago)
        stage.lake.flags.keep([Flag("IBM", start, start + MINUTE, rule, 1, "")], now=NOW)
    assert state()["flags"] == {"frozen": 1, "spike": 2}
    assert "cannot be right, in 7 days: 1 frozen, 2 spike" in " ".join(run(status.command).output.split())


def test_status_shows_all_the_rest_while_the_list_is_malformed(stage: Stage) -> None:
    """That very incident is when people look."""
    stage.interest(write=True)
    stage.lake.store.put("settings/symbols/9.json", b"{")
    found = state(code=1)
    assert "settings/symbols/9.json is no JSON" in found["symbols_refused"]
    assert found["symbols"] == {"XNYS": 2}
    assert [one["name"] for one in found["audits"]] == ["audit-1"]
    table = " ".join(run(status.command, code=1).output.split())
    assert "the list of symbols is refused, and the last good one in force" in table
    assert "audit-1" in table


@pytest.mark.usefixtures("stage")
def test_status_shows_all_the_rest_when_there_never_was_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Aws, "get_parameter", lambda *_, **__: {"Parameter": {"Value": "[]"}})
    found = state(code=1)
    assert (found["symbols"], found["sessions"]) == ({}, [])
    assert "object of calendars" in found["symbols_refused"]
    assert len(found["audits"]) == 1


def test_status_says_that_sessions_run_out(stage: Stage) -> None:
    """Less than 60 days ahead."""
    stage.lake.calendars.put(_sessions(range(-30, 59)))
    assert state(code=1)["sessions"][0]["ends_soon"] is True
    said = " ".join(run(status.command, code=1).output.split())
    assert "the sessions of XNYS are known until" in said
    assert "next: mend sessions refresh --stage dev --calendar XNYS" in said
    stage.lake.calendars.put(_sessions(range(-30, 62)))
    assert state()["sessions"][0]["ends_soon"] is False


def test_a_list_is_set_from_a_file_or_standard_input_and_an_earlier_one_again(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "symbols.json"
    file.write_text('{"XNYS": ["BRK.B"]}')
    run(symbols.command, "set", str(file))
    assert [one.symbol for one in stage.lake.symbols()] == ["BRK.B"]
    run(symbols.command, "set", "-", text='{"XNYS": ["IBM"]}')
    assert [row["symbol"] for row in json.loads(run(symbols.command, "show", "--format", "json").stdout)] == ["IBM"]
    newest, oldest = json.loads(run(symbols.command, "history", "--format", "json").stdout)
    assert (newest["in_force"], oldest["in_force"]) == (True, False)
    run(symbols.command, "set", "--version", oldest["version"])
    assert [one.symbol for one in stage.lake.symbols()] == ["BRK.B"]


def test_a_list_with_a_new_calendar_brings_its_sessions_along(stage: Stage) -> None:
    """Or the functions would refuse it."""
    run(symbols.command, "set", "-", text='{"24/7": ["BTC/USDT"]}')
    assert stage.interest().refused is None
    assert "24/7" in stage.lake.calendars.known()


def test_a_stage_without_sessions_may_begin_with_a_list_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list that it was deployed with names a calendar that the new one does not."""
    aws = Aws()
    monkeypatch.setattr(aws, "get_parameter", lambda **_: {"Parameter": {"Value": '{"XLON": ["VOD"]}'}})
    found = Stage("dev", "dev", DEV, "x", {"SymbolsParameter": "x"}, SimpleNamespace(ssm=aws))  # type: ignore[arg-type]
    found.__dict__["lake"] = Lake(FakeStore())
    monkeypatch.setattr(mend.stage, "open_stage", lambda _: found)
    run(symbols.set_, "-", text='{"XNYS": ["IBM"]}')
    assert ([one.symbol for one in found.lake.symbols()], list(found.lake.calendars.known())) == (["IBM"], ["XNYS"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"XNYS": ["IBM"], "XNYS": ["AIG"]}', "has 'XNYS' twice"),
        ('{"24/8": ["BTCUSD"]}', "there is no calendar '24/8'"),
        ('{"XNYS": []}', "no symbol at all"),
        ("", "is no JSON"),
        (f'{{"XNYS": ["IBM"{" " * 10_000_000}]}}', "at most 4,000,000"),
    ],
    ids=["twice", "unknown", "nothing", "empty", "10 MB"],
)
def test_a_list_that_cannot_be_believed_changes_nothing(stage: Stage, text: str, says: str) -> None:
    stage.interest(write=True)
    before = dict(stage.lake.store.objects)  # type: ignore[attr-defined]
    assert says in run(symbols.command, "set", "-", text=text, code=2).output
    assert stage.lake.store.objects == before  # type: ignore[attr-defined]
    assert "not both" in run(symbols.command, "set", code=2).output
    assert "there is no list 'x'" in run(symbols.command, "set", "--version", "x", code=2).output


def test_the_refused_list_is_said_when_the_good_one_is_shown(stage: Stage) -> None:
    stage.interest(write=True)
    stage.lake.store.put("settings/symbols/9.json", b"[]")
    shown = run(symbols.command, "show", code=1).output
    assert "IBM" in shown
    assert "this is the last good list" in " ".join(shown.split())


def test_a_closure_is_recorded_listed_and_taken_back(stage: Stage) -> None:
    """By a person who says why; in force at once."""
    day = (NOW + timedelta(days=1)).date()
    fields = ["closed", "calendar=XNYS", f"start={day}"]
    assert "--why is missing" in run(closures.command, "add", *fields, code=2).output
    run(closures.command, "add", "--why", "storm", "--by", "anna", *fields)
    run(closures.command, "add", "--why", "storm", "--by", "anna", *fields)
    (row,) = json.loads(run(closures.command, "list", "--format", "json").stdout)
    assert row == {"kind": "closed", "calendar": "XNYS", "start": str(day), "end": str(day + timedelta(days=1))} | {
        "by": "anna",
        "why": "storm",
    }
    assert day not in {one.dt for one in stage.lake.calendars.sessions()}
    (one,) = stage.lake.calendars.closures()
    assert one.id in run(closures.command, "list").output
    run(closures.command, "remove", one.id)
    assert day in {one.dt for one in stage.lake.calendars.sessions()}
    assert "nothing is recorded as" in run(closures.command, "remove", one.id, code=2).output


def test_records_come_from_a_file_too_all_or_none(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "closures.json"
    halt = {"kind": "halt", "symbol": "IBM", "start": "2026-01-05T14:35:00Z", "end": "2026-01-05T14:40:00Z"}
    said = {"by": "anna", "why": "LULD"}
    file.write_text(json.dumps([halt | said, {"kind": "listing", "symbol": "AIG", "delisted": "2020-01-02", **said}]))
    run(closures.command, "add", "--file", str(file))
    assert len(stage.lake.calendars.closures()) == 2
    assert {one.symbol: one.delisted for one in stage.lake.symbols()} == {"AIG": date(2020, 1, 2), "IBM": None}
    file.write_text(json.dumps([halt | {"end": "2026-01-05T14:50:00Z"} | said, {"kind": "halt"}]))
    assert "record 2" in run(closures.command, "add", "--file", str(file), code=2).output
    assert len(stage.lake.calendars.closures()) == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["closed", "calendar=XHKG", "start=2023-09-01"], "knows no session of XHKG"),
        (["closed", "calendar", "start=2023-09-01"], "'calendar' is no FIELD=VALUE"),
        (["closed", "calendar=XNYS"], "lacks start"),
        ([], "not both"),
    ],
)
def test_a_record_that_would_count_for_nothing_is_refused(stage: Stage, given: list[str], says: str) -> None:
    assert says in run(closures.command, "add", "--why", "rain", *given, code=2).output
    assert stage.lake.calendars.closures() == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--start", "2009-01-05"], "the sessions of XNYS are known from"),
        (["--start", "2024-07-06"], "no minute is expected in"),
        (["--start", "2024-07-05", "--symbols", "ZZZ"], "none of ZZZ is followed"),
    ],
)
def test_verdicts_and_plans_of_nothing_are_refused(stage: Stage, given: list[str], says: str) -> None:
    """None of their sentences would be true: nothing is missing of what is not expected."""
    run(sessions.command, "refresh", "--calendar", "XNYS")
    for command in (verdicts.show, plan.command, backfill.command):
        said = " ".join(run(command, *given, code=2).output.split())
        assert says in said or "does not follow" in said
    assert stage.lake.symbols()


def test_sessions_are_refreshed_and_said_until_when(stage: Stage) -> None:
    """Those that were put by hand have no edition: the package's are newer."""
    done = run(sessions.command, "refresh", "--calendar", "XNYS")
    said = " ".join(done.output.split())
    assert "XNYS: the sessions from 2010-01-04 until" in said
    assert stage.lake.calendars.sessions()[0].dt == date(2010, 1, 4)
    assert "were there" in " ".join(run(sessions.command, "refresh", "--calendar", "XNYS").output.split())
