"""Objects of S3 as files on this disk: `s3://bucket/key`, all below a folder, or a pattern, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path
from typing import Any

from minutemend.core.errors import BadInput

from mend.bars.paths import LOGS, REFUSED, is_hidden

SCHEME = "s3://"


def any_of_s3(paths: Sequence[str]) -> bool:
    """Whether one of the paths is in S3."""
    return any(path.startswith(SCHEME) for path in paths)


def fetch(
    paths: Sequence[str], s3: Any, folder: Path, *, tell: Callable[[int, int], None] = lambda *_: None
) -> list[str]:
    """The paths, with those in S3 replaced by files below `folder`, where their keys are the folders' names.

    An object is as large as it is: it is written as it comes and never held whole. `tell` hears how many bytes of how
    many are there. Raises BadInput for what is not there.
    """
    wanted = {path: _objects(path, s3) for path in paths if path.startswith(SCHEME)}
    whole = sum(size for found in wanted.values() for _, _, size in found)
    done, local = 0, []
    for path in paths:
        if path not in wanted:
            local.append(path)
        for bucket, key, _ in wanted.get(path, ()):
            file = folder / bucket / key
            if not file.resolve().is_relative_to(folder.resolve()):
                raise BadInput(f"{SCHEME}{bucket}/{key} has a key that is no path: another name would be right")
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as out:
                for part in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
                    out.write(part)
                    done += len(part)
                    tell(done, whole)
            local.append(str(file))
    return local


def _objects(path: str, s3: Any) -> list[tuple[str, str, int]]:
    """Bucket, key and size of the objects that a path names, sorted by key: one, all below a folder, or a pattern's."""
    bucket, _, wanted = path.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise BadInput(f"{path} names no bucket: s3://bucket/folder/ would be right")
    magic = has_magic(wanted)
    prefix = wanted[: min(wanted.index(mark) for mark in "*?[" if mark in wanted)] if magic else wanted
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    there = {row["Key"]: int(row["Size"]) for page in pages for row in page.get("Contents", ())}
    _refuse_logged(bucket, there)
    if magic:
        keys = [key for key in there if fnmatchcase(key, wanted)]
    elif wanted in there and not wanted.endswith("/"):
        keys = [wanted]
    else:
        below = wanted if not wanted or wanted.endswith("/") else f"{wanted}/"
        keys = [
            key
            for key in there
            if key.startswith(below) and not any(map(is_hidden, key.removeprefix(below).split("/")))
        ]
    found = [(bucket, key, there[key]) for key in sorted(keys) if there[key] and not key.endswith("/")]
    if not found:
        what = "no object matches" if magic else "there is no object and no folder"
        raise BadInput(f"{what} {path}")
    return found


def _refuse_logged(bucket: str, keys: Iterable[str]) -> None:
    """Raises BadInput for a table of whose files a log says which count."""
    for key in keys:
        *above, name = key.split("/")
        log = next((one for one in LOGS if one in above), None)
        if above[-1:] == ["metadata"] and name.endswith(".metadata.json"):
            log = "metadata"
        if log is not None:
            table = "/".join((bucket, *above[: above.index(log)]))
            raise BadInput(f"{SCHEME}{table} is {LOGS.get(log, 'an Iceberg table')}, {REFUSED}")
