"""Deploying the template that ships on local AWS, with the stock CDK command line and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.ministack import ACCOUNT, REGION
from local.servers import LocalProblem, tail

if TYPE_CHECKING:
    from local.stack import LocalStack

ROOT = Path(__file__).resolve().parents[1]


def deploy(stack: LocalStack, *, again: bool) -> dict[str, dict[str, str]]:
    """Deploy a stage with the stock CDK command line; the outputs of its stacks by name: it has a market stack, too,
    unless a vendor's URL is given.

    Its administrator bootstraps the account (not `again`), its operator deploys through the roles that the bootstrap
    made. The bootstrap and the synthesis run at the same time.
    """
    cdk, home = str(ROOT / "node_modules" / ".bin" / "cdk"), stack.home
    assembly = home / "cdk.out"
    outputs = home / "outputs.json"
    app = f"{sys.executable} {ROOT / 'app.py'}"
    surroundings = {
        # The user's own: the layer's libraries come from wherever pip and uv are told to fetch them.
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "CDK_HOME": str(home / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NODE_NO_WARNINGS": "1",
        "UV_CACHE_DIR": str(ROOT / ".build" / "uv"),
        "CI": "true",
    }

    operator = stack.environment

    def run(*words: str, as_whom: Mapping[str, str] = operator, cwd: Path = ROOT) -> subprocess.Popen[bytes]:
        command = [cdk, *words, "--no-notices"]
        with _log(home, words[0]).open("wb") as out:
            return subprocess.Popen(  # noqa: S603 (the project's own CDK)
                command,
                cwd=cwd,
                env={**surroundings, **as_whom},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    layers = f"{sys.executable} -m infra.layer {stack.target}"
    synth = run("synth", "-q", "--build", layers, "--app", app, *stack.target.split(), "--output", str(assembly))
    try:
        if not again:  # away from cdk.json, which would make it synthesize too
            _finish(run("bootstrap", f"aws://{ACCOUNT}/{REGION}", as_whom=stack.administrator, cwd=home), home)
    except BaseException:
        _kill(synth)
        raise
    _finish(synth, home)
    deployment = ("--app", str(assembly), "--require-approval", "never", "--outputs-file", str(outputs))
    _finish(run("deploy", f"minutemend-{stack.stage}", *deployment, cwd=home), home)
    deployed: dict[str, dict[str, str]] = json.loads(outputs.read_text())
    return deployed


def _log(home: Path, command: str) -> Path:
    """One for each command: two run at once, and the one that failed has to say why."""
    return home / f"cdk-{command}.log"


def _finish(process: subprocess.Popen[bytes], home: Path) -> None:
    try:
        code = process.wait()
    except BaseException:
        _kill(process)
        raise
    if code:
        words: Any = process.args
        end = tail(_log(home, words[1]), 25)
        raise LocalProblem(f"`cdk {words[1]}` ended with {code}; the end of its log:\n{end}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command with all its children: it has a session of its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def check_machine() -> None:
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
