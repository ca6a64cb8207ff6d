"""What a change does to each construct: seen in the diff of a small file, before it is deployed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.settings import STAGES
from tests.unit.infra.conftest import Synthesized
from tests.unit.infra.rendering import CONSTRUCTS, STEPS, render

HERE = Path(__file__).parent
REVIEWED = sorted({*CONSTRUCTS.values(), "stage", *(f"functions.{step}" for step in STEPS)} - {"functions"})


@pytest.fixture(scope="module")
def rendered(synthesized: Synthesized) -> dict[str, str]:
    return render({stage: synthesized.templates[stage] for stage in STAGES})


@pytest.mark.parametrize("construct", REVIEWED)
def test_the_construct_is_the_one_that_was_reviewed(construct: str, rendered: dict[str, str]) -> None:
    """`make snapshots` writes them anew; the diff is then for a person to read."""
    reviewed = HERE / f"{construct}.yaml"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        reviewed.write_text(rendered[construct])
    assert rendered[construct] == reviewed.read_text(), "the template changed: run `make snapshots` and read the diff"


def test_every_resource_is_in_a_snapshot_beside_its_tests(rendered: dict[str, str]) -> None:
    assert sorted(rendered) == REVIEWED == sorted(path.stem for path in HERE.glob("*.yaml"))
    assert [name for name in REVIEWED if not (HERE / f"test_{name.partition('.')[0]}.py").exists()] == []


def test_a_snapshot_is_small_enough_to_review(rendered: dict[str, str]) -> None:
    """And holds no hash of an asset, which would change with every line of source."""
    assert {name: len(text.splitlines()) for name, text in rendered.items() if len(text.splitlines()) > 500} == {}
    assert "ASSET" in rendered["functions.check_data_health"]
