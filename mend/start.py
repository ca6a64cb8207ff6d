"""The console script: Ctrl-C ends with 130 and a message at any moment, also while the rest is being imported."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

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
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said
        _end(ended.code)


def _end(code: str | int | None) -> NoReturn:
    """End as an interpreter does, but not around a thread that is still in DuckDB or Arrow: with one it may abort."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, AttributeError):  # the reader has closed the pipe; or it never was open
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
