"""How long `make demo` takes with everything installed: `python -m bench.demo [RUNS]`, one table in Markdown.

Run it on a quiet machine: the demonstration is bound by its two cores.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 60.0  # seconds, what the demonstration promises
PARTS = re.compile(r"(\d+) s in all: (\d+) s to start and deploy, (\d+) s to load, (\d+) s to heal")


def main(runs: int) -> int:
    """Run the demonstration and print the median of each part. Returns 1 when the whole is over the limit."""
    rows = []
    for _ in range(runs):
        began = time.monotonic()
        done = subprocess.run(["make", "demo"], cwd=ROOT, capture_output=True, text=True, check=True)
        found = PARTS.search(done.stdout)
        assert found, done.stdout
        rows.append([time.monotonic() - began, *map(float, found.groups()[1:])])
    medians = [statistics.median(column) for column in zip(*rows, strict=True)]
    print(f"`make demo`, median of {runs}, load average before: {os.getloadavg()[0]:.1f}\n")
    print("| whole, from the shell | start and deploy | load | heal |\n|---|---|---|---|")
    print("| " + " | ".join(f"{value:.0f} s" for value in medians) + " |")
    return 1 if medians[0] > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
