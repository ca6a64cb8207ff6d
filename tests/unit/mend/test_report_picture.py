"""`--png` on a machine without a browser, or with a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest
from minutemend.core.errors import BadInput

from mend.report import picture


def test_without_a_browser_the_message_says_which_would_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written, and the HTML file is pointed to as what needs no browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MINUTEMEND_BROWSER", raising=False)
    with pytest.raises(BadInput, match=r"chromium.*MINUTEMEND_BROWSER"):
        picture.take_picture(tmp_path / "page.html", tmp_path / "page.png")
    assert not (tmp_path / "page.png").exists()


def test_a_browser_that_cannot_draw_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`true` prints nothing: no page, no picture, one message."""
    monkeypatch.setenv("MINUTEMEND_BROWSER", "true")
    with pytest.raises(BadInput, match="true did not draw the report"):
        picture.take_picture(tmp_path / "page.html", tmp_path / "page.png")


def test_a_browser_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong MINUTEMEND_BROWSER is no traceback."""
    monkeypatch.setenv("MINUTEMEND_BROWSER", str(tmp_path / "nobody"))
    with pytest.raises(BadInput, match="nobody could not draw the report"):
        picture.take_picture(tmp_path / "page.html", tmp_path / "page.png")
