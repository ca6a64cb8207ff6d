"""What only AWS can show, on dev in AWS: `pytest tests/integration --stage dev` (docs/only-on-aws.md has the rest)."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.config import Config
from minutemend.contract import NAMESPACE, Key, Metric, Status
from minutemend.core.sessions import Session

from mend.stage import Stage
from tests.integration.conftest import RunAudit

PATIENCE = 300.0  # seconds: metrics take minutes to appear


@pytest.fixture
def aws(request: pytest.FixtureRequest) -> Stage:
    """The stage in AWS; without an account each test is skipped, by its name and this reason."""
    option = request.config.getoption("--stage")
    if not option or option.startswith("local") or os.environ.get("AWS_ENDPOINT_URL"):
        pytest.skip("only AWS can show this: pytest tests/integration --stage dev, with an account")
    found: Stage = request.getfixturevalue("stage")
    return found


def definition(stage: Stage) -> tuple[dict[str, Any], str]:
    """The deployed machine's definition and the ARN of its role."""
    machine = stage.clients.stepfunctions.describe_state_machine(stateMachineArn=stage.output("StateMachineArn"))
    return json.loads(machine["definition"]), machine["roleArn"]


def next_states(stage: Stage, name: str, states: list[dict[str, Any]]) -> list[str | None]:
    """Where AWS' own TestState goes on from a state of the deployed machine, for each input."""
    machine, role = definition(stage)
    state = json.dumps(machine["States"][name])
    # At another endpoint than AWS' own there is no host `sync-…`, which AWS has for this call.
    config = Config(inject_host_prefix=not os.environ.get("AWS_ENDPOINT_URL"))
    ask = boto3.client("stepfunctions", region_name=stage.settings.region, config=config).test_state
    return [ask(definition=state, roleArn=role, input=json.dumps(given)).get("nextState") for given in states]


def test_the_choices_of_the_deployed_machine_go_where_they_say(stage: Stage) -> None:
    """`data ready?`, `still repairing?` and `all published?`, by TestState; on local AWS, too."""
    machine, _ = definition(stage)
    said = [{str(Key.STATUS): status.value} for status in Status]
    branches = {one["StringEquals"]: one["Next"] for one in machine["States"]["data ready?"]["Choices"]}
    assert next_states(stage, "data ready?", said) == [branches[status.value] for status in Status]
    moving = [{str(Key.MOVING): value} for value in (True, False)]
    assert next_states(stage, "still repairing?", moving) == ["WaitForRepairs", "CheckDataHealth"]
    rest = [{str(Key.PUBLISH_FROM): "2024-01-02T00:00:00Z"}, {}]
    assert next_states(stage, "all published?", rest)[0] == "ExecuteDataTask"
    assert next_states(stage, "all published?", rest)[1] != "ExecuteDataTask"


def test_emf_lines_become_metrics(aws: Stage, request: pytest.FixtureRequest) -> None:
    """An audit's own metrics are there after it, with the stage's dimension."""
    run_audit: RunAudit = request.getfixturevalue("run_audit")
    fresh_day: Session = request.getfixturevalue("fresh_day")
    run_audit(fresh_day.open, fresh_day.close, symbols=["IBM"])
    wanted = {metric.value for metric in Metric}
    until = time.monotonic() + PATIENCE
    found: set[str] = set()
    while not found & wanted and time.monotonic() < until:
        time.sleep(15)
        pages = aws.clients.cloudwatch.get_paginator("list_metrics").paginate(Namespace=NAMESPACE)
        metrics = [metric for page in pages for metric in page["Metrics"]]
        here = {"Name": "stage", "Value": aws.name}
        found = {metric["MetricName"] for metric in metrics if here in metric["Dimensions"]}
    assert found & wanted


def test_every_alarm_is_armed_and_tells_the_topic(aws: Stage) -> None:
    """As CloudWatch has them, dimensions and all."""
    pages = aws.clients.cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"minutemend-{aws.name}-")
    alarms = [alarm for page in pages for kind in ("MetricAlarms", "CompositeAlarms") for alarm in page.get(kind, ())]
    assert alarms
    silent = [
        alarm["AlarmName"]
        for alarm in alarms
        if not alarm["ActionsEnabled"] or alarm["AlarmActions"] != [aws.output("AlarmTopicArn")]
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("step", "action", "key"),
    [
        ("process-repairs", "s3:GetObject", "bars/x"),
        ("process-repairs", "s3:DeleteObject", "bars/x"),
        ("check-data-health", "s3:DeleteObject", "bars/x"),
        ("queue-repairs", "s3:PutObject", "audits/x"),
        ("report-failure", "s3:GetObject", "failures/x"),
    ],
)
def test_a_function_may_not_do_what_another_does(aws: Stage, step: str, action: str, key: str) -> None:
    """By IAM's own simulation of the deployed role."""
    name = f"minutemend-{aws.name}-{step}"
    role = aws.clients.functions.get_function_configuration(FunctionName=name)["Role"]
    bucket = aws.output("ResultsBucket" if key.startswith("audits/") else "DataBucket")
    asked = {"ActionNames": [action], "ResourceArns": [f"arn:aws:s3:::{bucket}/{key}"]}
    (answer,) = boto3.client("iam").simulate_principal_policy(PolicySourceArn=role, **asked)["EvaluationResults"]
    assert answer["EvalDecision"] != "allowed"


def test_plain_http_is_refused_by_s3(aws: Stage) -> None:
    """The bucket's policy lets TLS alone in."""
    url = f"http://{aws.output('DataBucket')}.s3.{aws.settings.region}.amazonaws.com/x"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, timeout=10)
    assert refused.value.code == 403
