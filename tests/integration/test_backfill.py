"""A backfill on a deployed stage: stopped in the middle, resumed, and then every bar is the vendor's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from minutemend.core.minutes import Range, epoch_minute

from mend.aws import executions
from mend.aws.dead_letters import Depth, depth
from mend.backfill.backfills import Backfills, backfills_of
from mend.backfill.model import State
from mend.commands.sessions import put_sessions
from mend.stage import Stage
from tests.integration.conftest import PATIENCE, Borrow, Market
from tests.integration.test_loop import _from_market, _values

MEND = Path(sys.executable).with_name("mend")
# Four sessions of January and three of February: two windows.
TURN_OF_MONTH = Range(datetime(2019, 1, 28, tzinfo=UTC), datetime(2019, 2, 6, tzinfo=UTC))
SYMBOLS = ["IBM", "XOM"]
CHOSEN = ["--start", "2019-01-28", "--end", "2019-02-06", "--symbols", ",".join(SYMBOLS)]


@pytest.fixture(autouse=True)
def _sessions(stage: Stage) -> None:
    """The windows are made of sessions, and these may be a stage's first tests."""
    put_sessions(stage)


def _mend(stage: Stage, *arguments: str) -> tuple[int, Any]:
    words = [str(MEND), "backfill", *arguments, "--stage", stage.option]
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False, timeout=2 * PATIENCE)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout) if "json" in arguments else done.stdout + done.stderr


def _until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.5)


def _audits(backfills: Backfills) -> dict[str, str]:
    backfill, _ = backfills.current()
    assert backfill is not None
    arn = backfills.opened.output("StateMachineArn")
    sfn = backfills.opened.clients.stepfunctions
    return executions.named(sfn, arn, prefix=f"{backfill.id}-", since=backfill.begun)


def test_a_backfill_is_stopped_in_the_middle_of_its_windows_and_resumed_to_the_end(
    stage: Stage, market: Market, borrow: Borrow
) -> None:
    borrow(TURN_OF_MONTH)
    backfills = backfills_of(stage)
    market.faults({"kind": "delay", "seconds": 7})  # longer than the workers wait: it is not done before the stop
    code, said = _mend(stage, *CHOSEN)
    assert code == 0, said
    _until(lambda: market.counts()["requests"] >= 2)
    code, said = _mend(stage, *CHOSEN)
    assert (code, "is running already" in said) == (0, True)
    code, said = _mend(stage, "--start", "2019-03-04")
    assert (code, "is running: to wait for it, or to stop it" in said) == (2, True)

    code, said = _mend(stage, "stop")
    assert (code, "is stopped" in said) == (0, True), said
    # Nothing of it runs any more, and nothing is queued for hours.
    _until(lambda: "RUNNING" not in _audits(backfills).values())
    _until(lambda: depth(stage.clients.sqs, stage.output("RepairQueueUrl")) == Depth(0, 0, 0))
    asked = market.counts()["requests"]
    backfill, _ = backfills.current()
    assert backfill is not None
    course = backfills.look(backfill)
    assert course.status == "ABORTED"
    assert course.count(State.WHOLE) < 2
    assert course.not_whole == [], "a stopped window has not failed"
    assert _mend(stage, "status", "--format", "json")[1]["windows"]["running"] == 0

    market.faults()
    code, course_ = _mend(stage, "resume", "--wait", "--format", "json")
    assert code == 0, course_
    assert (course_["run"], course_["windows"]["whole"], course_["not_whole"]) == (2, 2, [])
    stored = _values(stage.lake.read_bars(TURN_OF_MONTH, SYMBOLS))
    sessions = stage.lake.calendars.sessions(TURN_OF_MONTH, ["XNYS"])
    assert len(sessions) == 7
    source: dict[tuple[str, int], tuple[float, ...]] = {}
    for session in sessions:
        source |= _values(_from_market(market, SYMBOLS, session.range, without=set()))
    assert stored == source
    assert len(stored) >= 0.99 * len(SYMBOLS) * sum(
        epoch_minute(one.close) - epoch_minute(one.open) for one in sessions
    ), "the market trades nearly every minute"
    again = market.counts()["requests"]
    assert again >= asked  # a fast vendor had answered all of it before the stop

    assert "every window" in _mend(stage, "resume")[1]
    assert _mend(stage, *CHOSEN, "--wait")[0] == 0
    assert market.counts()["requests"] == again, "begun again it asks for nothing twice"


def test_a_window_that_the_vendor_refuses_costs_itself_alone(stage: Stage, market: Market, borrow: Borrow) -> None:
    """It is listed with its reason, the other one is whole, and resuming asks for the first alone."""
    day = Range(datetime(2018, 7, 31, tzinfo=UTC), datetime(2018, 8, 1, tzinfo=UTC))
    borrow(day)
    market.faults({"kind": "status", "status": 403, "symbols": ["BTCUSD"]})
    chosen = ["--start", "2018-07-31", "--symbols", "IBM,BTCUSD", "--oldest-first", "--wait", "--format", "json"]
    code, course = _mend(stage, *chosen)
    assert (code, course["status"]) == (1, "FAILED")
    assert course["windows"] == {"whole": 1, "not_whole": 1, "running": 0, "waiting": 0}
    [lost] = course["not_whole"]
    assert (lost["symbols"], lost["minutes_missing"]) == (["BTCUSD"], 1440)
    assert "MinutesMissing" in lost["reason"]
    assert stage.lake.read_bars(day, ["IBM"]).num_rows == 390
    code, said = _mend(stage, "status")
    assert (code, "mend verdicts" in said, "mend backfill resume" in said) == (1, True, True)

    market.reset()
    code, course = _mend(stage, "resume", "--wait", "--format", "json")
    assert (code, course["windows"]["whole"]) == (0, 2)
    assert set(market.counts()["symbols"]) == {"BTCUSD"}
