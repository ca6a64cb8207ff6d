"""The report: one self-contained HTML file of what is known of every minute, and a picture of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mend.check.check_result import CheckResult


def write_check_report(path: str | Path, checked: CheckResult, *, command: str, written_at: datetime) -> int:
    """Write the report of a check of files (`mend check --report FILE`) and return its size in bytes.

    `command` makes it again; it stands at the report's foot.
    """
    from mend.report.from_check import from_check
    from mend.report.page import write_page

    return write_page(Path(path), from_check(checked, command=command, written_at=written_at))
