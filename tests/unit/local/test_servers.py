"""Telling whether a process that we started is still ours, and stopping it with all that it started."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from local.servers import Server, free_port, launch

SERVER = Server(pid=4711, url="http://127.0.0.1:9", marker="ministack")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this machine has no /proc")
@pytest.mark.parametrize(
    ("state", "command", "alive"),
    [
        ("S", "python\0-m\0ministack\0", True),
        ("R", "", True),  # between fork and exec: it has no command line yet
        ("S", "python\0-m\0other\0", False),  # the pid was reused
        ("Z", "", False),
    ],
)
def test_a_process_is_ours_by_its_command_line(
    monkeypatch: pytest.MonkeyPatch, state: str, command: str, alive: bool
) -> None:
    told = {"stat": f"4711 (python) {state} 1", "cmdline": command}
    monkeypatch.setattr(Path, "read_text", lambda path: told[path.name])
    assert SERVER.alive is alive


def test_what_a_server_had_started_goes_with_it(tmp_path: Path) -> None:
    """The functions of an emulator: nothing of one that was stopped asks the next one."""
    code = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    log = tmp_path / "log"
    server = launch([sys.executable, "-c", code], url="", marker="child.pid", env=os.environ, cwd=tmp_path, log=log)
    while not log.read_text().endswith("\n"):
        assert server.alive
        time.sleep(0.01)
    left = Server(pid=int(log.read_text()), url="", marker="time.sleep")
    assert left.alive
    server.stop()
    until = time.monotonic() + 60
    while left.alive and time.monotonic() < until:  # killed, and not yet buried
        time.sleep(0.01)
    assert not left.alive
    assert not server.alive


def test_no_connection_takes_a_port_between_the_look_and_the_bind() -> None:
    """A connection gets its port from the system's range; one of those had been taken before the server bound it."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as other:
        assert free_port() < min(32_768, other.getsockname()[1])
