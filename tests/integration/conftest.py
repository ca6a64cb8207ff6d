"""The integration tests' stage: a local one that they start themselves, or `--stage NAME` and `--endpoint URL`.

    pytest tests/integration                         starts local AWS, deploys dev on it, and stops it afterwards
    pytest tests/integration --stage local:NAME      the local stage of that name, which is up already
    pytest tests/integration --stage dev             dev in AWS, where the credentials lead
    … --endpoint URL                                 dev at another endpoint

prod is refused. Fixtures: `stage`, `market`, `run_audit`, `fresh_day`.
"""

from __future__ import annotations

import itertools
import os
import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from minutemend.core.minutes import format_instant
from minutemend.core.sessions import Session

from cli.stage import Stage, open_stage
from local.market.server import MarketServer
from local.market.sources import ParquetBars, Source

REAL_BARS = Path(__file__).resolve().parents[3] / "shared" / "data" / "real-minute-bars"
NO_REAL_BARS = f"the real minute bars are not there ({REAL_BARS}); they are kept outside the repository"
TOKEN = secrets.token_hex(16)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--stage` and `--endpoint`."""
    parser.addoption("--stage", help="a deployed stage: dev or local:NAME (default: a local one, started for the run)")
    parser.addoption("--endpoint", help="where that stage's AWS is (default: AWS itself, or the local stage's)")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what could hurt before anything is collected."""
    wanted = config.getoption("--stage", default=None)
    if wanted == "prod":
        raise pytest.UsageError("these tests write holes into a lake: they refuse prod; --stage dev would be right")
    if config.getoption("--endpoint", default=None) and not wanted:
        raise pytest.UsageError("--endpoint wants a stage: --stage dev would be right")


class Market:
    """The market simulator that the workers ask, in this process: what it trades, and what goes wrong with it."""

    def __init__(self, server: MarketServer) -> None:
        self.server = server
        self.generated: Source = server.source

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def source(self) -> Source:
        """What the vendor knows: `source.rows(symbol, first, end)` gives its bars by epoch minute."""
        return self.server.market.source

    def replay(self, *paths: Path) -> None:
        """From now on the market is what these Parquet files hold, and nothing else."""
        self.server.market.source = ParquetBars(paths)

    def generate(self) -> None:
        """From now on the market is made up again, for every symbol there could be."""
        self.server.market.source = self.generated

    def faults(self, *faults: dict[str, Any]) -> None:
        """Put these faults in force, and no others (local/market/faults.py has the kinds)."""
        self.server.control(faults=list(faults))

    def counts(self) -> dict[str, Any]:
        """What was asked and answered since the last reset."""
        return dict(self.server.counts())

    def reset(self) -> None:
        """No faults, counts at zero, bars made up."""
        self.server.control(faults=[], reset=True)
        self.generate()


@pytest.fixture(scope="session")
def _market_server() -> Iterator[MarketServer]:
    with MarketServer(calendar_of={"BTCUSD": "24/7", "LTCUSD": "24/7"}, credentials={"finnhub": TOKEN}) as server:
        yield server


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A deployed stage with its outputs, clients and lake. Local unless `--stage` says otherwise."""
    wanted = request.config.getoption("--stage")
    endpoint = request.config.getoption("--endpoint")
    if endpoint:
        os.environ["AWS_ENDPOINT_URL"] = endpoint
    if wanted:
        yield open_stage(wanted)
        return
    import local.stack
    from cli.local_stage import store_token

    server: MarketServer = request.getfixturevalue("_market_server")
    name = f"test-{uuid.uuid4().hex[:6]}"
    local.stack.up(name, say=lambda _: None, vendor_url=server.url, store_token=store_token, token=TOKEN)
    try:
        yield open_stage(f"local:{name}")
    finally:
        local.stack.down(name)


@pytest.fixture
def market(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Market]:  # noqa: ARG001 (it asks this server)
    """Control of the simulator that the workers ask, back to normal after each test."""
    if request.config.getoption("--stage"):
        pytest.skip("only a stage that these tests started themselves asks the simulator in this process")
    found = Market(request.getfixturevalue("_market_server"))
    found.reset()
    yield found
    found.reset()


RunAudit = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture
def run_audit(stage: Stage) -> RunAudit:
    """`run_audit(start, end, symbols=None, attempts=None) -> (status, output)`: one execution, to its end.

    `start` and `end` are aware datetimes or texts; `given=…` replaces the whole input. `status` is SUCCEEDED,
    FAILED, TIMED_OUT or ABORTED; `output` the final state, or `{"error": …, "cause": …}`. Besides the output it has
    `execution` (name), `arn`, `looks` (cli.follow.Look) and `largest_state` (bytes).
    """
    from minutemend.adapters import executions

    from cli.follow import follow

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


_DAYS = itertools.count()


@pytest.fixture
def fresh_day() -> Session:
    """A regular XNYS session (390 minutes) of 2024 that no other test of this run has been given."""
    from minutemend.adapters.exchange_sessions import session_table

    rows = session_table(["XNYS"], first="2024-01-02", last="2024-12-31").to_pylist()
    whole = [row for row in rows if row["minutes"] == 390]
    row = whole[next(_DAYS) * 2]  # with a day between, so that ranges around a session do not meet
    opened, closed = (row[name].replace(tzinfo=UTC) for name in ("open", "close"))
    assert closed - opened == timedelta(minutes=390)
    return Session("XNYS", date.fromisoformat(row["dt"]), opened, closed)


@pytest.fixture
def real_bars() -> Path:
    """The folder of real bars; skips with the reason where it is missing."""
    if not REAL_BARS.is_dir():
        pytest.skip(NO_REAL_BARS)
    return REAL_BARS
