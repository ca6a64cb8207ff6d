"""`mend verify`: what is looked at again, by whom, and that nothing but looks comes of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from minutemend.core.answers import VendorLimits
from minutemend.core.errors import BadInput
from minutemend.core.jobs import RepairJob
from minutemend.core.looks import plan_looks
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

import mend.stage
from mend.commands import verify
from mend.commands.verify import parse_sample
from mend.revisions import find_revisions
from tests.unit.services.loop import OPEN, Loop, bar, session_bars

DAY = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 6, tzinfo=UTC))
SESSION = Session("XNYS", date(2013, 10, 4), DAY.start + timedelta(hours=13.5), DAY.start + timedelta(hours=20))
ROUND = [
    Session("24/7", date(2013, 10, n), DAY.start + timedelta(days=n - 4), DAY.start + timedelta(days=n - 3))
    for n in (4, 5)
]
STOCKS = [Listing(f"S{n}", "XNYS") for n in range(100)]
COIN = Listing("BTC", "24/7")
WIDE = VendorLimits("alpaca", 10_000, 200, 200, calendars=("XNYS",))
NARROW = VendorLimits("binance", 1000, 1, 100)


def planned(**options: Any) -> list[RepairJob]:
    given: dict[str, Any] = {"run": "verify-1", "now": DAY.end, **options}
    vendors = given.pop("vendors", [WIDE, NARROW])
    return plan_looks(DAY, [*STOCKS, COIN], [SESSION, *ROUND], vendors, **given)


def test_every_session_minute_of_every_symbol_is_in_one_request_of_its_vendor() -> None:
    """As many symbols and minutes in each as the vendor takes."""
    jobs = planned()
    seen = [
        (symbol, job.request.range.start + n * MINUTE)
        for job in jobs
        for symbol in job.request.symbols
        for n in range(job.request.range.minutes)
    ]
    assert len(seen) == len(set(seen)) == 100 * 390 + 2 * 1440
    assert all(len(job.request.symbols) * job.request.range.minutes <= 10_000 for job in jobs)
    assert [(job.request.vendor, len(job.request.symbols)) for job in jobs] == [("binance", 1)] * 4 + [
        ("alpaca", 25)
    ] * 4
    assert all(RepairJob.from_message(json.loads(json.dumps(job.to_message()))).id == job.id for job in jobs)
    assert {(len(job.gaps), job.backfill) for job in jobs} == {(0, "verify-1")}


def test_a_sample_is_drawn_by_its_seed() -> None:
    def drawn(**options: Any) -> set[str]:
        return {symbol for job in planned(share=0.2, **options) for symbol in job.request.symbols}

    assert drawn() == drawn()
    assert drawn() != drawn(seed="another")
    assert 10 <= len(drawn()) <= 32


def test_minutes_that_have_not_ended_are_not_asked_for() -> None:
    jobs = planned(now=SESSION.open + 10 * MINUTE + timedelta(seconds=30), vendors=[WIDE])
    assert {str(job.request.range) for job in jobs} == {str(Range(SESSION.open, SESSION.open + 10 * MINUTE))}
    assert planned(now=DAY.start) == []


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("100 %", 1.0), ("2.5", 0.025)])
def test_shares_as_people_write_them(text: str, share: float) -> None:
    assert parse_sample(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["0%", "101%", "-5%", "half", ""])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="as 5% or 100%"):
        parse_sample(text)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    """A whole lake whose vendor restated one minute since; `--stage dev` is this, with its real worker."""
    restated = [one for one in session_bars() if (one.symbol, one.minute) != ("BBB", OPEN + 9 * MINUTE)]
    made = Loop(truth=[*restated, bar("BBB", OPEN + 9 * MINUTE, 500.0)], stored=session_bars())
    made.begin()
    opened = SimpleNamespace(
        lake=made.lake,
        board=made.board,
        name="dev",
        option="dev",
        vendors=[SimpleNamespace(name=made.vendor.name)],
        pauses=lambda **_: {},
    )
    monkeypatch.setattr(mend.stage, "open_stage", lambda _: opened)
    monkeypatch.setattr(
        "minutemend.adapters.vendors.limits_of", lambda _: VendorLimits(made.vendor.name, 100, 2, 10_000)
    )

    def send(_opened: Any, run: str, jobs: list[RepairJob], now: datetime) -> None:
        from minutemend.services.queue_repairs import to_message

        made.board.open_attempt(run, 1, jobs=len(jobs))
        made.queue.send(to_message(job, now=now) for job in jobs)

    monkeypatch.setattr(verify, "_send", send)
    return made


def run(*words: str) -> Any:
    return CliRunner().invoke(verify.command, ["--stage", "dev", "--start", "2026-01-05", *words])


def test_from_the_command_to_the_revision_and_nothing_else_is_written(loop: Loop) -> None:
    """Every stored minute is seen again; the one that disagrees is listed; bars, answers and facts are as they were."""
    before = set(loop.store.objects)
    done = run()
    assert done.exit_code == 0, done.output
    assert "3 requests" in done.stderr
    while loop.queue.sent:
        loop.work()
    assert {key.partition("/")[0] for key in set(loop.store.objects) - before} == {"answers", "looks"}
    (one,) = find_revisions(loop.lake, Range(OPEN, OPEN + 60 * MINUTE))
    assert (one.symbol, one.minute, one.seen[0]) == ("BBB", OPEN + 9 * MINUTE, 500.0)


def test_a_plan_sends_nothing(loop: Loop) -> None:
    done = run("--plan", "--format", "json")
    assert json.loads(done.stdout) == {"requests": 3, "estimated_seconds": 0.0}
    assert loop.queue.sent == []


def test_an_unknown_vendor_is_refused_with_those_that_are_asked(loop: Loop) -> None:
    done = run("--vendor", "nobody")
    assert isinstance(done.exception, BadInput)
    assert loop.vendor.name in str(done.exception)
