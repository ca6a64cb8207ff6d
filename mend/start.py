"""The console script: Ctrl-C ends with 130 and a message at any moment, also while the rest is being imported."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

leaving: list[Callable[[], None]] = []  # what `end_at_once` does before it ends: folders that go away


def end_at_once(_number: int = 0, _frame: FrameType | None = None) -> None:
    """End without unwinding: an exception raised while DuckDB calls back into Python may abort the process."""
    for leave in list(leaving):
        leave()
    shown_again = b"\x1b[?25h" if os.isatty(2) else b""  # the cursor, that a progress bar hides
    os.write(2, shown_again + b"mend: interrupted\n")
    os._exit(130)


def main() -> None:
    """`mend`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end_at_once)
    from mend.main import main as run

    try:
        run()
    except KeyboardInterrupt:  # while it was being said how it ended
        end_at_once()
    except SystemExit as ended:
        if ended.code != 130:
            # All is said; an interpreter that ends resets our handler, and Ctrl-C would kill it without a word.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            raise
        # A thread may still be in DuckDB: an interpreter that ends around it ends with SIGABRT.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(130)
