"""Faults on a deployed stage: whatever happens on the way, every minute is accounted for in the end.

The same invariants as tests/unit/simulation, on real processes: workers killed mid-job, messages that come twice
or are poison, a vendor that is down or throttles, two audits of one range at once, AWS restarted in the middle.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from minutemend.adapters.sqs import send_to_sqs
from minutemend.core.answers import VendorRequest
from minutemend.core.bars import Bar, to_table
from minutemend.core.jobs import RepairJob
from minutemend.core.minutes import MINUTE, Range, epoch_minute, format_instant, from_epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.verdicts import Verdict
from minutemend.ports.queue import Message

from mend.aws import executions
from mend.aws.dead_letters import dead_letters, depth, redrive
from mend.local_stage import resume
from mend.spans import verdicts
from mend.stage import Stage
from tests.fakes.job_gaps import only
from tests.integration.conftest import PATIENCE, Market, RunAudit

SYMBOLS = ["AAPL", "IBM", "SPY"]
QUICK = "5"  # seconds that a message stays hidden, where a test kills its worker and cannot wait two minutes


def _hole(session: Session, first: int = 0, minutes: int = 20) -> Range:
    return Range(session.open + first * MINUTE, session.open + (first + minutes) * MINUTE)


def _check_whole(stage: Stage, market: Market, window: Range, symbols: list[str]) -> None:
    """Each minute has one verdict, each bar is the market's, once."""
    seen: Counter[Verdict] = Counter()
    for span in verdicts(stage.lake, window, symbols):
        seen[span.verdict] += span.range.minutes
    assert set(seen) <= {Verdict.PRESENT, Verdict.REPAIRED, Verdict.ABSENT}
    assert seen.total() == window.minutes * len(symbols)
    rows = stage.lake.read_bars(window, symbols).to_pylist()
    found = [(row["symbol"], row["minute"].replace(tzinfo=UTC), row["open"], row["volume"]) for row in rows]
    first, end = epoch_minute(window.start), epoch_minute(window.end)
    true = [
        (symbol, from_epoch_minute(minute), opened, volume)
        for symbol in symbols
        for minute, opened, _, _, _, volume in market.source.rows(symbol, first, end)
    ]
    assert found == true


def _messages(window: Range, symbol: str = "IBM", audit_id: str = "by-hand") -> list[Message]:
    job = RepairJob(audit_id, 1, VendorRequest("finnhub", (symbol,), window), only(window))
    return [Message(job.to_message())]


def _until(what: str, holds: Any) -> None:
    """Wait until something holds, on a busy machine too. Fails with what it was."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"after {PATIENCE} s still not: {what}"
        time.sleep(0.3)


def _send(stage: Stage, messages: list[Message]) -> None:
    send_to_sqs(messages, sqs=stage.clients.sqs, queue_url=stage.output("RepairQueueUrl"))


def _quiet(stage: Stage) -> bool:
    full = depth(stage.clients.sqs, stage.output("RepairQueueUrl"))
    return full.waiting + full.in_flight + full.delayed == 0


def test_a_vendor_that_is_down_and_throttles_is_outlasted(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """429 with Retry-After, 503, connections dropped mid-body, HTML: none is believed, and the minutes come."""
    window = _hole(fresh_day)
    market.faults(
        {"kind": "status", "status": 429, "retry_after": "2", "requests": 2},
        {"kind": "status", "status": 503, "symbols": ["IBM"], "requests": 1},
        {"kind": "drop", "symbols": ["SPY"], "requests": 2},
        {"kind": "html", "symbols": ["AAPL"], "requests": 3},
    )
    status, state = run_audit(window.start, window.end, symbols=SYMBOLS, attempts=4)
    assert status == "SUCCEEDED", state
    _check_whole(stage, market, window, SYMBOLS)
    assert market.counts()["requests"] <= 3 * 4 * 4, "no job asks more often than the queue delivers"
    assert dead_letters(stage.clients.sqs, stage.output("RepairDlqUrl"), limit=10) == []


def test_two_audits_of_one_range_at_once_both_succeed_and_nothing_is_there_twice(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """Both may ask the vendor; one bar of each minute is read, and it is the vendor's."""
    window = _hole(fresh_day)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(run_audit, window.start, window.end, symbols=SYMBOLS) for _ in range(2)]
        ended = [one.result() for one in both]
    assert [status for status, _ in ended] == ["SUCCEEDED", "SUCCEEDED"], ended
    _check_whole(stage, market, window, SYMBOLS)
    asked = market.counts()["requests"]
    assert run_audit(window.start, window.end, symbols=SYMBOLS)[0] == "SUCCEEDED"
    assert market.counts()["requests"] == asked


def test_a_message_that_comes_again_does_nothing(stage: Stage, market: Market, fresh_day: Session) -> None:
    """One job, sent five times over: one request, one object."""
    window = _hole(fresh_day)
    _send(stage, _messages(window) * 5)
    _until("the queue is empty", lambda: _quiet(stage))
    assert market.counts()["requests"] == 1
    assert len(stage.lake.bar_objects(window)) == 1
    _check_whole(stage, market, window, ["IBM"])


def test_poison_reaches_the_dead_letters_with_its_reason_and_a_redrive_does_no_harm(
    stage: Stage, market: Market, fresh_day: Session
) -> None:
    """Not JSON, not a job, an unknown vendor: three letters with reasons, and three after a redrive."""
    sqs, queue, dead = stage.clients.sqs, stage.output("RepairQueueUrl"), stage.output("RepairDlqUrl")
    sqs.purge_queue(QueueUrl=dead)
    assert redrive(sqs, dead_letter_url=dead, queue_url=queue, now=datetime.now(UTC)) == 0  # an empty one is no error
    stranger = dict(_messages(_hole(fresh_day))[0].body) | {"vendor": "nobody"}
    for body in ("{nonsense", json.dumps({"audit_id": "a"}), json.dumps(stranger)):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    reasons = [
        "is 'nobody': this stage asks coinbase, finnhub",
        "the body is no JSON",
        "the message has to be an object",
    ]
    for moved in (0, 3):
        if moved:
            assert redrive(sqs, dead_letter_url=dead, queue_url=queue, now=datetime.now(UTC)) == moved
        _until("three dead letters", lambda: depth(sqs, dead).waiting == 3 and _quiet(stage))
        letters = dead_letters(sqs, dead, limit=10)
        told = [letter.attributes["reason"] for letter in letters]
        assert all(any(words in reason for reason in told) for words in reasons), told
    assert market.counts()["requests"] == 0
    sqs.purge_queue(QueueUrl=dead)


@contextmanager
def _quick_visibility(stage: Stage) -> Iterator[None]:
    sqs, queue = stage.clients.sqs, stage.output("RepairQueueUrl")
    names = ["VisibilityTimeout"]
    before = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": QUICK})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=before)


def _workers(stage: Stage) -> list[int]:
    """The processes of the repair worker: children of the local stage's own MiniStack."""
    import local.stack

    stack = local.stack.read(stage.option.partition(":")[2])
    assert stack is not None
    mine = []
    for process in Path("/proc").iterdir():
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if parent == str(stack.aws.pid) and b"process-repairs" in (process / "environ").read_bytes():
                mine.append(int(process.name))
        except (OSError, IndexError):
            continue
    return mine


@pytest.fixture
def local_processes(request: pytest.FixtureRequest) -> None:
    """These tests kill processes of a stage that they started themselves."""
    if request.config.getoption("--stage"):
        pytest.skip("only a stage that these tests started themselves is killed and restarted")


@pytest.mark.usefixtures("local_processes")
def test_a_worker_that_is_killed_in_the_middle_of_a_job_loses_nothing(
    stage: Stage, market: Market, fresh_day: Session
) -> None:
    """SIGKILL while the vendor's answer is on its way: the message comes again, waits for the lease, and is done."""
    window = _hole(fresh_day)
    market.faults({"kind": "delay", "seconds": 4.0, "requests": 1})
    with _quick_visibility(stage):
        _send(stage, _messages(window, audit_id="killed"))
        _until("the vendor is asked", lambda: market.counts()["requests"] == 1)
        killed = _workers(stage)
        assert killed, "no process of the worker was found"
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert stage.lake.read_bars(window).num_rows == 0
        _until("the bars are there", lambda: stage.lake.read_bars(window).num_rows == 20)
    _check_whole(stage, market, window, ["IBM"])
    assert market.counts()["requests"] == 2


@pytest.mark.usefixtures("local_processes")
def test_aws_restarted_in_the_middle_of_an_audit_loses_nothing(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """Stopped while jobs are under way and started again: whatever became of that audit, the next one ends whole."""
    import local.stack

    window = _hole(fresh_day, minutes=60)
    kept = to_table(
        [
            Bar("IBM", from_epoch_minute(minute), *values)
            for minute, *values in market.source.rows("IBM", epoch_minute(window.start), epoch_minute(window.end))
            if minute % 7
        ],
        source="loaded",
        repair_id=None,
        captured_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    stage.lake.put_bars(kept)
    market.faults({"kind": "delay", "seconds": 2.0, "requests": 2})
    given = {"start": format_instant(window.start), "end": format_instant(window.end), "symbols": SYMBOLS}
    executions.start(
        stage.clients.stepfunctions, stage.output("StateMachineArn"), given, name=f"restarted-{fresh_day.dt}"
    )
    _until("the vendor is asked", lambda: market.counts()["requests"] >= 1)
    stack = local.stack.read(stage.option.partition(":")[2])
    assert stack is not None
    stack.aws.stop(patience=30)
    resume(stack)
    market.faults()
    status, state = run_audit(window.start, window.end, symbols=SYMBOLS)
    assert status == "SUCCEEDED", state
    _check_whole(stage, market, window, SYMBOLS)
    untouched = stage.lake.read_bars(window, ["IBM"])
    assert untouched.filter(untouched["repair_id"].is_null()).equals(kept)
    # The first audit's jobs, whose workers went with AWS, would be hidden for two minutes.
    stage.clients.sqs.purge_queue(QueueUrl=stage.output("RepairQueueUrl"))


def test_a_deadline_of_the_vendor_is_shared_by_all_workers(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """One 429 with Retry-After, and no worker asks before it is over: the pause is on the board, not in a worker."""
    window = _hole(fresh_day, minutes=5)
    market.faults({"kind": "status", "status": 429, "retry_after": "4", "requests": 1})
    begun = datetime.now(UTC)
    status, state = run_audit(window.start, window.end, symbols=SYMBOLS)
    assert status == "SUCCEEDED", state
    assert datetime.now(UTC) - begun > timedelta(seconds=4)
    assert market.counts()["statuses"].get("429") == 1
    _check_whole(stage, market, window, SYMBOLS)
