"""One style: tables for people, JSON for programs, nothing on a pipe but what was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from cli import console

ROWS = [
    {"symbol": "IBM", "start": datetime(2013, 10, 4, 13, 30, tzinfo=UTC), "minutes": 1234, "reason": None},
    {"symbol": "AIG", "start": datetime(2013, 10, 4, 13, 30, 5, tzinfo=UTC), "minutes": 1, "reason": "a [note]"},
]


@pytest.fixture(autouse=True)
def _fresh_consoles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COLUMNS", "60")
    console.console.cache_clear()
    yield
    console.console.cache_clear()


def test_a_table_sets_thousands_apart_and_fits_60_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """No colour codes either, because this is no terminal."""
    console.show_rows(ROWS, style="table")
    out = capsys.readouterr().out
    assert "1,234" in out
    assert "2013-10-04 13:30Z" in out
    assert "2013-10-04 13:30:05Z" in out
    assert "a [note]" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 60


def test_json_has_instants_as_iso_and_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_rows([{**ROWS[0], "day": date(2013, 10, 4)}], style="json")
    (row,) = json.loads(capsys.readouterr().out)
    assert row == {
        "symbol": "IBM",
        "start": "2013-10-04T13:30:00Z",
        "minutes": 1234,
        "reason": None,
        "day": "2013-10-04",
    }


def test_no_rows_are_said_in_words_or_are_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_rows([], style="table", empty="nobody here")
    console.show_rows([], style="json")
    assert capsys.readouterr().out == "nobody here\n[]\n"


def test_progress_and_remarks_leave_standard_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Where standard error is no terminal, progress draws nothing at all."""
    with console.progress("loading", total=3, unit="days") as bar:
        bar.advance(bar.task_ids[0])
    console.say("a remark")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "a remark\n"
