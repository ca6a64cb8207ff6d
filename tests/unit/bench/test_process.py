"""What a whole process took."""

from __future__ import annotations

import subprocess
import sys

OURS = bytearray(200_000_000)  # resident in this process, which starts the other


def test_the_memory_of_who_measures_is_not_counted() -> None:
    """A process that does nothing stays small, however large its starter's starter is; its exit code passes."""
    nothing = [sys.executable, "-c", "import time; time.sleep(0.2); print('said'); raise SystemExit(3)"]
    command = [sys.executable, "-m", "bench.process", *nothing]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    said, seconds, cpu, megabytes = done.stdout.split()
    assert (said, done.returncode) == ("said", 3)
    assert 0.2 <= float(seconds) < 20
    assert 0 < float(cpu) < 20
    assert 1 < float(megabytes) < 100 < len(OURS) / 1e6
