"""A wait that times out goes on while jobs make progress, on a deployed stage: docs/decisions/loop.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session

from mend.stage import Stage
from tests.integration.conftest import Market, RunAudit

SYMBOLS = ["AAPL", "AIG", "AMZN", "BAC", "GOOG", "IBM", "JPM", "MSFT", "SPY", "TSLA"]
PATIENCE = 5  # seconds


@contextmanager
def _impatient(stage: Stage) -> Iterator[None]:
    """The stage's own machine with a shorter timeout of its wait, and as it was afterwards."""
    machine, arn = stage.clients.stepfunctions, stage.output("StateMachineArn")
    before = machine.describe_state_machine(stateMachineArn=arn)["definition"]
    changed = json.loads(before)
    changed["States"]["WaitForRepairs"]["TimeoutSeconds"] = PATIENCE
    machine.update_state_machine(stateMachineArn=arn, definition=json.dumps(changed))
    try:
        yield
    finally:
        machine.update_state_machine(stateMachineArn=arn, definition=before)


def _entered(stage: Stage, arn: str) -> list[str]:
    pages = stage.clients.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
    return [
        event["stateEnteredEventDetails"]["name"]
        for page in pages
        for event in page["events"]
        if event["type"] == "TaskStateEntered"
    ]


def test_a_plan_that_needs_longer_than_the_timeout_ends_well_within_one_attempt(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """Ten slow answers, one after the other; the wait times out between them, and the audit has one attempt only."""
    market.faults({"kind": "delay", "seconds": 1.5})  # a busy machine may add more, and the workers wait 5 s
    window = Range(fresh_day.open, fresh_day.open + 20 * MINUTE)
    with _impatient(stage):
        status, state = run_audit(window.start, window.end, symbols=SYMBOLS, attempts=1)
    assert status == "SUCCEEDED", state
    entered = _entered(stage, state["arn"])
    assert entered.count("CheckProgress") >= 1, entered
    assert entered.count("WaitForRepairs") == 1 + entered.count("CheckProgress"), entered
    assert entered.count("QueueRepairs") == 1
    assert (state["attempt"], state["waits"]) == (1, entered.count("CheckProgress"))
    assert market.counts()["requests"] == len(SYMBOLS)
