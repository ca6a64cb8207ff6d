"""One synthesis for all tests of the templates: it takes seconds, so it is done once."""

# ruff: noqa: E402 (jsii reads its environment when it is imported)

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(ROOT / ".build" / "jsii"))

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.settings import DEV, PROD, StageSettings, VendorSettings
from infra.stacks.stage import StageStack

YEAR = 2026
SIMULATOR = VendorSettings("finnhub", "http://127.0.0.1:8000", per_minute=6000)
LOCAL = DEV.for_local_aws(python="3.11", architecture="x86_64", vendor=SIMULATOR)
WITH_TASK = replace(DEV, task_arn="arn:aws:states:us-east-1:111122223333:stateMachine:nightly")

Template = dict[str, Any]


@dataclass(frozen=True)
class Synthesized:
    """The templates by name (dev, prod, local, with_task), which of the stacks are protected from termination, and
    what cdk-nag found in all of them."""

    templates: dict[str, Template]
    protected: set[str]
    findings: list[str]


def new_app(out: Path) -> App:
    """An app as the CDK command line would make it, except that nothing is bundled."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    return App(
        outdir=str(out),
        context={**context, "aws:cdk:bundling-stacks": [], "aws:cdk:disable-stack-trace": True},
        analytics_reporting=False,
        tree_metadata=False,
        builtin_cloud_formation_validation=False,
    )


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Both stages, dev as it goes to local AWS, and dev with a task of the user's."""
    out = tmp_path_factory.mktemp("cdk.out")
    app = new_app(out)
    stages: dict[str, StageSettings] = {"dev": DEV, "prod": PROD, "local": LOCAL, "with_task": WITH_TASK}
    for name, settings in stages.items():
        StageStack(app, f"minutemend-{name.replace('_', '-')}", settings=settings, year=YEAR)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as failed:
        if "ValidationFailed" not in str(failed):
            raise
    report = json.loads((out / "validation-report.json").read_text())
    findings = [
        f"{violation['ruleName']} at {construct['constructPath']}"
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    ]
    paths = {name: out / f"minutemend-{name.replace('_', '-')}.template.json" for name in stages}
    templates = {name: json.loads(path.read_text()) for name, path in paths.items()}
    stacks = json.loads((out / "manifest.json").read_text())["artifacts"]
    protected = {
        name
        for name in stages
        if stacks[f"minutemend-{name.replace('_', '-')}"]["properties"].get("terminationProtection")
    }
    return Synthesized(templates, protected, findings)


@pytest.fixture(params=["dev", "prod"])
def template(request: pytest.FixtureRequest, synthesized: Synthesized) -> Template:
    """The template of each stage in turn."""
    return synthesized.templates[request.param]


def resources(template: Template, kind: str) -> dict[str, Template]:
    """The properties of every resource of a type, by logical id."""
    return {key: value["Properties"] for key, value in template["Resources"].items() if value["Type"] == kind}


def functions(template: Template) -> dict[str, Template]:
    """The properties of our functions, by name of their handler."""
    return {
        found["Handler"].removesuffix(".handler"): found
        for found in resources(template, "AWS::Lambda::Function").values()
    }
