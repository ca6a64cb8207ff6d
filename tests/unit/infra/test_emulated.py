"""What the emulator refuses is left out by one flag, and nothing else differs: so the laptop runs what ships."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from aws_cdk import Stack

from infra.constructs.buckets import Buckets
from infra.settings import DEV
from tests.unit.infra.conftest import LOCAL, Synthesized, Template, new_app, resources

EMPTIES_BUCKETS = "Custom::S3AutoDeleteObjectsCustomResourceProvider"


def kinds(template: Template) -> Counter[str]:
    """How many resources of each type there are."""
    return Counter(found["Type"] for found in template["Resources"].values())


def test_local_aws_deploys_every_resource_that_dev_has(synthesized: Synthesized) -> None:
    assert kinds(synthesized.templates["local"]) == kinds(synthesized.templates["dev"])


def test_the_loop_is_the_same_text_locally(synthesized: Synthesized) -> None:
    machines = [
        next(iter(resources(synthesized.templates[name], "AWS::StepFunctions::StateMachine").values()))
        for name in ("dev", "local")
    ]
    assert machines[0]["DefinitionString"] == machines[1]["DefinitionString"]


def test_only_runtime_architecture_and_vendors_of_functions_differ(synthesized: Synthesized) -> None:
    ours = resources(synthesized.templates["dev"], "AWS::Lambda::Function")
    theirs = resources(synthesized.templates["local"], "AWS::Lambda::Function")
    for name, function in ours.items():
        local = theirs[name]
        differing = {key for key in function if function[key] != local[key]}
        assert differing <= {"Runtime", "Architectures", "Environment", "Code"}  # Code: the account's asset bucket
        variables, others = (found["Environment"]["Variables"] for found in (function, local))
        assert {key for key in variables if variables[key] != others[key]} <= {"VENDORS"}


def test_alarms_look_at_single_metrics(synthesized: Synthesized) -> None:
    """The emulator refuses alarms on expressions."""
    for alarm in resources(synthesized.templates["local"], "AWS::CloudWatch::Alarm").values():
        assert "Metrics" not in alarm
        assert alarm["MetricName"]


def test_the_emulator_is_spared_the_resource_that_empties_buckets(tmp_path: Path) -> None:
    """It never ends that custom resource; on AWS, both switches together do empty the bucket."""
    app = new_app(tmp_path)
    on_aws, local = Stack(app, "OnAws"), Stack(app, "Local")
    Buckets(on_aws, "B", settings=replace(DEV, delete_data=True))
    Buckets(local, "B", settings=replace(LOCAL, delete_data=True))
    assert on_aws.node.try_find_child(EMPTIES_BUCKETS)
    assert not local.node.try_find_child(EMPTIES_BUCKETS)
