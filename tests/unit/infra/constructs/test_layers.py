"""The layers are for the stage's runtime and architecture."""

from __future__ import annotations

from aws_cdk.assertions import Template

from infra.settings import StageSettings


def test_both_are_for_the_runtime_and_architecture_of_the_functions(template: Template, stage: StageSettings) -> None:
    runtime = f"python{stage.python}"
    template.resource_count_is("AWS::Lambda::LayerVersion", 2)
    template.all_resources_properties(
        "AWS::Lambda::LayerVersion",
        {"CompatibleRuntimes": [runtime], "CompatibleArchitectures": [stage.architecture]},
    )
    template.all_resources_properties(
        "AWS::Lambda::Function", {"Runtime": runtime, "Architectures": [stage.architecture]}
    )
