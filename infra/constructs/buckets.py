"""The data bucket, which is kept, and the results bucket, in which everything expires."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct
from minutemend.contract import Table

from infra.concerns import Concern, tag
from infra.settings import StageSettings

ACCESS_LOGS_PREFIX = "access-logs/"
LOOKS_KEPT = Duration.days(90)


class Buckets(Construct):
    """`data` and `results`: private, TLS only, encrypted; deleted with the stack only when both switches say so."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        self.results = self._bucket(
            "Results",
            settings=settings,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(settings.results_expire.days),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )
        self.data = self._bucket(
            "Data",
            settings=settings,
            # Compaction and repair rewrite objects: for a week, what they replaced can be had back.
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(7),
                    expired_object_delete_marker=True,
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                ),
                # What was not decided on in a quarter; the vendor is looked at again with each repair nearby.
                s3.LifecycleRule(prefix=f"{Table.LOOKS.value}/", expiration=LOOKS_KEPT),
            ],
            server_access_logs_bucket=self.results,
            server_access_logs_prefix=ACCESS_LOGS_PREFIX,
        )
        tag(self.data, Concern.CAPTURE)
        tag(self.results, Concern.AUDIT)

    def _bucket(self, name: str, *, settings: StageSettings, **more: Any) -> s3.Bucket:
        return s3.Bucket(
            self,
            name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            # A first deploy that fails leaves no bucket behind; from then on it stays, whatever becomes of the stack.
            removal_policy=(
                RemovalPolicy.DESTROY if settings.delete_data else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
            ),
            # The emulator never ends the custom resource that empties a bucket.
            auto_delete_objects=settings.delete_data and not settings.emulated,
            **more,
        )
