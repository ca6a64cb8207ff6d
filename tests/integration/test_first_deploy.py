"""The life of a stack in a new account, by the CDK's own command line: a first deploy that fails, a destroy, and a new
stack that takes over the lake that stayed. docs/deploy.md has the same commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from minutemend.wiring.clients import Clients

import local.stack
from local.deployment import ROOT
from local.principals import ADMINISTRATOR
from local.stack import LocalStack
from mend.local_stage import clients_of

STACK = "minutemend-dev"
Cdk = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def account() -> Iterator[LocalStack]:
    """A new account on local AWS; its vendor is one that is never asked, so there is no market stack."""
    name = f"test-{uuid.uuid4().hex[:6]}"
    yield local.stack.up(
        name,
        say=lambda _: None,
        vendor="binance",
        vendor_url="http://127.0.0.1:9",
        store_token=lambda _: None,
        empty=True,
    )
    local.stack.down(name)


@pytest.fixture(scope="module")
def cdk(account: LocalStack) -> Cdk:
    """`cdk(*words)` as the account's administrator, bootstrapped, on one assembly that is made once."""
    assembly = account.home / "cdk.out"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"CDK_HOME": str(account.home / "cdk-home"), "CDK_DISABLE_CLI_TELEMETRY": "true", "CI": "true"}
    environment |= account.administrator

    def run(*words: str, cwd: Path = account.home) -> subprocess.CompletedProcess[str]:
        command = [ROOT / "node_modules" / ".bin" / "cdk", *words, "--no-notices"]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)

    target = account.target.split()
    layers = f"{sys.executable} -m infra.layer {account.target}"
    for done in (
        run("synth", "--quiet", "--build", layers, "--output", str(assembly), *target, cwd=ROOT),
        run("bootstrap", "aws://000000000000/us-east-1"),
    ):
        assert done.returncode == 0, done.stderr
    return lambda *words: run(*words, "--app", str(assembly))


def _administrator(account: LocalStack) -> Clients:
    """Its clients: the operator may make no table."""
    return clients_of(account, ADMINISTRATOR)


def _buckets(account: LocalStack) -> set[str]:
    found = _administrator(account).s3.list_buckets()["Buckets"]
    return {bucket["Name"] for bucket in found if bucket["Name"].startswith("minutemend-")}


def _data_bucket(account: LocalStack) -> str:
    [stack] = _administrator(account).cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    return next(one["OutputValue"] for one in stack["Outputs"] if one["OutputKey"] == "DataBucket")


def _events(account: LocalStack) -> set[tuple[str, str]]:
    """What became of which resource: logical ID, status."""
    pages = _administrator(account).cloudformation.get_paginator("describe_stack_events").paginate(StackName=STACK)
    return {(one["LogicalResourceId"], one["ResourceStatus"]) for page in pages for one in page["StackEvents"]}


def _mapping() -> str:
    """As docs/deploy.md writes it, with the logical ID of the data bucket."""
    found = re.search(r"^echo '(\{.*\})' > lake.json$", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE)
    assert found
    return found[1]


def _deployed(cdk: Cdk, *words: str) -> subprocess.CompletedProcess[str]:
    return cdk("deploy", STACK, "--require-approval", "never", *words)


def test_a_first_deploy_that_fails_and_a_destroy_block_nothing(account: LocalStack, cdk: Cdk, tmp_path: Path) -> None:
    """The failed one leaves no bucket; the destroyed one leaves its lake, and a new stack has it with every object."""
    ssm = _administrator(account).ssm
    ssm.put_parameter(Name=f"/{STACK}/symbols", Value="{}", Type="String")  # somebody has the name already
    failed = _deployed(cdk)
    assert failed.returncode != 0, failed.stdout
    assert {("BucketsData941F65F0", "CREATE_COMPLETE"), ("BucketsData941F65F0", "DELETE_COMPLETE")} <= _events(account)
    assert _buckets(account) == set()
    ssm.delete_parameter(Name=f"/{STACK}/symbols")

    again = _deployed(cdk)
    assert again.returncode == 0, again.stderr
    lake = _data_bucket(account)
    _administrator(account).s3.put_object(Bucket=lake, Key="bars/dt=2013-10-04/note", Body=b"here")

    destroyed = cdk("destroy", STACK, "--force")
    assert destroyed.returncode == 0, destroyed.stderr
    assert lake in _buckets(account)

    mapping = tmp_path / "lake.json"
    mapping.write_text(_mapping().replace("THE BUCKET THAT STAYED", lake))
    imported = cdk("import", STACK, "--resource-mapping", str(mapping))
    assert imported.returncode == 0, imported.stderr
    whole = _deployed(cdk)
    assert whole.returncode == 0, whole.stderr
    assert _data_bucket(account) == lake
    found = _administrator(account).s3.get_object(Bucket=lake, Key="bars/dt=2013-10-04/note")
    assert found["Body"].read() == b"here"
