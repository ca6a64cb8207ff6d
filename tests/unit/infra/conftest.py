"""One synthesis for all tests of the templates: it takes seconds, so it is done once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import infra  # noqa: F401 (before aws_cdk: jsii reads the environment once)

# isort: split
from aws_cdk import Validations
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from app import new_app
from infra.rules import MARKET
from infra.settings import DEV, STAGES, StageSettings
from infra.stacks.market import MarketStack
from infra.stacks.stage import StageStack

ROOT = Path(__file__).resolve().parents[3]
LOCAL = DEV.for_local_aws(python="3.11", architecture="x86_64", endpoint="https://127.0.0.1:4566")
WITH_TASK = replace(DEV, task_arn="arn:aws:states:us-east-1:111122223333:stateMachine:nightly")

Body = dict[str, Any]


@dataclass(frozen=True)
class Synthesized:
    """The templates by name (each of STAGES, local, with_task, and dev-market and its like for their simulators), the
    names of the stacks that are protected from termination, and what cdk-nag found in all of them."""

    templates: dict[str, Body]
    protected: set[str]
    findings: list[str]

    def asserted(self, name: str) -> Template:
        """The template as the CDK's own assertions take it."""
        return _asserted(json.dumps(self.templates[name]))


@cache
def _asserted(body: str) -> Template:
    return Template.from_json(json.loads(body))


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Every stage, dev as it goes to local AWS, and dev with a task of the user's."""
    out = tmp_path_factory.mktemp("cdk.out")
    app = new_app(str(out))
    stages: dict[str, StageSettings] = {**STAGES, "local": LOCAL, "with_task": WITH_TASK}
    stacks = {name: f"minutemend-{name.replace('_', '-')}" for name in stages}
    for name, settings in stages.items():
        market = MarketStack(app, f"{stacks[name]}-market", settings=settings) if settings.market else None
        StageStack(app, stacks[name], settings=settings, market=market)
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
    stacks |= {f"{name}-market": f"{stacks[name]}-market" for name, settings in stages.items() if settings.market}
    templates = {name: json.loads((out / f"{stack}.template.json").read_text()) for name, stack in stacks.items()}
    made = json.loads((out / "manifest.json").read_text())["artifacts"]
    protected = {name for name, stack in stacks.items() if made[stack]["properties"].get("terminationProtection")}
    return Synthesized(templates, protected, findings)


@pytest.fixture(params=list(STAGES))
def stage(request: pytest.FixtureRequest) -> StageSettings:
    """Each stage in turn."""
    return STAGES[request.param]


@pytest.fixture
def body(stage: StageSettings, synthesized: Synthesized) -> Body:
    """Its template as it is written."""
    return synthesized.templates[stage.name]


@pytest.fixture
def template(stage: StageSettings, synthesized: Synthesized) -> Template:
    """Its template for `aws_cdk.assertions`."""
    return synthesized.asserted(stage.name)


def resources(body: Body, kind: str) -> dict[str, Body]:
    """The properties of every resource of a type, by logical id."""
    return {key: value["Properties"] for key, value in body["Resources"].items() if value["Type"] == kind}


def functions(body: Body) -> dict[str, Body]:
    """The properties of our functions, by name of their handler."""
    return {
        found["Handler"].removesuffix(".handler"): found for found in resources(body, "AWS::Lambda::Function").values()
    }


def said(value: object) -> str:
    """A text of a template as it will be, with MARKET for the simulator's address."""
    match value:
        case str():
            return value
        case {"Fn::Join": ["", [*parts]]}:
            return "".join(said(part) for part in parts)
        case {"Fn::GetStackOutput": {"OutputName": "MarketUrl"}}:
            return MARKET
    raise AssertionError(f"{value!r} is no text")
