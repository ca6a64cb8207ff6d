"""Every command and option is documented, or this fails (after simonw/sqlite-utils, tests/test_docs.py)."""

from __future__ import annotations

from pathlib import Path

from mend.documentation import page

DOCS = Path(__file__).resolve().parents[3] / "docs" / "commands.md"


def test_the_page_of_commands_is_fresh() -> None:
    """A command or an option that the page lacks is not found."""
    assert DOCS.read_text() == page(), "docs/commands.md is stale: `make docs` writes it anew"
