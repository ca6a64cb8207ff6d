"""What `mend cost` takes for granted about the stack is what the template says."""

from __future__ import annotations

from cli.costs import ALARMS, MEMORY
from tests.unit.infra.conftest import Synthesized, Template, functions, resources


def test_memory_is_that_of_the_functions(template: Template) -> None:
    """Every function, in GB."""
    assert {name: found["MemorySize"] / 1024 for name, found in functions(template).items()} == MEMORY


def test_alarms_are_as_many(synthesized: Synthesized) -> None:
    """Each is a line of the bill; prod's, whose schedules are on."""
    assert len(resources(synthesized.templates["prod"], "AWS::CloudWatch::Alarm")) == ALARMS
