"""The files that people really have, given as they would at first: ../shared/cases/check, with a table of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from minutemend.core.errors import BadInput

from mend.commands.check import command

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "check"
KEPT = json.loads((CASES / "cases.json").read_text()) if CASES.exists() else []
TABLE: list[tuple[str, str, str]] = []


def name(case: dict[str, Any]) -> str:
    return " ".join([case["file"], *case["args"]])


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> Any:
    """Printed at the end (`-s` shows it): shape, first try, right or refused with what."""
    yield
    width = max((len(shape) for shape, _, _ in TABLE), default=0)
    print()
    for shape, tried, outcome in TABLE:
        print(f"{shape:{width}}  {tried}\n{'':{width}}    {outcome}")
    del request


@pytest.mark.skipif(not KEPT, reason="the cases are kept outside the repository")
@pytest.mark.parametrize("case", KEPT, ids=name)
def test_a_case(case: dict[str, Any]) -> None:
    """Its answer under each key that it names, or a refusal with the words that would be right."""
    options = [str(CASES / case["file"]), *case["args"], "--format", "json"]
    result = CliRunner().invoke(command, options, standalone_mode=False)
    if "refusal" in case:
        assert isinstance(result.exception, BadInput), result.output
        assert [word for word in case["refusal"] if word not in str(result.exception)] == []
        TABLE.append((case["shape"], name(case), f"refused: {result.exception}"))
        return
    assert result.exception is None, result.exception
    told = json.loads(result.stdout)
    for gap in told["gaps"]:
        del gap["bars"]
    assert {key: told[key] for key in case["answer"]} == case["answer"]
    assert result.return_value == (1 if told["missing"] else 0)
    said = "; ".join(result.stderr.splitlines())
    TABLE.append((case["shape"], name(case), f"right: {told['present']:,} of {told['expected']:,} ({said})"))


def test_the_cases_are_there_or_said_to_be_missing() -> None:
    """No run passes for one that looked at 40 cases without having looked."""
    if not CASES.exists():
        pytest.skip("the cases are kept outside the repository")
    assert len(KEPT) >= 40
