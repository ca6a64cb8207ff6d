"""What a whole process takes, in seconds and megabytes, under what it prints: `python -m bench.process COMMAND…`.

A process of its own, and a small one: the system counts the memory of who starts a process as part of that one's peak.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from subprocess import PIPE


def took(
    command: list[str], environment: Mapping[str, str] | None = None, *, code: int = 0
) -> tuple[float, float, str]:
    """Seconds and peak MB of a whole process that has to end with the exit code, and what it printed."""
    whole = [sys.executable, __file__, *command]
    done = subprocess.run(whole, env={**os.environ, **(environment or {})}, check=False, stdout=PIPE, text=True)
    if done.returncode != code:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}")
    said, _, last = done.stdout.rstrip("\n").rpartition("\n")
    seconds, peak = map(float, last.split())
    return seconds, peak, said


def main(command: list[str]) -> int:
    """Run it, print its seconds and its peak resident memory; its exit code."""
    begun = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    print(time.perf_counter() - begun, usage.ru_maxrss / 1024)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
