"""Each correction of the emulator is still needed, and does what AWS does; one that is not needed any more goes."""

from __future__ import annotations

import importlib
import inspect
import json
from types import ModuleType
from typing import Any

import ministack.app
import pytest
from ministack.core import iam_actions, iam_evaluator
from ministack.services import athena, s3, sns, stepfunctions
from ministack.services.cloudformation import provisioners

from local.aws import corrections

ACCOUNT, REGION = "000000000000", "us-east-1"


@pytest.fixture
def corrected(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`iam_actions` with the corrections, which are gone again after the test."""
    for name in ("extract_iam_action", "extract_resource_arn", "access_denied_response"):
        monkeypatch.setattr(iam_actions, name, getattr(iam_actions, name))
    corrections.correct_naming(iam_actions)
    return importlib.import_module("ministack.core.iam_actions")


def _named(action: str) -> str | None:
    service, _, operation = action.partition(":")
    target = {"x-amz-target": f"Any.{operation}", "content-type": "application/x-amz-json-1.0"}
    return iam_actions.extract_iam_action(service, "POST", "/", target, b"{}", {})


def _placed(action: str, body: dict[str, Any]) -> str:
    service, _, operation = action.partition(":")
    target = {"x-amz-target": f"Any.{operation}"}
    made = json.dumps(body).encode()
    return iam_actions.extract_resource_arn(service, "POST", "/", target, made, {}, REGION, ACCOUNT)


@pytest.mark.parametrize("operation", corrections.ACTIONS)
def test_an_operation_is_still_named_wrongly(operation: str) -> None:
    """When this fails, the emulator has learned it: take the line away."""
    assert _named(operation) == operation


@pytest.mark.parametrize("operation", corrections.ACTIONS)
def test_an_operation_is_named_as_aws_names_it(operation: str, corrected: ModuleType) -> None:  # noqa: ARG001
    assert _named(operation) == corrections.ACTIONS[operation]


ASKED = {"athena": {"QueryExecutionId": "q1"}, "states": {"taskToken": "t1"}}
MEANT = {
    "athena": f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/minutemend-dev",
    "states": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:minutemend-dev-audit",
}


@pytest.mark.parametrize("action", corrections.RESOURCES)
def test_a_call_is_still_judged_on_everything(action: str) -> None:
    """When this fails, the emulator has learned it: take the line away."""
    assert _placed(action, ASKED[action.partition(":")[0]]) == "*"


@pytest.mark.parametrize("action", corrections.RESOURCES)
def test_a_call_is_judged_where_aws_judges_it(
    action: str,
    corrected: ModuleType,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A query on its workgroup, a token on its machine; what is not known stays on everything."""
    monkeypatch.setitem(athena._executions, "q1", {"WorkGroup": "minutemend-dev"})
    monkeypatch.setitem(corrections.machine_of_token, "t1", MEANT["states"])
    service = action.partition(":")[0]
    assert _placed(action, ASKED[service]) == MEANT[service]
    unknown = dict.fromkeys(ASKED[service], "another")
    assert _placed(action, unknown) == "*"


def test_a_token_of_no_machine_is_left_to_the_service(corrected: ModuleType) -> None:  # noqa: ARG001
    """Step Functions says that it is none: no permission is asked for."""
    assert _named("states:SendTaskSuccess") is None


def test_a_denial_still_leaves_its_resource_out() -> None:
    """When this fails, the emulator has learned it: `correct_messages` goes."""
    _, _, body = iam_actions.access_denied_response("sqs", "sqs:SendMessage", "arn:me", "id", resource_arn="arn:q")
    assert b"arn:q" not in body


def test_a_denial_names_its_resource(corrected: ModuleType) -> None:
    corrections.correct_messages(corrected, lambda: ("sqs:SendMessage", "arn:q"))
    _, _, body = iam_actions.access_denied_response("sqs", "sqs:SendMessageBatch", "arn:me", "id")
    said = json.loads(body)["message"]
    assert said == (
        "User: arn:me is not authorized to perform: sqs:SendMessage on resource: arn:q "
        "because no identity-based policy allows the sqs:SendMessage action"
    )


def _stack_made(kind: str, props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    made: tuple[str, dict[str, Any]] = provisioners._RESOURCE_HANDLERS[kind]["create"]("It", props, "minutemend-dev")
    return made


@pytest.fixture
def _handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("AWS::SecretsManager::Secret", "AWS::SNS::Topic"):
        monkeypatch.setitem(provisioners._RESOURCE_HANDLERS, kind, dict(provisioners._RESOURCE_HANDLERS[kind]))


@pytest.mark.usefixtures("_handlers")
def test_the_ref_of_a_secret_is_its_name_until_corrected() -> None:
    """AWS: its ARN. The corrected one is found again by it, to be deleted."""
    kind = "AWS::SecretsManager::Secret"
    assert _stack_made(kind, {"Name": "a/b", "SecretString": "{}"})[0] == "a/b"
    corrections.correct_secrets(provisioners)
    ref, attributes = _stack_made(kind, {"Name": "a/b", "SecretString": "{}"})
    assert ref == attributes["Arn"]
    assert ref.startswith(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:a/b-")
    provisioners._RESOURCE_HANDLERS[kind]["delete"](ref, {})
    assert "a/b" not in provisioners._sm._secrets


@pytest.mark.usefixtures("_handlers")
def test_the_key_of_a_topic_is_dropped_until_corrected() -> None:
    """AWS: a topic has the key that its template gives it."""
    props = {"TopicName": "t", "KmsMasterKeyId": "k"}
    topic, _ = _stack_made("AWS::SNS::Topic", props)
    assert corrections.kms_of_topic(topic) is None
    corrections.correct_topics(provisioners, sns)
    topic, _ = _stack_made("AWS::SNS::Topic", props)
    assert corrections.kms_of_topic(topic) == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"


def test_a_second_permission_is_still_asked_for_nowhere() -> None:
    """The key of who publishes, the list of who reads what is not there; when this fails, `needed_besides` goes."""
    assert "kms:" not in inspect.getsource(sns)
    assert "s3:ListBucket" not in inspect.getsource(s3)
    assert "s3:ListBucket" not in inspect.getsource(ministack.app)


def test_what_is_not_there_wants_the_right_to_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(s3._buckets, "lake", {"objects": {"here": {}}})
    assert list(corrections.needed_besides("s3:GetObject", "arn:aws:s3:::lake/here")) == []
    listing = [("s3:ListBucket", "arn:aws:s3:::lake")]
    assert list(corrections.needed_besides("s3:GetObject", "arn:aws:s3:::lake/gone")) == listing


@pytest.mark.usefixtures("_handlers")
def test_who_publishes_to_an_encrypted_topic_uses_its_key() -> None:
    corrections.correct_topics(provisioners, sns)
    topic, _ = _stack_made("AWS::SNS::Topic", {"TopicName": "keyed", "KmsMasterKeyId": "k"})
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
    both = [("kms:GenerateDataKey", key), ("kms:Decrypt", key)]
    assert list(corrections.needed_besides("sns:Publish", topic)) == both
    plain, _ = _stack_made("AWS::SNS::Topic", {"TopicName": "plain"})
    assert list(corrections.needed_besides("sns:Publish", plain)) == []


@pytest.mark.parametrize("key", ["", "test", ACCOUNT])
def test_some_keys_still_open_everything(key: str) -> None:
    """Of no role, and two that can be guessed; when this fails, their refusal in local/aws/__main__.py goes."""
    assert iam_evaluator.is_root_access_key(key)


def test_what_services_do_for_a_role_is_still_not_checked() -> None:
    """local/aws/acting.py stands before these functions; when one of them asks by itself, its hook goes."""
    from ministack.services import cloudwatch, eventbridge, lambda_svc

    unasked = (
        stepfunctions._call_lambda,
        stepfunctions._s3_object_text,
        stepfunctions._run_distributed_map,
        stepfunctions._invoke_nested_start_execution_sync,
        stepfunctions._nested_start_execution_request,
        eventbridge._invoke_target,
        lambda_svc._run_sqs_batch,
        lambda_svc._execute_function,
        lambda_svc._emit_lambda_logs,
        cloudwatch._dispatch_alarm_actions,
        athena._rewrite_data_paths,
        athena._materialize_table_files,
        athena._save_query_results,
    )
    asks = ("enforce(", "policy_allows(", "evaluate(", "AUTH")
    assert [one.__name__ for one in unasked if any(word in inspect.getsource(one) for word in asks)] == []
