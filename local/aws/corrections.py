"""Where MiniStack 1.5.33 judges a call otherwise than AWS: the whole list, and nothing else is loosened.

Each line is a name, what AWS does, and where AWS says so; tests/unit/local/test_corrections.py holds for each that
the emulator still needs it. `SAR` is AWS' Service Authorization Reference, the page of that service:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# The operation as it is called -> the permission that AWS wants for it.
ACTIONS: Mapping[str, str] = {
    "sqs:SendMessageBatch": "sqs:SendMessage",  # SAR, Amazon SQS: there is no action SendMessageBatch
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",  # SAR, Amazon SQS: there is no action DeleteMessageBatch
}


def _workgroup_of_query(body: dict[str, Any]) -> str | None:
    from ministack.services import athena

    query = athena._executions.get(body.get("QueryExecutionId", ""))
    return athena._arn_workgroup(query["WorkGroup"]) if query else None


def _machine_of_token(body: dict[str, Any]) -> str | None:
    return machine_of_token.get(body.get("taskToken", ""))


machine_of_token: dict[str, str] = {}  # local/aws/acting.py writes down whose task a token belongs to

# The permission -> what AWS judges it on, where MiniStack judges it on `*`: an ARN from the call's body, or None.
RESOURCES: Mapping[str, Callable[[dict[str, Any]], str | None]] = {
    # SAR, Amazon Athena: resource type workgroup*, the query's
    "athena:GetQueryExecution": _workgroup_of_query,
    "athena:GetQueryResults": _workgroup_of_query,
    "athena:StopQueryExecution": _workgroup_of_query,
    # https://docs.aws.amazon.com/step-functions/latest/dg/concept-create-iam-advanced.html: the token's machine
    "states:SendTaskSuccess": _machine_of_token,
    "states:SendTaskFailure": _machine_of_token,
    "states:SendTaskHeartbeat": _machine_of_token,
}


def needed_besides(action: str, resource: str) -> Iterator[tuple[str, str]]:
    """What AWS wants besides the call's own permission, and MiniStack leaves out.

    Of who publishes to an encrypted topic, the use of its key:
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html. Of who reads an object that is not there, to
    list its bucket: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html ("Permissions").
    """
    if action == "sns:Publish" and (key := kms_of_topic(resource)):
        yield from (("kms:GenerateDataKey", key), ("kms:Decrypt", key))
    if action == "s3:GetObject":
        from ministack.services import s3

        bucket, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
        if key not in (s3._buckets.get(bucket) or {}).get("objects", ()):
            yield "s3:ListBucket", f"arn:aws:s3:::{bucket}"


def kms_of_topic(topic_arn: str) -> str | None:
    """The ARN of a topic's key; None for a topic without one."""
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import sns

    topic = sns._topic_by_arn_any_scope(topic_arn)
    key = ((topic or {}).get("attributes") or {}).get("KmsMasterKeyId", "")
    if not key or key.startswith("arn:"):
        return key or None
    kind = key if key.startswith("alias/") else f"key/{key}"
    return f"arn:aws:kms:{get_region()}:{get_account_id()}:{kind}"


def correct_naming(iam_actions: Any) -> None:
    """Let calls be named and placed as AWS names and places them."""
    named, placed = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def action_of(service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> str | None:
        action: str | None = named(service, method, path, headers, body, *rest)
        if action is None:
            return None
        if RESOURCES.get(action) is _machine_of_token and _found(_machine_of_token, body) is None:
            return None  # a token of no machine: Step Functions itself says so (InvalidToken) to any caller
        return ACTIONS.get(action, action)

    def resource_of(service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> str:
        found = str(placed(service, method, path, headers, body, *rest))
        find = RESOURCES.get(f"{service}:{headers.get('x-amz-target', '').rpartition('.')[2]}")
        return found if found != "*" or find is None else _found(find, body) or found

    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = action_of, resource_of


def _found(find: Callable[[dict[str, Any]], str | None], body: bytes) -> str | None:
    try:
        return find(json.loads(body))
    except ValueError:  # no JSON: the service itself will say so
        return None


def correct_messages(iam_actions: Any, last_denied: Callable[[], tuple[str, str] | None]) -> None:
    """Let a denial name its resource, which MiniStack's leave out.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html ("on resource: …")
    """
    respond = iam_actions.access_denied_response

    def denied(service: str, action: str, principal: str, request_id: str, **more: Any) -> Any:
        known = last_denied()
        refused_by_policy = not more.get("error_code") and not more.get("resource_policy_arn")
        if known and refused_by_policy and not more.get("message"):
            explicit = bool(more.get("explicit_deny"))
            message = iam_actions.identity_denial_message(known[0], principal, known[1], explicit)
            more |= {"message": message, "resource_arn": known[1]}
        return respond(service, action, principal, request_id, **more)

    iam_actions.access_denied_response = denied


def correct_secrets(provisioners: Any) -> None:
    """Let the `Ref` of a secret be its ARN, as policies and functions have it; MiniStack's is its name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
    """
    made = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = made["create"], made["update"], made["delete"]

    def created(*args: Any, **kwargs: Any) -> Any:
        _, attributes = create(*args, **kwargs)
        return attributes["Arn"], attributes

    def updated(physical_id: str, *args: Any, **kwargs: Any) -> Any:
        _, attributes = update(_name(physical_id), *args, **kwargs)
        return attributes["Arn"], attributes

    def deleted(physical_id: str, *args: Any, **kwargs: Any) -> Any:
        return delete(_name(physical_id), *args, **kwargs)

    made |= {"create": created, "update": updated, "delete": deleted}


def correct_topics(provisioners: Any, sns: Any) -> None:
    """Let a topic of a template keep its key, which MiniStack drops.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html
    """
    made = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]
    create, update = made["create"], made["update"]

    def _keyed(arn: str, props: dict[str, Any]) -> None:
        sns._topic_by_arn_any_scope(arn)["attributes"]["KmsMasterKeyId"] = props.get("KmsMasterKeyId", "")

    def created(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        arn, attributes = create(logical_id, props, stack_name)
        _keyed(arn, props)
        return arn, attributes

    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        arn, attributes = update(physical_id, old, new, *rest)
        _keyed(arn, new)
        return arn, attributes

    made |= {"create": created, "update": updated}


def _name(secret: str) -> str:
    """A secret's name, from its ARN: what stands before the hyphen and the six characters that AWS adds."""
    return secret.partition(":secret:")[2][:-7] if secret.startswith("arn:") else secret
