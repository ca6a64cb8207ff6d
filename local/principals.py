"""Who there is in a local account: an administrator, who bootstraps it, and an operator, who does everything else.

Both are IAM users with keys of their own, made anew for each local stage; the account's root is let in nowhere. The
operator's policy is what a person needs in a guarded account: to deploy through the CDK's roles, and to work `mend`.
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ADMINISTRATOR, OPERATOR = "administrator", "operator"

_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key as any AWS tool takes it."""

    key: str
    secret: str


def make_principals(folder: Path) -> dict[str, Keys]:
    """The users of a local stage, by name; made with the first call, read from `principals.json` afterwards."""
    file = folder / "principals.json"
    if not file.exists():
        policies = {ADMINISTRATOR: _EVERYTHING, OPERATOR: operator_policy()}
        made = [{"user": user, **_fresh(), "policy": policy} for user, policy in policies.items()]
        file.touch(mode=0o600)
        file.write_text(json.dumps(made, indent=1))
    return {one["user"]: Keys(one["key"], one["secret"]) for one in json.loads(file.read_text())}


def _fresh() -> dict[str, str]:
    letters = string.ascii_uppercase + "234567"
    return {"key": "AKIA" + "".join(secrets.choice(letters) for _ in range(16)), "secret": secrets.token_urlsafe(30)}


# What an operator does besides deploying: service -> actions, on which resources of the stages.
_OPERATIONS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("sts", ("AssumeRole",), ("arn:aws:iam::*:role/cdk-*",)),  # deploys are the CDK's own roles'
    ("cloudformation", ("DescribeStacks", "GetTemplate", "ListStackResources"), ("*:stack/minutemend-*",)),
    (
        "s3",
        ("GetObject", "PutObject", "DeleteObject", "ListBucket", "GetBucketLocation"),
        ("arn:aws:s3:::minutemend-*",),
    ),
    (
        "athena",
        ("StartQueryExecution", "GetQueryExecution", "GetQueryResults", "StopQueryExecution"),
        ("*:workgroup/minutemend-*",),
    ),
    (
        "glue",
        ("GetDatabase", "GetTable"),
        ("*:catalog", "*:database/default", "*:database/minutemend_*", "*:table/minutemend_*"),
    ),
    ("dynamodb", ("GetItem", "UpdateItem", "BatchWriteItem"), ("*:table/minutemend-*",)),
    (
        "states",
        ("StartExecution", "ListExecutions", "DescribeStateMachine", "UpdateStateMachine", "StopExecution"),
        ("*:stateMachine:minutemend-*", "*:execution:minutemend-*"),
    ),
    ("states", ("DescribeExecution", "GetExecutionHistory"), ("*:execution:minutemend-*",)),
    ("lambda", ("InvokeFunction", "GetFunctionConfiguration"), ("*:function:minutemend-*",)),
    (
        "sqs",
        (
            "SendMessage",
            "ReceiveMessage",
            "DeleteMessage",
            "ChangeMessageVisibility",
            "GetQueueAttributes",
            "SetQueueAttributes",
            "PurgeQueue",
        ),
        ("*:minutemend-*",),
    ),
    ("logs", ("FilterLogEvents",), ("*:log-group:/aws/lambda/minutemend-*",)),
    ("ssm", ("GetParameter", "PutParameter"), ("*:parameter/minutemend-*",)),
    ("ssm", ("GetParameter",), ("*:parameter/cdk-bootstrap/*",)),
    ("secretsmanager", ("GetSecretValue", "PutSecretValue"), ("*:secret:minutemend-*",)),
    ("sns", ("Publish", "Subscribe", "ListSubscriptionsByTopic"), ("*:minutemend-*",)),
    ("events", ("PutEvents",), ("*:event-bus/default",)),
)
# Of these the emulator, like AWS for most, knows no narrower resource.
_EVERYWHERE = (
    "cloudwatch:DescribeAlarms",
    "cloudwatch:SetAlarmState",
    "cloudwatch:EnableAlarmActions",
    "cloudwatch:DisableAlarmActions",
    "cloudwatch:GetDashboard",
    "cloudwatch:PutDashboard",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "cloudwatch:ListMetrics",
    "states:TestState",
    "lambda:GetAccountSettings",
    "athena:ListWorkGroups",
    "athena:CreateWorkGroup",  # of a stage that is started again: mend/local_stage.py
    "kms:Decrypt",
    "kms:GenerateDataKey",
)


def operator_policy() -> dict[str, Any]:
    """What the operator may do, as a policy document: through the CDK's roles, and on what is named minutemend."""
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": [f"{service}:{action}" for action in actions], "Resource": _whole(service, on)}
        for service, actions, on in _OPERATIONS
    ]
    statements.append({"Effect": "Allow", "Action": list(_EVERYWHERE), "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}


def _whole(service: str, endings: tuple[str, ...]) -> list[str]:
    return [one if one.startswith("arn:") else f"arn:aws:{service}:*:*{one.removeprefix('*')}" for one in endings]
