"""The market stack: made-up bars for a stage that is not protected, asked with a token, gone without a trace."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from aws_cdk import App
from aws_cdk.assertions import Match, Template

from infra import market_code
from infra.rules import MARKET, UnsafeSettings
from infra.settings import DEV, PROD, VendorSettings
from infra.stacks.market import MarketStack
from tests.unit.infra.conftest import ROOT, Synthesized, resources

REAL = VendorSettings("finnhub", "https://finnhub.io", per_minute=60)


@pytest.fixture
def market(synthesized: Synthesized) -> Template:
    """Dev's market stack."""
    return synthesized.asserted("dev-market")


def test_dev_heals_without_a_vendors_token_and_prod_knows_no_simulator(synthesized: Synthesized) -> None:
    """Its vendor is the market stack, unless the settings name a real one; the stack is there only then."""
    assert (DEV.market, PROD.market, replace(DEV, vendors=(REAL,)).market) == ("finnhub", None, None)
    assert "dev-market" in synthesized.templates
    assert "prod-market" not in synthesized.templates
    assert "Fn::GetStackOutput" not in json.dumps(synthesized.templates["prod"])


def test_a_protected_stage_is_refused_in_one_message() -> None:
    """By its settings, and by the stack should somebody go around them."""
    with pytest.raises(UnsafeSettings) as refused:
        replace(PROD, vendors=(VendorSettings("finnhub", MARKET, per_minute=60),))
    assert str(refused.value).startswith("prod: vendor 'finnhub': the market simulator makes bars up, never for a")
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(UnsafeSettings, match="prod: the market simulator makes bars up"):
        MarketStack(App(), "minutemend-prod-market", settings=PROD)


def test_the_workers_get_its_address_and_its_secret_and_nothing_holds_it_back(synthesized: Synthesized) -> None:
    """Read from its outputs: an export would keep it from being destroyed while the stage stands."""
    assert "Fn::ImportValue" not in json.dumps(synthesized.templates["dev"])
    assert not any("Export" in output for output in synthesized.templates["dev-market"]["Outputs"].values())
    asserted = synthesized.asserted("dev")
    secret = {"Fn::GetStackOutput": {"StackName": "minutemend-dev-market", "OutputName": "MarketTokens"}}
    for handler in ("process_repairs", "capture_bars"):
        variables = Match.object_like({"VENDOR_SECRET": secret})
        asserted.has_resource_properties(
            "AWS::Lambda::Function", {"Handler": f"{handler}.handler", "Environment": {"Variables": variables}}
        )
    statement = Match.object_like({"Action": "secretsmanager:GetSecretValue", "Resource": secret})
    assert len(asserted.find_resources("AWS::IAM::Policy", _policy(statement))) == 2
    assert set(synthesized.templates["dev-market"]["Outputs"]) == {
        "MarketUrl",
        "MarketTokens",
        "MarketFunction",
        "MarketTable",
    }


def _policy(statement: object) -> dict[str, object]:
    return {"Properties": {"PolicyDocument": {"Statement": Match.array_with([statement])}}}


def test_nothing_of_it_stands_or_stays(market: Template) -> None:
    """Nothing that costs while it is idle, but the secret; no resource that an end of the stack leaves behind."""
    found = market.to_json()["Resources"]
    assert {one["Type"] for one in found.values()} == {
        "AWS::DynamoDB::Table",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Url",
        "AWS::Logs::LogGroup",
        "AWS::SecretsManager::Secret",
    }
    assert not [name for name, one in found.items() if one.get("DeletionPolicy", "Delete") != "Delete"]
    market.has_resource_properties("AWS::DynamoDB::Table", {"BillingMode": "PAY_PER_REQUEST"})


def test_anyone_may_ask_its_url_and_no_more(market: Template) -> None:
    """Orders come by lambda:InvokeFunction, which is closed to other accounts but for the URL."""
    market.has_resource_properties("AWS::Lambda::Url", {"AuthType": "NONE"})
    allowed = resources(market.to_json(), "AWS::Lambda::Permission").values()
    assert sorted((one["Action"], one["Principal"]) for one in allowed) == [
        ("lambda:InvokeFunction", "*"),
        ("lambda:InvokeFunctionUrl", "*"),
    ]
    for one in allowed:
        if one["Action"] == "lambda:InvokeFunction":
            assert one["InvokedViaFunctionUrl"] is True
        else:
            assert one["FunctionUrlAuthType"] == "NONE"


def test_its_function_may_read_its_secret_and_keep_its_state(market: Template) -> None:
    """And reaches nothing of the stage."""
    [policy] = resources(market.to_json(), "AWS::IAM::Policy").values()
    statements = policy["PolicyDocument"]["Statement"]
    assert sorted(action for one in statements for action in _many(one["Action"])) == [
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "secretsmanager:GetSecretValue",
    ]
    assert "*" not in [one["Resource"] for one in statements]


def _many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_token_is_generated_and_stands_in_no_template(market: Template) -> None:
    market.has_resource_properties(
        "AWS::SecretsManager::Secret",
        {"GenerateSecretString": {"GenerateStringKey": "finnhub", "SecretStringTemplate": "{}"}},
    )


def test_its_code_is_named_by_what_goes_in() -> None:
    """The simulator's files, those of the runtime that it uses, and the sessions; nothing else of this machine."""
    first = market_code.market_code(("XNYS",))
    assert first == market_code.market_code(("XNYS",)) != market_code.market_code(("24/7", "XNYS"))
    named = {str(path.relative_to(ROOT)) for path in market_code.sources().values()}
    assert "market/handler.py" in named
    assert not [name for name in named if not name.startswith(("market/", "runtime/layer/minutemend/"))]
