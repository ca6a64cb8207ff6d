"""How wide a table may be is asked each time, not once."""

from __future__ import annotations

import json

import pytest

from mend.console import LONG, as_json, console, count


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
