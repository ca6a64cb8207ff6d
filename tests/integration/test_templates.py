"""What a deploy would send: `cdk synth`, word for word, and cfn-lint on what it wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.layer.recipe import ROOT


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both stages, as `cdk synth` writes them; the layers are built unless `.build/layer` has them."""
    out = tmp_path_factory.mktemp("cdk.out")
    _synth(out)
    return out


def _synth(out: Path) -> None:
    cdk = ROOT / "node_modules" / ".bin" / "cdk"
    at_home = {**os.environ, "CDK_HOME": str(out.parent), "CDK_DISABLE_CLI_TELEMETRY": "true"}
    subprocess.run([cdk, "synth", "--quiet", "--no-notices", "--output", out], cwd=ROOT, env=at_home, check=True)


def test_synth_gives_both_stages(assembly: Path) -> None:
    assert {path.name.split(".")[0] for path in assembly.glob("*.template.json")} == {
        "minutemend-dev",
        "minutemend-dev-market",
        "minutemend-prod",
    }


def test_a_warm_synth_builds_no_layer(assembly: Path, tmp_path: Path) -> None:  # noqa: ARG001 (it is warm after it)
    before = {path: path.stat().st_mtime_ns for path in (ROOT / ".build" / "layer").iterdir()}
    _synth(tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in (ROOT / ".build" / "layer").iterdir()} == before


@pytest.mark.parametrize("stage", ["dev", "dev-market", "prod"])
def test_cfn_lint_finds_nothing(assembly: Path, stage: str) -> None:
    """With the repository's own .cfnlintrc.yaml, as a person would run it."""
    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), assembly / f"minutemend-{stage}.template.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.stdout == ""
    assert linted.returncode == 0
