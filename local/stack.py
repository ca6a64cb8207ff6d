"""A local stage: MiniStack, a market, and the dev stack deployed on it by the stock CDK command line.

Everything of it lies under `.local/<name>/` in the clone: state, data, logs, the synthesized template.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from local.deployment import ROOT, check_machine, deploy
from local.ministack import aws_environment, clean_environment, start_ministack
from local.servers import LocalProblem, Server, free_port, launch, undisturbed, wait_ready

STAGE = "dev"
NO_TRADE = 0.0005  # the share of minutes in which the simulator's market prints no trade: proven absent in the end
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A local stage that is up. `market` is None when the workers ask somebody else's server."""

    name: str
    aws: Server
    market: Server | None
    vendor: str
    vendor_url: str
    token: str
    replay: tuple[str, ...]
    outputs: dict[str, str]

    @property
    def home(self) -> Path:
        return home_of(self.name)

    @property
    def endpoint(self) -> str:
        return self.aws.url

    @property
    def environment(self) -> dict[str, str]:
        return aws_environment(self.endpoint)

    def save(self) -> None:
        """Write the state file, whole or not at all."""
        draft = self.home / "state.json.new"
        draft.write_text(json.dumps(asdict(self), indent=2))
        draft.chmod(0o600)  # it holds the simulator's token
        draft.replace(self.home / "state.json")


def home_of(name: str) -> Path:
    """The folder of a local stage. Raises LocalProblem for what cannot be a name."""
    if not NAME.fullmatch(name):
        raise LocalProblem(f"{name!r} cannot name a local stage: small letters, digits and hyphens would be right")
    return ROOT / ".local" / name


def read(name: str) -> LocalStack | None:
    """The local stage of that name, running or not; None when there is none."""
    path = home_of(name) / "state.json"
    if not path.exists():
        return None
    state = json.loads(path.read_text())
    state["aws"] = Server(**state["aws"])
    state["market"] = Server(**state["market"]) if state["market"] else None
    return LocalStack(**state)


def running() -> list[LocalStack]:
    """The local stages whose AWS is up, by name."""
    folder = ROOT / ".local"
    names = sorted(path.parent.name for path in folder.glob("*/state.json")) if folder.exists() else []
    return [stack for name in names if (stack := read(name)) and stack.aws.alive]


def up(
    name: str,
    *,
    say: Say,
    vendor: str | None = None,
    vendor_url: str | None = None,
    port: int | None = None,
    replay: tuple[Path, ...] = (),
    store_token: Callable[[LocalStack], None],
    token: str | None = None,
) -> LocalStack:
    """Start local AWS and, without `vendor_url`, the market simulator; deploy the dev stack; store the token
    that the vendor is to be asked with (None: a random one).

    Takes 15 to 20 s on two cores. Whatever fails, and on Ctrl-C, everything that was started is stopped and
    removed again; the log of a failed deployment stays as `.local/<name>.failed.log`. Raises LocalProblem.
    """
    home = home_of(name)
    check_machine()
    if home.exists():
        before = read(name)
        if before and before.aws.alive:
            raise LocalProblem(f"local stage {name!r} is up already, at {before.endpoint}")
        _refuse_while_starting(home)
        down(name)
    (home / "tmp").mkdir(parents=True)
    servers: list[Server] = []

    def launched(server: Server) -> None:
        servers.append(server)
        starting = {"pid": os.getpid(), "servers": [asdict(one) for one in servers]}
        (home / "starting.json").write_text(json.dumps(starting))

    token = token or secrets.token_hex(16)
    try:
        say("starting MiniStack" if vendor_url else "starting MiniStack and the market simulator")
        market = None
        if vendor_url is None:
            market = launch_market(home=home, port=free_port(), replay=replay)
            launched(market)
            vendor_url = market.url
        aws = start_ministack(home=home, port=port, launched=launched)
        replayed = tuple(str(path.resolve()) for path in replay)
        stack = LocalStack(name, aws, market, vendor or "finnhub", vendor_url, token, replayed, outputs={})
        say("bootstrapping and deploying the dev stack")
        outputs = deploy(
            home=home, environment=stack.environment, stage=STAGE, vendor=stack.vendor, vendor_url=vendor_url
        )
        stack.outputs.update(outputs)
        if market:
            _ready_market(market, home=home, token=token)
        store_token(stack)
        stack.save()
    except BaseException:
        with undisturbed():
            for server in reversed(servers):
                server.stop(patience=2)
            logs = sorted(home.glob("cdk-*.log"))
            if logs:
                (home.parent / f"{name}.failed.log").write_text(
                    "".join(log.read_text(errors="replace") for log in logs)
                )
            _discard(home)
        raise
    (home / "starting.json").unlink()
    (home.parent / f"{name}.failed.log").unlink(missing_ok=True)
    return stack


def resume(stack: LocalStack) -> LocalStack:
    """Start a stopped local stage again, on the ports that its functions know, with the data that it had."""
    market = stack.market
    if market and not market.alive:
        port = free_port(_port(market.url))
        market = launch_market(home=stack.home, port=port, replay=tuple(map(Path, stack.replay)))
        _ready_market(market, home=stack.home, token=stack.token)
    started: list[Server] = [stack.aws]
    if not stack.aws.alive:
        try:
            start_ministack(home=stack.home, port=_port(stack.endpoint), launched=started.append)
        except BaseException:
            for server in started[1:]:
                server.stop(patience=2)
            raise
    again = replace(stack, aws=started[-1], market=market)
    again.save()
    return again


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _refuse_while_starting(home: Path) -> None:
    starting = home / "starting.json"
    pid = json.loads(starting.read_text())["pid"] if starting.exists() else None
    try:
        os.kill(pid or os.getpid(), 0)
    except ProcessLookupError:
        return
    if pid not in (None, os.getpid()):
        raise LocalProblem(f"another process ({pid}) is starting local stage {home.name!r} at this moment")


def down(name: str, *, keep: bool = False) -> bool:
    """Stop what runs under the name and, unless `keep`, remove its folder. False when there was nothing."""
    home = home_of(name)
    there = home.exists()
    stack = read(name)
    servers = [server for server in (stack.market, stack.aws) if server] if stack else []
    starting = home / "starting.json"
    if starting.exists():  # somebody was killed in the middle of `up`
        servers += [Server(**one) for one in json.loads(starting.read_text())["servers"]]
    with undisturbed():
        for server in servers:
            server.stop(patience=30 if keep else 2)  # what is kept is written to disk first
        if not keep:
            _discard(home)
            (home.parent / f"{name}.failed.log").unlink(missing_ok=True)
    return there


def _discard(home: Path) -> None:
    """Take the folder away at once; its thousands of files (each function unpacks its layers) go in the background."""
    if not home.exists():
        return
    home.rename(home.with_name(f".gone-{secrets.token_hex(4)}"))
    rest = [str(path) for path in home.parent.glob(".gone-*")]  # those of an earlier one that was cut short, too
    subprocess.Popen(  # noqa: S603 (our own interpreter)
        [
            sys.executable,
            "-c",
            "import shutil, sys; [shutil.rmtree(one, ignore_errors=True) for one in sys.argv[1:]]",
            *rest,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def launch_market(*, home: Path, port: int, replay: tuple[Path, ...] = ()) -> Server:
    """Launch the market simulator: it makes bars up, or replays these Parquet files."""
    calendars = ("--calendar", "XNYS", "--calendar", "24/7=BTCUSD,LTCUSD", "--no-trade", str(NO_TRADE))
    files = [part for path in replay for part in ("--parquet", str(path.resolve()))]
    return launch(
        [sys.executable, "-m", "local.market", "--port", str(port), *(files or calendars)],
        url=f"http://127.0.0.1:{port}",
        marker="local.market",
        env=clean_environment(home),
        cwd=ROOT,
        log=home / "market.log",
    )


def _ready_market(market: Server, *, home: Path, token: str) -> None:
    """Wait for the simulator, and tell it the token that it is to expect."""
    wait_ready(market, health="/control", log=home / "market.log")
    control(market, {"credentials": {"finnhub": token, "alpaca": {"key": token, "secret": token}}})


def control(market: Server, order: Mapping[str, object]) -> None:
    """Tell the simulator something, as `POST /control` (local/market/server.py has the words)."""
    request = urllib.request.Request(  # noqa: S310 (http on 127.0.0.1)
        f"{market.url}/control", data=json.dumps(order).encode(), method="POST"
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
