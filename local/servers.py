"""Ordinary detached processes on 127.0.0.1: started with a log file, known by pid, stopped with SIGTERM."""

from __future__ import annotations

import os
import random
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# Below the ports that systems give to connections: between our look and the server's bind, none of them takes it.
SERVED = range(20_000, 32_000)


class LocalProblem(Exception):
    """Something about this machine keeps local AWS from running; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that we started. `marker` is a part of its command line: a pid alone may have been reused."""

    pid: int
    url: str
    marker: str

    @property
    def alive(self) -> bool:
        """Whether the process still runs and is still the one that we started."""
        proc = Path(f"/proc/{self.pid}")
        if Path("/proc/self/stat").exists():
            try:
                state = (proc / "stat").read_text().rpartition(")")[2].split()[0]
                command = (proc / "cmdline").read_text()  # empty for a moment, while the process is being replaced
                return state != "Z" and (not command or self.marker in command)
            except OSError:
                return False
        told = subprocess.run(  # noqa: S603 (ps, on a number; for macOS, which has no /proc)
            ["ps", "-o", "stat=,command=", "-p", str(self.pid)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        return self.marker in told and not told.startswith("Z")

    def stop(self, *, patience: float = 10.0) -> None:
        """SIGTERM, then SIGKILL when it has not gone after `patience` seconds. What it had started goes with it: a
        function of an emulator that is no more would ask the next one, which does not know it."""
        if not self.alive:
            return
        os.kill(self.pid, signal.SIGTERM)
        until = time.monotonic() + patience
        while self.alive and time.monotonic() < until:
            _reap(self.pid)
            time.sleep(0.05)
        with suppress(ProcessLookupError, PermissionError):  # nothing is left of its session; so macOS says the same
            os.killpg(self.pid, signal.SIGKILL)
        _reap(self.pid)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C interrupt the clearing up that the first one has caused."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _reap(pid: int) -> None:
    """Take the exit status of a child of ours, so that it does not stay as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def free_port(wanted: int | None = None) -> int:
    """A port of 127.0.0.1 that is free: the wanted one, else any of SERVED. Raises LocalProblem."""
    for port in [wanted] if wanted else random.sample(SERVED, 20):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                refused = error
            else:
                return port
    raise LocalProblem(
        f"port {port} of 127.0.0.1 cannot be used ({refused.strerror}): "
        "another one, or no --port at all, would be right"
    )


def launch(command: Sequence[str], *, url: str, marker: str, env: Mapping[str, str], cwd: Path, log: Path) -> Server:
    """Start a server in a session of its own, without waiting for it."""
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 (our own commands)
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=dict(env), cwd=cwd, start_new_session=True
        )
    return Server(pid=process.pid, url=url, marker=marker)


def wait_ready(server: Server, *, health: str, log: Path, patience: float = 30.0, trusted: Path | None = None) -> None:
    """Wait until the server answers at `health`. Raises LocalProblem when it dies or takes too long.

    `trusted`: a file with the certificates to believe, for a server that has one of ours.
    """
    until = time.monotonic() + patience
    while not answers(server.url + health, trusted=trusted):
        _reap(server.pid)
        if not server.alive or time.monotonic() > until:
            raise LocalProblem(f"{server.marker} did not come up at {server.url}; the end of its log:\n{tail(log)}")
        time.sleep(0.05)


def answers(url: str, *, trusted: Path | None = None) -> bool:
    """Whether something answers a GET with a status below 500."""
    context = ssl.create_default_context(cafile=str(trusted)) if trusted else None
    try:
        with urllib.request.urlopen(url, timeout=2, context=context):  # noqa: S310 (on 127.0.0.1)
            return True
    except urllib.error.HTTPError as answer:
        return answer.code < 500
    except OSError:
        return False


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])
