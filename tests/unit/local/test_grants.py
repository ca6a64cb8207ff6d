"""Recorded calls against policies: what is used, what is noticed, what is granted twice."""

from __future__ import annotations

from typing import Any

from local.aws.grants import Policy, judge, plain
from local.aws.ledger import Call, principal_of

WORKER = "role/minutemend-dev-Worker12345678-ABC"


def _policy(*statements: dict[str, Any], owner: str = WORKER) -> Policy:
    return Policy(owner, {"Statement": [{"Effect": "Allow", **one} for one in statements]})


def _call(action: str, resource: str, *, who: str = WORKER, allowed: bool = True, **conditions: str) -> Call:
    return Call(who, action, resource, allowed, conditions={key.replace("_", ":"): v for key, v in conditions.items()})


def _told(grants: list[Any]) -> list[str]:
    return [str(one) for one in grants]


def test_a_grant_that_a_call_needs_is_noticed_and_another_is_unused() -> None:
    """Action by action, resource by resource: one statement holds both kinds."""
    bars, answers = "arn:aws:s3:::lake/bars/*", "arn:aws:s3:::lake/answers/*"
    policy = _policy({"Action": ["s3:PutObject", "s3:GetObject"], "Resource": [bars, answers]})
    found = judge([policy], [_call("s3:PutObject", "arn:aws:s3:::lake/bars/dt=2024-01-02/x")])
    assert _told(found.noticed) == [f"Worker may s3:PutObject on {bars}"]
    assert len(found.unused) == 3
    assert found.doubled == []


def test_what_two_grants_allow_would_be_missed_from_neither() -> None:
    policy = _policy(
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/*"},
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/bars/*"},
    )
    found = judge([policy], [_call("s3:GetObject", "arn:aws:s3:::lake/bars/x")])
    assert len(found.doubled) == 2
    found = judge([policy], [_call("s3:GetObject", key) for key in ("arn:aws:s3:::lake/bars/x", "arn:aws:s3:::lake/y")])
    assert _told(found.noticed) == ["Worker may s3:GetObject on arn:aws:s3:::lake/*"]


def test_conditions_count() -> None:
    """A listing of another prefix does not use the grant."""
    condition = {"StringLikeIfExists": {"s3:prefix": ["bars/*"]}}
    policy = _policy({"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::lake", "Condition": condition})
    listing = "s3:ListBucket", "arn:aws:s3:::lake"
    assert judge([policy], [_call(*listing, s3_prefix="hourly/dt=2024")]).noticed == []
    assert len(judge([policy], [_call(*listing, s3_prefix="bars/dt=2024")]).noticed) == 1


def test_another_roles_calls_and_denied_calls_use_nothing() -> None:
    policy = _policy({"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:us-east-1:0:q"})
    send = "sqs:SendMessage", "arn:aws:sqs:us-east-1:0:q"
    found = judge([policy], [_call(*send, who="role/other"), _call(*send, allowed=False)])
    assert len(found.unused) == 1


def test_a_services_entry_is_judged_by_the_resources_own_policy() -> None:
    """With the resource that it acts for: without the condition's value it is not let in."""
    topic = "arn:aws:sns:us-east-1:000000000000:alarms"
    condition = {"StringEquals": {"aws:SourceAccount": "000000000000"}}
    statement = {
        "Action": "sns:Publish",
        "Resource": topic,
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Condition": condition,
    }
    policy = _policy(statement, owner=f"policy of {topic}")
    publish = Call("service/cloudwatch", "sns:Publish", topic, True, conditions={"aws:sourceaccount": "000000000000"})
    assert len(judge([policy], [publish]).noticed) == 1
    other = Call("service/scheduler", "sns:Publish", topic, True, conditions={"aws:sourceaccount": "000000000000"})
    assert len(judge([policy], [other]).unused) == 1


def test_a_refusal_is_needed_where_a_call_was_refused_by_it() -> None:
    """The statement that lets TLS alone in."""
    bucket = "arn:aws:s3:::lake"
    refusal = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": f"{bucket}/*",
        "Principal": {"AWS": "*"},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = Policy(f"policy of {bucket}", {"Statement": [refusal]})
    plainly = _call("s3:GetObject", f"{bucket}/x", allowed=False, aws_securetransport="false")
    assert len(judge([policy], [plainly]).noticed) == 1
    assert len(judge([policy], [_call("s3:GetObject", f"{bucket}/x")]).unused) == 1


def test_principals_are_named_by_what_they_are() -> None:
    assert principal_of("arn:aws:sts::000000000000:assumed-role/R/s") == ("role/R", "s")
    assert principal_of("arn:aws:iam::000000000000:user/operator") == ("user/operator", "")
    assert plain("role/minutemend-dev-AuditMachineRole0A1B2C3D-0F") == "AuditMachineRole"
