"""What a function may do, statement by statement. Every wildcard of the stack is made here, with its reason.

The CDK's own `grant` and `grant_*` are used where they fit. These would give too much: `Bucket.grant_read` and
`grant_write` every action on objects that begins with Get, List or Abort, on the whole bucket; `grant_send_messages`,
`StringParameter.grant_read` and `Secret.grant_read` three actions that describe what a function never asks about.

cdk-nag counts each wildcard as a finding, and an unacknowledged finding fails the tests: so no wildcard comes
in by another way.
"""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Acknowledgment, ArnFormat, Stack, Token, Validations
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
    acknowledge(construct, f"IAM5[Resource::{_as_nag_prints_it(Stack.of(construct), resource)}]", reason=reason)


def acknowledge(construct: IConstruct, rule: str, *, reason: str) -> None:
    """Tell cdk-nag why the construct, or what is below it, is otherwise than one of its rules would have it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))


def states_arn(scope: IConstruct, kind: str, name: str) -> str:
    """The ARN of a `stateMachine` or an `execution` by its name, without a reference: a machine may be made later."""
    return Stack.of(scope).format_arn(
        service="states", resource=kind, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )


def read_objects(grantee: IConstruct, role: iam.IGrantable, bucket: s3.IBucket, *prefixes: str) -> None:
    """Read what is known to be there, below the prefixes."""
    _objects(grantee, role, bucket, prefixes, "s3:GetObject")


def find_objects(grantee: IConstruct, role: iam.IGrantable, bucket: s3.IBucket, *prefixes: str) -> None:
    """Read and list below the prefixes, and be told of an object that it is not there."""
    read_objects(grantee, role, bucket, *prefixes)
    role.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[bucket.bucket_arn],
            # IfExists: reading an object that is not there is answered with 404 only to those who may list, and such
            # a read names no prefix; under a plain StringLike it would be a 403 instead, and no missing file.
            conditions={"StringLikeIfExists": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
        )
    )


def write_objects(grantee: IConstruct, role: iam.IGrantable, bucket: s3.IBucket, *prefixes: str) -> None:
    """Put below the prefixes, also where nothing may be yet. Replacing what was read (If-Match) wants reading, too."""
    _objects(grantee, role, bucket, prefixes, "s3:PutObject")


def keep_objects(grantee: IConstruct, role: iam.IGrantable, bucket: s3.IBucket, *prefixes: str) -> None:
    """Put below the prefixes, and read what was put: papers of one's own."""
    read_objects(grantee, role, bucket, *prefixes)
    write_objects(grantee, role, bucket, *prefixes)


def delete_objects(grantee: IConstruct, role: iam.IGrantable, bucket: s3.IBucket, *prefixes: str) -> None:
    """Delete below the prefixes: for compaction alone."""
    _objects(grantee, role, bucket, prefixes, "s3:DeleteObject")


def _objects(
    grantee: IConstruct, role: iam.IGrantable, bucket: s3.IBucket, prefixes: tuple[str, ...], action: str
) -> None:
    for prefix in prefixes:
        allow_wildcard(
            grantee,
            role,
            action,
            on=bucket.arn_for_objects(f"{prefix}*"),
            reason=f"objects below {prefix} have names made from their content, which are not known beforehand",
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
