"""How wide a table may be is asked each time, not once."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from mend.console import LONG, Waiting, as_json, cell, console, count, in_words, show_rows, steps


def test_the_width_is_the_one_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert console().width == 100
    monkeypatch.setenv("COLUMNS", "60")
    assert console().width == 60
    assert console() is console()


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 gaps"), (1, "1 gap"), (2, "2 gaps"), (1000, "1,000 gaps"), (1.0, "1 gap")]
)
def test_one_is_singular(number: float, words: str) -> None:
    assert count(number, "gap") == words


def test_a_document_that_only_programs_read_is_one_line() -> None:
    """Indented, it would be written by slow Python: half a minute for the gaps of five years."""
    long = {"gaps": [{"n": n} for n in range(LONG + 1)]}
    assert "\n" not in as_json(long)
    assert json.loads(as_json(long)) == long
    assert "\n" in as_json({"gaps": long["gaps"][:5]})


AT = datetime(2025, 11, 4, 14, 30, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {
        "symbol": symbol,
        "verdict": "repaired",
        "minutes": 12 + n,
        "from": AT,
        "to": AT.replace(hour=20, minute=59),
        "source": "finnhub" if n else None,
        "reason": None,
        "job": "one-that-breaks-at-no-hyphen",
        "evidence": "alpaca left it out 2025-11-04 15:00Z; finnhub left it out 2025-11-04 15:01Z" if n else "",
    }
    for n, symbol in enumerate(("AAPL", "[bold]", "BRK.B"))
]


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_values_stay_whole_beside_their_names(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a table or as paragraphs: no value is broken, no line too long, and no name stands without a value."""
    monkeypatch.setenv("COLUMNS", str(columns))
    show_rows(ROWS, style="table", below="evidence")
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= columns
    assert "\u00a0" not in shown
    assert "reason" not in shown, "a column that is empty in every row"
    for row in ROWS:
        for name in ("symbol", "from", "to", "job"):
            assert any(cell(row[name]) in line for line in lines), (row[name], shown)
    assert sum(line.count("2025-11-04 15:0") for line in lines) == 4, "an instant is broken"
    evidence = [line for line in lines if line.startswith("  alpaca left it out 2025-11-04 15:00Z;")]
    assert len(evidence) == 2, shown
    assert shown.count("alpaca") == 2
    if columns < 160:
        assert shown.count("from 2025-11-04 14:30Z") == 3
        assert shown.count("source finnhub") == 2
        assert "source -" not in shown


def test_the_table_has_its_lines_below_their_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A long text turns no table into paragraphs."""
    monkeypatch.setenv("COLUMNS", "100")
    rows = [{"symbol": "IBM", "minutes": n, "evidence": "e" * 20 + " " + "f" * 90 + str(n)} for n in (1, 2)]
    show_rows(rows, style="table", below="evidence", title="both")
    shown = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert shown[0] == "both"
    assert shown[1].split() == ["symbol", "minutes"]
    assert [line[:9].strip() for line in shown[3:]] == ["IBM", "eeeeeee", "fffffff", "IBM", "eeeeeee", "fffffff"]


def test_json_keeps_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(ROWS, style="json", below="evidence")
    assert [list(row) for row in json.loads(capsys.readouterr().out)] == [list(row) for row in ROWS]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("from 2025-11-04T14:30:00Z to 2025-11-04T14:31Z", "from 2025-11-04 14:30Z to 2025-11-04 14:31Z"),
        ("at 2025-11-04T14:30:05.123456+00:00", "at 2025-11-04 14:30:05Z"),
        ("2025-11-04T14:30:00-05:00 is no UTC", "2025-11-04T14:30:00-05:00 is no UTC"),
    ],
)
def test_instants_have_one_notation_for_people(text: str, told: str) -> None:
    assert in_words(text) == told
    assert in_words("2025-11-04T14:30:00Z") == cell(AT)


def test_a_spinner_counts_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy of 20 s that says nothing looks like one that hangs."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    waiting = Waiting("deploying")
    now[0] += 12.4
    printed = Console(width=60, file=None, record=True, quiet=False)
    with printed.capture() as shown:
        printed.print(waiting)
    assert shown.get().strip() == "deploying  12 s"


def test_each_step_on_a_terminal_waits_with_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mend demo` and `mend local up`: the line that moves is of the newest step."""
    told: list[Any] = []

    class Terminal:
        def status(self, text: Any) -> Any:
            return nullcontext(SimpleNamespace(update=told.append)) if isinstance(text, Waiting) else None

        def print(self, *_: object, **__: object) -> None:
            pass

    monkeypatch.setattr("mend.console.console", lambda **_: Terminal())
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with steps() as step:
        step("starting")
        step("deploying")
    assert [(type(one), one.text) for one in told] == [(Waiting, "starting"), (Waiting, "deploying")]
