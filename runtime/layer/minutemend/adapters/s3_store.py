"""The store over one S3 bucket. S3 is strongly consistent: what was put is listed and read at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from minutemend.core.errors import MinutemendError
from minutemend.ports.store import Store, StoreConflict, Stored, is_object

_DELETE_AT_ONCE = 1000  # DeleteObjects takes no more
_CONFLICTS = {"PreconditionFailed", "412"}
# Another conditional write to the key was under way: the winner is not known yet, so it is asked again.
_UNDECIDED = {"ConditionalRequestConflict", "409"}
_TRIES = 4  # waits 0.1, 0.2, 0.4 s between them
_GONE = {"NoSuchKey", "404", "NotFound"}


class DeleteFailed(MinutemendError):
    """S3 would not delete some objects; the message names the first."""


class S3Store(Store):
    """Objects of one bucket."""

    def __init__(self, s3: Any, bucket: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._s3 = s3
        self.bucket = bucket
        self._sleep = sleep

    def put(self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        condition: dict[str, str] = {}
        if if_absent:
            condition["IfNoneMatch"] = "*"
        if if_match is not None:
            condition["IfMatch"] = if_match
        for one_try in range(_TRIES):
            try:
                return str(self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, **condition)["ETag"])
            except ClientError as error:
                code = _code(error)
                # If-Match on an object that is gone is NoSuchKey.
                if code in _CONFLICTS or (if_match is not None and code in _GONE):
                    raise StoreConflict(f"{key} is not what this write was conditioned on") from error
                if code not in _UNDECIDED or one_try == _TRIES - 1:
                    raise
            self._sleep(0.1 * 2**one_try)
        raise AssertionError("the last try returns or raises")

    def get(self, key: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            raise
        return body

    def head(self, key: str) -> Stored | None:
        try:
            found = self._s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            raise
        return Stored(key, found["ContentLength"], found["ETag"], found["LastModified"])

    def list(self, prefix: str) -> list[Stored]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return sorted(
            Stored(entry["Key"], entry["Size"], entry["ETag"], entry["LastModified"])
            for page in pages
            for entry in page.get("Contents", ())
            if is_object(entry["Key"])
        )

    def delete(self, keys: Iterable[str]) -> None:
        for some in _batches(keys):
            objects = {"Objects": [{"Key": key} for key in some], "Quiet": True}
            errors = self._s3.delete_objects(Bucket=self.bucket, Delete=objects).get("Errors", ())
            for error in errors:
                raise DeleteFailed(f"{error.get('Key')}: {error.get('Code')} {error.get('Message')}")


def _batches(keys: Iterable[str]) -> Iterable[list[str]]:
    waiting = iter(keys)
    while some := [*islice(waiting, _DELETE_AT_ONCE)]:
        yield some


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
