"""`mend local`: up, down, side by side; whatever stops it, nothing half-made stays."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import local.stack
from local.deployment import ROOT
from local.servers import Server
from mend.local_stage import resume
from mend.stage import Stage, open_stage
from tests.integration.conftest import PATIENCE

MEND = Path(sys.executable).with_name("mend")


@pytest.fixture
def name() -> Iterator[str]:
    """A name for a local stage that no other test uses, stopped afterwards in any case."""
    chosen = f"test-{uuid.uuid4().hex[:6]}"
    yield chosen
    local.stack.down(chosen)


def _up(name: str, *more: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    words = [str(MEND), "local", "up", "--name", name, *more]
    return subprocess.run(words, capture_output=True, text=True, env=environment, check=False, timeout=PATIENCE)


def _refused(done: subprocess.CompletedProcess[str], name: str, words: str) -> None:
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (ROOT / ".local" / name).exists(), "something half-made stays"


def _launched(name: str) -> list[Server]:
    """The servers that an `up` which has not finished yet has launched so far."""
    starting = ROOT / ".local" / name / "starting.json"
    return [Server(**one) for one in json.loads(starting.read_text())["servers"]] if starting.exists() else []


def test_a_busy_port_is_told(name: str) -> None:
    """With what would be right."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _refused(_up(name, "--port", str(port)), name, f"port {port} of 127.0.0.1 cannot be used")


def test_no_node_and_an_old_node_are_told(name: str, tmp_path: Path) -> None:
    """The CDK's command line needs Node 20."""
    bare = tmp_path / "bin"
    bare.mkdir()
    _refused(_up(name, path=str(bare)), name, "there is no `node` on the PATH")
    node = bare / "node"
    node.write_text("#!/bin/sh\necho v18.19.0\n")
    node.chmod(0o755)
    _refused(_up(name, path=f"{bare}:/bin:/usr/bin"), name, "needs Node.js 20 or newer")


UNUSABLE = [
    ["--name", "No Name"],
    ["--vendor", "nobody"],
    ["--vendor-url", "ftp://x"],
    ["--stage", "moon"],
    ["--stage", "prod"],  # protected: the market simulator is not for it
]


@pytest.mark.parametrize("given", UNUSABLE)
def test_unusable_options_are_told(name: str, given: list[str]) -> None:
    _refused(_up(name, *given), name, given[1])


def test_ctrl_c_in_the_middle_leaves_nothing(name: str) -> None:
    """Neither a process nor a folder."""
    words = [str(MEND), "local", "up", "--name", name]
    # Tests that run in the background ignore SIGINT, and their children with them.
    started = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (no threads of ours here)
    )
    until = time.monotonic() + PATIENCE
    while not (servers := _launched(name)) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(servers) == 1
    time.sleep(1.0)  # the CDK is at work now
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=PATIENCE)
    assert started.returncode == 130, err
    assert "Traceback" not in err
    assert not (ROOT / ".local" / name).exists()
    assert not any(server.alive for server in servers)


def test_a_second_stage_runs_beside_and_survives_a_restart(stage: Stage, name: str) -> None:
    """Prod's template, on the emulator. A fresh one has the sessions that a plan needs; what is written into one is not
    in the other, and is there again after `down --keep` and `up`."""
    market = "http://127.0.0.1:9"  # no vendor is asked in this test
    done = _up(name, "--stage", "prod", "--vendor", "binance", "--vendor-url", market)
    assert done.returncode == 0, done.stderr
    up = local.stack.read(name)
    assert up
    assert {one.name for one in local.stack.running()} >= {name}
    before = dict(os.environ)
    try:
        second = open_stage(f"local:{name}")
        assert second.name == "prod"
        assert second.lake.calendars.known()
        assert second.lake.symbols()
        second.lake.store.put("bars/dt=2013-10-04/note", b"here")
        assert stage.lake.store.get("bars/dt=2013-10-04/note") is None
        local.stack.down(name, keep=True)
        again = local.stack.read(name)
        assert again
        assert not again.aws.alive
        resumed = resume(again)
        assert resumed.endpoint == up.endpoint
        second = open_stage(f"local:{name}")
        assert second.lake.store.get("bars/dt=2013-10-04/note") == b"here"
        assert second.outputs == up.outputs
        words = [str(MEND), "local", "deploy", "--name", name]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        assert second.lake.store.get("bars/dt=2013-10-04/note") == b"here"
        words[-1] += "x"
        gone = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert (gone.returncode, "is not running" in gone.stderr) == (2, True)
    finally:
        os.environ.update(before)
