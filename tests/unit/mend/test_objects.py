"""Objects of S3 become files, one after the other, under the names of their keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from minutemend.core.errors import BadInput

from mend.objects import any_of_s3, fetch

KEYS = {
    "bars/dt=2013-10-04/a.csv": b"aa",
    "bars/dt=2013-10-05/b.csv": b"b" * 3_000_000,
    "bars/_SUCCESS": b"x",
    "bars/empty.csv": b"",
    "bars.csv": b"c",
    "other/d.csv": b"d",
}


class Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        assert size <= 1 << 20, "never whole in memory"
        for first in range(0, len(self._body), size):
            yield self._body[first : first + size]


class FakeS3:
    """One bucket, two keys to a page."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get_paginator(self, name: str) -> FakeS3:
        assert name == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert Bucket == "mine"
        keys = [key for key in sorted(self.objects) if key.startswith(Prefix)]
        for first in range(0, max(1, len(keys)), 2):
            rows = [{"Key": key, "Size": len(self.objects[key])} for key in keys[first : first + 2]]
            yield {"Contents": rows} if rows else {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == "mine"
        return {"Body": Body(self.objects[Key])}


def fetched(folder: Path, *paths: str) -> list[str]:
    return [Path(one).relative_to(folder / "mine").as_posix() for one in fetch(paths, FakeS3(KEYS), folder)]


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("s3://mine/bars.csv", ["bars.csv"]),
        ("s3://mine/bars", ["bars/dt=2013-10-04/a.csv", "bars/dt=2013-10-05/b.csv"]),
        ("s3://mine/bars/", ["bars/dt=2013-10-04/a.csv", "bars/dt=2013-10-05/b.csv"]),
        ("s3://mine/bars/dt=*-05/*.csv", ["bars/dt=2013-10-05/b.csv"]),
        ("s3://mine", ["bars.csv", "bars/dt=2013-10-04/a.csv", "bars/dt=2013-10-05/b.csv", "other/d.csv"]),
    ],
)
def test_an_object_a_folder_and_a_pattern(tmp_path: Path, path: str, keys: list[str]) -> None:
    """What is empty or named as no data is left out, as on a disk."""
    assert fetched(tmp_path, path) == keys
    assert all((tmp_path / "mine" / key).read_bytes() == KEYS[key] for key in keys)


def test_paths_of_this_machine_stay_as_they_are_and_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    given = ["here.csv", "s3://mine/bars/"]
    assert any_of_s3(given)
    local = fetch(given, FakeS3(KEYS), tmp_path, tell=lambda *news: told.append(news))
    assert local[0] == "here.csv"
    assert (told[0], told[-1], len(told)) == ((2, 3_000_002), (3_000_002, 3_000_002), 4)


@pytest.mark.parametrize("path", ["s3://mine/nothing", "s3://mine/*.parquet", "s3://mine/bars/empty.csv", "s3:///x"])
def test_what_is_not_there_is_said(tmp_path: Path, path: str) -> None:
    with pytest.raises(BadInput, match=r"s3://"):
        fetched(tmp_path, path)


def test_a_key_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no path"):
        fetch(["s3://mine/a/../../../x"], FakeS3({"a/../../../x": b"x"}), tmp_path)
