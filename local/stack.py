"""A local stage: MiniStack, and the stacks of a stage deployed on it by the stock CDK command line.

Everything of it lies under `.local/<name>/` in the clone: state, data, logs, the synthesized template.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from local.certificate import CERTIFICATE
from local.deployment import ROOT, check_machine, deploy
from local.ministack import aws_environment, start_ministack
from local.principals import ADMINISTRATOR, OPERATOR, Keys, make_principals
from local.servers import LocalProblem, Server, undisturbed

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A local stage that is up. `market` holds the outputs of its market stack; it is None when the workers ask
    somebody else's server."""

    name: str
    aws: Server
    market: dict[str, str] | None
    vendor: str
    vendor_url: str
    token: str
    replay: tuple[str, ...]
    outputs: dict[str, str]
    stage: str = "dev"  # whose template it is
    asked: str | None = None  # the vendor that `up` was given; None: the stage's own
    simulator: Server | None = None  # the process that was the market, where an older version started the stage

    @property
    def home(self) -> Path:
        return home_of(self.name)

    @property
    def endpoint(self) -> str:
        return self.aws.url

    @property
    def certificate(self) -> Path:
        """The one to believe when its AWS is spoken to."""
        return self.home / CERTIFICATE

    @property
    def keys(self) -> Keys:
        """The operator's: what the command line and the tests are."""
        return make_principals(self.home)[OPERATOR]

    @property
    def environment(self) -> dict[str, str]:
        return aws_environment(self.endpoint, keys=self.keys, home=self.home)

    @property
    def administrator(self) -> dict[str, str]:
        """The environment of who may do everything: to bootstrap the account."""
        return aws_environment(self.endpoint, keys=make_principals(self.home)[ADMINISTRATOR], home=self.home)

    @property
    def target(self) -> str:
        """What `cdk` is told to build the stage for this account."""
        told = {"target": "local", "stage": self.stage, "endpoint": self.endpoint, "vendor": self.asked}
        told["vendor-url"] = None if self.market else self.vendor_url
        return " ".join(f"-c {key}={value}" for key, value in told.items() if value)

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
    if state["market"] and "pid" in state["market"]:
        state["simulator"], state["market"] = state["market"], None
    if state.get("simulator"):
        state["simulator"] = Server(**state["simulator"])
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
    empty: bool = False,
    stage: str = "dev",
) -> LocalStack:
    """Start local AWS; deploy the stage's stack and, without `vendor_url`, its market stack; store the token that the
    vendor is to be asked with (None: a random one). With `empty` the account is left as a new one is.

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
        say("starting MiniStack")
        aws = start_ministack(home=home, port=port, launched=launched)
        replayed = tuple(str(path.resolve()) for path in replay)
        asked = vendor or ("finnhub" if vendor_url else None)
        stack = LocalStack(name, aws, None, vendor or "finnhub", vendor_url or "", token, replayed, {}, stage, asked)
        if not empty:
            say(f"bootstrapping, and deploying the {stage} stack" + ("" if vendor_url else " and its market simulator"))
            stack = _deployed(stack)
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


def deploy_again(name: str, *, say: Say) -> LocalStack:
    """Deploy what the sources are by now on the stage as it runs, and keep its data. Raises LocalProblem."""
    stack = read(name)
    if stack is None or not stack.aws.alive or not stack.outputs:
        what = "has nothing deployed by `mend local up`" if stack and stack.aws.alive else "is not running"
        raise LocalProblem(f"local stage {name!r} {what}: `mend local up --name {name}` would be right")
    check_machine()
    say("deploying what has changed")
    again = _deployed(stack, again=True)
    again.save()
    return again


def _deployed(stack: LocalStack, *, again: bool = False) -> LocalStack:
    """Deploy it, and say what is there now."""
    deployed = deploy(stack, again=again)
    stack.outputs.update(deployed[f"minutemend-{stack.stage}"])
    market = deployed.get(f"minutemend-{stack.stage}-market")
    return replace(stack, market=market, vendor_url=market["MarketUrl"]) if market else stack


def resume(stack: LocalStack) -> LocalStack:
    """Start a stopped local stage again, on the port that its functions know, with the data that it had."""
    if stack.simulator:
        raise LocalProblem(
            f"{stack.name!r} was made by an older version, whose market was a process of its own: "
            f"`mend local down --name {stack.name}` and a new one would be right"
        )
    started: list[Server] = [stack.aws]
    if not stack.aws.alive:
        try:
            start_ministack(home=stack.home, port=_port(stack.endpoint), launched=started.append)
        except BaseException:
            for server in started[1:]:
                server.stop(patience=2)
            raise
    again = replace(stack, aws=started[-1])  # also its address: a stage of an older version had no TLS
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
    servers = [server for server in (stack.simulator, stack.aws) if server] if stack else []
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
