"""The handlers of capture and publish: what they take, what they give back, what they measure."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from minutemend.core.audit_state import AuditState
from minutemend.core.audits import AuditRequest
from minutemend.core.bars import Bar, to_table
from minutemend.core.captures import CaptureJob, DropRule
from minutemend.core.errors import BadInput
from minutemend.core.evidence import Needs
from minutemend.core.gaps import Gap, Gaps
from minutemend.core.minutes import MINUTE, Range, format_instant
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence
from minutemend.services import working_files
from minutemend.services.capture import CaptureBars, RequestCaptures
from minutemend.services.lake import Lake
from minutemend.services.publish import Publish
from minutemend.services.review import Reviewed, ReviewValues
from minutemend.wiring import compose, feed

from runtime.handlers import capture_bars, publish_hours, request_captures, request_rechecks, review_values
from tests.fakes.board import FakeBoard
from tests.fakes.queue import FakeJobQueue
from tests.fakes.signals import FakeSignals
from tests.fakes.store import FakeStore
from tests.fakes.vendor import FakeVendor

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
NOW = OPEN + 2 * MINUTE
NYSE = Session("XNYS", date(2013, 10, 4), OPEN, OPEN + 390 * MINUTE)
VENDORS = '[{"name": "fake", "url": "http://127.0.0.1:1", "per_minute": 60, "timeout_seconds": 1}]'
NAMES = ("DATA_BUCKET", "RESULTS_BUCKET", "SYMBOLS_PARAMETER", "BOARD_TABLE", "CAPTURE_QUEUE_URL", "CAPTURE_DLQ_URL")


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 20_000


class Feed:
    """Capture and publish over fakes."""

    def __init__(self) -> None:
        self.lake, self.results = Lake(FakeStore()), FakeStore(lambda: NOW)
        self.queue, self.signals = FakeJobQueue(), FakeSignals()
        self.lake.calendars.put([NYSE])
        truth = [
            Bar(symbol, OPEN + n * MINUTE, 1.0, 1.0, 1.0, 1.0, 1.0) for symbol in ("AIG", "IBM") for n in range(30)
        ]
        self.vendor = FakeVendor(truth, clock=lambda: NOW)

    def requester(self) -> RequestCaptures:
        return RequestCaptures(
            lake=self.lake,
            queue=self.queue,
            parameter=lambda: '{"XNYS": ["AIG", "IBM"]}',
            shipped_sessions=lambda: b"",
            settling=MINUTE,
            flaw=DropRule(0.0, 1),
        )

    def worker(self) -> CaptureBars:
        return CaptureBars(
            lake=self.lake,
            board=FakeBoard(),
            queue=self.queue,
            vendors={self.vendor.name: self.vendor},
            clock=lambda: NOW,
            max_receives=3,
        )

    def publisher(self) -> Publish:
        return Publish(lake=self.lake, signals=self.signals, retire_after=timedelta(0))


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The feed in place of the real adapters."""
    found = Feed()
    for name in (*NAMES, "VENDOR_SECRET", "EVENT_BUS"):
        monkeypatch.setenv(name, "x")
    for name in ("SETTLING_DELAY_SECONDS", "MAX_RECEIVES", "RETIRE_AFTER_SECONDS"):
        monkeypatch.setenv(name, "3")
    monkeypatch.setenv("STAGE", "dev")
    monkeypatch.setenv("VENDORS", VENDORS)
    compose.settings_of.cache_clear()
    monkeypatch.setattr(compose, "utc_now", lambda: NOW)
    monkeypatch.setattr(compose, "store", lambda _: found.results)
    monkeypatch.setattr(compose, "publish", found.publisher)
    monkeypatch.setattr(feed, "request_captures", found.requester)
    monkeypatch.setattr(feed, "capture_bars", found.worker)
    yield found
    compose.settings_of.cache_clear()


def record(body: object) -> dict[str, Any]:
    return {"messageId": "m", "body": json.dumps(body), "attributes": {"ApproximateReceiveCount": "1"}}


def metrics(text: str) -> dict[str, Any]:
    """The newest value of each metric that was written."""
    lines = [json.loads(line) for line in text.splitlines() if '"_aws"' in line]
    named = [(metric["Name"], line) for line in lines for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    return {name: line[name][0] for name, line in named}


def test_a_scheduled_minute_goes_from_the_schedule_to_the_lake(
    stream: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked for, fetched, written, counted."""
    said = request_captures.handler({"scheduled_at": "2013-10-04T13:32:00Z"}, Context())
    assert said == {"minute": "2013-10-04T13:30:00Z", "symbols": 2, "dropped": [], "messages": 1}
    answer = capture_bars.handler({"Records": [record(body) for body in stream.queue.take()]}, Context())
    assert answer == {"batchItemFailures": []}
    assert stream.lake.read_bars(Range(OPEN, OPEN + MINUTE)).num_rows == 2
    assert metrics(capsys.readouterr().out)["BarsCaptured"] == 2


def test_a_refused_list_of_symbols_is_measured(stream: Feed, capsys: pytest.CaptureFixture[str]) -> None:
    """The alarm on this metric says that the last good list is in force."""
    request_captures.handler({"scheduled_at": "2013-10-04T13:32:00Z"}, Context())
    stream.lake.store.put("settings/symbols/2026.json", b"{}")
    said = request_captures.handler({"scheduled_at": "2013-10-04T13:33:00Z"}, Context())
    assert said["symbols"] == 2
    assert metrics(capsys.readouterr().out)["SymbolListRefused"] == 1


def test_a_review_counts_what_is_open(
    stream: Feed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The metric is written each night, also when it is 0: an alarm hangs on it."""
    for name, value in {"SWEEP_DAYS": "3", "LOOK_SHARE": "0"}.items():
        monkeypatch.setenv(name, value)
    for name in ("GLUE_DATABASE", "ATHENA_WORKGROUP", "REPAIR_QUEUE_URL"):
        monkeypatch.setenv(name, "x")
    how: dict[str, Any] = {"lake": stream.lake, "board": FakeBoard(), "queue": stream.queue, "signals": stream.signals}
    service = ReviewValues(**how, vendors=[], unsure=[], ask=lambda *_: [], days=3, share=0.0)
    monkeypatch.setattr(compose, "review_values", lambda **_: service)
    said = review_values.handler({"scheduled_at": "2013-10-06T03:10:00Z"}, Context())
    assert (said["start"], said["requests"]) == ("2013-10-03T00:00:00Z", 0)
    told = metrics(capsys.readouterr().out)
    assert (told["OpenRevisions"], told["FlaggedValues"]) == (0, 0)
    assert "FlagsNotLookedFor" not in told


def test_a_review_says_that_values_were_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """No zero is measured then: a metric of its own, and the reason in the log."""
    done = Reviewed(Range(OPEN, OPEN + MINUTE), (), 0, 0, flags=None, trouble="QueryFailed: no such table")
    monkeypatch.setattr(compose, "review_values", lambda **_: SimpleNamespace(run=lambda *_, **__: done))
    monkeypatch.setattr(compose, "settings_of", lambda _: SimpleNamespace(stage="dev"))
    assert review_values.handler({"scheduled_at": "2013-10-06T03:10:00Z"}, Context())["flags"] is None
    assert [vars(one)["reason"] for one in caplog.records if one.levelname == "ERROR"] == [done.trouble]
    told = metrics(capsys.readouterr().out)
    assert told["FlagsNotLookedFor"] == 1
    assert "FlaggedValues" not in told


@pytest.mark.usefixtures("stream")
def test_a_night_of_rechecks_begins_with_what_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Composed of the stage's settings; a proof of one vendor's word, written a day before."""
    for name, value in {"SWEEP_DAYS": "3", "RECHECK_REQUESTS": "9"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VENDORS", VENDORS.replace("fake", "finnhub"))
    composed = compose.request_rechecks()
    composed.lake.put_symbols([Listing("IBM", "XNYS")])
    long_ago = Range(OPEN - timedelta(days=30), OPEN - timedelta(days=30) + MINUTE)
    proof = Absence("IBM", long_ago, "no_trade", "[]", 2, NOW, "two_looks", 0.5, RULE)
    composed.lake.put_absences([proof])
    assert (composed.sweep_days, composed.most, [one.name for one in composed.vendors]) == (3, 9, ["finnhub"])
    event = {"run": "recheck-1", "scheduled_at": format_instant(NOW + timedelta(days=2))}
    assert request_rechecks.handler(event, Context())["dates"] == 1
    with pytest.raises(BadInput, match="would be right"):
        request_rechecks.handler(event | {"run": "a b"}, Context())


@pytest.mark.usefixtures("stream")
def test_an_unusable_scheduled_time_fails_the_function() -> None:
    """Loudly: a schedule that sends nonsense is a mistake of the template."""
    with pytest.raises(BadInput, match="would be right"):
        request_captures.handler({"scheduled_at": "soon"}, Context())


def test_poison_is_acknowledged_and_kept(stream: Feed) -> None:
    """Beside a good message, which is worked on."""
    good = CaptureJob(Range(OPEN, OPEN + MINUTE), ("IBM",)).to_message()
    answer = capture_bars.handler({"Records": [record({"no": "job"}), record(good)]}, Context())
    assert answer == {"batchItemFailures": []}
    assert len(stream.queue.dead) == 1
    assert stream.lake.read_bars(Range(OPEN, OPEN + MINUTE))["symbol"].to_pylist() == ["IBM"]


def test_publishing_returns_the_state_and_leaves_what_it_did(stream: Feed) -> None:
    """The state stays small; the changed symbol-hours lie in the results bucket."""
    for n in range(30):
        request_captures.handler({"scheduled_at": (NOW + n * MINUTE).isoformat()}, Context())
    capture_bars.handler({"Records": [record(body) for body in stream.queue.take()]}, Context())
    request = AuditRequest(Range(OPEN, OPEN + 30 * MINUTE))
    working_files.put_json(stream.results, working_files.request_key("a1"), request.to_json())
    state = AuditState(audit_id="a1", request_key=working_files.request_key("a1"), status="ready").as_json()
    assert publish_hours.handler(dict(state), Context()).items() >= state.items()
    done = working_files.get_json(stream.results, working_files.published_key("a1"))
    assert done["changed"] == {"2013-10-04T13:00:00Z": ["AIG", "IBM"]}
    assert len(stream.signals.announced) == 1


def stored(stream: Feed, *symbols: str, days: int = 1) -> None:
    """Put all of these symbols' sessions into the lake."""
    minutes = [OPEN + timedelta(days=day, minutes=n) for day in range(days) for n in range(390)]
    bars = [Bar(symbol, minute, 1.0, 1.0, 1.0, 1.0, 1.0) for symbol in symbols for minute in minutes]
    stream.lake.put_bars(to_table(bars, source="fake", repair_id=None, captured_at=NOW))


def test_publishing_of_several_dates_goes_on_where_the_time_was_up(stream: Feed) -> None:
    """The state names the date, as the state machine looks for it, and names none when all is published."""
    stream.lake.put_symbols([Listing("AIG", "XNYS"), Listing("IBM", "XNYS")])
    stored(stream, "AIG", "IBM", days=2)
    day = timedelta(days=1)
    stream.lake.calendars.put([NYSE, Session("XNYS", NYSE.dt + day, OPEN + day, NYSE.close + day)])
    request = AuditRequest(Range(OPEN, OPEN + 2 * day))
    working_files.put_json(stream.results, working_files.request_key("a1"), request.to_json())
    state = AuditState(audit_id="a1", request_key=working_files.request_key("a1"), status="ready").as_json()

    class Late(Context):
        left = iter([600_000, 299_000, 600_000])

        def get_remaining_time_in_millis(self) -> int:
            return next(self.left)

    late = Late()
    half = publish_hours.handler(dict(state), late)
    assert half == state | {"publish_from": "2013-10-05"}
    assert stream.signals.announced == []
    assert publish_hours.handler(json.loads(json.dumps(half)), late) == state
    assert len(stream.signals.announced) == 1
    parts = [stored.key for stored in stream.results.list("audits/a1/published")]
    assert parts == ["audits/a1/published-2013-10-05.json", "audits/a1/published.json"]


def test_a_failed_audit_publishes_what_is_whole(stream: Feed) -> None:
    """The state says `exhausted`, and its gaps say of which symbols."""
    stream.lake.put_symbols([Listing("AIG", "XNYS"), Listing("IBM", "XNYS")])
    stored(stream, "AIG")
    request = AuditRequest(Range(OPEN, OPEN + 30 * MINUTE))
    working_files.put_json(stream.results, working_files.request_key("a1"), request.to_json())
    gaps = Gaps.from_rows([Gap("IBM", OPEN, OPEN + 2 * MINUTE, NYSE.open, NYSE.close)], names=["AIG"])
    unheard = np.empty((1, 0), np.int64)
    needs = Needs(gaps, (), unheard, unheard.astype(np.bool_), np.array([False]))
    working_files.put_needs(stream.results, working_files.gaps_key("a1", 3), needs)
    keys = {"request_key": working_files.request_key("a1"), "gaps_key": working_files.gaps_key("a1", 3)}
    state = AuditState(audit_id="a1", status="exhausted", report_key="r", reason="why", **keys).as_json()
    assert publish_hours.handler(dict(state), Context()) == state
    ((_, detail),) = stream.signals.announced
    assert (detail["symbols"], detail["not_ready"]) == (["AIG"], {"IBM": 30})
