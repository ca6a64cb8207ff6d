"""`--stage`: every way in which a stage cannot be reached is one message that says what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

import mend.stage
from infra.settings import DEV, STAGES
from local.ministack import aws_environment
from local.principals import Keys, make_principals
from local.servers import Server
from local.stack import LocalStack
from mend.problems import Problem
from mend.stage import open_stage

OUTPUTS = {"DataBucket": "data", "BoardTable": "board"}


class FakeClients:
    """Clients of an account with one deployed stack, or none."""

    has_credentials = True
    deployed = True

    def __init__(self, **_where: object) -> None:
        self.sts = SimpleNamespace(get_caller_identity=lambda: {"Account": "111111111111"})
        self.cloudformation = SimpleNamespace(describe_stacks=self._describe)

    def _describe(self, StackName: str) -> dict[str, Any]:  # noqa: N803 (boto3's name)
        if not self.deployed:
            said = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": said}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": outputs}]}


class NoCredentials(FakeClients):
    has_credentials = False


class NothingDeployed(FakeClients):
    deployed = False


def _local(name: str) -> LocalStack:
    server = Server(pid=1, url=f"http://127.0.0.1:1/{name}", marker="ministack")
    return LocalStack(name, server, None, "finnhub", "http://x", "token", (), dict(OUTPUTS))


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_principals(tmp_path)
    monkeypatch.setattr("local.stack.home_of", lambda _: tmp_path)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", *aws_environment("", keys=Keys("", ""), home=tmp_path)):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    _given(monkeypatch, FakeClients)


def _given(monkeypatch: pytest.MonkeyPatch, clients: type[FakeClients], *local: LocalStack) -> None:
    monkeypatch.setattr("minutemend.wiring.clients.Clients", clients)
    monkeypatch.setattr("local.stack.running", lambda: list(local))
    monkeypatch.setattr("local.stack.read", lambda name: next((one for one in local if one.name == name), None))
    monkeypatch.setattr(Server, "alive", property(lambda _: True))


def test_a_deployed_stage_is_opened_with_its_outputs() -> None:
    """The account and region are said, so that a person does not work on another one unawares."""
    stage = open_stage("dev")
    assert stage.output("DataBucket") == "data"
    assert stage.where == "account 111111111111, us-east-1"


def test_an_output_that_an_older_stack_lacks_is_told() -> None:
    with pytest.raises(Problem, match="has no output Database: it was deployed from another version"):
        open_stage("dev").output("Database")


def test_an_unknown_stage_lists_the_known() -> None:
    with pytest.raises(
        Problem, match=f"'staging' is not a stage: one of {', '.join(sorted(STAGES))}, local or local:NAME"
    ):
        open_stage("staging")


def test_a_developers_name_that_cannot_be_one_is_told() -> None:
    with pytest.raises(Problem, match="developer=Al ice: small letters and digits, like developer=alice"):
        open_stage("dev-Al ice")


def test_a_developers_own_stage_that_is_not_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What deploys it says whose it is."""
    _given(monkeypatch, NothingDeployed)
    with pytest.raises(Problem, match=r"minutemend-dev-alice is not deployed .*\n.* -c developer=alice$"):
        open_stage("dev-alice")


def test_a_stage_that_is_not_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what deploys it, and a hint at the local one where one runs."""
    _given(monkeypatch, NothingDeployed)
    with pytest.raises(
        Problem, match=r"minutemend-dev is not deployed \(account 1+, us-east-1\)\n.*cdk deploy minutemend-dev$"
    ):
        open_stage("dev")
    _given(monkeypatch, NothingDeployed, _local("local"))
    with pytest.raises(Problem, match="or --stage local for the one on this machine"):
        open_stage("dev")


def test_credentials_of_another_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage with an account in its settings is never looked for in another."""
    monkeypatch.setattr(mend.stage, "stage_settings", lambda _: replace(DEV, account="222222222222"))
    with pytest.raises(Problem, match="dev is in account 222222222222, and these credentials belong to 111111111111"):
        open_stage("dev")


def test_without_credentials_dev_is_the_local_stage_that_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It can mean nothing else, and it is said."""
    _given(monkeypatch, NoCredentials, _local("mine"))
    stage = open_stage("dev")
    assert (stage.option, stage.where) == ("local:mine", "local AWS at http://127.0.0.1:1/mine")
    assert "dev is the local stage 'mine'" in capsys.readouterr().err


def test_without_credentials_prod_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No local stage can stand for it."""
    _given(monkeypatch, NoCredentials, _local("mine"))
    with pytest.raises(Problem, match="no AWS credentials here, and so no way to prod"):
        open_stage("prod")


def test_without_credentials_two_local_stages_are_not_guessed_between(monkeypatch: pytest.MonkeyPatch) -> None:
    _given(monkeypatch, NoCredentials, _local("one"), _local("two"))
    with pytest.raises(Problem, match="next: --stage local:one, --stage local:two"):
        open_stage("dev")


def test_a_local_stage_that_does_not_run() -> None:
    with pytest.raises(Problem, match=r"there is no local stage 'local' running\n  next: mend local up$"):
        open_stage("local")
    with pytest.raises(Problem, match=r"next: mend local up --name other$"):
        open_stage("local:other")
