"""What a function may do, statement by statement. Every wildcard of the stack is made here, with its reason.

cdk-nag counts each wildcard as a finding, and an unacknowledged finding fails the tests: so no wildcard comes
in by another way.
"""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Acknowledgment, Stack, Token, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import IConstruct


def allow(grantee: iam.IGrantable, *actions: str, on: Iterable[str]) -> None:
    """Plain permission on named resources."""
    grantee.grant_principal.add_to_principal_policy(iam.PolicyStatement(actions=list(actions), resources=list(on)))


def allow_wildcard(grantee: IConstruct, role: iam.IGrantable, *actions: str, on: str, reason: str) -> None:
    """Permission on a resource that ends in or is `*`, and why it can be no narrower."""
    allow(role, *actions, on=[on])
    acknowledge_wildcard(grantee, on, reason=reason)


def acknowledge_wildcard(construct: IConstruct, resource: str, *, reason: str) -> None:
    """Tell cdk-nag why a wildcard resource stands in a policy below the construct."""
    finding = _as_nag_prints_it(Stack.of(construct), resource)
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{finding}]", reason=reason))


def read_objects(grantee: IConstruct, role: iam.IGrantable, bucket: s3.IBucket, *prefixes: str) -> None:
    """Read and list below the prefixes."""
    _objects(grantee, role, bucket, prefixes, "s3:GetObject")


def write_objects(grantee: IConstruct, role: iam.IGrantable, bucket: s3.IBucket, *prefixes: str) -> None:
    """Read, list and put below the prefixes."""
    _objects(grantee, role, bucket, prefixes, "s3:GetObject", "s3:PutObject")


def replace_objects(grantee: IConstruct, role: iam.IGrantable, bucket: s3.IBucket, *prefixes: str) -> None:
    """Read, list, put and delete below the prefixes: for compaction alone."""
    _objects(grantee, role, bucket, prefixes, "s3:GetObject", "s3:PutObject", "s3:DeleteObject")


def _objects(
    grantee: IConstruct, role: iam.IGrantable, bucket: s3.IBucket, prefixes: tuple[str, ...], *actions: str
) -> None:
    for prefix in prefixes:
        allow_wildcard(
            grantee,
            role,
            *actions,
            on=bucket.arn_for_objects(f"{prefix}*"),
            reason=f"objects below {prefix} have names made from their content, which nobody knows beforehand",
        )
    role.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[bucket.bucket_arn],
            # IfExists: reading an object that is not there is answered with 404 only to those who may list, and such
            # a read names no prefix; under a plain StringLike it would be a 403 instead, and no missing file.
            conditions={"StringLikeIfExists": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
        )
    )


def _as_nag_prints_it(stack: Stack, resource: str) -> str:
    """cdk-nag writes references as `<LogicalId.Attribute>`; so does this, from the resolved value."""
    resolved = stack.resolve(resource) if Token.is_unresolved(resource) else resource
    return _flat(resolved)


def _flat(value: object) -> str:
    match value:
        case str():
            return value
        case {"Fn::Join": [str() as glue, list() as parts]}:
            return glue.join(_flat(part) for part in parts)
        case {"Fn::GetAtt": [str() as logical_id, str() as attribute]}:
            return f"<{logical_id}.{attribute}>"
        case {"Ref": str() as logical_id}:
            return f"<{logical_id}>"
        case _:
            raise ValueError(f"{value!r} is no resource that can be granted")
