"""`mend` as a person uses it: each command as a process of its own, against the deployed stage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, epoch_minute, format_instant, from_epoch_minute
from minutemend.core.sessions import Session

from mend.commands.invoke import EVENTS, HANDLERS
from mend.stage import Stage
from tests.integration.conftest import PATIENCE, Market

MEND = Path(sys.executable).with_name("mend")


@pytest.fixture
def mend(stage: Stage) -> Any:
    """`mend("status", …) -> (exit code, standard output, standard error)`, with the stage's `--stage` added."""

    def run(*arguments: str, given: str | None = None, staged: bool = True) -> tuple[int, str, str]:
        words = [str(MEND), *arguments, *(["--stage", stage.option] if staged else [])]
        environment = {**os.environ, "COLUMNS": "100"}
        done = subprocess.run(
            words, capture_output=True, text=True, input=given, env=environment, check=False, timeout=PATIENCE
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


def _market_file(market: Market, day: Session, path: Path, *, without: range) -> Path:
    """A Parquet file with the market's bars of a day for IBM, less the minutes of the session in `without`."""
    opened = epoch_minute(day.open)
    rows = market.source.rows("IBM", opened, epoch_minute(day.close))
    bars = [
        Bar("IBM", from_epoch_minute(minute), *values) for minute, *values in rows if minute - opened not in without
    ]
    pq.write_table(to_table(bars, source="x", repair_id=None, captured_at=day.close).drop(["captured_at"]), path)
    return path


def test_from_a_file_with_a_hole_to_a_whole_day(
    stage: Stage, market: Market, mend: Any, fresh_day: Session, tmp_path: Path
) -> None:
    """load, plan, repair, verdicts, bars, hourly, status, report what they should, with the right exit codes."""
    file = _market_file(market, fresh_day, tmp_path / "ibm.parquet", without=range(60, 75))
    window = ["--start", format_instant(fresh_day.open), "--end", format_instant(fresh_day.close), "--symbols", "IBM"]

    code, _, err = mend("load", str(file))
    assert (code, "no zone" in err) == (2, True)
    code, out, _ = mend("load", str(file), "--zone", "UTC", "--format", "json")
    assert (code, json.loads(out)["bars"]) == (0, 375)
    objects = [one.key for one in stage.lake.store.list("bars/")]
    assert mend("load", str(file), "--zone", "UTC")[0] == 0
    assert [one.key for one in stage.lake.store.list("bars/")] == objects, "loading twice stores twice"

    assert mend("sessions", "refresh")[0] == 0
    code, out, err = mend("plan", *window, "--format", "json")
    assert code == 1, err
    plan = json.loads(out)
    hole = fresh_day.open + 60 * MINUTE
    assert plan["missing"] == 15
    assert plan["gaps"] == [
        {
            "symbol": "IBM",
            "start": format_instant(hole),
            "end": format_instant(hole + 15 * MINUTE),
            "minutes": 15,
        }
    ]
    assert len(plan["requests"]) == 1
    assert market.counts()["requests"] == 0, "a plan asks no vendor"

    code, out, err = mend("repair", *window, "--wait", "--format", "json")
    assert code == 0, err
    course = json.loads(out)
    assert [look["missing"] for look in course["looks"]] == [15, 0]
    assert course["requests"] == {"1": len(plan["requests"])}, "the machine queues exactly the plan"
    assert "15 of 390 expected minutes are missing" in err

    code, out, _ = mend("verdicts", *window, "--format", "json")
    told = json.loads(out)
    assert (code, told["present"], told["repaired"], told["missing"]) == (0, 375, 15, 0)
    assert [one["minutes"] for one in told["ranges"]] == [15]

    target = tmp_path / "out.parquet"
    assert mend("bars", *window, "--out", str(target))[0] == 0
    assert pq.read_table(target).num_rows == 390
    code, out, _ = mend("bars", *window)
    assert (code, len(out.splitlines())) == (0, 391)

    code, out, _ = mend("hourly", *window, "--format", "json")
    facts = json.loads(out)
    assert code == 0
    assert sum(row["minutes_present"] for row in facts) == 390

    code, out, _ = mend("status", "--format", "json")
    assert course["execution"] in {one["name"] for one in json.loads(out)["audits"]}
    code, out, _ = mend("plan", *window)
    assert code == 0
    assert "nothing is missing" in out

    code, out, err = mend("doctor", "--format", "json")
    found = {one["what"]: one for one in json.loads(out)}
    assert {found[name]["state"] for name in ("account", "CDK bootstrap", "stack", "sessions", "symbols")} == {"ok"}
    assert "not known" not in out, "an operator may look at all of it"
    assert (code, err) == (any(one["state"] == "lacking" for one in found.values()), "")


def test_an_empty_dead_letter_queue(mend: Any) -> None:
    """Nothing to list and nothing to redrive is no failure."""
    for queue in ("repair", "capture"):
        code, out, _ = mend("dlq", "list", "--queue", queue)
        assert (code, "no dead letters" in out) == (0, True)
        code, out, _ = mend("dlq", "redrive", "--queue", queue)
        assert (code, "nothing to redrive" in out) == (0, True)


def test_poison_is_listed_whole_and_discarded_by_its_name(stage: Stage, mend: Any) -> None:
    sent = stage.clients.sqs.send_message(QueueUrl=stage.output("CaptureDlqUrl"), MessageBody="{nonsense")
    code, out, _ = mend("dlq", "list", "--queue", "capture", "--format", "json")
    assert (sent["MessageId"], "{nonsense") in [(one["message_id"], one["job"]) for one in json.loads(out)]
    words = ["dlq", "discard", "--queue", "capture"]
    assert mend(*words)[0] == 2, "nothing is thrown away that was not named"
    code, out, _ = mend(*words, "--message-id", sent["MessageId"], "--format", "json")
    assert (code, [one["message_id"] for one in json.loads(out)]) == (0, [sent["MessageId"]])
    code, _, err = mend(*words, "--message-id", sent["MessageId"])
    assert (code, "mend dlq list" in err) == (2, True)


def test_a_list_of_symbols_that_cannot_be_believed_changes_nothing(stage: Stage, mend: Any) -> None:
    """The parameter stays as it was; the message says what would be right."""
    before = mend("symbols", "show", "--format", "json")
    for text, words in (
        ("{", "is no JSON"),
        ('{"XNYS": ["ibm"]}', "is not a symbol"),
        ('{"XNYZ": ["IBM"]}', "there is no calendar 'XNYZ'"),
        ("{}", "an object of calendars"),
    ):
        code, _, err = mend("symbols", "set", "-", given=text)
        assert (code, words in err) == (2, True), err
    assert mend("symbols", "show", "--format", "json") == before
    assert stage.output("SymbolsParameter")


def test_a_handler_runs_in_this_process(stage: Stage, mend: Any, fresh_day: Session) -> None:
    """`mend invoke` prints what the handler returns, with the environment of the deployed function."""
    window = {"start": format_instant(fresh_day.open), "end": format_instant(fresh_day.open + timedelta(minutes=5))}
    event = {"input": window, "audit_id": "by-hand", "started_at": "2026-01-01T00:00:00Z"}
    code, out, err = mend("invoke", "check_data_health", "--event", "-", given=json.dumps(event))
    assert code == 0, err
    state = json.loads(out[out.index("{\n") :])
    assert (state["audit_id"], state["status"]) == ("by-hand", "repair")
    assert stage.name == "dev"


def test_the_example_events_are_events(mend: Any) -> None:
    """In the order of the loop, as they lie there: what one handler keeps is what the next one reads."""
    for handler in HANDLERS:
        code, out, err = mend("invoke", handler, "--event", str(EVENTS / f"{handler}.json"))
        assert code == 0, err
        assert '"batchItemFailures": [{' not in out.replace("\n", "")
    code, _, err = mend("invoke", "queue_repairs", "--event", str(EVENTS / "request_captures.json"))
    assert (code, "lacks attempt, attempts, audit_id" in err) == (2, True), err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["status", "--stage", "staging"], "'staging' is not a stage: one of dev, prod, local or local:NAME"),
        (["status", "--stage", "local:nobody"], "there is no local stage 'nobody' running"),
        (
            ["repair", "--stage", "local:nobody", "--start", "2013-10-04", "--attempts", "0"],
            "whole number from 1 to 10",
        ),
        (["repair", "--stage", "local:nobody", "--start", "2099-01-01"], "reaches into the future"),
        (["verdicts", "--stage", "local:nobody", "--start", "2013-10-04T13:00"], "has no time zone"),
        (["bars", "--stage", "local:nobody", "--start", "2013-10-04", "--symbols", "a'b"], "is not a symbol"),
    ],
)
def test_bad_input_is_one_message(mend: Any, arguments: list[str], words: str) -> None:
    """Exit code 2, and what would be right."""
    code, _, err = mend(*arguments, staged=False)
    assert (code, words in err) == (2, True), err
