"""The report: one self-contained HTML file of what is known of every minute, and a picture of it."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.check_result import CheckResult


def write_check_report(path: str | Path, checked: CheckResult, *, written_at: datetime | None = None) -> int:
    """Write the report of a check of files (`mend check --report FILE`) and return its size in bytes.

    `written_at` is now, if it is not given. The command at the report's foot is the one that runs.
    """
    from cli.report.from_check import from_check
    from cli.report.page import write_page

    command = shlex.join(["mend", *sys.argv[1:]])
    return write_page(Path(path), from_check(checked, command=command, written_at=written_at or datetime.now(UTC)))
