"""Permissions on a local stage: who is let in, what a missing grant says, and what services do in a role's name."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from click.testing import CliRunner
from minutemend.core.minutes import format_instant
from minutemend.core.sessions import Session

import local.stack
from local.aws import athena_reads, ledger
from local.principals import ADMINISTRATOR, Keys, make_principals
from local.stack import LocalStack
from mend.main import mend
from mend.stage import Stage
from tests.integration.conftest import PATIENCE, RunAudit

ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture
def stack(stage: Stage) -> LocalStack:
    """The local stage under the tests; in AWS the administrator of the account looks at these things."""
    found = local.stack.read(stage.option.partition(":")[2]) if stage.option.startswith("local:") else None
    if found is None:
        pytest.skip("only on a local stage: these tests take grants away and read what was judged")
    return found


def _client(stack: LocalStack, service: str, keys: Keys, **more: Any) -> Any:
    session = boto3.Session(aws_access_key_id=keys.key, aws_secret_access_key=keys.secret, region_name="us-east-1")
    config = Config(retries={"total_max_attempts": 1})
    return session.client(service, endpoint_url=stack.endpoint, verify=str(stack.certificate), config=config, **more)


@pytest.fixture
def iam(stack: LocalStack) -> Any:
    """IAM as the administrator of the account."""
    return _client(stack, "iam", make_principals(stack.home)[ADMINISTRATOR])


@pytest.fixture
def stranger(iam: Any, meant_denials: set[str]) -> Iterator[Callable[[dict[str, Any] | None], Keys]]:
    """`stranger(policy) -> keys`: a user with that policy, or none. What is denied to it was meant."""
    name = f"stranger-{secrets.token_hex(3)}"
    made: list[str] = []

    def make(policy: dict[str, Any] | None) -> Keys:
        iam.create_user(UserName=name)
        if policy:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        made.append(key["AccessKeyId"])
        return Keys(key["AccessKeyId"], key["SecretAccessKey"])

    yield make
    meant_denials.add(f"user/{name}")
    for key in made:
        iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")


def _calls(stack: LocalStack) -> list[ledger.Call]:
    return list(ledger.read_calls(stack.home / ledger.FILE))


def _until(look: Callable[[], bool], *, patience: float = PATIENCE) -> bool:
    until = time.monotonic() + patience
    while not look():
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
    return True


def _refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error.get("Message", "")


def test_keys_that_the_emulator_takes_for_root_are_refused(stack: LocalStack, meant_denials: set[str]) -> None:
    """There is no way in but as a principal."""
    meant_denials.add("root")
    for key in ("test", "000000000000"):
        code, _ = _refused(_client(stack, "sqs", Keys(key, "test")).list_queues)
        assert code in ("InvalidClientTokenId", "UnrecognizedClientException"), code


def test_a_wrong_secret_is_refused(stack: LocalStack, meant_denials: set[str]) -> None:
    """Signatures are verified."""
    meant_denials.add("user/operator sqs:ListQueues")
    code, _ = _refused(_client(stack, "sqs", Keys(stack.keys.key, "wrong")).list_queues)
    assert code in ("SignatureDoesNotMatch", "InvalidSignatureException"), code


def test_a_principal_without_a_grant_is_told_what_and_where(
    stage: Stage, stranger: Callable[[dict[str, Any] | None], Keys], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command line, in one message and with exit code 2."""
    keys = stranger(None)
    monkeypatch.setattr(LocalStack, "keys", property(lambda _: keys))
    from mend.problems import explain

    done = CliRunner().invoke(mend, ["status", "--stage", stage.option])
    assert done.exception is not None
    said = explain(done.exception) or ""  # type: ignore[arg-type]
    assert "user stranger-" in said, said
    assert " may not " in said
    assert "next: an administrator allows" in said


def test_plain_http_is_let_in_nowhere(stack: LocalStack, stranger: Callable[[dict[str, Any] | None], Keys]) -> None:
    """Not even for who may do everything: buckets, queues and the topic want TLS. (MiniStack believes this header.)"""
    keys = stranger(ANYTHING)

    def plainly(service: str) -> Any:
        client = _client(stack, service, keys)
        client.meta.events.register(
            "before-sign", lambda request, **_: request.headers.add_header("x-forwarded-proto", "http")
        )
        return client

    outputs = stack.outputs
    s3, sqs, sns = plainly("s3"), plainly("sqs"), plainly("sns")
    for bucket in (outputs["DataBucket"], outputs["ResultsBucket"]):
        assert _refused(lambda bucket=bucket: s3.get_object(Bucket=bucket, Key="x"))[0] == "AccessDenied"
        assert _refused(lambda bucket=bucket: s3.list_objects_v2(Bucket=bucket))[0] == "AccessDenied"
    for key in sorted(outputs):
        if key.endswith(("QueueUrl", "DlqUrl")):
            code, said = _refused(lambda url=outputs[key]: sqs.send_message(QueueUrl=url, MessageBody="x"))
            assert code in ("AccessDenied", "AccessDeniedException"), (key, code)
            assert "explicit deny" in said
    code, _ = _refused(lambda: sns.publish(TopicArn=outputs["AlarmTopicArn"], Message="x"))
    assert code == "AuthorizationError"


@contextmanager
def _without(iam: Any, role_part: str, action: str) -> Iterator[str]:
    """A role of the stage less every grant of the action, and as it was afterwards. Yields the role's name."""
    (name,) = [
        role["RoleName"]
        for page in iam.get_paginator("list_roles").paginate()
        for role in page["Roles"]
        if role_part in role["RoleName"]
    ]
    kept = {
        policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    for policy, document in kept.items():
        less = json.loads(json.dumps(document))
        for statement in less["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            statement["Action"] = [one for one in actions if one != action] or ["none:None"]
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(less))
    try:
        yield name
    finally:
        for policy, document in kept.items():
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


MISSING = [
    ("CheckDataHealthRole", "athena:StartQueryExecution", "the function minutemend-dev-check-data-health"),
    ("CheckDataHealthRole", "glue:GetTable", "the function minutemend-dev-check-data-health"),
    ("MachineRole", "lambda:InvokeFunction", "the state machine minutemend-dev-audit"),
]


@pytest.mark.parametrize("missing", MISSING, ids=lambda missing: missing[1])
def test_a_missing_grant_is_named_with_its_function_resource_and_place(
    missing: tuple[str, str, str], iam: Any, stage: Stage, fresh_day: Session, meant_denials: set[str]
) -> None:
    """Called by the function, by Athena for it, by the state machine: `mend repair --wait` says which, and where."""
    role, action, who = missing
    window = ["--start", format_instant(fresh_day.open), "--end", format_instant(fresh_day.close), "--symbols", "IBM"]
    with _without(iam, role, action) as name:
        meant_denials.add(f"role/{name} {action}")
        done = CliRunner().invoke(mend, ["repair", "--stage", stage.option, "--wait", *window])
    assert done.exit_code == 1, done.output
    assert f"{who} may not {action} on arn:aws:" in done.output
    assert f"allow {action} in infra/constructs/" in done.output


def test_an_alarm_reaches_the_topic_through_its_policy_and_its_keys(stack: LocalStack, stage: Stage) -> None:
    """CloudWatch publishes as a service, for the alarm: that statement lets it in."""
    cloudwatch = stage.clients.cloudwatch
    name = next(
        alarm["AlarmName"]
        for page in cloudwatch.get_paginator("describe_alarms").paginate()
        for alarm in page["MetricAlarms"]
        if alarm["AlarmActions"]
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    wanted = {"sns:Publish", "kms:Decrypt", "kms:GenerateDataKey"}

    def let_in() -> bool:
        return wanted <= {call.action for call in _calls(stack) if call.who == "service/cloudwatch" and call.allowed}

    assert _until(let_in)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")


def test_the_schedules_role_starts_what_the_schedules_start(stack: LocalStack, fresh_day: Session) -> None:
    """The same targets and the same role, once, at a time of ours; the emulator does not fill in the scheduled time."""
    scheduler = _client(stack, "scheduler", make_principals(stack.home)[ADMINISTRATOR])
    rows = [row for page in scheduler.get_paginator("list_schedules").paginate() for row in page["Schedules"]]
    ours = [scheduler.get_schedule(Name=row["Name"], GroupName=row["GroupName"]) for row in rows]
    targets = {one["Target"]["Arn"]: one for one in ours if "minutemend-dev" in one["Target"]["Arn"]}
    assert len(targets) >= 2, rows
    at = format_instant(fresh_day.close)
    soon = datetime.now(UTC) + timedelta(seconds=1)
    for arn, one in targets.items():
        once = {"Arn": arn, "RoleArn": one["Target"]["RoleArn"], "Input": json.dumps({"scheduled_at": at})}
        scheduler.create_schedule(
            GroupName=one["GroupName"],
            Name=f"test-{secrets.token_hex(4)}",
            ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=once,
            ActionAfterCompletion="DELETE",
        )

    def started() -> bool:
        made = {call.resource for call in _calls(stack) if call.session == "schedule" and call.allowed}
        return set(targets) <= made

    assert _until(started)


def test_a_local_stage_serves_its_own_port_alone(stack: LocalStack) -> None:
    """MiniStack takes 443 besides where it may (as root, in CI); of two that start at once one died of that."""
    served = re.findall(r"Running on (https?://[\w.:]+)", (stack.home / "ministack.log").read_text())
    assert set(served) == {stack.aws.url}


def test_an_hours_audit_lists_one_date(stack: LocalStack, run_audit: RunAudit, fresh_day: Session) -> None:
    """Of all the dates that the projection has: the filter on `dt` prunes the rest before anything is listed."""
    file = stack.home / athena_reads.FILE
    before = len(file.read_text().splitlines()) if file.exists() else 0
    status, _ = run_audit(fresh_day.open, fresh_day.open + timedelta(hours=1), symbols=["IBM"])
    assert status == "SUCCEEDED"
    reads = [json.loads(line) for line in file.read_text().splitlines()[before:]]
    # The sweep and the review that the schedules' test began may still read: other dates, and more of them.
    around = {str(fresh_day.dt + timedelta(days=days)) for days in (-1, 0, 1)}
    queries = {one["query"] for one in reads if one["first"] in around}
    ours = [one for one in reads if one["query"] in queries]
    assert {one["dates"] for one in ours if one["table"] == "bars"} == {1}
    assert all(one["dates"] is None or one["dates"] <= 3 for one in ours), ours
