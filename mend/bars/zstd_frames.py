"""zstd, which DuckDB unpacks. A cut file it reads as far as it goes, and says nothing: whether it ends where its frames
do is seen here."""

from __future__ import annotations

import os
from typing import IO

from mend.bars.no_bars import Broken

_MAGIC, _SKIPPABLE = 0xFD2FB528, 0x184D2A5
_REPEATED, _COMPRESSED = 1, 2  # kinds of blocks


def zstd_lines(path: str) -> str:
    """The query for the lines of a text."""
    safe = path.replace("'", "''")
    return (
        f"SELECT line FROM read_csv('{safe}', columns = {{'line': 'VARCHAR'}}, delim = '\\x01', quote = '', "  # noqa: S608
        "escape = '', header = false, auto_detect = false, compression = 'zstd', max_line_size = 16777216)"
    )


def refuse_cut(path: str) -> None:
    """Walk over the blocks without unpacking them (RFC 8878, 3.1). Raises Broken where the file ends inside a frame."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        while file.tell() < size:
            _over_frame(file)
            if file.tell() > size:
                raise _cut()


def _over_frame(file: IO[bytes]) -> None:
    magic = _number(file, 4)
    if magic >> 4 == _SKIPPABLE:
        _over(file, _number(file, 4))
        return
    if magic != _MAGIC:
        raise Broken("it cannot be unpacked: what follows its zstd frame is none")
    says = _number(file, 1)
    single, checked = bool(says & 0x20), bool(says & 0x04)
    content = (1 if single else 0, 2, 4, 8)[says >> 6]
    _over(file, (0 if single else 1) + (0, 1, 2, 4)[says & 3] + content)
    last = False
    while not last:
        block = _number(file, 3)
        last, kind, length = bool(block & 1), block >> 1 & 3, block >> 3
        if kind > _COMPRESSED:
            raise Broken("it cannot be unpacked: a zstd block of an unknown kind")
        _over(file, 1 if kind == _REPEATED else length)
    _over(file, 4 if checked else 0)


def _number(file: IO[bytes], length: int) -> int:
    read = file.read(length)
    if len(read) < length:
        raise _cut()
    return int.from_bytes(read, "little")


def _over(file: IO[bytes], length: int) -> None:
    file.seek(length, os.SEEK_CUR)


def _cut() -> Broken:
    return Broken("it cannot be unpacked: it ends inside a zstd frame")
