"""Telling whether a process that we started is still ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.servers import Server

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
