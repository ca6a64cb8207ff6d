"""What a change to the constructs does to the templates: seen in the diff of a file, before it is deployed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.infra.conftest import Synthesized
from tests.unit.infra.rendering import render

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_template_is_the_one_that_was_reviewed(stage: str, synthesized: Synthesized) -> None:
    """`make snapshots` writes them anew; the diff is then for a person to read."""
    rendered, reviewed = render(synthesized.templates[stage]), SNAPSHOTS / f"{stage}.yaml"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        reviewed.write_text(rendered)
    assert rendered == reviewed.read_text(), "the template changed: run `make snapshots` and read the diff"


def test_snapshots_hold_no_hash_of_an_asset() -> None:
    """A hash would change with every line of source, and nobody reads a diff that always differs."""
    for path in SNAPSHOTS.glob("*.yaml"):
        assert "HASH" in path.read_text()
        assert len(path.read_text()) < 200_000
