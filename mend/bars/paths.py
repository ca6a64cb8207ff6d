"""Paths, folders and globs as files: each once, and what is left out is named."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from minutemend.core.errors import BadInput

from mend.bars.no_bars import Broken, NoBars

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was named (`asked`) or found in a folder or by a glob. `path` is as the user would write it, `flaw`
    why it cannot be opened."""

    path: str
    asked: bool
    flaw: NoBars | None = None


def find_files(paths: Sequence[str]) -> list[Found]:
    """The files that the paths name, sorted, each once however often it is named. Raises BadInput.

    A path that is there is taken as it is, whatever characters it holds; only what is not there is a pattern. What a
    folder or a pattern holds and cannot be opened has its flaw, and costs itself alone.
    """
    if not paths:
        raise BadInput("no file is named: a file, a folder or a pattern of bars would be right")
    found: dict[object, Found] = {}
    for path in paths:
        if not path.strip():
            raise BadInput("an empty path names nothing: a file, a folder or a pattern would be right")
        if path == STANDARD_INPUT:
            found[path] = Found(path, True)
            continue
        for one in _named(path):
            place = _place(one)
            known = found.get(place)
            if known is None or (one.asked and not known.asked):
                found[place] = one
    return sorted(found.values(), key=lambda one: one.path)


def _named(path: str) -> list[Found]:
    """The files of one path. Raises BadInput where it names none."""
    if os.path.isdir(path):
        inside = list(_inside(path))
        if not inside:
            raise BadInput(f"{path} is a folder without files: one with files of bars would be right")
        if inside == [Found(path, False, inside[0].flaw)]:
            raise BadInput(f"{path}: {inside[0].flaw}")
        return inside
    if os.path.exists(path):
        return [Found(path, True)]
    if os.path.islink(path):
        raise BadInput(f"{path}: {_dangling(path)}")
    matches = [_looked_at(one) for one in glob.glob(path, recursive=True) if not os.path.isdir(one)]
    if not matches:
        if "://" in path:
            raise BadInput(f"{path} is not on this machine: files and folders that are would be right")
        what = "nothing matches" if glob.has_magic(path) else "there is no file or folder"
        raise BadInput(f"{what} {path}{_near(path)}")
    return matches


def _place(one: Found) -> object:
    """The same for two names of one file."""
    if one.flaw is not None:
        return one.path
    there = os.stat(one.path)
    return there.st_dev, there.st_ino


def _looked_at(path: str) -> Found:
    """A file that was not named itself, with what keeps it from being opened."""
    try:
        kind = os.stat(path).st_mode
    except OSError as problem:
        return Found(path, False, _dangling(path) if os.path.islink(path) else unopened(problem))
    return Found(path, False, None if stat.S_ISREG(kind) else NoBars("it is no file, but a pipe or a device"))


def _dangling(path: str) -> Broken:
    return Broken(f"it is a link to {os.readlink(path)}, which is not there: the file that it names would be right")


def unopened(problem: OSError) -> Broken:
    """What the system would not open or read, in a few words."""
    return Broken(f"it cannot be read: {problem.strerror or problem}")


def _inside(folder: str) -> Iterator[Found]:
    """The files of a folder and of those in it, by links too; hidden ones are left out."""
    unread: list[OSError] = []
    seen: set[str] = set()  # a link may lead to a folder above
    for root, folders, files in os.walk(folder, onerror=unread.append, followlinks=True):
        real = os.path.realpath(root)
        folders[:] = [] if real in seen else [name for name in folders if not name.startswith((".", "_"))]
        if real not in seen:
            yield from (_looked_at(os.path.join(root, name)) for name in files if not name.startswith((".", "_")))
        seen.add(real)
    yield from (Found(str(problem.filename), False, unopened(problem)) for problem in unread)


def _near(path: str) -> str:
    from difflib import get_close_matches

    parent = Path(path).parent
    if not parent.is_dir():
        return ""
    near = get_close_matches(Path(path).name, os.listdir(parent), n=3)
    return f": did you mean {', '.join(str(parent / name) for name in near)}?" if near else ""
