"""How wide a table may be is asked each time, not once."""

from __future__ import annotations

import pytest

from mend.console import console, count


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
