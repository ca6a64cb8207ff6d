"""What the emulator refuses is left out by one flag, and nothing else differs: so the laptop runs what ships."""

from __future__ import annotations

import json
from collections import Counter

from tests.unit.infra.conftest import Body, Synthesized, resources


def kinds(body: Body) -> Counter[str]:
    """How many resources of each type there are."""
    return Counter(found["Type"] for found in body["Resources"].values())


def test_local_aws_deploys_every_resource_that_dev_has(synthesized: Synthesized) -> None:
    assert kinds(synthesized.templates["local"]) == kinds(synthesized.templates["dev"])


def test_the_loop_is_the_same_text_locally(synthesized: Synthesized) -> None:
    machines = [
        [
            one["DefinitionString"]
            for one in resources(synthesized.templates[name], "AWS::StepFunctions::StateMachine").values()
        ]
        for name in ("dev", "local")
    ]
    assert machines[0] == machines[1]


def test_only_runtime_and_architecture_of_functions_differ(synthesized: Synthesized) -> None:
    ours = resources(synthesized.templates["dev"], "AWS::Lambda::Function")
    theirs = resources(synthesized.templates["local"], "AWS::Lambda::Function")
    for name, function in ours.items():
        local = theirs[name]
        differing = {key for key in function if function[key] != local[key]}
        assert differing <= {"Runtime", "Architectures", "Environment", "Code"}  # Code: the account's asset bucket
        variables, others = (found["Environment"]["Variables"] for found in (function, local))
        market = json.loads(json.dumps(others).replace("minutemend-local-market", "minutemend-dev-market"))
        assert variables == market


def test_alarms_look_at_single_metrics(synthesized: Synthesized) -> None:
    """The emulator refuses alarms on expressions."""
    for alarm in resources(synthesized.templates["local"], "AWS::CloudWatch::Alarm").values():
        assert "Metrics" not in alarm
        assert alarm["MetricName"]
