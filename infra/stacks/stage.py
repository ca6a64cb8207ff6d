"""One stack holds a stage: this file composes it, and says what others may read of it."""

from __future__ import annotations

from aws_cdk import CfnOutput, Environment, Stack, Tags
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.concerns import Concern, tag
from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.alarms import Alarms
from infra.constructs.audit_machine import AuditMachine
from infra.constructs.backfill_machine import BackfillMachine
from infra.constructs.board import Board
from infra.constructs.buckets import Buckets
from infra.constructs.catalog import Catalog, Workgroup
from infra.constructs.dashboard import OperationsDashboard
from infra.constructs.functions import Functions
from infra.constructs.job_queue import JobQueue
from infra.constructs.layers import Layers
from infra.constructs.parameters import Parameters
from infra.constructs.resources import Resources
from infra.constructs.schedules import Schedules
from infra.settings import StageSettings
from infra.stacks.market import MarketStack


class StageStack(Stack):
    """`minutemend-<stage>`: everything of one stage, but the market simulator that it may have for a vendor."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: StageSettings, market: MarketStack | None = None
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=Environment(account=settings.account, region=settings.region),
            description=f"minutemend, stage {settings.name}: every minute accounted for",
            termination_protection=settings.protected,
        )
        if market:
            self.add_stack_dependency(market)
        self._settings = settings
        self._resources = self._make_resources(market)
        self._functions = Functions(
            self,
            "Functions",
            settings=settings,
            resources=self._resources,
            layers=Layers(self, "Layers", target=settings.layer_target).versions,
        )
        self._audit = AuditMachine(
            self,
            "Audit",
            settings=settings,
            results_bucket=self._resources.buckets.results.bucket_name,
            check_data_health=self._functions.check_data_health.function,
            queue_repairs=self._functions.queue_repairs.function,
            await_repairs=self._functions.await_repairs.function,
            publish_hours=self._functions.publish_hours.function,
            report_failure=self._functions.report_failure.function,
        )
        self._backfill = BackfillMachine(
            self,
            "Backfill",
            settings=settings,
            results=self._resources.buckets.results,
            audit=self._audit.machine,
            request_rechecks=self._functions.request_rechecks.function,
        )
        self._schedules = Schedules(
            self,
            "Schedules",
            settings=settings,
            request_captures=self._functions.request_captures.function,
            review_values=self._functions.review_values.function,
            audit=self._audit.machine,
            backfill=self._backfill.machine,
        )
        self._watch()
        self._outputs()
        for key, value in {"app": "minutemend", "stage": settings.name, **settings.tags}.items():
            Tags.of(self).add(key, value)

    def _make_resources(self, market: MarketStack | None) -> Resources:
        settings = self._settings
        buckets = Buckets(self, "Buckets", settings=settings)
        parameters = Parameters(self, "Parameters", settings=settings)
        tokens: secretsmanager.ISecret = parameters.vendor_tokens
        if market:
            tokens = secretsmanager.Secret.from_secret_complete_arn(self, "MarketTokens", market.tokens_arn)
        repair = JobQueue(self, "Repair", settings=settings, name="repair")
        capture = JobQueue(self, "Capture", settings=settings, name="capture")
        tag(repair, Concern.REPAIR)
        tag(capture, Concern.CAPTURE)
        return Resources(
            buckets=buckets,
            catalog=Catalog(self, "Catalog", settings=settings, data=buckets.data),
            workgroup=Workgroup(self, "Athena", settings=settings, results=buckets.results),
            repair=repair,
            capture=capture,
            board=Board(self, "Board", settings=settings),
            symbols=parameters.symbols,
            vendor_tokens=tokens,
            market_url=market.url if market else None,
            alarm_topic=AlarmTopic(self, "Alarm", settings=settings),
        )

    def _watch(self) -> None:
        made, machine = self._resources, self._audit.machine
        alarms = Alarms(
            self,
            "Alarms",
            settings=self._settings,
            topic=made.alarm_topic.topic,
            machine=machine,
            backfill=self._backfill.machine,
            queues=(made.repair, made.capture),
            schedules=self._schedules,
            request_captures=self._functions.request_captures,
            review_values=self._functions.review_values,
        )
        OperationsDashboard(
            self,
            "Operations",
            settings=self._settings,
            machine=machine,
            backfill=self._backfill.machine,
            workgroup=made.workgroup.name,
            queues=(made.repair, made.capture),
            functions=self._functions.all,
            alarms=alarms.all,
        )

    def _outputs(self) -> None:
        """What `mend --stage` reads: names, never values."""
        made = self._resources
        outputs = {
            "DataBucket": made.buckets.data.bucket_name,
            "ResultsBucket": made.buckets.results.bucket_name,
            "Database": made.catalog.database,
            "Workgroup": made.workgroup.name,
            "BoardTable": made.board.table.table_name,
            "RepairQueueUrl": made.repair.queue.queue_url,
            "RepairDlqUrl": made.repair.dead_letters.queue_url,
            "CaptureQueueUrl": made.capture.queue.queue_url,
            "CaptureDlqUrl": made.capture.dead_letters.queue_url,
            "AlarmTopicArn": made.alarm_topic.topic.topic_arn,
            "SymbolsParameter": made.symbols.parameter_name,
            "VendorSecret": made.vendor_tokens.secret_arn,
            "StateMachineArn": self._audit.machine.state_machine_arn,
            "BackfillMachineArn": self._backfill.machine.state_machine_arn,
            "Dashboard": self._settings.stack_name,
        }
        for step in self._functions.all:
            outputs[f"{step.node.id}Function"] = step.function.function_name
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
