"""Paths, folders and globs as files: each once, and what is left out is named."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minutemend.core.errors import BadInput

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was named (`asked`) or found in a folder or by a glob. `path` is as the user would write it."""

    path: str
    asked: bool


def find_files(paths: Sequence[str]) -> list[Found]:
    """The files that the paths name, sorted, each once however often it is named. Raises BadInput.

    A path that is there is taken as it is, whatever characters it holds; only what is not there is a pattern.
    """
    if not paths:
        raise BadInput("no file is named: a file, a folder or a pattern of bars would be right")
    found: dict[object, Found] = {}

    def add(path: str, *, asked: bool) -> None:
        there = os.stat(path)
        known = found.get((there.st_dev, there.st_ino))
        if known is None or (asked and not known.asked):
            found[there.st_dev, there.st_ino] = Found(path, asked)

    for path in paths:
        if not path.strip():
            raise BadInput("an empty path names nothing: a file, a folder or a pattern would be right")
        if path == STANDARD_INPUT:
            found[path] = Found(path, True)
        elif os.path.isdir(path):
            inside = _inside(path)
            if not inside:
                raise BadInput(f"{path} is a folder without files: one with files of bars would be right")
            for one in inside:
                add(one, asked=False)
        elif os.path.exists(path):
            add(path, asked=True)
        else:
            matches = [one for one in glob.glob(path, recursive=True) if os.path.isfile(one)]
            if not matches:
                what = "nothing matches" if glob.has_magic(path) else "there is no file or folder"
                raise BadInput(f"{what} {path}{_near(path)}")
            for one in matches:
                add(one, asked=False)
    return sorted(found.values(), key=lambda one: one.path)


def _inside(folder: str) -> list[str]:
    inside = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        inside += [os.path.join(root, name) for name in files if not name.startswith((".", "_"))]
    return sorted(inside)


def _near(path: str) -> str:
    from difflib import get_close_matches

    parent = Path(path).parent
    if not parent.is_dir():
        return ""
    near = get_close_matches(Path(path).name, os.listdir(parent), n=3)
    return f": did you mean {', '.join(str(parent / name) for name in near)}?" if near else ""
