"""The symbols and the vendors' tokens."""

from __future__ import annotations

import json

from aws_cdk.assertions import Match, Template

from tests.unit.infra.conftest import Body, Synthesized, resources


def test_the_secrets_value_is_in_no_template(body: Body, template: Template) -> None:
    template.resource_properties_count_is(
        "AWS::SecretsManager::Secret",
        {"SecretString": Match.absent(), "GenerateSecretString": {"SecretStringTemplate": "{}"}},
        1,
    )
    assert "resolve:secretsmanager" not in json.dumps(body)


def test_it_goes_with_the_stack_so_that_its_name_is_free(template: Template) -> None:
    """CloudFormation deletes a secret without a recovery window."""
    template.has_resource("AWS::SecretsManager::Secret", {"DeletionPolicy": "Delete"})


def test_the_parameter_of_a_stage_of_before_is_left_alone(synthesized: Synthesized) -> None:
    """A property that changes lets CloudFormation write the value anew, over the list that a person set there and that
    the stage has not taken over yet: these are the properties of commit 2d554fb."""
    [parameter] = resources(synthesized.templates["dev"], "AWS::SSM::Parameter").values()
    properties = {name: value for name, value in parameter.items() if name != "Tags"}
    assert properties == {
        "Description": "The interested symbols by calendar; change it at any time, no deploy is needed",
        "Name": "/minutemend-dev/symbols",
        "Tier": "Intelligent-Tiering",
        "Type": "String",
        "Value": '{"XNYS": ["AAPL", "AIG", "AMZN", "BAC", "GOOG", "IBM", "JPM", "MSFT", "SPY", "TSLA", "XOM"], '
        '"24/7": ["BTCUSD", "LTCUSD"]}',
    }
