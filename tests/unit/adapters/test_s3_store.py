"""S3: what a conditional write may come to. The rest is in tests/contracts/store.py, on a real endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from minutemend.adapters.s3_store import S3Store
from minutemend.ports import StoreConflict


class StubS3:
    """Fails with each code in turn, then takes the object."""

    def __init__(self, *codes: str) -> None:
        self._codes = list(codes)
        self.puts = 0
        self.sent: list[dict[str, Any]] = []

    def put_object(self, **given: Any) -> dict[str, str]:
        self.puts += 1
        self.sent.append(given)
        if self._codes:
            raise ClientError({"Error": {"Code": self._codes.pop(0)}}, "PutObject")
        return {"ETag": "etag"}


def put(s3: StubS3, **condition: Any) -> str:
    return S3Store(s3, "bucket", sleep=lambda _: None).put("key", b"", **condition)


def test_a_write_that_is_undecided_is_tried_again_and_not_taken_for_done() -> None:
    """409: another conditional write of the key is under way, and it may still fail."""
    s3 = StubS3("ConditionalRequestConflict", "ConditionalRequestConflict")
    assert (put(s3, if_absent=True), s3.puts) == ("etag", 3)
    with pytest.raises(ClientError):
        put(StubS3(*["ConditionalRequestConflict"] * 4), if_absent=True)


def test_an_object_that_is_there_is_a_conflict_at_once() -> None:
    s3 = StubS3("PreconditionFailed")
    with pytest.raises(StoreConflict):
        put(s3, if_absent=True)
    assert s3.puts == 1


def test_a_condition_on_an_object_that_is_gone_is_a_conflict() -> None:
    with pytest.raises(StoreConflict):
        put(StubS3("NoSuchKey"), if_match="etag")


def test_other_trouble_is_raised() -> None:
    with pytest.raises(ClientError):
        put(StubS3("AccessDenied"), if_absent=True)


def test_the_condition_is_what_s3_is_told() -> None:
    """Without it a write would replace what somebody else wrote meanwhile."""
    s3 = StubS3()
    put(s3, if_match="etag-1")
    put(s3, if_absent=True)
    put(s3)
    told = [{name: sent[name] for name in ("IfMatch", "IfNoneMatch") if name in sent} for sent in s3.sent]
    assert told == [{"IfMatch": "etag-1"}, {"IfNoneMatch": "*"}, {}]
