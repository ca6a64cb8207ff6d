"""cdk.json sets every feature flag that the pinned CDK recommends, and as it recommends."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from pathlib import Path

import aws_cdk

from app import new_app
from infra.settings import PROD
from infra.stacks.stage import StageStack
from tests.unit.infra.conftest import ROOT

OTHERWISE = {
    # An error in one stack's metadata would end the synthesis of all; the command line ends at it for that stack alone.
    "@aws-cdk/core:annotationsInValidationReport": False,
}


def test_every_recommended_flag_is_set() -> None:
    """`npx cdk flags` says the same."""
    [bundle] = (Path(aws_cdk.__file__).parent / "_jsii").glob("aws-cdk-lib@*.jsii.tgz")
    with tarfile.open(bundle) as archive:
        file = archive.extractfile("package/recommended-feature-flags.json")
        assert file
        recommended = json.load(file)
    assert len(recommended) > 80
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    assert context == {**recommended, **OTHERWISE}


def test_a_stage_in_another_partition_names_that_one(tmp_path: Path) -> None:
    app = new_app(str(tmp_path))
    StageStack(app, "China", settings=replace(PROD, region="cn-north-1"))
    app.synth()
    text = (tmp_path / "China.template.json").read_text()
    assert "arn:aws-cn:" in text
    assert "arn:aws:" not in text
