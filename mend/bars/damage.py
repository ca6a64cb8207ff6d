"""Damage inside a text, looked for while DuckDB reads it, which says nothing of it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from mend.bars.no_bars import Broken
from mend.bars.unpack import DAMAGED, Member

Read = TypeVar("Read")


def meanwhile(members: Sequence[Member], looked: dict[str, Member], read: Callable[[], Read]) -> Read:
    """What `read` reads. `looked` has the files then as they proved, by their path; none is looked through twice."""
    with ThreadPoolExecutor() as pool:
        proved = pool.map(_looked_through, [one for one in members if one.path not in looked])
        done = read()
        looked.update((one.path, one) for one in proved)
    return done


def _looked_through(member: Member) -> Member:
    """As it is to its end: torn where NUL bytes are in it or quotes are no pairs, and flawed where what is packed fails
    its checksum."""
    if member.kind != "text" or member.torn:
        return member
    torn, quotes = "", 0
    try:
        with (open if member.compression == "none" else gzip.open)(member.path, "rb") as file:
            while block := file.read(1 << 20):
                torn = torn or ("\0" if b"\0" in block else "")
                quotes += block.count(b'"')
    except DAMAGED as broken:
        return replace(member, flaw=Broken(f"it cannot be unpacked: {broken}"))
    torn = torn or ('"' if quotes % 2 else "")
    return replace(member, torn=torn) if torn else member
