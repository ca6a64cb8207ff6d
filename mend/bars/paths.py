"""Paths, folders and globs as files: each once, and what is left out is named."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from minutemend.core.errors import BadInput

from mend.bars.names import symbol_partition
from mend.bars.no_bars import Broken, NoBars, unfinished

STANDARD_INPUT = "-"
# What engines write beside their data. Other names may begin with an underscore: _VIX.csv.
_ENGINES = re.compile(
    r"(?i)_(success|failure|metadata|common_metadata|committed_.*|started_.*|delta_log|delta_index|change_data"
    r"|spark_metadata|symlink_format_manifest|temporary|tmp\..*|logs|impala_insert_staging)|__pycache__|__macosx"
)
# Logs that say which of the files beside them count.
LOGS = {"_delta_log": "a Delta table", ".hoodie": "a Hudi table", "_spark_metadata": "written by a stream of Spark"}
REFUSED = "whose log says which of its files count: its current version, written anew as Parquet files, would be right"


class Nothing(NoBars):
    """What holds nothing to be read: a hidden file, an empty folder."""


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
    tables: dict[str, Found | None] = {}
    for path in paths:
        if not path.strip():
            raise BadInput("an empty path names nothing: a file, a folder or a pattern would be right")
        if path == STANDARD_INPUT:
            found[path] = Found(path, True)
            continue
        for one in _named(path):
            if (table := _table_above(os.path.dirname(os.path.realpath(one.path)), tables)) is not None:
                one = replace(table, asked=one.asked)  # noqa: PLW2901
            place = _place(one)
            known = found.get(place)
            if known is None or (one.asked and not known.asked):
                found[place] = one
    return sorted(found.values(), key=lambda one: one.path)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is no data by its name, as engines take it."""
    return name.startswith(".") or _ENGINES.fullmatch(name) is not None


def _table_above(folder: str, known: dict[str, Found | None]) -> Found | None:
    """The table with a log that a folder belongs to, as a flaw; `known` are those that were looked for before."""
    if folder not in known:
        above = os.path.dirname(folder)
        log = next((what for name, what in LOGS.items() if os.path.isdir(os.path.join(folder, name))), None)
        if log is None and glob.glob(os.path.join(glob.escape(folder), "metadata", "[v0-9]*.metadata.json")):
            log = "an Iceberg table"
        inner = os.path.relpath(folder)
        shown = folder if inner.startswith(os.pardir) else inner
        table = None if log is None else Found(shown, False, Broken(f"it is {log}, {REFUSED}"))
        known[folder] = table or (None if above == folder else _table_above(above, known))
    return known[folder]


def _named(path: str) -> list[Found]:
    """The files of one path. Raises BadInput where it names none."""
    if os.path.isdir(path):
        inside = list(_inside(path, path))
        if all(isinstance(one.flaw, Nothing) for one in inside):
            raise BadInput(f"{path} is a folder without files: one with files of bars would be right")
        if inside == [Found(path, False, inside[0].flaw)]:
            raise BadInput(f"{path}: {inside[0].flaw}")
        return inside
    if os.path.exists(path):
        return [Found(path, True, unfinished(path))]
    if os.path.islink(path):
        raise BadInput(f"{path}: {_dangling(path)}")
    matches = [one for match in glob.glob(path, recursive=True) for one in _matched(match)]
    if not matches:
        if "://" in path:
            raise BadInput(f"{path} is not on this machine: files and folders that are would be right")
        what = "nothing matches" if glob.has_magic(path) else "there is no file or folder"
        raise BadInput(f"{what} {path}{_near(path)}")
    return matches


def _matched(path: str) -> list[Found]:
    """What a pattern's match stands for: a folder for what is in it."""
    if any(map(_ENGINES.fullmatch, Path(path).parts)) or _is_mark(*os.path.split(path)):
        return []
    return list(_inside(path, os.path.dirname(path))) if os.path.isdir(path) else [_looked_at(path)]


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
    if not stat.S_ISREG(kind):
        return Found(path, False, NoBars("it is no file, but a pipe or a device"))
    return Found(path, False, unfinished(path))


def _dangling(path: str) -> Broken:
    return Broken(f"it is a link to {os.readlink(path)}, which is not there: the file that it names would be right")


def unopened(problem: OSError) -> Broken:
    """What the system would not open or read, in a few words."""
    return Broken(f"it cannot be read: {problem.strerror or problem}")


def _inside(folder: str, above: str) -> Iterator[Found]:
    """The files of a folder and of those in it, by links too; then what holds none, below `above`, with a word."""
    unread: list[OSError] = []
    seen: set[str] = set()  # a link may lead to a folder above
    hidden: list[str] = []
    filled: set[str] = set()
    leaves: list[str] = []
    for root, folders, files in os.walk(folder, onerror=unread.append, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        left_out = {name for name in (*folders, *files) if is_hidden(name) or _is_mark(root, name)}
        hidden += [os.path.join(root, name) for name in sorted(left_out)]
        folders[:] = [name for name in folders if name not in left_out]
        shown = [os.path.join(root, name) for name in files if name not in left_out]
        yield from map(_looked_at, shown)
        if shown:
            filled.update(_down_to(above, root))
        elif not folders:
            leaves.append(root)
    yield from (Found(str(problem.filename), False, unopened(problem)) for problem in unread)
    yield from _empty(above, leaves, filled)
    yield from _alike(hidden, "it is taken as hidden")


def _is_mark(root: str, name: str) -> bool:
    """Whether it is what jobs leave when they have ended: `_DONE`, without a byte."""
    path = os.path.join(root, name)
    return name.startswith("_") and "." not in name and os.path.isfile(path) and os.path.getsize(path) == 0


def _empty(above: str, leaves: Sequence[str], filled: set[str]) -> Iterator[Found]:
    """The folders without a file below them; those of a symbol, whose bars are missed, by themselves."""
    named: set[str] = set()
    others: set[str] = set()
    for leaf in leaves:
        bare = [one for one in _down_to(above, leaf) if one not in filled]
        of_symbol = [one for one in bare if symbol_partition(os.path.basename(one))]
        named.update(of_symbol[:1])
        others.update(() if of_symbol else bare[:1])
    flaw = Broken("it is the folder of a symbol, and holds no file: its bars, or no such folder, would be right")
    yield from (Found(one, False, flaw) for one in sorted(named))
    yield from _alike(sorted(others), "it is a folder without files")


def _alike(paths: Sequence[str], why: str) -> Iterator[Found]:
    """One word for all of them."""
    if paths:
        others = len(paths) - 1
        more = f", and so {'is' if others == 1 else 'are'} {others:,} more" if others else ""
        yield Found(paths[0], False, Nothing(f"{why}{more}"))


def _down_to(folder: str, root: str) -> list[str]:
    """The folders below the first, down to the second."""
    inner = os.path.relpath(root, folder)
    return [] if inner == os.curdir else list(accumulate([folder, *inner.split(os.sep)], os.path.join))[1:]


def _near(path: str) -> str:
    from difflib import get_close_matches

    parent = Path(path).parent
    if not parent.is_dir():
        return ""
    near = get_close_matches(Path(path).name, os.listdir(parent), n=3)
    return f": did you mean {', '.join(str(parent / name) for name in near)}?" if near else ""
