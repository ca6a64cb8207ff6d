"""The handlers of the loop: what they take, what they give back, what they measure, what they never import."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from minutemend.contract import Key, Status
from minutemend.wiring import compose

from runtime.handlers import await_repairs, check_data_health, process_repairs, queue_repairs, report_failure
from tests.unit.services.loop import OPEN, Loop, session_bars

VENDORS = '[{"name": "fake", "url": "http://127.0.0.1:1", "per_minute": 60, "timeout_seconds": 1}]'


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 20_000


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    """The loop over fakes, put in place of the real adapters."""
    truth = session_bars()
    loop = Loop(truth=truth, stored=[one for one in truth if one.symbol != "AAA"])
    loop.now = OPEN + timedelta(hours=9)
    for name in ("DATA_BUCKET", "RESULTS_BUCKET", "GLUE_DATABASE", "ATHENA_WORKGROUP", "SYMBOLS_PARAMETER"):
        monkeypatch.setenv(name, "x")
    for name in ("BOARD_TABLE", "REPAIR_QUEUE_URL", "REPAIR_DLQ_URL", "VENDOR_SECRET", "ALARM_TOPIC_ARN"):
        monkeypatch.setenv(name, "x")
    for name in ("PROOF_APART_SECONDS", "SETTLING_DELAY_SECONDS", "SWEEP_DAYS", "MAX_RECEIVES"):
        monkeypatch.setenv(name, "3")
    monkeypatch.setenv("STAGE", "dev")
    monkeypatch.setenv("VENDORS", VENDORS)
    compose.settings_of.cache_clear()
    monkeypatch.setattr(compose, "utc_now", lambda: loop.now)
    monkeypatch.setattr(compose, "check_data_health", lambda **_: loop.auditor())
    monkeypatch.setattr(compose, "queue_repairs", loop.queuer)
    monkeypatch.setattr(compose, "await_repairs", loop.waiter)
    monkeypatch.setattr(compose, "process_repairs", lambda **_: loop.worker())
    monkeypatch.setattr(compose, "report_failure", loop.reporter)
    yield loop
    compose.settings_of.cache_clear()


def records(loop: Loop) -> dict[str, Any]:
    bodies = loop.queue.take()
    return {
        "Records": [
            {"messageId": str(n), "body": json.dumps(body), "attributes": {"ApproximateReceiveCount": "1"}}
            for n, body in enumerate(bodies)
        ]
    }


def metrics(printed: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line for line in lines if "_aws" in line]


def test_the_steps_pass_the_state_on_until_the_range_is_ready(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    first = {"input": loop.audit_input(), "audit_id": "a", "started_at": loop.now.isoformat()}
    state = check_data_health.handler(first, Context())
    assert (state[Key.STATUS], state[Key.MISSING]) == (Status.REPAIR, 60)
    assert len(json.dumps(state)) < 10_000
    state = queue_repairs.handler(state, Context())
    await_repairs.handler({**state, "task_token": "token"}, Context())
    assert process_repairs.handler(records(loop), Context()) == {"batchItemFailures": []}
    assert "token" in loop.signals.resumed
    looked = metrics(capsys.readouterr().out)
    assert not any("OldestGapAge" in line for line in looked), "a gap that is being repaired is not open: no alarm"
    state = check_data_health.handler(state, Context())
    assert state[Key.STATUS] == Status.READY
    told = looked + metrics(capsys.readouterr().out)
    assert [line["OldestGapAge"] for line in told if "OldestGapAge" in line] == [[0.0]]
    assert all(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0][0] == "stage" for line in told)
    names = {name for line in told for name in line}
    assert {"Completeness", "MissingMinutes", "RepairedMinutes", "VendorRequests"} <= names


def test_a_wait_without_a_token_is_one_that_timed_out(loop: Loop) -> None:
    """The state comes back with what decides: here nothing was settled, and there is nothing to wait for."""
    first = {"input": loop.audit_input(), "audit_id": "a", "started_at": loop.now.isoformat()}
    state = queue_repairs.handler(check_data_health.handler(first, Context()), Context())
    late = await_repairs.handler(state, Context())
    assert late == {**state, "settled": 0, "waits": 0, "moving": False}


def test_a_message_that_met_trouble_is_the_only_one_that_comes_again(loop: Loop) -> None:
    event = {"input": loop.audit_input(), "audit_id": "a", "started_at": loop.now.isoformat()}
    queue_repairs.handler(check_data_health.handler(event, Context()), Context())
    batch = records(loop)
    batch["Records"].append({"messageId": "poison", "body": "{", "attributes": {}})

    def explode(*_: Any) -> Any:
        raise RuntimeError("the vendor's adapter broke")

    loop.vendor.misbehave = explode
    assert process_repairs.handler(batch, Context()) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert [body for body, _ in loop.queue.dead] == ["{"]


def test_unusable_input_is_refused_by_status_and_measures_nothing(
    loop: Loop, capsys: pytest.CaptureFixture[str]
) -> None:
    """The execution fails with the reason, and Step Functions counts that."""
    event = {"input": {"start": "yesterday"}, "audit_id": "a", "started_at": loop.now.isoformat()}
    state = check_data_health.handler(event, Context())
    assert state[Key.STATUS] == Status.REFUSED
    assert metrics(capsys.readouterr().out) == []


def test_what_cannot_be_mended_is_reported(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    event = {"input": loop.audit_input(attempts=1), "audit_id": "a", "started_at": loop.now.isoformat()}
    state = check_data_health.handler(event, Context())
    state = report_failure.handler(state, Context())
    assert state[Key.REPORT_KEY] == "audits/a/report.json"
    assert "60 of 180 minutes could not be repaired" in state[Key.REASON]
    assert metrics(capsys.readouterr().out)[-1]["FailedMinutes"] == [60.0]


@pytest.mark.parametrize(
    "name", ["queue_repairs", "await_repairs", "process_repairs", "publish_hours", "report_failure"]
)
def test_a_function_that_needs_no_frame_does_not_import_pandas(name: str) -> None:
    code = f"import sys, runtime.handlers.{name} as handler; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
