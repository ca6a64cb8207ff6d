"""What a run leaves for `make grants`: the policies of its stage, every call, and the denials that were meant."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import boto3

from local.aws.ledger import FILE, read_calls
from local.deployment import ROOT
from local.principals import ADMINISTRATOR, make_principals
from local.stack import LocalStack

FOLDER = ROOT / ".build" / "calls"
LACKING = "lacking.txt"


def begin() -> None:
    """Forget the last run."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def lack(reason: str) -> None:
    """Remember why tests could not run here: what they use would be granted and, in this record, never used."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / LACKING).write_text(reason)


def keep(stack: LocalStack, meant: set[str]) -> None:
    """Write down the record of a stage that is about to go."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    policies = [{"owner": owner, "document": document} for owner, document in _policies(stack)]
    calls = [asdict(call) for call in read_calls(stack.home / FILE)]
    record = {"policies": policies, "meant": sorted(meant), "calls": calls}
    draft = FOLDER / f"{stack.name}.new"
    told = json.dumps(record)
    for at, name in enumerate(_own_names(stack)):
        told = told.replace(name, f"own-name-{at}")
    draft.write_text(told)
    draft.replace(draft.with_suffix(".json"))


def _own_names(stack: LocalStack) -> Iterator[str]:
    """What no other stage has; all else is named alike, so that the stages of a run, one for each of its processes,
    are judged as one: a grant that one of them used was used."""
    yield from (stack.outputs[key] for key in ("DataBucket", "ResultsBucket", "VendorSecret"))
    topic = client(stack, "sns").get_topic_attributes(TopicArn=stack.outputs["AlarmTopicArn"])["Attributes"]
    yield topic["KmsMasterKeyId"].rpartition("/")[2]
    yield stack.endpoint


def client(stack: LocalStack, service: str) -> Any:
    """A client of the account's administrator, who may look at policies."""
    keys = make_principals(stack.home)[ADMINISTRATOR]
    session = boto3.Session(aws_access_key_id=keys.key, aws_secret_access_key=keys.secret, region_name="us-east-1")
    return session.client(service, endpoint_url=stack.endpoint, verify=str(stack.certificate))


def _policies(stack: LocalStack) -> Iterator[tuple[str, dict[str, Any]]]:
    iam = client(stack, "iam")
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            name = role["RoleName"]
            if not name.startswith("minutemend-"):
                continue  # the CDK's own
            yield f"trust of {role['Arn']}", role["AssumeRolePolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                yield f"role/{name}", iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    outputs = stack.outputs
    for key in ("DataBucket", "ResultsBucket"):
        text = client(stack, "s3").get_bucket_policy(Bucket=outputs[key])["Policy"]
        yield f"policy of arn:aws:s3:::{outputs[key]}", json.loads(text)
    sqs = client(stack, "sqs")
    for key in sorted(outputs):
        if key.endswith(("QueueUrl", "DlqUrl")):
            said = sqs.get_queue_attributes(QueueUrl=outputs[key], AttributeNames=["Policy", "QueueArn"])["Attributes"]
            yield f"policy of {said['QueueArn']}", json.loads(said["Policy"])
    topic = client(stack, "sns").get_topic_attributes(TopicArn=outputs["AlarmTopicArn"])["Attributes"]
    yield f"policy of {outputs['AlarmTopicArn']}", json.loads(topic["Policy"])
    kms = client(stack, "kms")
    key = kms.describe_key(KeyId=topic["KmsMasterKeyId"])["KeyMetadata"]
    yield f"policy of {key['Arn']}", json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
