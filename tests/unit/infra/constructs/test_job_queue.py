"""The queues of work and their dead letters."""

from __future__ import annotations

from aws_cdk.assertions import Match, Template

from infra.settings import StageSettings
from tests.unit.infra.conftest import Body, functions, resources

TLS_ONLY = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Effect": "Deny"}


def test_a_message_is_invisible_for_six_timeouts_of_its_worker(template: Template, stage: StageSettings) -> None:
    """AWS's own advice: fewer, and a message comes again while its first worker is still at it."""
    seconds = int(stage.worker_timeout.total_seconds())
    for handler in ("process_repairs", "capture_bars"):
        template.has_resource_properties("AWS::Lambda::Function", {"Handler": f"{handler}.handler", "Timeout": seconds})
    template.resource_properties_count_is("AWS::SQS::Queue", {"VisibilityTimeout": 6 * seconds}, 2)


def test_workers_settle_each_message_by_itself_and_are_never_more_than_the_stage_says(
    template: Template, stage: StageSettings
) -> None:
    template.resource_count_is("AWS::Lambda::EventSourceMapping", 2)
    template.all_resources_properties(
        "AWS::Lambda::EventSourceMapping",
        {
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": stage.worker_concurrency},
        },
    )


def test_lambda_does_not_take_a_postponed_job_for_a_runaway_loop(body: Body) -> None:
    workers = {name for name, found in functions(body).items() if found.get("RecursiveLoop") == "Allow"}
    assert workers == {"process_repairs", "capture_bars"}


def test_every_queue_has_dead_letters_or_is_a_dead_letter_queue(body: Body, template: Template) -> None:
    queues = resources(body, "AWS::SQS::Queue")
    fed = {
        found["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]: found["RedrivePolicy"]["maxReceiveCount"]
        for found in queues.values()
        if "RedrivePolicy" in found
    }
    of_schedules = {name for name in queues if name.startswith("Schedules")}
    assert set(queues) - set(fed) - of_schedules == {name for name, found in queues.items() if "RedrivePolicy" in found}
    assert len(fed) == 2
    assert all(3 <= receives <= 10 for receives in fed.values())
    template.resource_properties_count_is(
        "AWS::SQS::Queue", {"RedrivePolicy": Match.absent(), "MessageRetentionPeriod": 14 * 86400}, 3
    )


def test_they_are_encrypted_and_tls_only(template: Template) -> None:
    template.all_resources_properties("AWS::SQS::Queue", {"SqsManagedSseEnabled": True})
    template.resource_count_is("AWS::SQS::QueuePolicy", 5)
    template.all_resources_properties(
        "AWS::SQS::QueuePolicy",
        {"PolicyDocument": {"Statement": Match.array_with([Match.object_like(TLS_ONLY)])}},
    )
