"""The README's commands as they stand there, from its own text: a command that is changed is run as changed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from infra.settings import STAGES
from mend.commands.sessions import put_sessions
from mend.stage import Stage
from tests.integration.conftest import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
_BLOCKS = re.findall(r"^```\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)
_LINES = [line.partition(" #")[0].strip() for block in _BLOCKS for line in block.splitlines()]
COMMANDS = [line for line in _LINES if re.match(r"make |npx |\.venv/bin/", line)]
MAKE = [line for line in COMMANDS if line.startswith("make ")]
DEPLOY = [line for line in COMMANDS if line.startswith("npx cdk deploy ")]
PYTEST = [line for line in COMMANDS if line.startswith(".venv/bin/pytest ")]
CHECK = [line for line in COMMANDS if line.startswith(".venv/bin/mend check ")]
STAGED = [line for line in COMMANDS if re.match(r"\.venv/bin/mend (plan|verdicts|invoke) .*--stage local\b", line)]
# What is too dear to be run here a second time, and the test that runs it.
ELSEWHERE = {
    "npx cdk synth": "tests/unit/infra/conftest.py",
    ".venv/bin/mend local up": "tests/integration/test_local.py",
    ".venv/bin/mend repair --stage local --start 2025-11-04 --wait": "tests/integration/test_commands.py",
    ".venv/bin/mend dashboard check --stage dev": "tests/integration/test_dashboard.py",
}


def run(line: str, *more: str, codes: tuple[int, ...] = (0,)) -> str:
    """Run it in the clone, as a person would who has typed `make setup`. Gives its standard output."""
    words = [*line.split(), *more]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode in codes, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert "Traceback" not in done.stderr
    return done.stdout


def test_each_command_of_the_readme_is_run_by_a_test() -> None:
    """Those that are not run here are named, with the test that does."""
    here = {*MAKE, *DEPLOY, *PYTEST, *CHECK, *STAGED}
    assert set(COMMANDS) - here == set(ELSEWHERE)
    assert [file for file in ELSEWHERE.values() if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("line", MAKE)
def test_make_knows_what_to_do(line: str) -> None:
    """Not done: CI does, and `make demo` is what the other tests of this folder are about."""
    run(line, "--dry-run")


@pytest.mark.parametrize("line", PYTEST)
def test_pytest_finds_tests_and_takes_the_options(line: str) -> None:
    """Not run: `make test` does."""
    assert "tests collected" in run(line, "--collect-only", "-q", "-p", "no:cacheprovider")


@pytest.mark.parametrize("line", CHECK)
def test_files_are_checked(line: str) -> None:
    assert "26 missing in 3 gaps" in run(line, codes=(1,))


def test_what_is_deployed_is_a_stage() -> None:
    stacks = [stage.stack_name for stage in STAGES.values()]
    assert [line.removeprefix("npx cdk deploy ") for line in DEPLOY] == stacks


def test_a_stage_is_looked_at(stage: Stage) -> None:
    """In the README's order, on the stage of these tests in place of `local`: no bar is written."""
    put_sessions(stage)  # as `mend local up` does
    said = {}
    for line in STAGED:
        missing = line.split()[1] in ("plan", "verdicts")
        said[line.split()[1]] = run(line.replace("--stage local", f"--stage {stage.option}"), codes=(0, int(missing)))
    assert list(said) == ["plan", "verdicts", "invoke"]
    assert "of 7,170 expected minutes" in said["plan"]
