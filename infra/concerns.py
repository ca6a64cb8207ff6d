"""The concerns that resources are tagged by, so that the bill can be read by them."""

from __future__ import annotations

from enum import StrEnum

from aws_cdk import Tags
from constructs import IConstruct

TAG = "concern"


class Concern(StrEnum):
    """What a resource is for."""

    CAPTURE = "capture"
    AUDIT = "audit"
    REPAIR = "repair"
    PUBLISH = "publish"
    OPERATE = "operate"


def tag(construct: IConstruct, concern: Concern) -> None:
    """Tag the construct and all below it; a construct nearer to the resource wins."""
    Tags.of(construct).add(TAG, concern.value)
