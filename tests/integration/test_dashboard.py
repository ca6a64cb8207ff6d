"""`mend dashboard check` on a deployed stage: it is well after an audit, and whatever is spoilt is named.

In AWS a metric may take minutes to appear, so the first look there is repeated for a while.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from minutemend.core.sessions import Session

from mend.main import mend
from mend.stage import Stage
from tests.integration.conftest import RunAudit

PATIENCE = 300.0  # seconds, in AWS

Lines = dict[tuple[str, str], dict[str, str]]


def check(stage: Stage) -> tuple[int, Lines]:
    """The exit code, and the lines by what and name."""
    done = CliRunner().invoke(mend, ["dashboard", "check", "--stage", stage.option, "--format", "json"])
    return done.exit_code, {(line["what"], line["name"]): line for line in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def audited() -> dict[str, bool]:
    """Whether a test of this module has run an audit already."""
    return {}


@pytest.fixture
def busy(stage: Stage, audited: dict[str, bool], run_audit: RunAudit, fresh_day: Session) -> Stage:
    """The stage, with an audit behind it and its metrics arrived."""
    if not audited:
        status, _ = run_audit(fresh_day.open, fresh_day.close, symbols=["IBM"])
        assert status == "SUCCEEDED"
        audited["yes"] = True
        until = time.monotonic() + PATIENCE
        while not stage.option.startswith("local") and check(stage)[0] and time.monotonic() < until:
            time.sleep(20)
    return stage


@pytest.fixture
def dashboard(busy: Stage) -> Iterator[dict[str, Any]]:
    """The deployed dashboard's body, to be spoilt: the test's end puts it back as it was."""
    cloudwatch, name = busy.clients.cloudwatch, busy.output("Dashboard")
    body = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
    yield json.loads(body)
    cloudwatch.put_dashboard(DashboardName=name, DashboardBody=body)


def deploy_by_hand(stage: Stage, body: dict[str, Any]) -> None:
    stage.clients.cloudwatch.put_dashboard(DashboardName=stage.output("Dashboard"), DashboardBody=json.dumps(body))


def test_after_an_audit_the_dashboard_is_well(busy: Stage) -> None:
    """The audit's metrics have data, every alarm has an action."""
    code, lines = check(busy)
    assert {key: line["detail"] for key, line in lines.items() if line["state"] in {"broken", "silent"}} == {}
    assert code == 0
    for name in ("MissingMinutes", "OldestGapAge", "Completeness"):
        assert lines["metric", f"minutemend {name} (stage={busy.name})"]["state"] == "ok", name
    assert sum(what == "alarm" for what, _ in lines) == len(
        [
            one
            for one in busy.clients.cloudformation.get_template(StackName=busy.settings.stack_name)["TemplateBody"][
                "Resources"
            ].values()
            if one["Type"] == "AWS::CloudWatch::Alarm"
        ]
    )


def test_a_metric_that_is_not_emitted_is_noticed(busy: Stage, dashboard: dict[str, Any]) -> None:
    """A typing error in a widget added by hand: its line stays empty for ever."""
    metrics = [["minutemend", "MissingMinuets", "stage", busy.name]]
    dashboard["widgets"].append({"type": "metric", "properties": {"title": "Mine", "metrics": metrics}})
    deploy_by_hand(busy, dashboard)
    code, lines = check(busy)
    assert code == 1
    assert (
        "no function emits a metric MissingMinuets"
        in lines["metric", f"minutemend MissingMinuets (stage={busy.name})"]["detail"]
    )


def test_an_alarm_whose_actions_are_off_is_noticed(busy: Stage) -> None:
    """Somebody silenced it for a night and forgot."""
    name = f"{busy.settings.stack_name}-repair-dlq"
    cloudwatch = busy.clients.cloudwatch
    cloudwatch.disable_alarm_actions(AlarmNames=[name])
    try:
        code, lines = check(busy)
    finally:
        cloudwatch.enable_alarm_actions(AlarmNames=[name])
    assert code == 1
    assert lines["alarm", name]["state"] == "broken"
    assert "switched off" in lines["alarm", name]["detail"]


def test_a_table_for_people_fits_sixty_columns(busy: Stage) -> None:
    """The lines that matter, and how to see the others."""
    done = CliRunner().invoke(
        mend, ["dashboard", "check", "--stage", busy.option], env={"COLUMNS": "60", "TERM": "dumb"}
    )
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 60
    assert "--all shows every metric" in done.stderr
