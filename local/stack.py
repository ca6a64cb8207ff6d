"""A local stage: MiniStack, a market, and the dev stack deployed on it by the stock CDK command line.

Everything of it lies under `.local/<name>/` in the clone: state, data, logs, the synthesized template.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.ministack import ACCOUNT, REGION, aws_environment, clean_environment, start_ministack
from local.servers import LocalProblem, Server, free_port, start, tail

ROOT = Path(__file__).resolve().parents[1]
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
) -> LocalStack:
    """Start local AWS and, without `vendor_url`, the market simulator; deploy the dev stack; store the token.

    Takes 15 to 20 s on two cores. Whatever fails, and on Ctrl-C, everything that was started is stopped and
    removed again; the log of a failed deployment stays as `.local/<name>.failed.log`. Raises LocalProblem.
    """
    home = home_of(name)
    _check_machine()
    if home.exists():
        before = read(name)
        if before and before.aws.alive:
            raise LocalProblem(f"local stage {name!r} is up already, at {before.endpoint}")
        _refuse_while_starting(home)
        down(name)
    (home / "tmp").mkdir(parents=True)
    (home / "starting").write_text(str(os.getpid()))
    servers: list[Server] = []
    vendor = vendor or "finnhub"
    token = secrets.token_hex(16)
    try:
        say("starting MiniStack")
        aws = start_ministack(home=home, port=port)
        servers.append(aws)
        market = None
        if vendor_url is None:
            say("starting the market simulator")
            market = start_market(home=home, token=token, replay=replay)
            servers.append(market)
            vendor_url = market.url
        stack = LocalStack(name, aws, market, vendor, vendor_url, token, outputs={})
        say("bootstrapping and deploying the dev stack")
        stack.outputs.update(deploy(stack))
        store_token(stack)
        stack.save()
    except BaseException:
        for server in reversed(servers):
            server.stop()
        log = home / "cdk.log"
        if log.exists():
            shutil.copy(log, home.parent / f"{name}.failed.log")
        shutil.rmtree(home, ignore_errors=True)
        raise
    (home / "starting").unlink()
    return stack


def _refuse_while_starting(home: Path) -> None:
    try:
        pid = int((home / "starting").read_text())
        os.kill(pid, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return
    if pid != os.getpid():
        raise LocalProblem(f"another process ({pid}) is starting local stage {home.name!r} at this moment")


def down(name: str, *, keep: bool = False) -> bool:
    """Stop what runs under the name and, unless `keep`, remove its folder. False when there was nothing."""
    home = home_of(name)
    stack = read(name)
    if stack:
        for server in (stack.market, stack.aws):
            if server:
                server.stop()
    there = home.exists()
    if not keep:
        shutil.rmtree(home, ignore_errors=True)
        (home.parent / f"{name}.failed.log").unlink(missing_ok=True)
    return there


def start_market(*, home: Path, token: str, replay: tuple[Path, ...] = ()) -> Server:
    """Start the market simulator on a free port. It makes bars up, or replays these Parquet files, and refuses
    whoever does not bring the token."""
    port = free_port()
    calendars = ("--calendar", "XNYS", "--calendar", "24/7=BTCUSD,LTCUSD", "--no-trade", str(NO_TRADE))
    files = [part for path in replay for part in ("--parquet", str(path.resolve()))]
    server = start(
        [sys.executable, "-m", "local.market", "--port", str(port), *(files or calendars)],
        url=f"http://127.0.0.1:{port}",
        health="/control",
        marker="local.market",
        env=clean_environment(home),
        cwd=ROOT,
        log=home / "market.log",
    )
    credentials = {"finnhub": token, "alpaca": {"key": token, "secret": token}}
    control(server, {"credentials": credentials})
    return server


def control(market: Server, order: Mapping[str, object]) -> None:
    """Tell the simulator something, as `POST /control` (local/market/server.py has the words)."""
    request = urllib.request.Request(  # noqa: S310 (http on 127.0.0.1)
        f"{market.url}/control", data=json.dumps(order).encode(), method="POST"
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def deploy(stack: LocalStack) -> Mapping[str, str]:
    """Bootstrap and deploy with the stock CDK command line, and return the stack's outputs.

    The bootstrap and the synthesis have nothing to do with one another and run at the same time.
    """
    cdk = str(ROOT / "node_modules" / ".bin" / "cdk")
    log = stack.home / "cdk.log"
    assembly = stack.home / "cdk.out"
    outputs = stack.home / "outputs.json"
    context = {"target": "local", "stage": STAGE, "vendor": stack.vendor, "vendor-url": stack.vendor_url}
    flags = [part for key, value in context.items() for part in ("-c", f"{key}={value}")]
    app = f"{sys.executable} {ROOT / 'app.py'}"
    environment = {
        **clean_environment(stack.home),
        **stack.environment,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(ROOT / ".build" / "jsii"),
        "NODE_NO_WARNINGS": "1",
        "CI": "true",
    }
    with log.open("ab") as out:

        def run(*words: str) -> subprocess.Popen[bytes]:
            command = [cdk, *words, "--no-notices"]
            return subprocess.Popen(  # noqa: S603 (the project's own CDK)
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

        synth = run("synth", "-q", "--app", app, *flags, "--output", str(assembly))
        try:
            _finish(run("bootstrap", f"aws://{ACCOUNT}/{REGION}"), log)
        except BaseException:
            _kill(synth)
            raise
        _finish(synth, log)
        deployment = ("--app", str(assembly), "--require-approval", "never", "--outputs-file", str(outputs))
        _finish(run("deploy", f"minutemend-{STAGE}", *deployment), log)
    deployed: dict[str, dict[str, str]] = json.loads(outputs.read_text())
    return deployed[f"minutemend-{STAGE}"]


def _finish(process: subprocess.Popen[bytes], log: Path) -> None:
    try:
        code = process.wait()
    except BaseException:
        _kill(process)
        raise
    if code:
        words: Any = process.args
        raise LocalProblem(f"`cdk {words[1]}` ended with {code}; the end of its log:\n{tail(log, 25)}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command with all its children: it has a session of its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _check_machine() -> None:
    """Node, the CDK command line and the emulator are there, and new enough. Raises LocalProblem."""
    node = shutil.which("node")
    if node is None:
        raise LocalProblem("the CDK needs Node.js 20 or newer, and there is no `node` on the PATH: install it first")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    if not version.startswith("v") or int(version[1:].split(".")[0]) < 20:
        raise LocalProblem(f"the CDK needs Node.js 20 or newer; {node} is {version or 'broken'}")
    if not (ROOT / "node_modules" / ".bin" / "cdk").exists():
        raise LocalProblem("the CDK command line is not installed: `make setup` installs it")
    from importlib.util import find_spec

    if find_spec("ministack") is None:
        raise LocalProblem("MiniStack is not installed: `make setup` installs it")
