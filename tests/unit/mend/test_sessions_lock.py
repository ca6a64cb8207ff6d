"""The sessions that ship are the ones that were locked, and the lock says so before a layer is built."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from minutemend.core.errors import BadInput

from infra.layer.sessions_lock import LOCK, sessions_lock
from infra.settings import STAGES
from mend.calendars.sessions_lock import check, main


def test_the_sessions_of_every_stage_are_those_that_are_locked() -> None:
    """`make lock` after a new exchange_calendars, or after a change to our own sessions: the diff shows which."""
    check([calendar for stage in STAGES.values() for calendar in stage.calendars])


def test_sessions_that_are_not_the_locked_ones_are_refused(tmp_path: Path) -> None:
    lock = tmp_path / "sessions.lock"
    lock.write_text("first 2010-01-01\nlast 2028-12-31\n24/7 0000\n")
    for calendar in ("24/7", "XNYS"):  # one differs, one is not there
        with pytest.raises(BadInput, match=f"the sessions of {calendar} are not those of sessions.lock: `make lock`"):
            check([calendar], lock)


def test_the_file_reaches_as_far_as_the_lock_says(tmp_path: Path) -> None:
    """Whatever the clock says."""
    out = tmp_path / "sessions.parquet"
    assert main(["make", "--calendars", "24/7", "--out", str(out)]) == 0
    labels = pq.read_table(out)["dt"]
    assert (labels[0].as_py(), labels[-1].as_py()) == (sessions_lock().first, sessions_lock().last)


def test_a_line_that_means_nothing_is_named(tmp_path: Path) -> None:
    lock = tmp_path / "sessions.lock"
    lock.write_text(LOCK.read_text() + "XNYS\n")
    with pytest.raises(ValueError, match="'XNYS': a name and a value would be right"):
        sessions_lock(lock)
