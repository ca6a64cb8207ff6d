"""What a whole process takes, under what it prints: `python -m bench.process COMMAND…`.

A process of its own, and a small one: the system counts the memory of who starts a process as part of that one's peak.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from subprocess import PIPE
from typing import NamedTuple

MEND = os.path.join(os.path.dirname(sys.executable), "mend")


class Took(NamedTuple):
    """Of a whole process: seconds of the clock and of CPU, peak resident MB, and what it printed."""

    seconds: float
    cpu: float
    megabytes: float
    said: str


def took(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, codes: Collection[int] = (0,)
) -> Took:
    """What the command took, which has to end with one of the exit codes."""
    whole = [sys.executable, __file__, *command]
    done = subprocess.run(whole, env={**os.environ, **(environment or {})}, check=False, stdout=PIPE, text=True)
    if done.returncode not in codes:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}")
    said, _, last = done.stdout.rstrip("\n").rpartition("\n")
    seconds, cpu, megabytes = map(float, last.split())
    return Took(seconds, cpu, megabytes, said)


def main(command: list[str]) -> int:
    """Run it, print its seconds, its CPU seconds and its peak resident memory; its exit code."""
    begun = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    print(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
