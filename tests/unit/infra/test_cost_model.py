"""What `mend cost` takes for granted about the stack is what the template says."""

from __future__ import annotations

from infra.settings import PROD
from mend.costs import ALARMS, MEMORY, bill, load_of
from tests.unit.infra.conftest import ROOT, Body, Synthesized, functions, resources


def test_memory_is_that_of_the_functions(body: Body) -> None:
    """Every function, in GB."""
    assert {name: found["MemorySize"] / 1024 for name, found in functions(body).items()} == MEMORY


def test_alarms_are_as_many(synthesized: Synthesized) -> None:
    """Each is a line of the bill; prod's, whose schedules are on."""
    assert len(resources(synthesized.templates["prod"], "AWS::CloudWatch::Alarm")) == ALARMS


def test_what_a_stage_costs_while_nothing_happens_is_told() -> None:
    """docs/deploy.md has the sum."""
    lines = [line for line in bill(PROD, load_of(11, "XNYS"), vendor_symbols=200) if line.concern == "standing"]
    fixed = {line.what: line.dollars for line in lines if line.service != "S3"}
    assert len(fixed) == 5
    said = " ".join((ROOT / "docs" / "deploy.md").read_text().split())
    assert f"Idle, {sum(fixed.values()):.2f} dollars a month," in said
