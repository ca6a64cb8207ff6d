"""The buckets: private, encrypted, TLS only; the data stays, the results expire."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Capture, Match, Template

from app import new_app
from infra.constructs.buckets import Buckets
from infra.settings import DEV
from tests.unit.infra.conftest import LOCAL

EMPTIES_BUCKETS = "Custom::S3AutoDeleteObjects"


def test_both_are_private_encrypted_and_tls_only(template: Template) -> None:
    private = dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), Match.exact(True)
    )
    template.all_resources_properties(
        "AWS::S3::Bucket",
        {"PublicAccessBlockConfiguration": private, "BucketEncryption": Match.any_value()},
    )
    template.resource_count_is("AWS::S3::Bucket", 2)
    template.resource_count_is("AWS::S3::BucketPolicy", 2)
    plain = {"Effect": "Deny", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    template.all_resources_properties(
        "AWS::S3::BucketPolicy",
        {"PolicyDocument": {"Statement": Match.array_with([Match.object_like(plain)])}},
    )


def test_everything_in_the_results_bucket_expires(template: Template) -> None:
    """Its one rule has no prefix and is in force."""
    rules = Capture()
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {"VersioningConfiguration": Match.absent(), "LifecycleConfiguration": {"Rules": rules}},
    )
    [rule] = rules.as_array()
    assert (rule["Status"], "Prefix" in rule) == ("Enabled", False)
    assert rule["ExpirationInDays"] >= 1


def test_of_the_data_bucket_only_replaced_versions_and_looks_go_away(template: Template) -> None:
    rules = Capture()
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {"VersioningConfiguration": {"Status": "Enabled"}, "LifecycleConfiguration": {"Rules": rules}},
    )
    rule, looks = rules.as_array()
    assert "ExpirationInDays" not in rule
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert (looks["Prefix"], looks["ExpirationInDays"]) == ("looks/", 90)


def test_they_outlive_the_stack_but_not_a_first_deploy_that_failed(template: Template) -> None:
    """Retained from the moment on at which they were made: else each failed attempt would leave two behind."""
    template.all_resources(
        "AWS::S3::Bucket", {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    )


@pytest.mark.parametrize(("settings", "emptied"), [(DEV, 2), (LOCAL, 0)])
def test_both_switches_together_empty_and_delete_them(settings: object, emptied: int, tmp_path: Path) -> None:
    """The emulator never ends the custom resource that empties a bucket, and is spared it."""
    stack = Stack(new_app(str(tmp_path)), "S")
    Buckets(stack, "B", settings=replace(settings, delete_data=True))  # type: ignore[type-var]
    template = Template.from_stack(stack)
    template.resource_count_is(EMPTIES_BUCKETS, emptied)
    template.all_resources("AWS::S3::Bucket", {"DeletionPolicy": "Delete"})
