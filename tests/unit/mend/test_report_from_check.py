"""A report of plain files: present or missing, nothing else is known."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from minutemend.core.gaps import Gap
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing

from mend.check.check_result import CheckResult
from mend.report.from_check import from_check
from mend.report.page import write_page

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
NOW = datetime(2026, 1, 5, tzinfo=UTC)
SESSIONS = [
    Session(
        "XNYS", (OPEN + timedelta(days=day)).date(), OPEN + timedelta(days=day), OPEN + timedelta(days=day, hours=6.5)
    )
    for day in (0, 3, 4)
]


# Two symbols, one of which begins a session later; one gap; a window that cuts the third session off.
CHECKED = CheckResult(
    sources=("bars.parquet",),
    calendar="XNYS",
    cadence=1,
    window=Range(OPEN, OPEN + timedelta(days=3, hours=6.5)),
    listings=(Listing("IBM", "XNYS"), Listing("SPY", "XNYS", listed=SESSIONS[1].dt)),
    sessions=tuple(SESSIONS),
    gaps=(Gap("IBM", OPEN + MINUTE, OPEN + 4 * MINUTE, OPEN, SESSIONS[0].close),),
    bars=(3,),
    label="left",
    zone=None,
    expected=3 * 390,
    missing=3,
    edge=0,
    said=(),
    skipped=(),
    unread=(),
    left_out={},
    unseen=(),
    duplicates=0,
    unexpected=0,
)


def head_of(checked: CheckResult, folder: Path) -> dict[str, object]:
    write_page(folder / "out.html", from_check(checked, command="mend check bars.parquet", written_at=NOW))
    blob = re.search(r'id="blob-head">([^<]+)<', (folder / "out.html").read_text())
    assert blob is not None
    head: dict[str, object] = json.loads(zlib.decompress(base64.b64decode(blob[1])))
    return head


def test_missing_minutes_are_the_gaps_of_the_check(tmp_path: Path) -> None:
    """One gap of one symbol; the window cuts the third session off."""
    head = head_of(CHECKED, tmp_path)
    assert head["runs"] == [1, 0]
    assert head["dates"] == ["2013-10-04", "2013-10-07"]
    assert head["symbols"] == [["IBM", 0, 0, 2], ["SPY", 0, 1, 2]]
    assert head["title"] == "bars.parquet"


def test_what_does_not_count_is_said(tmp_path: Path) -> None:
    """Duplicates and minutes outside sessions, beside the totals."""
    head = head_of(replace(CHECKED, duplicates=1200, unexpected=3, cadence=5), tmp_path)
    assert head["notes"] == [
        "A bar of these files stands for 5 minutes; the counts are of minutes.",
        "1,200 rows repeat a minute that an earlier row has.",
        "3 bars lie outside the sessions and do not count.",
    ]
