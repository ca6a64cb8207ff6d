"""The simulation interprets the machine that is deployed: what it goes by is what the template says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.infra.conftest import Body
from tests.unit.infra.constructs.test_audit_machine import definition
from tests.unit.simulation.machine import CHOICES, ENDS, LATE, NEXT, STEP_TRIES, WAIT_ON

State = dict[str, Any]


@pytest.fixture
def states(body: Body) -> dict[str, State]:
    found: dict[str, State] = definition(body)["States"]
    return found


def test_each_step_goes_where_the_simulation_goes(states: dict[str, State]) -> None:
    """Publishing is begun again while dates are left, and a user's own task may stand between it and the end; the
    simulation has none."""
    found = {name: states[name]["Next"] for name in NEXT}
    published = states[found["ExecuteDataTask"]]
    assert published["Choices"] == [
        {"Variable": "$.publish_from", "IsPresent": True, "Next": "ExecuteDataTask"},
        {"Variable": "$.status", "StringEquals": "exhausted", "Next": "MinutesMissing"},
        {"Variable": "$.status", "StringEquals": "known", "Next": "AskedAgain"},
    ]
    found["ExecuteDataTask"] = published["Default"]
    if found["ExecuteDataTask"] not in ENDS:
        found["ExecuteDataTask"] = "Done"
    assert found == NEXT


def test_each_status_is_taken_as_the_simulation_takes_it(states: dict[str, State]) -> None:
    assert states["CheckDataHealth"]["Next"] == "data ready?"
    assert {choice["StringEquals"]: choice["Next"] for choice in states["data ready?"]["Choices"]} == CHOICES


def test_the_ends_are_ends(states: dict[str, State]) -> None:
    assert {states[name]["Type"] for name in ENDS} == {"Succeed", "Fail"}


def test_a_step_that_failed_is_tried_as_often(states: dict[str, State]) -> None:
    for name in ("CheckDataHealth", LATE, *NEXT):
        [retry] = [one for one in states[name]["Retry"] if "States.TaskFailed" in one["ErrorEquals"]]
        assert retry["MaxAttempts"] == STEP_TRIES - 1


def test_a_wait_that_timed_out_goes_on_while_jobs_make_progress(states: dict[str, State]) -> None:
    [late] = states["WaitForRepairs"]["Catch"]
    assert (late["ErrorEquals"], late["Next"]) == (["States.Timeout"], LATE)
    asked = states[states[LATE]["Next"]]
    [choice] = asked["Choices"]
    assert (choice["Variable"], choice["BooleanEquals"]) == ("$.moving", True)
    assert {True: choice["Next"], False: asked["Default"]} == WAIT_ON
