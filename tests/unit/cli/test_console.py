"""How wide a table may be is asked each time, not once."""

from __future__ import annotations

import pytest

from cli.console import console


def test_the_width_is_the_one_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert console().width == 100
    monkeypatch.setenv("COLUMNS", "60")
    assert console().width == 60
    assert console() is console()
