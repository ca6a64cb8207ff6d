"""What GitHub runs: actions by commit, prod after dev's tests and with dev's assembly, and the hooks that lint runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = sorted((ROOT / ".github").rglob("*.yml"))


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return found


def commands(job: dict[str, Any]) -> list[str]:
    return [step.get("run", step.get("uses", "")) for step in job["steps"]]


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_an_action_of_others_is_pinned_by_commit(path: Path) -> None:
    """A tag can be moved; what runs with the deploy role's token must not change unseen."""
    uses = [line for line in path.read_text().splitlines() if "uses:" in line and "./.github" not in line]
    assert [line for line in uses if not re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


def test_prod_gets_the_assembly_that_dev_was_tested_with() -> None:
    jobs = read(".github/workflows/deploy.yml")["jobs"]
    assert (jobs["dev"]["needs"], jobs["prod"]["needs"]) == ("build", "dev")
    build, dev, prod = (commands(jobs[name]) for name in ("build", "dev", "prod"))
    assert build.index(".ci/run") < build.index("npx cdk synth --quiet")
    assert "npx cdk deploy minutemend-dev --app cdk.out --build true --require-approval never" in dev
    assert dev.index(".venv/bin/pytest tests/integration --stage dev") > 0
    assert "npx cdk deploy minutemend-prod --app cdk.out --build true --require-approval never" in prod
    for job in (dev, prod):
        assert any(step.startswith("actions/download-artifact@") for step in job)
        assert not any("cdk synth" in step for step in job)


def test_only_deploying_jobs_may_ask_for_a_token() -> None:
    for name in ("deploy.yml", "pull-request.yml"):
        workflow = read(f".github/workflows/{name}")
        assert workflow["permissions"] == {"contents": "read"}
        asking = {job for job, found in workflow["jobs"].items() if "id-token" in found.get("permissions", {})}
        assert asking == ({"dev", "prod"} if name == "deploy.yml" else set())


def test_a_pull_request_is_tested_and_its_templates_are_compared() -> None:
    jobs = read(".github/workflows/pull-request.yml")["jobs"]
    assert ".ci/run" in commands(jobs["test"])
    assert any(step.startswith("make -s diff BASE=") for step in commands(jobs["diff"]))


def test_the_hooks_are_what_make_lint_runs() -> None:
    [local] = read(".pre-commit-config.yaml")["repos"]
    entries = [hook["entry"].removeprefix(".venv/bin/").split()[:2] for hook in local["hooks"]]
    assert entries == [["ruff", "check"], ["ruff", "format"]]
    lint = (ROOT / "Makefile").read_text()
    assert all(f"$(BIN)/{' '.join(words)}" in lint for words in entries)
