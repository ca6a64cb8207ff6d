"""A queue of work with the dead-letter queue beside it."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.settings import StageSettings


class JobQueue(Construct):
    """`queue` and `dead_letters`, encrypted and TLS only.

    A message is invisible for six times the worker's timeout, as AWS advises
    (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html), and dead after `max_receives`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, name: str) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self.name = name
        self.dead_letters = dead_letter_queue(self, settings=settings, name=name)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=f"{settings.stack_name}-{name}",
            visibility_timeout=Duration.seconds(6 * int(settings.worker_timeout.total_seconds())),
            retention_period=Duration.days(4),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            removal_policy=RemovalPolicy.DESTROY,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=settings.max_receives),
        )

    def feed(self, worker: lambda_.Function) -> None:
        """Let the worker consume the queue: partial batch failures, and never more at once than the stage says."""
        worker.add_event_source(
            sources.SqsEventSource(
                self.queue,
                batch_size=10,
                max_batching_window=Duration.seconds(0),
                report_batch_item_failures=True,
                max_concurrency=self._settings.worker_concurrency,
            )
        )


def dead_letter_queue(scope: Construct, *, settings: StageSettings, name: str) -> sqs.Queue:
    """Where what could not be done lies for two weeks, for a person to look at."""
    return sqs.Queue(
        scope,
        "DeadLetters",
        queue_name=f"{settings.stack_name}-{name}-dlq",
        retention_period=Duration.days(14),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        removal_policy=RemovalPolicy.DESTROY,
    )
