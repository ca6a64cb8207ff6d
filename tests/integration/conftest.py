"""The integration tests' stage: a local one that they start themselves, or `--stage NAME` and `--endpoint URL`.

    pytest tests/integration                         starts local AWS, deploys dev on it, and stops it afterwards
    pytest tests/integration --stage local:NAME      the local stage of that name, which is up already
    pytest tests/integration --stage dev             dev in AWS, where the credentials lead
    … --endpoint URL                                 dev at another endpoint

prod is refused. Fixtures: `stage`, `market`, `run_audit`, `fresh_day`, `borrow`.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from minutemend.core.minutes import Range, format_instant
from minutemend.core.sessions import Session

from infra.settings import STAGES
from market.client import MarketClient
from market.parquet import read_bars
from market.sources import Source
from mend.aws.dead_letters import depth
from mend.stage import Stage, open_stage
from tests.integration import records
from tests.integration.dates import dates_of, objects_of, untouched_sessions
from tests.sharing import group_of, place_of

QUEUES = ("RepairQueueUrl", "CaptureQueueUrl")
PATIENCE = 300.0  # seconds for what takes a few: a busy machine is no reason to fail
REAL_BARS = Path(__file__).resolve().parents[3] / "shared" / "data" / "real-minute-bars"
NO_REAL_BARS = f"the real minute bars are not there ({REAL_BARS}); they are kept outside the repository"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--stage` and `--endpoint`."""
    parser.addoption("--stage", help="a deployed stage: dev or local:NAME (default: a local one, started for the run)")
    parser.addoption("--endpoint", help="where that stage's AWS is (default: AWS itself, or the local stage's)")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what could hurt before anything is collected."""
    wanted = config.getoption("--stage", default=None)
    if wanted in STAGES and STAGES[wanted].protected:
        raise pytest.UsageError(
            f"these tests write holes into a lake: they refuse {wanted}; --stage dev would be right"
        )
    if config.getoption("--endpoint", default=None) and not wanted:
        raise pytest.UsageError("--endpoint wants a stage: --stage dev would be right")
    if not wanted and not hasattr(config, "workerinput"):
        records.begin()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, and see that a test that needs a stage is in a process that has one."""
    items.sort(key=lambda item: place_of(item.nodeid))
    for item in items:
        given = getattr(getattr(item, "callspec", None), "params", ())
        wanted = "stage" in getattr(item, "fixturenames", ()) and "stage" not in given
        if wanted and not group_of(item.nodeid).startswith("stage-"):
            raise pytest.UsageError(f"{item.nodeid} needs a stage: name its file in tests/sharing.py")


class Market:
    """The market stack that the stage's workers ask: what it trades, and what goes wrong with it."""

    def __init__(self, client: MarketClient, generated: Source) -> None:
        self.client = client
        self.generated = generated
        self.source = generated  # what the vendor knows: `source.rows(symbol, first, end)`, by epoch minute

    @property
    def url(self) -> str:
        return self.client.url

    def replay(self, *paths: Path) -> None:
        """From now on the market is what these Parquet files hold, and nothing else."""
        self.client.replay(paths)
        self.source = read_bars(paths)

    def faults(self, *faults: dict[str, Any]) -> None:
        """Put these faults in force, and no others (market/faults.py has the kinds)."""
        self.client.order(faults=list(faults))

    def counts(self) -> dict[str, Any]:
        """What was asked and answered since the last reset."""
        return self.client.order()

    def reset(self) -> None:
        """No faults, counts at zero, bars made up in every minute of every session."""
        self.client.order(faults=[], reset=True, market={"no_trade": 0})
        self.source = self.generated


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest, meant_denials: set[str]) -> Iterator[Stage]:
    """A deployed stage with its outputs, clients and lake. Local unless `--stage` says otherwise."""
    wanted = request.config.getoption("--stage")
    endpoint = request.config.getoption("--endpoint")
    if endpoint:
        os.environ["AWS_ENDPOINT_URL"] = endpoint
    if wanted:
        yield open_stage(wanted)
        return
    import local.stack
    from mend.local_stage import store_token

    name = f"test-{uuid.uuid4().hex[:6]}"
    stack = local.stack.up(name, say=lambda _: None, store_token=store_token)
    try:
        yield open_stage(f"local:{name}")
        records.keep(stack, meant_denials)
    finally:
        local.stack.down(name)


@pytest.fixture(scope="session")
def _market_of_the_stage(stage: Stage) -> Market:
    from market.calendars import session_edges
    from market.generated import GeneratedBars, Sessions
    from mend.aws.stacks import NotDeployed, stack_outputs

    try:
        outputs = stack_outputs(stage.clients.cloudformation, f"{stage.settings.stack_name}-market")
    except NotDeployed as problem:
        pytest.skip(f"{problem}: this stage asks another vendor, which no test can tell what to do")
    symbols = stage.settings.symbols
    generated = GeneratedBars(
        seed=7,
        sessions=Sessions(session_edges(symbols)),
        calendar=next(iter(symbols)),
        calendar_of={symbol: calendar for calendar, listed in symbols.items() for symbol in listed},
    )
    return Market(MarketClient(stage.clients, outputs), generated)


@pytest.fixture(scope="session")
def meant_denials() -> set[str]:
    """Denials that tests are about, "role/NAME service:Action" or "user/NAME": `make grants` lets these pass alone."""
    return set()


@pytest.fixture
def market(stage: Stage, _market_of_the_stage: Market) -> Iterator[Market]:
    """Control of the simulator that the workers ask, back to normal after each test; only this test's doing asks it."""
    _until_nothing_goes_on(stage)
    _market_of_the_stage.reset()
    yield _market_of_the_stage
    _market_of_the_stage.reset()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many tests ran of all that there are, and each that did not, with its reason: a skip is no pass."""
    reports = {outcome: terminalreporter.stats.get(outcome, []) for outcome in ("passed", "failed", "skipped")}
    skipped = [report for report in reports["skipped"] if report.when in ("setup", "call")]
    ran = len(reports["passed"]) + len(reports["failed"])
    if not ran + len(skipped):
        return
    terminalreporter.section("what ran")
    share = 100 * ran / (ran + len(skipped))
    terminalreporter.write_line(f"{ran} of {ran + len(skipped)} tests ran ({share:.0f} %)")
    named: dict[str, list[str]] = {}
    for report in skipped:
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        named.setdefault(reason.removeprefix("Skipped: "), []).append(report.nodeid)
    for reason, tests in named.items():
        terminalreporter.write_line(f"{len(tests)} not run: {reason}")
        terminalreporter.write_line("".join(f"  {test}\n" for test in tests).rstrip())


Borrow = Callable[[Range], None]
RunAudit = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture
def run_audit(stage: Stage) -> RunAudit:
    """`run_audit(start, end, symbols=None, attempts=None) -> (status, output)`: one execution, to its end.

    `start` and `end` are aware datetimes or texts; `given=…` replaces the whole input. `status` is SUCCEEDED,
    FAILED, TIMED_OUT or ABORTED; `output` the final state, or `{"error": …, "cause": …}`. Besides the output it has
    `execution` (name), `arn`, `looks` (mend.follow.Look) and `largest_state` (bytes).
    """
    from mend.aws import executions
    from mend.follow import follow

    def run(
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        symbols: Sequence[str] | None = None,
        attempts: int | None = None,
        *,
        given: object = None,
    ) -> tuple[str, dict[str, Any]]:
        if given is None:
            given = {"start": _text(start), "end": _text(end), "symbols": symbols and list(symbols)}
            given = {key: value for key, value in (given | {"attempts": attempts}).items() if value is not None}
        name = f"test-{uuid.uuid4().hex[:12]}"
        machine = stage.clients.stepfunctions
        arn = executions.start(machine, stage.output("StateMachineArn"), given, name=name)  # type: ignore[arg-type]
        followed = follow(stage, arn, tell=lambda *_: None)
        ended = followed.execution
        output = dict(ended.output or {"error": ended.error, "cause": ended.cause})
        facts = {"execution": name, "arn": arn, "looks": followed.looks, "largest_state": followed.largest_state}
        return ended.status, output | facts

    return run


def _text(instant: datetime | str | None) -> str | None:
    return format_instant(instant) if isinstance(instant, datetime) else instant


def _until_nothing_goes_on(stage: Stage) -> None:
    """Wait for what an earlier test, or a schedule, has started."""
    begun = since = time.monotonic()
    last: list[object] = []
    while going := _going_on(stage):
        now = time.monotonic()
        assert now - begun < PATIENCE, f"still going on: {going}"
        last, since = going, since if going == last else now
        if now - since > 3 * stage.settings.worker_timeout.total_seconds():  # no worker lives as long: it was killed
            for name in QUEUES:
                stage.clients.sqs.purge_queue(QueueUrl=stage.output(name))
            since = now
        time.sleep(0.2)


def _going_on(stage: Stage) -> list[object]:
    """The executions that run, and the queues that hold a job, with how many."""
    machines = [stage.output(name) for name in ("StateMachineArn", "BackfillMachineArn")]
    pages = [
        stage.clients.stepfunctions.list_executions(stateMachineArn=arn, statusFilter="RUNNING") for arn in machines
    ]
    full = [(name, found) for name in QUEUES if any(astuple(found := depth(stage.clients.sqs, stage.output(name))))]
    return [one["name"] for page in pages for one in page["executions"]] + full


@pytest.fixture(scope="session")
def _given() -> set[Session]:
    """The sessions that tests have had."""
    return set()


@pytest.fixture
def fresh_day(request: pytest.FixtureRequest, stage: Stage, _given: set[Session]) -> Session:
    """A regular XNYS session (390 minutes) of which the lake has nothing, and that no other test is given: each time
    the same, but for a stage that has been used before."""
    seed = None if request.config.getoption("--stage") else request.node.name
    day = next(one for one in untouched_sessions(stage, seed) if one not in _given)
    _given.add(day)
    return day


@pytest.fixture
def borrow(stage: Stage) -> Iterator[Callable[[Range], None]]:
    """`borrow(window)`: the window's dates, for tests of days that were. The lake has nothing of them before, else the
    test is skipped, and nothing afterwards."""
    borrowed: list[str] = []

    def take(window: Range) -> None:
        dates = dates_of(window)
        if there := objects_of(stage, dates):
            pytest.skip(f"the lake holds bars of {dates[0]} to {dates[-1]} already, like {there[0]}")
        borrowed.extend(dates)

    yield take
    stage.lake.store.delete(objects_of(stage, borrowed))


@pytest.fixture
def real_bars() -> Path:
    """The folder of real bars; skips with the reason where it is missing."""
    if not REAL_BARS.is_dir():
        records.lack(NO_REAL_BARS)
        pytest.skip(NO_REAL_BARS)
    return REAL_BARS
